/* From M-mode down to a privilege, and back (system.h). */
    .text
    .globl enter, leave
enter:
    addi  sp, sp, -64
    sw    ra, 0(sp)
    sw    s0, 4(sp)
    sw    s1, 8(sp)
    sw    s2, 12(sp)
    sw    s3, 16(sp)
    sw    s4, 20(sp)
    sw    s5, 24(sp)
    sw    s6, 28(sp)
    sw    s7, 32(sp)
    sw    s8, 36(sp)
    sw    s9, 40(sp)
    sw    s10, 44(sp)
    sw    s11, 48(sp)
    lla   t0, kept
    sw    sp, 0(t0)
    lla   t0, room                  /* where the handler in M-mode keeps a register */
    csrw  mscratch, t0
    li    t0, -1
    csrw  pmpaddr0, t0
    li    t0, 0x1f
    csrw  pmpcfg0, t0
    csrw  mtvec, a3
    csrw  mepc, a0
    csrw  satp, a2
    sfence.vma
    li    t0, 0x1800
    csrc  mstatus, t0
    csrs  mstatus, a1
    mret
leave:
    csrw  satp, zero
    sfence.vma
    lla   t0, kept
    lw    sp, 0(t0)
    lw    ra, 0(sp)
    lw    s0, 4(sp)
    lw    s1, 8(sp)
    lw    s2, 12(sp)
    lw    s3, 16(sp)
    lw    s4, 20(sp)
    lw    s5, 24(sp)
    lw    s6, 28(sp)
    lw    s7, 32(sp)
    lw    s8, 36(sp)
    lw    s9, 40(sp)
    lw    s10, 44(sp)
    lw    s11, 48(sp)
    addi  sp, sp, 64
    ret
    .bss
    .balign 64
kept: .skip 4
    .balign 64
room: .skip 64
