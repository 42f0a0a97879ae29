/* Starts a guest in M-mode and ends it by the test finisher: 0x5555 when main has returned 0 in every round, else a failure with that code. */
    .section .text.start, "ax"
    .globl _start
_start:
    lla   t0, trap
    csrw  mtvec, t0
again:
    lla   sp, _stack_top
    lla   t0, _bss_start
    lla   t1, _bss_end
1:  sw    zero, 0(t0)
    addi  t0, t0, 4
    bltu  t0, t1, 1b
    call  main
    bnez  a0, finish
    lla   t0, rounds
    lw    t1, 0(t0)
    addi  t1, t1, -1
    sw    t1, 0(t0)
    bnez  t1, again
finish:
    li    t0, 0x100000
    li    t1, 0x5555
    beqz  a0, 2f
    slli  a0, a0, 16
    li    t1, 0x3333
    or    t1, t1, a0
2:  sw    t1, 0(t0)
3:  wfi
    j     3b
    .balign 4
trap:                               /* no guest should trap: code 99 */
    li    a0, 99
    j     finish

    .section .data.rounds, "aw"     /* a benchmark finds the mark and sets how often main runs */
    .balign 4
    .ascii "rounds: "
rounds:
    .word 1
