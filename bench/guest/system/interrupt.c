/* A software interrupt each 100 instructions of a loop in M-mode: msip is set, taken, cleared. */
#include "system.h"

#define INTERRUPTS 100000u

u32 interrupted(void);

int main(void) { return report("interrupt", interrupted(), INTERRUPTS); }

asm(".text\n"
    ".balign 4\n"
    "interrupted:\n"
    "  lla t0, interrupt_trap\n"
    "  csrrw a5, mtvec, t0\n"
    "  csrwi mie, 8\n"
    "  csrsi mstatus, 8\n"
    "  li a0, 0\n"
    "  li t0, 0x2000000\n" /* msip of hart 0 */
    "  li t1, 1\n"
    "  li t2, 100000\n"
    "1: sw t1, 0(t0)\n"
    "  .rept 32\n"
    "  add a1, a1, t2\n"
    "  xor a2, a2, a1\n"
    "  slli a3, a2, 1\n"
    "  .endr\n"
    "  nop\n"
    "  addi t2, t2, -1\n"
    "  bnez t2, 1b\n"
    "  csrci mstatus, 8\n"
    "  csrwi mie, 0\n"
    "  csrw mtvec, a5\n"
    "  ret\n"
    ".balign 4\n"
    "interrupt_trap:\n"
    "  csrw mscratch, a4\n"
    "  csrr a4, mcause\n"
    "  bgez a4, 2f\n"
    "  sw zero, 0(t0)\n"
    "  addi a0, a0, 1\n"
    "  csrr a4, mscratch\n"
    "  mret\n"
    "2: li a0, -1\n" /* an exception: count wrong, so that main fails */
    "  csrr a4, mepc\n"
    "  addi a4, a4, 4\n"
    "  csrw mepc, a4\n"
    "  mret\n");
