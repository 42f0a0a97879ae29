/* The shell on the console: reads a line, finds the command in a table, runs it. */
#include "shell.h"

#define LINE_BYTES 200

static u8 input[64];
static u32 input_at, input_count;

static u8 next_byte(void) {
  if (input_at == input_count) {
    input_count = read(input, sizeof input);
    input_at = 0;
  }
  return input[input_at++];
}

bool stopped(void) {
  for (u32 i = input_at; i < input_count; i++)
    if (input[i] == CTRL_C) return input_at = i + 1, true;
  if (!interrupted()) return false;
  while (next_byte() != CTRL_C) {}
  return true;
}

/* Echoes as it reads; backspace takes one character back, Ctrl-C the whole line. */
static void read_line(char *line) {
  static bool after_return;
  u32 length = 0;
  for (;;) {
    u8 byte = next_byte();
    bool second = byte == '\n' && after_return; /* a terminal sends \r, a script \n, some both */
    after_return = byte == '\r';
    if (second) continue;
    if (byte == '\r' || byte == '\n') {
      print("\n");
      line[length] = 0;
      return;
    }
    if (byte == CTRL_C) {
      print("^C\n" PROMPT);
      length = 0;
    } else if (byte == 0x7f || byte == '\b') {
      if (length) length--, print("\b \b");
    } else if (byte >= ' ' && byte < 0x7f && length < LINE_BYTES - 1) {
      line[length++] = byte;
      print("%c", byte);
    }
  }
}

bool call(u32 task, void *message, u32 length) {
  u32 from;
  i32 got;
  if (ask(task, message, length) != 0) return false;
  do got = receive(message, length, &from);
  while (from != task && from != (task | FROM_DIED));
  return from == task && got == (i32)length;
}

static void help(char *rest) {
  (void)rest;
  for (const struct command *c = commands; c->name; c++) print("  %-34s %s\n", c->usage, c->help);
}

static void ps(char *rest) {
  (void)rest;
  print("task  name     state   ticks         switches  restarts  pages\n");
  for (u32 i = 0; i < TASKS; i++) {
    struct task_info t;
    if (system_call(SYS_TASK, i, ADDRESS(&t)) != 0) continue;
    print("%4u  %-8s %-7s %-13U %-9u %-9u %u\n", i, t.name, t.state == TASK_READY ? "ready" : "asleep", t.ticks, t.switches, t.restarts, t.pages);
  }
}

static void uptime(char *rest) {
  (void)rest;
  struct system_info s;
  u64 ticks = ticks_now();
  system_info(&s);
  print("up %U.%u%u s, %u interrupts, %u switches\n", ticks / TICKS_PER_SECOND, (u32)(ticks / (TICKS_PER_SECOND / 10) % 10),
        (u32)(ticks / (TICKS_PER_SECOND / 100) % 10), s.interrupts, s.switches);
}

static void free(char *rest) {
  (void)rest;
  struct system_info s;
  system_info(&s);
  print("memory %u KiB, free %u KiB\n", s.memory_bytes >> 10, s.free_bytes >> 10);
}

/* Each worker does half: with the timer sharing out the hart, both are done at about the same time. */
static void sum(char *rest) {
  u32 count;
  if (!parse_number(next_word(&rest), &count)) return print("usage: sum N\n");
  struct work_message halves[2] = {{WORK_SUM, 0, count / 2, 0}, {WORK_SUM, count / 2, count - count / 2, 0}}, result;
  u32 total = 0, from, answers = 0;
  for (u32 i = 0; i < 2; i++) ask(TASK_WORKER0 + i, &halves[i], sizeof halves[i]);
  for (u32 i = 0; i < 2; i++) {
    if (receive(&result, sizeof result, &from) != sizeof result) continue; /* that worker died */
    answers++;
    total += result.result;
  }
  if (answers == 2) print("sum %u = %X\n", count, total);
  else print("sum: a worker died\n");
}

static void crash(char *rest) {
  char *name = next_word(&rest);
  struct work_message work = {WORK_CRASH, 0xdead0, 0, 0};
  struct kv_message kv = {.operation = KV_CRASH};
  bool alive = true;
  if (!name || strcmp(name, "worker0") == 0) alive = call(TASK_WORKER0, &work, sizeof work);
  else if (strcmp(name, "worker1") == 0) alive = call(TASK_WORKER1, &work, sizeof work);
  else if (strcmp(name, "kv") == 0) alive = call(TASK_KV, &kv, sizeof kv);
  else if (strcmp(name, "shell") == 0) *(volatile u32 *)0xdead0 = 1;
  else return print("usage: crash [worker0|worker1|kv|shell]\n");
  print("crash: %s\n", alive ? "it lives on" : "it died and was restarted");
}

static void random(char *rest) {
  (void)rest;
  u8 bytes[16];
  i32 count = system_call(SYS_RANDOM, ADDRESS(bytes), sizeof bytes);
  if (count <= 0) return print("random: no entropy device\n");
  for (i32 i = 0; i < count; i++) print("%x%x", bytes[i] >> 4, bytes[i] & 15);
  print("\n");
}

static void poweroff(char *rest) {
  (void)rest;
  system_call(SYS_POWEROFF);
}

const struct command commands[] = {
    {"help", "help", "this list", help},
    {"ps", "ps", "the tasks", ps},
    {"uptime", "uptime", "time since boot", uptime},
    {"free", "free", "memory", free},
    {"kv", "kv get KEY", "the value of a key", kv},
    {"", "kv set KEY VALUE", "durable when it says ok", NULL},
    {"", "kv del KEY", "durable when it says ok", NULL},
    {"", "kv list", "all keys and values", NULL},
    {"", "kv status", "where the store lives, and how full", NULL},
    {"", "kv load FIRST COUNT", "set kFIRST.. to vFIRST.., one ok each", NULL},
    {"", "kv check FIRST COUNT", "are they all there?", NULL},
    {"sum", "sum N", "a checksum computed by both workers", sum},
    {"bench", "bench [cpu|syscalls|messages|disk]", "small workloads, timed in ticks", bench},
    {"random", "random", "16 bytes of the entropy device", random},
    {"crash", "crash [TASK]", "a task faults; the kernel survives", crash},
    {"poweroff", "poweroff", "the end", poweroff},
    {NULL, NULL, NULL, NULL},
};

static void run(char *line) {
  char *name = next_word(&line);
  if (!name) return;
  for (const struct command *c = commands; c->name; c++)
    if (c->run && strcmp(name, c->name) == 0) return c->run(line);
  print("%s: no such command; try help\n", name);
}

static void banner(void) {
  struct system_info s;
  struct kv_message status = {.operation = KV_STATUS};
  system_info(&s);
  print("twinhart os: memory %u MiB, ", s.memory_bytes >> 20);
  if (s.disk_sectors) print("disk %u KiB%s, ", s.disk_sectors / 2, s.disk_read_only ? " read-only" : "");
  else print("no disk, ");
  if (s.has_net) {
    print("net ");
    for (u32 i = 0; i < 6; i++) print("%x%x%s", s.mac[i] >> 4, s.mac[i] & 15, i < 5 ? ":" : ", ");
  } else {
    print("no net, ");
  }
  print("%s\n", s.has_entropy ? "entropy" : "no entropy");
  if (call(TASK_KV, &status, sizeof status)) print("kv: %u keys, %s\n", status.index, status.value);
  print("ready\n");
}

int main(void) {
  char line[LINE_BYTES];
  banner();
  for (;;) {
    print(PROMPT);
    read_line(line);
    run(line);
  }
}
