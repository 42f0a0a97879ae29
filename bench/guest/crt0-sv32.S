/* Starts the same guest in U-mode under Sv32, identity-mapped by 4 KiB pages: 16 MiB of RAM, the UART, and the finisher, all with A and D
 * set. A trap ends the run with 100 + mcause. */
    .section .text.start, "ax"
    .globl _start
_start:
    lla   t0, trap
    csrw  mtvec, t0
    li    t0, -1
    csrw  pmpaddr0, t0
    li    t0, 0x1f                  /* NAPOT, RWX: U may touch all of memory */
    csrw  pmpcfg0, t0
    lla   t0, _tables
    li    t2, 7 * 4096
    add   t1, t0, t2
1:  sw    zero, 0(t0)
    addi  t0, t0, 4
    bltu  t0, t1, 1b

    lla   s0, _tables               /* root; then the four tables of RAM, UART's, the finisher's */
    li    s1, 4096
    add   s2, s0, s1
    srli  t0, s2, 2
    ori   t0, t0, 1
    li    t1, 0x800
    add   t1, t1, s0
    addi  t2, t1, 16
2:  sw    t0, 0(t1)                 /* root[0x200] to root[0x203] */
    addi  t0, t0, 1 << 10
    addi  t1, t1, 4
    bltu  t1, t2, 2b
    li    t0, 0x200000df            /* page 0x80000: V R W X U A D, and not G */
    mv    t1, s2
    li    t2, 4 * 4096
    add   s3, s2, t2
3:  sw    t0, 0(t1)
    addi  t0, t0, 1 << 10
    addi  t1, t1, 4
    bltu  t1, s3, 3b

    srli  t0, s3, 2                 /* UART: the page 0x10000000 */
    ori   t0, t0, 1
    sw    t0, 0x100(s0)             /* root[0x40] */
    li    t0, 0x040000d7
    sw    t0, 0(s3)

    add   s4, s3, s1                /* finisher: the page 0x00100000 */
    srli  t0, s4, 2
    ori   t0, t0, 1
    sw    t0, 0(s0)                 /* root[0] */
    li    t0, 0x000400d7
    sw    t0, 0x400(s4)             /* entry 0x100 */

    srli  t0, s0, 12
    li    t1, 0x80000000
    or    t0, t0, t1
    csrw  satp, t0
    sfence.vma
    li    t0, 0x1800                /* MPP = U */
    csrc  mstatus, t0
    lla   t0, user
    csrw  mepc, t0
    mret
user:
    lla   sp, _stack_top
    lla   t0, _bss_start
    lla   t1, _bss_end
5:  sw    zero, 0(t0)
    addi  t0, t0, 4
    bltu  t0, t1, 5b
    call  main
    bnez  a0, finish
    lla   t0, rounds
    lw    t1, 0(t0)
    addi  t1, t1, -1
    sw    t1, 0(t0)
    bnez  t1, user
finish:
    li    t0, 0x100000
    li    t1, 0x5555
    beqz  a0, 3f
    slli  a0, a0, 16
    li    t1, 0x3333
    or    t1, t1, a0
3:  sw    t1, 0(t0)
4:  j     4b
    .balign 4
trap:
    csrr  a0, mcause
    addi  a0, a0, 100
    j     finish

    .section .data.rounds, "aw"     /* as in crt0.S */
    .balign 4
    .ascii "rounds: "
rounds:
    .word 1
