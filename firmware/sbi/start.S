/* M-mode entry and the one trap vector. The SBI runs with mscratch = its stack while a lower mode runs, and never nests. */
    .section .text.start, "ax"
    .globl _start
_start:                             /* a0 = hartid, a1 = DTB, a2 = fw_dynamic_info or anything */
    la    sp, _stack_top
    csrw  mscratch, sp
    la    t0, trap
    csrw  mtvec, t0
    mv    s0, a0
    mv    s1, a1
    mv    a0, a2
    call  sbi_init                  /* leaves mepc and mstatus ready; the next stage's a0 and a1 are ours to give */
    mv    a0, s0
    mv    a1, s1
    li    a2, 0
    mret

    .balign 4
trap:                               /* struct frame in sbi.c: what C may clobber, and nothing else */
    csrrw sp, mscratch, sp
    addi  sp, sp, -64
    sw    ra, 0(sp)
    sw    t0, 4(sp)
    sw    t1, 8(sp)
    sw    t2, 12(sp)
    sw    t3, 16(sp)
    sw    t4, 20(sp)
    sw    t5, 24(sp)
    sw    t6, 28(sp)
    sw    a0, 32(sp)
    sw    a1, 36(sp)
    sw    a2, 40(sp)
    sw    a3, 44(sp)
    sw    a4, 48(sp)
    sw    a5, 52(sp)
    sw    a6, 56(sp)
    sw    a7, 60(sp)
    mv    a0, sp
    call  sbi_trap
    lw    ra, 0(sp)
    lw    t0, 4(sp)
    lw    t1, 8(sp)
    lw    t2, 12(sp)
    lw    t3, 16(sp)
    lw    t4, 20(sp)
    lw    t5, 24(sp)
    lw    t6, 28(sp)
    lw    a0, 32(sp)
    lw    a1, 36(sp)
    lw    a2, 40(sp)
    lw    a3, 44(sp)
    lw    a4, 48(sp)
    lw    a5, 52(sp)
    lw    a6, 56(sp)
    lw    a7, 60(sp)
    addi  sp, sp, 64
    csrrw sp, mscratch, sp
    mret
