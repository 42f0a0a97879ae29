/**
 * Random programs that lean on everything derived: S-mode code under Sv32 that stores PTEs, switches satp, patches its own code, runs and
 * writes the same frames through several aliases, faults, reserves, waits, and is interrupted by a timer that M-mode keeps arming.
 */
import type { Random } from '../../support/random.ts';

/** Data and code frames that the windows map, in any order and with any permissions: one for each of two root entries. */
const WINDOW = 0x40000000;
const WINDOW_BYTES = 1 << 22;
const WINDOW_PAGES = 8;
/** Roots: address spaces, and more of them than can have TLB banks at once. */
const ROOTS = Array.from({ length: 10 }, (_, n) => 0x80040000 + n * 4096);
const LEAVES = [10, 11, 12].map((n) => 0x80040000 + n * 4096);
const [LEAF_1, LEAF_2] = LEAVES;
const FRAMES = 0x80050000;
const FRAME_COUNT = 6;
const [V, R, W, X, U, A, D] = [1, 2, 4, 8, 16, 64, 128];
const REGISTERS = ['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 't3', 't4'];

const table = (address: number): string => `0x${(((address >>> 12) << 10) | V).toString(16)}`;
const satp = (root: number, asid = 0): string => `0x${((0x80000000 | (asid << 22) | (root >>> 12)) >>> 0).toString(16)}`;

/** Assembler text. It ends by the finisher, after `rounds` of `length` random steps: by power-off, or with a reset, and so all over again. */
export function stressProgram(random: Random, length: number, rounds: number, end: 'off' | 'reset' = 'off'): string {
  const steps = Array.from({ length }, (_, n) => step(random, n)).join('\n');
  const leaves = LEAVES.map((leaf) => Array.from({ length: WINDOW_PAGES }, (_, n) => pteStore(random, leaf, n)).join('\n')).join('\n');
  const spaces = ROOTS.map((root) => rootStore(random, root)).join('\n');
  return `
    la t0, trap
    csrw mtvec, t0
    la t0, area
    csrw mscratch, t0
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 31
    csrw pmpcfg0, t0
    csrw mcounteren, t0
    li t0, ${satp(ROOTS[0])}
    csrw satp, t0
    # In every root: RAM as it is (a megapage, not for U), and the windows.
    ${spaces}
    ${leaves}
    # Every frame begins with a function that the window's aliases call.
    li t0, ${FRAMES}
    li t1, ${FRAMES + FRAME_COUNT * 4096}
    la t2, function
 1: lw t3, 0(t2)
    sw t3, 0(t0)
    lw t3, 4(t2)
    sw t3, 4(t0)
    lw t3, 8(t2)
    sw t3, 8(t0)
    # ... and has it once more across its end.
    li t4, 4086
    add t4, t0, t4
    lw t3, 0(t2)
    sh t3, 0(t4)
    srli t3, t3, 16
    sh t3, 2(t4)
    li t4, 4096
    add t0, t0, t4
    bne t0, t1, 1b
    li t0, 0x88
    csrs mie, t0
    li t0, 0x1800
    csrc mstatus, t0
    li t0, 0x880
    csrs mstatus, t0
    # The timer, from the start: a wfi with no timer would be the end.
    li t0, 0x02004000
    li t1, 40
    sw t1, 0(t0)
    sw zero, 4(t0)
    la t0, body
    csrw mepc, t0
    li s11, ${rounds}
    li s0, ${WINDOW}
    mret

.align 2
trap:
    csrrw tp, mscratch, tp
    sw t0, 0(tp)
    sw t1, 4(tp)
    sw t2, 8(tp)
    csrr t0, mcause
    csrr t1, mtval
    # A digest of everything that ever trapped, with the time at which it did.
    lw t2, 12(tp)
    slli gp, t2, 5
    sub t2, gp, t2
    add t2, t2, t0
    slli t0, t0, 8
    xor t2, t2, t0
    xor t2, t2, t1
    csrr t1, mepc
    xor t2, t2, t1
    csrr t1, time
    add t2, t2, t1
    csrr t1, minstret
    add t2, t2, t1
    sw t2, 12(tp)
    csrr t0, mcause
    bltz t0, timer
    li t1, 12
    beq t0, t1, lost
    li t1, 1
    beq t0, t1, lost
    li t1, 9
    beq t0, t1, call
    # Bits that are no instruction, in a frame: back to the caller.
    li t1, 2
    bne t0, t1, skip
    csrr t1, mepc
    bgez t1, lost
    j skip
call:
    # ecall: a byte to the console, sometimes the next timer.
    li t1, 0x10000000
    andi t0, a0, 63
    addi t0, t0, 32
    sb t0, 0(t1)
    j arm
lost:
    lw t1, 16(tp)
    csrw mepc, t1
    j out
skip:
    csrr t1, mepc
    addi t1, t1, 4
    csrw mepc, t1
    j out
arm:
    csrr t1, mepc
    addi t1, t1, 4
    csrw mepc, t1
    j rearm
timer:
    # Random bits may loop for ever: a tick in a frame ends its call.
    csrr t1, mepc
    bltz t1, rearm
    lw t1, 16(tp)
    csrw mepc, t1
rearm:
    csrr t0, time
    andi t1, t2, 127
    addi t1, t1, 1
    add t0, t0, t1
    li t1, 0x02004000
    sw t0, 0(t1)
    sw zero, 4(t1)
out:
    lw t0, 0(tp)
    lw t1, 4(tp)
    lw t2, 8(tp)
    csrrw tp, mscratch, tp
    mret

function:
    addi a0, a0, 3
    xor a1, a1, a0
    ret

.align 2
# Three registers, the digest, where a call returns to.
area: .word 0, 0, 0, 0, body

.align 12
body:
    ecall
    ${steps}
    addi s11, s11, -1
    beqz s11, finish
    la t0, body
    jr t0
finish:
    # The finisher's page, mapped over the window's first page.
    li t0, ${LEAF_1}
    li t1, 0x400c7
    sw t1, 0(t0)
    li t0, ${satp(ROOTS[0])}
    csrw satp, t0
    li t0, ${ROOTS[0]}
    li t1, ${table(LEAF_1)}
    sw t1, 1024(t0)
    li t1, ${end === 'off' ? 0x5555 : 0x7777}
    sw t1, 0(s0)
end: j end
`;
}

function step(random: Random, n: number): string {
  const r = () => random.pick(REGISTERS);
  const page = () => random.below(2) * WINDOW_BYTES + random.below(WINDOW_PAGES) * 4096;
  switch (random.below(20)) {
    case 0:
    case 1:
      return `${random.pick(['add', 'sub', 'xor', 'and', 'or', 'sltu', 'mul', 'mulhu', 'div', 'rem'])} ${r()}, ${r()}, ${r()}`;
    case 2:
      return `${random.pick(['addi', 'xori', 'slti'])} ${r()}, ${r()}, ${random.below(4096) - 2048}`;
    case 3:
    case 4: // Loads and stores all over the window, often misaligned, sometimes across pages.
      return `li t0, ${WINDOW + page() + random.pick([0, 1, 2, 64, 512, 2047, 4090, 4093, 4094, 4095])}
        ${random.pick(['lw', 'lh', 'lb', 'lbu', 'lhu'])} ${r()}, ${random.below(8)}(t0)`;
    case 5:
    case 6:
      return `li t0, ${WINDOW + page() + random.pick([16, 32, 64, 512, 2046, 4083, 4093, 4095])}
        ${random.pick(['sw', 'sh', 'sb'])} ${r()}, ${random.below(8)}(t0)`;
    case 7: // A PTE of either leaf table, through RAM's own mapping.
    case 8:
      return random.oneIn(8) ? asData(random, n) : pteStore(random, random.pick(LEAVES), random.below(WINDOW_PAGES));
    case 9: // Another leaf table under a root, which may serve the other window too, or a window as a megapage.
      return `li t0, ${random.pick(ROOTS)}
        li t1, ${random.oneIn(3) ? random.pick(['0x2000004b', '0']) : table(random.pick(LEAVES))}
        sw t1, ${1024 + 4 * random.below(2)}(t0)`;
    case 10: // Another address space, or none.
      return `li t0, ${random.oneIn(12) ? 0 : satp(random.pick(ROOTS), random.below(3))}
        csrw satp, t0
        ${random.oneIn(2) ? 'sfence.vma' : ''}`;
    case 11: // Code in the body itself, patched while it runs, here or through the window.
      return `la t0, patch_${n}
        la t1, with_${n}
        lw t1, 0(t1)
        ${random.oneIn(2) ? `j patch_${n}` : ''}
        sw t1, 0(t0)
        patch_${n}: addi a0, a0, ${random.below(100)}
        j after_${n}
        with_${n}: addi a0, a1, ${random.below(100)}
        after_${n}:`;
    case 12: // A frame's function, patched through RAM's own mapping.
      return `li t0, ${FRAMES + random.below(FRAME_COUNT) * 4096}
        li t1, ${0x00050513 | (random.below(2048) << 20)}
        sw t1, 0(t0)`;
    case 13:
    case 14: // ... and called through the window, at its head or across a page's end.
      return `li t0, ${WINDOW + page() + random.pick([0, 0, 4, 4086])}
        la ra, back_${n}
        la t1, area
        sw ra, 16(t1)
        jr t0
        back_${n}:`;
    case 15:
      return `li t0, ${WINDOW + page() + random.pick([0, 16, 128, 2048])}
        ${random.pick([`lr.w ${r()}, (t0)`, `sc.w ${r()}, ${r()}, (t0)`, `amoadd.w ${r()}, ${r()}, (t0)`, `amomaxu.w ${r()}, ${r()}, (t0)`])}`;
    case 16:
      return `li t0, ${random.pick([1 << 18, 1 << 19])}
        ${random.pick(['csrs', 'csrc'])} sstatus, t0`;
    case 17:
      return random.pick([
        'ecall',
        `csrr ${r()}, time`,
        `csrr ${r()}, instret`,
        `csrr ${r()}, cycle`,
        'fence.i',
        'ebreak',
        'csrr a0, mepc',
      ]);
    case 18:
      return random.oneIn(6) ? 'wfi' : `c.addi ${r()}, ${random.below(31) + 1}`;
    default:
      return `beq ${r()}, ${r()}, over_${n}
        addi a5, a5, 1
        over_${n}: jal ra, far_${n}
        .space ${random.pick([0, 4, 60, 1024])}
        far_${n}:`;
  }
}

function rootStore(random: Random, root: number): string {
  return `li t1, 0x200000cf
    li t0, ${root + 2048}
    sw t1, 0(t0)
    li t0, ${root}
    li t1, ${table(random.pick(LEAVES))}
    sw t1, 1024(t0)
    li t1, ${table(random.pick(LEAVES))}
    sw t1, 1028(t0)`;
}

/** A table is used as data for a while: entries that the windows do not reach. */
function asData(random: Random, n: number): string {
  return `li t0, ${random.pick([...ROOTS, ...LEAVES]) + 3072}
    addi t1, t0, 400
    data_${n}: sw a1, 0(t0)
    addi t0, t0, 4
    bne t0, t1, data_${n}`;
}

function pteStore(random: Random, leaf: number, index: number): string {
  const flags = random.pick([
    V | R | W | X | A | D,
    V | R | W | X | A | D,
    V | R | W | A | D,
    V | R | X | A,
    V | X | A,
    V | R | W | A,
    V | R | W | D,
    V | R | W | X | U | A | D,
    R | W | A | D,
    V | W | A | D,
  ]);
  // Frames, and now and then a leaf table itself, the body, or a hole in the physical map.
  const odd = (flags & W) === 0 ? 0x80001000 : LEAF_2;
  const target = random.oneIn(12) ? random.pick([odd, 0x7fff0000]) : FRAMES + random.below(FRAME_COUNT) * 4096;
  return `li t0, ${leaf + index * 4}
    li t1, ${(((target >>> 12) << 10) | flags) >>> 0}
    sw t1, 0(t0)`;
}
