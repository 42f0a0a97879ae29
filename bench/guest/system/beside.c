/* Data beside code: a loop that stores into the page it lies in, a few hundred bytes before itself. */
#include "system.h"

#define EXPECTED 0x07524081u

u32 beside(u32 sum);

int main(void) { return report("beside", beside(1), EXPECTED); }

asm(".section .own_page, \"ax\"\n"
    ".balign 4096\n"
    "beside_data:\n"
    "  .skip 1024\n"
    "beside:\n"
    "  lla t0, beside_data\n"
    "  li t1, 2000000\n"
    "1: andi t2, t1, 255\n"
    "  slli t2, t2, 2\n"
    "  add t2, t2, t0\n"
    "  lw t3, 0(t2)\n"
    "  add t3, t3, t1\n"
    "  sw t3, 0(t2)\n"
    "  xor a0, a0, t3\n"
    "  slli t4, a0, 5\n"
    "  add a0, a0, t4\n"
    "  addi t1, t1, -1\n"
    "  bnez t1, 1b\n"
    "  lla t0, beside_data\n" /* the next round begins with zeros too */
    "  li t1, 256\n"
    "2: sw zero, 0(t0)\n"
    "  addi t0, t0, 4\n"
    "  addi t1, t1, -1\n"
    "  bnez t1, 2b\n"
    "  ret\n"
    ".text\n");
