/**
 * A guest of sixty lines that does a little of everything the log must carry: computes, prints, sleeps, takes timer and console
 * interrupts, reads the time, echoes what is typed, resets itself at `r`, and powers off at `q`.
 */
import { createHash } from 'node:crypto';
import type { Machine, MachineConfig, Snapshot } from '../../emulator/index.ts';
import { assemble } from '../../emulator/isa/assemble.ts';
import { configHash, type Description, describe } from '../../src/replay/description.ts';
import { createMachine, restoreMachine } from '../support/engine.ts';

const SOURCE = `
    .equ UART, 0x10000000
    .equ PLIC, 0x0c000000
    .equ MTIMECMP, 0x02004000
    .equ FINISHER, 0x00100000
    .equ PERIOD, 20000
start:
    la t0, trap
    csrw mtvec, t0
    li s0, 12345          # the state that everything is mixed into
    li s1, 0              # iterations
    la s2, buffer
    li t0, PLIC + 40      # priority of interrupt 10
    li t1, 1
    sw t1, 0(t0)
    li t0, PLIC + 0x2000  # context 0 enables
    li t1, 1 << 10
    sw t1, 0(t0)
    li t0, UART
    li t1, 1
    sb t1, 1(t0)          # IER: received data
    call arm
    li t0, 0x880          # MTIE, MEIE
    csrw mie, t0
    csrsi mstatus, 8
loop:
    li t0, 1664525
    mul s0, s0, t0
    li t0, 1013904223
    add s0, s0, t0
    addi s1, s1, 1
    andi t0, s1, 63
    slli t0, t0, 2
    add t0, t0, s2
    lw t1, 0(t0)
    xor t1, t1, s0
    sw t1, 0(t0)
    andi t0, s1, 255
    bnez t0, 1f
    srli t0, s0, 27
    addi t0, t0, 65
    li t1, UART
    sb t0, 0(t1)
1:  li t0, 2047
    and t0, s1, t0
    bnez t0, loop
    rdtime t0
    xor s0, s0, t0
    wfi
    j loop

arm:                      # mtimecmp = mtime + PERIOD
    li a0, 0x0200bff8
    lw a1, 0(a0)
    lw a2, 4(a0)
    li a3, PERIOD
    add a3, a1, a3
    sltu a4, a3, a1
    add a2, a2, a4
    li a0, MTIMECMP
    li a4, -1
    sw a4, 4(a0)
    sw a3, 0(a0)
    sw a2, 4(a0)
    ret

    .align 2
trap:                     # a registers are the handler's, t registers the loop's
    csrr a5, mcause
    slli a5, a5, 1
    srli a5, a5, 1
    li a6, 7
    bne a5, a6, external
    mv s5, ra
    call arm
    mv ra, s5
    rdtime a0
    add s0, s0, a0
    mret
external:
    li a5, PLIC + 0x200004
    lw a6, 0(a5)
2:  li a0, UART
    lbu a1, 5(a0)
    andi a1, a1, 1
    beqz a1, 3f
    lbu a1, 0(a0)
    add s0, s0, a1
    sb a1, 0(a0)          # echo
    li a2, 'r'
    li a3, 0x7777
    beq a1, a2, 4f
    li a2, 'q'
    li a3, 0x5555
    bne a1, a2, 2b
4:  li a0, FINISHER
    sw a3, 0(a0)
3:  sw a6, 0(a5)
    mret

    .align 2
buffer:
    .space 256
`;

export const GUEST_IMAGE = assemble(SOURCE).bytes;

/** Does nothing but set its timer again, 100 times a second. */
export const SLEEPER = assemble(`
    la t0, trap
    csrw mtvec, t0
    li t0, 0x80
    csrw mie, t0
    csrsi mstatus, 8
    j trap
idle:
    wfi
    j idle
    .align 2
trap:
    li t0, 0x0200bff8
    lw t1, 0(t0)
    li t2, 100000
    add t1, t1, t2
    li t0, 0x02004000
    sw t1, 0(t0)
    sw zero, 4(t0)
    la t0, idle
    csrw mepc, t0
    li t0, 0x1880
    csrs mstatus, t0
    mret
`).bytes;

export function guestConfig(clock: 'host' | 'icount', main: Uint8Array = GUEST_IMAGE): MachineConfig {
  return {
    memoryBytes: 1 << 20,
    clock,
    seed: new Uint8Array(32).fill(7),
    bootTimeNs: 1_700_000_000_000_000_000n,
    disk: undefined,
    net: undefined,
    virtioConsole: false,
    onReset: 'restart',
    images: { firmware: undefined, main, initrd: undefined, append: '', dtb: undefined },
  };
}

export function guestDescription(clock: 'host' | 'icount'): Description {
  const sha256 = createHash('sha256').update(GUEST_IMAGE).digest('hex');
  return describe(guestConfig(clock), { firmware: undefined, main: { name: 'guest', sha256 }, initrd: undefined, dtb: undefined });
}

export const guestHash = (clock: 'host' | 'icount'): string => configHash(guestDescription(clock));

export function makeGuest(clock: 'host' | 'icount', snapshot?: Snapshot): Machine {
  const config = guestConfig(clock);
  return snapshot === undefined ? createMachine(config) : restoreMachine(config, snapshot);
}
