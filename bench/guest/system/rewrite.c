/* Code that rewrites itself every 1,000 instructions: an immediate inside a loop, then fence.i, then the loop. */
#include "system.h"

#define TIMES 20000u
#define LOOPS 98u

u32 rewritten(u32 sum);
extern u32 rewritten_here[];

int main(void) {
  u32 sum = 0, expected = 0;
  for (u32 i = 0; i < TIMES; i++) {
    *(volatile u32 *)rewritten_here = (i & 0x7ff) << 20 | 0x50513; /* addi a0, a0, i */
    asm volatile("fence.i" ::: "memory");
    sum = rewritten(sum);
    expected += (i & 0x7ff) * LOOPS;
  }
  return report("rewrite", sum, expected);
}

asm(".section .own_page, \"ax\"\n"
    ".option push\n"
    ".option norvc\n"
    ".balign 4096\n"
    "rewritten:\n"
    "  li t0, 98\n"
    "1:\n"
    "rewritten_here:\n"
    "  addi a0, a0, 0\n"
    "  add t1, t1, t0\n"
    "  xor t2, t2, t1\n"
    "  slli t3, t2, 3\n"
    "  srli t4, t2, 29\n"
    "  or t2, t3, t4\n"
    "  sub t5, t2, t0\n"
    "  and t1, t5, t2\n"
    "  addi t0, t0, -1\n"
    "  bnez t0, 1b\n"
    "  ret\n"
    ".option pop\n"
    ".text\n");
