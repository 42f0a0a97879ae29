/* Where a task begins (a0 = its number), and its one way into the kernel. */
    .section .text.start, "ax"
    .globl _start
_start:
    call  main
1:  j     1b

    .globl system_call              /* (number, a, b, c, d) -> result */
system_call:
    mv    a7, a0
    mv    a0, a1
    mv    a1, a2
    mv    a2, a3
    mv    a3, a4
    ecall
    ret
