/**
 * A bare-metal guest that does in a few thousand instructions what a failover can hurt: overlapping disk writes in flight at once, reads into
 * memory that it looks at meanwhile, a flush, frames, typed input by interrupt, the time, a sleep, and power-off with writes still pending.
 * Everything is mixed into s0, and s0 is what it prints, writes and exits with.
 */
import { createMachine, type Machine, type MachineConfig } from '../../emulator/index.ts';
import { assemble } from '../../emulator/isa/assemble.ts';

const SOURCE = `
    .equ UART, 0x10000000
    .equ PLIC, 0x0c000000
    .equ NET, 0x10007000
    .equ BLOCK, 0x10008000
    .equ FINISHER, 0x00100000
    .equ MTIME, 0x0200bff8
    .equ MTIMECMP, 0x02004000
    .equ READ, 0
    .equ WRITE, 1
    .equ FLUSH, 4
start:
    la sp, stack
    la t0, trap
    csrw mtvec, t0
    li s0, 12345
    li s1, 0              # bytes typed so far
    li s2, 0              # the last of them
    li t0, PLIC
    li t1, 1
    sw t1, 28(t0)         # priorities of 7 (net), 8 (block), 10 (uart)
    sw t1, 32(t0)
    sw t1, 40(t0)
    li t0, PLIC + 0x2000
    li t1, (1 << 7) | (1 << 8) | (1 << 10)
    sw t1, 0(t0)
    li t0, UART
    li t1, 1
    sb t1, 1(t0)
    li a0, BLOCK
    li a1, 0
    la a2, blockQueue
    call attach
    li a0, NET
    li a1, 1
    la a2, netQueue
    call attach
    li t0, 0x880          # MEIE, MTIE
    csrw mie, t0
    csrsi mstatus, 8

    call print
    call print
    li a0, WRITE
    li a1, 0
    li a2, 2
    li a3, 0
    call ask
    li a0, WRITE          # overlaps the one before, which is pending
    li a1, 1
    li a2, 2
    li a3, 1
    call ask
    call print
    call settle
    li a0, READ
    li a1, 1
    li a2, 2
    li a3, 0
    call ask
    call print
    call print
    call frame
    li a0, WRITE
    li a1, 4
    li a2, 1
    li a3, 1
    call ask
    call print
    call echo
    call settle
    li a0, FLUSH
    li a1, 0
    li a2, 0
    li a3, 1
    call ask
    call sleep
    call print
    call settle
    li a0, WRITE
    li a1, 0
    li a2, 3
    li a3, 0
    call ask
    li a0, WRITE
    li a1, 1
    li a2, 1
    li a3, 1
    call ask
    call print
    call echo
    call settle
    li a0, READ
    li a1, 0
    li a2, 4
    li a3, 0
    call ask
    call print
    call print
    call print
    call settle
    call frame
    li a0, WRITE
    li a1, 2
    li a2, 2
    li a3, 0
    call ask
    li a0, WRITE
    li a1, 5
    li a2, 2
    li a3, 1
    call ask
    call frame
    call print
    li t0, FINISHER
    andi t1, s0, 63
    slli t1, t1, 16
    li t2, 0x3333
    or t1, t1, t2
    sw t1, 0(t0)
1:  j 1b

work:                     # some instructions, and every byte that DMA may touch
    la t0, data
    li t1, 24
1:  lw t2, 0(t0)
    xor s0, s0, t2
    li t2, 1664525
    mul s0, s0, t2
    addi s0, s0, 1013
    addi t0, t0, 84
    addi t1, t1, -1
    bnez t1, 1b
    rdtime t2
    add s0, s0, t2
    ret

print:
    addi sp, sp, -16
    sw ra, 0(sp)
    call work
    srli t0, s0, 27
    addi t0, t0, 65
    li t1, UART
    sb t0, 0(t1)
    lw ra, 0(sp)
    addi sp, sp, 16
    ret

echo:                     # waits for one more byte than it has echoed
    la t0, echoed
    lw t1, 0(t0)
    bltu t1, s1, 1f
    wfi
    j echo
1:  addi t1, t1, 1
    sw t1, 0(t0)
    li t0, UART
    sb s2, 0(t0)
    add s0, s0, s2
    ret

sleep:
    li t0, MTIME
    lw t1, 0(t0)
    li t2, 30000
    add t1, t1, t2
    li t0, MTIMECMP
    sw zero, 4(t0)
    sw t1, 0(t0)
    la t0, woken
    lw t1, 0(t0)
1:  lw t2, 0(t0)
    bne t1, t2, 2f
    wfi
    j 1b
2:  ret

settle:                   # until the disk has answered everything
    la t0, blockQueue
1:  lhu t1, 130(t0)
    lhu t2, 194(t0)
    beq t1, t2, 2f
    wfi
    j 1b
2:  ret

attach:                   # a0 device, a1 queue, a2 memory: descriptors, available at +128, used at +192
    sw zero, 0x70(a0)
    li t0, 3
    sw t0, 0x70(a0)
    li t0, 1
    sw t0, 0x24(a0)       # feature bit 32: VERSION_1
    sw t0, 0x20(a0)
    li t0, 11
    sw t0, 0x70(a0)
    sw a1, 0x30(a0)
    li t0, 8
    sw t0, 0x38(a0)
    sw a2, 0x80(a0)
    sw zero, 0x84(a0)
    addi t0, a2, 128
    sw t0, 0x90(a0)
    sw zero, 0x94(a0)
    addi t0, a2, 192
    sw t0, 0xa0(a0)
    sw zero, 0xa4(a0)
    li t0, 1
    sw t0, 0x44(a0)
    li t0, 15
    sw t0, 0x70(a0)
    ret

ask:                      # a0 type, a1 sector, a2 sectors, a3 slot (0 or 1)
    la t0, headers
    slli t1, a3, 4
    add t0, t0, t1
    sw a0, 0(t0)
    sw zero, 4(t0)
    sw a1, 8(t0)
    sw zero, 12(t0)
    la t1, blockQueue
    li t2, 48
    mul t2, t2, a3
    add t1, t1, t2        # three descriptors: header, data, status
    li t3, 3
    mul t3, t3, a3
    sw t0, 0(t1)
    sw zero, 4(t1)
    li t4, 16
    sw t4, 8(t1)
    li t4, 1
    sh t4, 12(t1)
    addi t5, t3, 1
    li t4, FLUSH
    bne a0, t4, 1f
    addi t5, t3, 2
1:  sh t5, 14(t1)
    la t0, data
    slli t4, a3, 11
    add t0, t0, t4
    sw t0, 16(t1)
    sw zero, 20(t1)
    slli t4, a2, 9
    sw t4, 24(t1)
    li t5, 1
    bnez a0, 2f
    li t5, 3
2:  sh t5, 28(t1)
    addi t5, t3, 2
    sh t5, 30(t1)
    beqz a0, 4f
    add t4, t4, t0        # what is written: s0 and an address, word by word
    beq t4, t0, 4f
3:  xor t5, s0, t0
    sw t5, 0(t0)
    addi t0, t0, 4
    bltu t0, t4, 3b
4:  la t0, statuses
    slli t4, a3, 2
    add t0, t0, t4
    sw t0, 32(t1)
    sw zero, 36(t1)
    li t4, 1
    sw t4, 40(t1)
    li t4, 2
    sh t4, 44(t1)
    la t1, blockQueue
    lhu t0, 130(t1)
    andi t4, t0, 7
    slli t4, t4, 1
    add t4, t4, t1
    sh t3, 132(t4)
    addi t0, t0, 1
    sh t0, 130(t1)
    li t0, BLOCK
    sw zero, 0x50(t0)
    ret

frame:                    # a header of 12 bytes and 20 of payload
    la t0, packet
    sw s0, 12(t0)
    sw s1, 16(t0)
    la t1, netQueue
    sw t0, 0(t1)
    sw zero, 4(t1)
    li t2, 32
    sw t2, 8(t1)
    sw zero, 12(t1)
    lhu t0, 130(t1)
    andi t4, t0, 7
    slli t4, t4, 1
    add t4, t4, t1
    sh zero, 132(t4)
    addi t0, t0, 1
    sh t0, 130(t1)
    li t0, NET
    li t1, 1
    sw t1, 0x50(t0)
    ret

    .align 2
trap:                     # saves nothing but what it uses; s0 is everybody's
    addi sp, sp, -16
    sw t0, 0(sp)
    sw t1, 4(sp)
    sw t2, 8(sp)
    csrr t0, mcause
    slli t0, t0, 1
    srli t0, t0, 1
    li t1, 7
    bne t0, t1, 1f
    li t0, MTIMECMP       # the timer: never again
    li t1, -1
    sw t1, 4(t0)
    la t0, woken
    lw t1, 0(t0)
    addi t1, t1, 1
    sw t1, 0(t0)
    j 5f
1:  li t0, PLIC + 0x200004
    lw t1, 0(t0)
    li t2, 10
    bne t1, t2, 3f
2:  li t0, UART
    lbu t2, 5(t0)
    andi t2, t2, 1
    beqz t2, 4f
    lbu s2, 0(t0)
    addi s1, s1, 1
    j 2b
3:  slli t2, t1, 12       # virtio: acknowledge both bits
    li t0, 0x10000000
    add t0, t0, t2
    li t2, 3
    sw t2, 0x64(t0)
4:  li t0, PLIC + 0x200004
    sw t1, 0(t0)
5:  csrr t0, minstret     # an interrupt one instruction off shows in everything that follows
    add s0, s0, t0
    lw t0, 0(sp)
    lw t1, 4(sp)
    lw t2, 8(sp)
    addi sp, sp, 16
    mret

    .align 4
blockQueue: .space 272
netQueue: .space 272
headers: .space 32
statuses: .space 8
echoed: .word 0
woken: .word 0
packet: .space 32
    .align 4
data: .space 4096
    .space 512
stack: .word 0
`;

const main = assemble(SOURCE).bytes;

export const BUSY_CONFIG: MachineConfig = {
  memoryBytes: 64 << 10,
  clock: 'host',
  seed: new Uint8Array(32),
  bootTimeNs: 0n,
  disk: { sectors: 8, readOnly: false, id: 'busy' },
  net: { mac: Uint8Array.of(2, 0, 0, 0, 0, 1) },
  virtioConsole: false,
  onReset: 'end',
  images: { firmware: undefined, main, initrd: undefined, append: '', dtb: undefined },
};

export function busyGuest(): Machine {
  return createMachine(BUSY_CONFIG);
}
