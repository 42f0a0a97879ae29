/* What a task and the kernel agree on: system calls (number in a7, arguments in a0..a4, result in a0), tasks, messages. */
#pragma once
#include "types.h"

enum task_id { TASK_SHELL, TASK_KV, TASK_WORKER0, TASK_WORKER1, TASKS };

enum syscall {
  SYS_NONE,        /* () -> 0: the cost of a call and nothing else */
  SYS_WRITE,       /* (bytes, length) -> length: to the console */
  SYS_READ,        /* (bytes, length) -> at least one byte of console input; sleeps until there is one */
  SYS_INTERRUPTED, /* () -> 1 when a Ctrl-C is among the console input that waits */
  SYS_SLEEP,       /* (ticks) -> 0 */
  SYS_YIELD,       /* () -> 0 */
  SYS_ASK,         /* (task, bytes, length) -> 0: a message; its receiver owes an answer */
  SYS_ANSWER,      /* (task, bytes, length) -> 0: a message that settles what is owed */
  SYS_RECEIVE,     /* (bytes, capacity, u32 *from) -> length; sleeps until a message or, for the kv server, a frame is there */
  SYS_DISK,        /* (enum disk_operation, sector, bytes, sectors 1..8) -> 0 */
  SYS_FRAME,       /* (bytes, length) -> 0: an Ethernet frame out */
  SYS_RANDOM,      /* (bytes, length 1..64) -> length, from the entropy device */
  SYS_SYSTEM,      /* (struct system_info *) -> 0 */
  SYS_TASK,        /* (task, struct task_info *) -> 0 */
  SYS_POWEROFF,    /* () does not return */
  SYSCALLS
};

/* A call that cannot be done answers with one of these, as a negative number. */
enum error { BAD_CALL = -1, BAD_POINTER = -2, NO_DEVICE = -3, IO_ERROR = -4, BUSY = -5 };

enum disk_operation { DISK_READ, DISK_WRITE, DISK_FLUSH };
#define SECTOR_BYTES 512
#define DISK_MAX_SECTORS 8
#define FRAME_BYTES 1514
#define MESSAGE_BYTES 160

/* `from` of a received message: a task's number, with DIED when that task ended owing us an answer, or the net. */
#define FROM_DIED 0x100u
#define FROM_NET 0x200u

struct system_info {
  u32 memory_bytes, free_bytes;
  u32 disk_sectors; /* 0: no disk */
  u32 disk_read_only;
  u32 has_net, has_entropy;
  u8 mac[6], unused[2];
  u32 interrupts, switches;
};

enum task_state { TASK_READY, TASK_ASLEEP };

struct task_info {
  char name[12];
  u32 state, restarts, pages, switches;
  u64 ticks; /* on the hart */
};
