/* An ecall from U-mode under Sv32 to M-mode and back: what a system call to a firmware costs. */
#include "system.h"

#define CALLS 500000u

extern const u8 machine_caller[], machine_trap[];

int main(void) {
  u32 done = enter(machine_caller, 0, identity(PTE_U), machine_trap);
  return report("ecall-machine", done, CALLS);
}

asm(".text\n"
    ".balign 4\n"
    "machine_caller:\n"
    "  li a0, 0\n"
    "  li t2, 500000\n"
    "1: li a7, 0\n"
    "  ecall\n"
    "  addi t2, t2, -1\n"
    "  bnez t2, 1b\n"
    "  li a7, 1\n"
    "  ecall\n"
    ".balign 4\n"
    "machine_trap:\n"
    "  csrrw sp, mscratch, sp\n"
    "  sw t0, 0(sp)\n"
    "  csrr t0, mcause\n"
    "  addi t0, t0, -8\n"
    "  bnez t0, 2f\n"
    "  bnez a7, 3f\n"
    "  csrr t0, mepc\n"
    "  addi t0, t0, 4\n"
    "  csrw mepc, t0\n"
    "  addi a0, a0, 1\n"
    "  lw t0, 0(sp)\n"
    "  csrrw sp, mscratch, sp\n"
    "  mret\n"
    "2: li a0, -1\n"
    "3: j leave\n");
