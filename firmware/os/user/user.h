/* What the tasks share: system calls by name, printing, and the messages that they send each other. */
#pragma once
#include "../common/abi.h"

i32 system_call(u32 number, ...);

#define ADDRESS(pointer) ((u32)(pointer))
static inline i32 write(const void *bytes, u32 length) { return system_call(SYS_WRITE, ADDRESS(bytes), length); }
static inline i32 read(void *bytes, u32 length) { return system_call(SYS_READ, ADDRESS(bytes), length); }
static inline bool interrupted(void) { return system_call(SYS_INTERRUPTED) == 1; }
static inline i32 ask(u32 task, const void *bytes, u32 length) { return system_call(SYS_ASK, task, ADDRESS(bytes), length); }
static inline i32 answer(u32 task, const void *bytes, u32 length) { return system_call(SYS_ANSWER, task, ADDRESS(bytes), length); }
static inline i32 receive(void *bytes, u32 capacity, u32 *from) { return system_call(SYS_RECEIVE, ADDRESS(bytes), capacity, ADDRESS(from)); }
static inline i32 disk(enum disk_operation operation, u32 sector, const void *bytes, u32 sectors) {
  return system_call(SYS_DISK, operation, sector, ADDRESS(bytes), sectors);
}
static inline i32 system_info(struct system_info *info) { return system_call(SYS_SYSTEM, ADDRESS(info)); }

void print(const char *pattern, ...);
/** Prints into `to`, zero-ended and cut to `capacity`; returns the length without the zero. */
u32 print_to(char *to, u32 capacity, const char *pattern, ...);

/** The next word of *text (words are parted by blanks), or NULL; *text is left after it, and after the blanks that follow it. */
char *next_word(char **text);
bool parse_number(const char *text, u32 *number); /* decimal, all of it, below 2^32 */

/* Keys and values are zero-ended strings of printable ASCII; keys have no blanks. */
#define KEY_BYTES 32
#define VALUE_BYTES 96

enum kv_operation { KV_GET, KV_SET, KV_DEL, KV_LIST, KV_STATUS, KV_CRASH };
enum kv_status { KV_OK, KV_NONE, KV_FULL, KV_IO_ERROR };
struct kv_message {
  u32 operation, status;
  u32 index; /* KV_LIST: the place to look from, and then where to look next; KV_STATUS: how many keys */
  char key[KEY_BYTES], value[VALUE_BYTES];
};

enum work_operation { WORK_SUM, WORK_ECHO, WORK_CRASH };
struct work_message { u32 operation, first, count, result; };
