/* A walk over 4,096 pages of 16 MiB in a random order, with an sfence.vma after each pass: every touch misses the TLB. In S-mode under Sv32. */
#include "system.h"

#define EXPECTED 0x007ab138u

#define TOUCHED 4096u
#define FIRST 0x80800000u

extern const u8 walker[], walk_trap[];
u32 order[TOUCHED] __attribute__((section(".noinit"), aligned(4096)));

int main(void) {
  u32 satp = identity(0), seed = 1;
  for (u32 i = 0; i < TOUCHED; i++) {
    seed = seed * 1664525 + 1013904223;
    order[i] = FIRST + i * 4096 + (seed >> 20 & 0xffc);
    *(u32 *)order[i] = i * 2654435761u;
  }
  for (u32 i = TOUCHED - 1; i > 0; i--) {
    seed = seed * 1664525 + 1013904223;
    u32 j = (seed >> 8) % (i + 1), address = order[i];
    order[i] = order[j];
    order[j] = address;
  }
  return report("walk", enter(walker, 1 << 11, satp, walk_trap), EXPECTED);
}

asm(".text\n"
    ".balign 4\n"
    "walker:\n"
    "  li a0, 0\n"
    "  li t4, 600\n" /* passes */
    "  lla t5, order\n"
    "  li t6, 16384\n"
    "  add t6, t6, t5\n"
    "1: mv t0, t5\n"
    "2: lw t1, 0(t0)\n"
    "  addi t0, t0, 4\n"
    "  lw t2, 0(t1)\n"
    "  xor a0, a0, t2\n"
    "  add a0, a0, t4\n"
    "  bltu t0, t6, 2b\n"
    "  sfence.vma\n"
    "  addi t4, t4, -1\n"
    "  bnez t4, 1b\n"
    "  ecall\n"
    ".balign 4\n"
    "walk_trap:\n"
    "  csrr t0, mcause\n"
    "  addi t0, t0, -9\n"
    "  beqz t0, 3f\n"
    "  li a0, -1\n"
    "3: j leave\n");
