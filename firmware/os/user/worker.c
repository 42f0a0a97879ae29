/* A worker: computes when asked, and faults when asked. Two of them run, so that the timer has something to share out. */
#include "user.h"

/* The sum, modulo 2^32, over i of (i * 2654435761) xor (i >> 7). */
static u32 sum(u32 first, u32 count) {
  u32 total = 0;
  for (u32 i = first; i - first < count; i++) total += (i * 2654435761u) ^ i >> 7;
  return total;
}

int main(void) {
  for (;;) {
    struct work_message work;
    u32 from;
    if (receive(&work, sizeof work, &from) != sizeof work || from >= TASKS) continue;
    if (work.operation == WORK_SUM) work.result = sum(work.first, work.count);
    if (work.operation == WORK_CRASH) *(volatile u32 *)work.first = 1;
    answer(from, &work, sizeof work);
  }
}
