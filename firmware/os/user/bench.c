/* The shell's `bench`: small workloads, each with its operations and the guest's ticks (10 MHz). */
#include "shell.h"

#define SIEVE_CRC 0xc3c57c01u /* of the sieve when it is right */

static u32 cpu(void) {
  static u8 composite[32768];
  memset(composite, 0, sizeof composite);
  for (u32 i = 2; i < sizeof composite; i++) {
    if (composite[i]) continue;
    for (u32 j = i * 2; j < sizeof composite; j += i) composite[j] = 1;
  }
  return crc32(composite, sizeof composite) == SIEVE_CRC ? sizeof composite : 0;
}

static u32 syscalls(void) {
  u32 count = 10000;
  for (u32 i = 0; i < count; i++) system_call(SYS_NONE);
  return count;
}

static u32 messages(void) {
  u32 count = 1000;
  for (u32 i = 0; i < count; i++) {
    struct work_message work = {WORK_ECHO, i, 0, 0};
    if (!call(TASK_WORKER0, &work, sizeof work)) return i;
  }
  return count;
}

/* Durable writes through the kv server, all to one key: the store does not grow. */
static u32 durable(void) {
  u32 count = 32;
  for (u32 i = 0; i < count; i++) {
    struct kv_message m = {.operation = KV_SET, .key = "bench", .value = "bench"};
    if (stopped() || !call(TASK_KV, &m, sizeof m) || m.status != KV_OK) return i;
  }
  return count;
}

static const struct { const char *name, *unit; u32 (*run)(void); } workloads[] = {
    {"cpu", "bytes sieved", cpu},
    {"syscalls", "calls", syscalls},
    {"messages", "round trips", messages},
    {"disk", "durable writes", durable},
};

void bench(char *rest) {
  char *only = next_word(&rest);
  for (u32 i = 0; i < sizeof workloads / sizeof *workloads; i++) {
    if (only && strcmp(only, workloads[i].name) != 0) continue;
    u64 start = ticks_now();
    u32 operations = workloads[i].run();
    print("bench %-8s %u %s in %U ticks\n", workloads[i].name, operations, workloads[i].unit, ticks_now() - start);
  }
}
