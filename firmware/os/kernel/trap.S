/* Kernel entry, the trap vector, and the switch between kernel stacks. */
    .section .text.start, "ax"
    .globl _start
_start:                             /* a0 = hartid, a1 = DTB, in S-mode with satp = 0 */
    csrw  sie, zero
    la    t0, trap
    csrw  stvec, t0
    csrw  sscratch, zero            /* 0 = "in the kernel": a trap now is a kernel bug */
    la    sp, boot_stack_top
    la    t0, _bss_start
    la    t1, _bss_end
1:  sw    zero, 0(t0)
    addi  t0, t0, 4
    bltu  t0, t1, 1b
    mv    a0, a1
    call  kernel_main

    .text
    .balign 4
trap:                               /* from U: sscratch = top of the task's kernel stack */
    csrrw sp, sscratch, sp
    beqz  sp, from_kernel
    addi  sp, sp, -144              /* struct frame: 33 words, kept 16-byte aligned */
    sw    x1, 8(sp)
    .irp  n, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sw    x\n, 4+4*\n(sp)
    .endr
    csrr  t0, sscratch
    sw    t0, 12(sp)                /* x2, the task's own sp */
    csrr  t0, sepc
    sw    t0, 0(sp)
    csrw  sscratch, zero
    mv    a0, sp
    call  user_trap

    .globl user_return
user_return:                        /* sp = struct frame */
    addi  t0, sp, 144
    csrw  sscratch, t0
    lw    t0, 0(sp)
    csrw  sepc, t0
    lw    x1, 8(sp)
    .irp  n, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    lw    x\n, 4+4*\n(sp)
    .endr
    lw    sp, 12(sp)
    sret

from_kernel:
    csrrw sp, sscratch, sp          /* our own stack again */
    call  kernel_trap

    .globl switch_stack
switch_stack:                       /* (u32 **save, u32 *load): callee-saved registers travel on the stacks */
    addi  sp, sp, -64
    sw    ra, 0(sp)
    .irp  n, 0,1,2,3,4,5,6,7,8,9,10,11
    sw    s\n, 4+4*\n(sp)
    .endr
    sw    sp, 0(a0)
    mv    sp, a1
    lw    ra, 0(sp)
    .irp  n, 0,1,2,3,4,5,6,7,8,9,10,11
    lw    s\n, 4+4*\n(sp)
    .endr
    addi  sp, sp, 64
    ret

    .bss
    .balign 16
    .space 2048
boot_stack_top:
