/* The tasks' programs, as flat images made by the build, on page boundaries. */
    .section .rodata
    .macro program name, file
    .balign 4096
    .globl \name
\name:
    .incbin "\file"
    .endm
    program shell_program, "shell.bin"
    program kv_program, "kv.bin"
    program worker_program, "worker.bin"
    .balign 4
