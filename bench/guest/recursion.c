/* Recursion: Fibonacci, Takeuchi, Ackermann, Hanoi and the partitions of a number; calls, returns and the stack. */
#include "guest.h"

#define EXPECTED 0x3e310776u

#define DEEP __attribute__((noinline, optimize("no-inline", "no-optimize-sibling-calls")))

static u32 DEEP fibonacci(u32 n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

static i32 DEEP tak(i32 x, i32 y, i32 z) { return y < x ? tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y)) : z; }

static u32 DEEP ackermann(u32 m, u32 n) { return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1)); }

static u32 moves[3];
static void DEEP hanoi(u32 n, u32 from, u32 to) {
  if (n == 0) return;
  hanoi(n - 1, from, 3 - from - to);
  moves[to] += n;
  hanoi(n - 1, 3 - from - to, to);
}

static u32 DEEP partitions(i32 n, i32 largest) {
  if (n == 0) return 1;
  if (n < 0 || largest == 0) return 0;
  return partitions(n, largest - 1) + partitions(n - largest, largest);
}

int main(void) {
  u32 checksum = fibonacci(27);
  checksum = checksum * 31 + (u32)tak(16, 9, 2);
  checksum = checksum * 31 + ackermann(2, 200);
  hanoi(17, 0, 2);
  checksum = checksum * 31 + moves[0] * 7 + moves[1] * 5 + moves[2];
  checksum = checksum * 31 + partitions(38, 38);
  return report("recursion", checksum, EXPECTED);
}
