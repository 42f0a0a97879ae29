/* An ecall from U-mode to S-mode and back, both under Sv32: what a system call to a kernel costs. */
#include "system.h"

#define CALLS 500000u

extern const u8 supervisor_caller[], supervisor_trap[], supervisor_end[];
u8 supervisor_room[4096] __attribute__((section(".noinit"), aligned(4096)));

int main(void) {
  u32 satp = identity(PTE_U);
  /* S-mode runs no page of U-mode's, and may not touch one. */
  leaves[((u32)supervisor_trap >> 12) - 0x80000] &= ~PTE_U;
  leaves[((u32)supervisor_room >> 12) - 0x80000] &= ~PTE_U;
  asm volatile("csrw medeleg, %0" ::"r"(1 << 8));
  asm volatile("csrw stvec, %0" ::"r"(supervisor_trap));
  asm volatile("csrw sscratch, %0" ::"r"(supervisor_room));
  u32 done = enter(supervisor_caller, 0, satp, supervisor_end);
  asm volatile("csrw medeleg, zero");
  return report("ecall-supervisor", done, CALLS);
}

asm(".text\n"
    ".balign 4\n"
    "supervisor_caller:\n"
    "  li a0, 0\n"
    "  li t2, 500000\n"
    "1: li a7, 0\n"
    "  ecall\n"
    "  addi t2, t2, -1\n"
    "  bnez t2, 1b\n"
    "  li a7, 1\n"
    "  ecall\n"
    ".balign 4\n"
    "supervisor_end:\n" /* the S-mode's own ecall: its a0 is the count */
    "  csrr t0, mcause\n"
    "  addi t0, t0, -9\n"
    "  beqz t0, 2f\n"
    "  li a0, -1\n"
    "2: j leave\n"
    ".section .own_page, \"ax\"\n"
    ".balign 4096\n"
    "supervisor_trap:\n"
    "  csrrw sp, sscratch, sp\n"
    "  sw t0, 0(sp)\n"
    "  csrr t0, scause\n"
    "  addi t0, t0, -8\n"
    "  bnez t0, 3f\n"
    "  bnez a7, 4f\n"
    "  csrr t0, sepc\n"
    "  addi t0, t0, 4\n"
    "  csrw sepc, t0\n"
    "  addi a0, a0, 1\n"
    "  lw t0, 0(sp)\n"
    "  csrrw sp, sscratch, sp\n"
    "  sret\n"
    "3: li a0, -1\n"
    "4: ecall\n"
    ".text\n");
