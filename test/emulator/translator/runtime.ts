/**
 * The M-mode harness around hot programs: it enters them one after the other in M, S or U, catches whatever they do, mends page tables,
 * keeps a timer going, and gives a program up after so many traps or ticks. Nothing here need be right in any sense: both engines run it.
 */
import { assemble } from '../../../emulator/isa/assemble.ts';

export const RAM = 0x8000_0000;
export const RAM_BYTES = 1 << 20;
/** Descriptors, then programs; each page of programs has a second copy with other immediates, which the second address space maps in places. */
export const DESCRIPTORS = 0x8000_2000;
export const PROGRAMS = 0x8000_4000;
export const COPY = 0x0005_c000;
export const PROGRAMS_END = PROGRAMS + COPY;
export const DATA = 0x800c_0000;
export const DATA_PAGES = 8;
export const STACK_TOP = 0x800d_4000 - 64;
const AREA_M = 0x800d_8000;
/** The word that says which descriptor is next. */
export const NEXT = AREA_M + 20;
const AREA_S = 0x800d_8100;
const TABLES = 0x800e_0000;
/** Tables of address spaces A and B: root, leaves of the S window, leaves of the U window. */
const table = (space: number, n: number): number => TABLES + (space * 3 + n) * 4096;
const ROOTS = [table(0, 0), table(1, 0)];
/** Offset from TABLES of a window's leaf table. */
export const leafTable = (space: 0 | 1, user: boolean): number => table(space, user ? 2 : 1) - TABLES;
export const SATPS = ROOTS.map((root) => (0x8000_0000 | (root >>> 12)) >>> 0);
export const TABLES_AT = TABLES;

/** Virtual addresses of RAM: as it is for S, a megapage for U, and 4 KiB pages for either. */
export const MEGA_U = 0x4000_0000;
export const WINDOW_S = 0x5000_0000;
export const WINDOW_U = 0x6000_0000;
/** The UART's and the CLINT's for U. */
export const UART_U = 0x7000_0000;
export const CLINT_U = 0x7100_0000;
const [V, R, W, X, U, A, D] = [1, 2, 4, 8, 16, 64, 128];
const S_PAGE = V | R | W | X | A | D;
const U_PAGE = S_PAGE | U;

/** ecall with one of these in a7: the program is over; back to M-mode. */
export const OVER = 0x5af;
export const RAISE = 0x5ae;
/** After so many traps in M, or in S, or so many ticks, a program is given up. */
const TRAPS = 120;
const TICKS = 10;

/** Written from a descriptor, in this order, after the entry's address (0 ends the list) and 1 when page tables are wanted afresh. */
export const INIT_CSRS = [
  'medeleg',
  'mideleg',
  'mcounteren',
  'scounteren',
  'menvcfgh',
  'stimecmph',
  'stvec',
  'satp',
  'mip',
  'mie',
  'mepc',
  'mstatus',
] as const;
export type InitCsr = (typeof INIT_CSRS)[number];
/** Words of a descriptor: entry, tables, ticks until the first timer, INIT_CSRS, x1 to x31. */
export const DESCRIPTOR_WORDS = 3 + INIT_CSRS.length + 31;

const rootEntries = (space: number): readonly (readonly [address: number, pte: number])[] => [
  [RAM, 0x2000_0000 | S_PAGE],
  [MEGA_U, 0x2000_0000 | U_PAGE],
  [WINDOW_S, ((table(space, 1) >>> 12) << 10) | V],
  [WINDOW_U, ((table(space, 2) >>> 12) << 10) | V],
  [0x1000_0000, 0x0400_0000 | (S_PAGE & ~X)],
  [UART_U, 0x0400_0000 | (U_PAGE & ~X)],
  [0x0200_0000, 0x0080_0000 | (S_PAGE & ~X)],
  [CLINT_U, 0x0080_0000 | (U_PAGE & ~X)],
  [0x0c00_0000, 0x0300_0000 | (S_PAGE & ~X)],
];

const initRoots = [0, 1]
  .map(
    (space) =>
      `li t0, ${ROOTS[space]}\n${rootEntries(space)
        .map(([address, pte]) => `li t1, ${pte | 0}\nli t2, ${(address >>> 22) * 4}\nadd t2, t2, t0\nsw t1, 0(t2)`)
        .join('\n')}`,
  )
  .join('\n');

/** t0: page of RAM. Mends its four leaves; uses t1, t2. In space B the odd pages of programs are those of the copy, and pages of data
 * have changed places in pairs. */
const mendLeaf = `
  slli t1, t0, 10
  li t2, ${0x2000_0000 | S_PAGE}
  add t1, t1, t2
  slli t0, t0, 2
  li t2, ${table(0, 1)}
  add t2, t2, t0
  sw t1, 0(t2)
  ori t1, t1, ${U}
  li t2, ${table(0, 2)}
  add t2, t2, t0
  sw t1, 0(t2)
  srli t0, t0, 2
  andi t2, t0, 1
  beqz t2, 1f
  li t2, ${(PROGRAMS - RAM) >>> 12}
  bltu t0, t2, 1f
  li t2, ${(PROGRAMS_END - RAM) >>> 12}
  bgeu t0, t2, 1f
  li t2, ${(COPY >>> 12) << 10}
  add t1, t1, t2
1:
  # Pages of data are not next to each other there.
  addi t2, t0, -${(DATA - RAM) >>> 12}
  sltiu t2, t2, ${DATA_PAGES}
  slli t2, t2, 10
  xor t1, t1, t2
  slli t0, t0, 2
  li t2, ${table(1, 2)}
  add t2, t2, t0
  sw t1, 0(t2)
  xori t1, t1, ${U}
  li t2, ${table(1, 1)}
  add t2, t2, t0
  sw t1, 0(t2)`;

/** The common head of both trap handlers: saves t0 to t2, folds the trap into a digest, counts. Leaves the digest in t0. */
const trapHead = (mode: 'm' | 's', more: readonly string[]): string => `
${mode}_trap:
  csrrw tp, ${mode}scratch, tp
  sw t0, 0(tp)
  sw t1, 4(tp)
  sw t2, 8(tp)
  lw t0, 12(tp)
  slli t1, t0, 5
  sub t0, t1, t0
${[`${mode}cause`, `${mode}epc`, `${mode}tval`, `${mode}status`, ...more].map((csr) => `csrr t1, ${csr}\nadd t0, t0, t1\nslli t1, t0, 3\nxor t0, t0, t1`).join('\n')}
  sw t0, 12(tp)
  lw t1, 16(tp)
  addi t1, t1, -1
  sw t1, 16(tp)
  blez t1, ${mode}_giveup`;

const trapTail = (mode: 'm' | 's'): string => `
${mode}_lost:
  csrw ${mode}epc, ra
  j ${mode}_out
${mode}_skip:
  csrr t0, ${mode}epc
  slli t1, t0, 12
  srli t1, t1, 12
  li t2, ${RAM}
  add t1, t1, t2
  lhu t1, 0(t1)
  andi t1, t1, 3
  addi t1, t1, -3
  addi t0, t0, 2
  bnez t1, 1f
  addi t0, t0, 2
1:
  csrw ${mode}epc, t0
${mode}_out:
  lw t0, 0(tp)
  lw t1, 4(tp)
  lw t2, 8(tp)
  csrrw tp, ${mode}scratch, tp
  ${mode}ret`;

/** Takes one console byte, where the PLIC has it: `context` is 0 or 1. */
const takeByte = (context: number, back: string): string => `
  li t0, ${0x0c20_0004 + context * 0x1000}
  lw t1, 0(t0)
  beqz t1, ${back}
  li t2, 0x10000000
  lbu t2, 0(t2)
  sw t1, 0(t0)
  j ${back}`;

const text = `
start:
  la t0, m_table
  csrw mtvec, t0
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 31
  csrw pmpcfg0, t0
  li t0, 0x0c000028        # priority of the UART's interrupt, then both contexts enable it
  li t1, 1
  sw t1, 0(t0)
  li t1, 1 << 10
  li t0, 0x0c002000
  sw t1, 0(t0)
  li t0, 0x0c002080
  sw t1, 0(t0)
  li t0, 0x10000000
  li t1, 1
  sb t1, 1(t0)
  li tp, ${AREA_M}
  li t0, ${DESCRIPTORS}
  sw t0, 20(tp)
  li s1, 0                 # all pages; later only those that programs map anew most

  j 1f
next_program:
  li s1, ${(DATA - RAM) >>> 12}
1:
  csrw mie, x0
  csrw mstatus, x0
  csrw satp, x0
  csrw pmpcfg2, x0
  csrw mcountinhibit, x0
  li t0, 0x02000000
  sw x0, 0(t0)
  li t0, ${AREA_S}
  csrw sscratch, t0
  li t1, ${TRAPS}
  sw t1, 16(t0)
  li tp, ${AREA_M}
  csrw mscratch, tp
  sw t1, 16(tp)
  li t1, ${TICKS}
  sw t1, 24(tp)
  lw s0, 20(tp)
  lw t0, 0(s0)
  beqz t0, all_over
  addi t1, s0, ${4 * DESCRIPTOR_WORDS}
  sw t1, 20(tp)
  lw t0, 4(s0)
  seqz t1, s1
  or t0, t0, t1
  beqz t0, 2f
  ${initRoots}
3:
  mv t0, s1
  ${mendLeaf}
  addi s1, s1, 1
  li t0, ${RAM_BYTES >>> 12}
  bne s1, t0, 3b
2:
  li t0, 0x0200bff8
  lw t0, 0(t0)
  lw t1, 8(s0)
  add t0, t0, t1
  li t1, 0x02004000
  sw t0, 0(t1)
  sw x0, 4(t1)
${INIT_CSRS.map((name, n) => `  lw t0, ${12 + 4 * n}(s0)\n  csrw ${name}, t0`).join('\n')}
  addi tp, s0, ${4 * (3 + INIT_CSRS.length)}
${Array.from({ length: 31 }, (_, n) => (n + 1 === 4 ? '' : `  lw x${n + 1}, ${4 * n}(tp)`)).join('\n')}
  lw tp, 12(tp)
  mret

lost:
  li a7, ${OVER}
  ecall
  j lost

all_over:
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
  j .

  .balign 128
m_table:
  ${Array.from({ length: 16 }, () => 'j m_trap').join('\n')}
  .balign 128
s_table:
  ${Array.from({ length: 16 }, () => 'j s_trap').join('\n')}

${trapHead('m', ['minstret', 'mcycle', 'time', 'mip'])}
  csrr t1, mcause
  bltz t1, m_interrupt
  li t2, 12
  beq t1, t2, m_fetch
  li t2, 1
  beq t1, t2, m_lost
  addi t2, t1, -8
  sltiu t2, t2, 4
  bnez t2, m_call
  li t2, 13
  beq t1, t2, m_data
  li t2, 15
  bne t1, t2, m_skip
m_data:
  andi t1, t0, 1
  bnez t1, m_skip
  j m_mend
m_fetch:
  andi t1, t0, 3
  beqz t1, m_lost
m_mend:
  csrr t0, mtval
  slli t0, t0, 12
  srli t0, t0, 24
  ${mendLeaf}
${[0, 1].map((space) => [WINDOW_S, WINDOW_U].map((at, n) => `li t0, ${ROOTS[space] + (at >>> 22) * 4}\nli t1, ${((table(space, n + 1) >>> 12) << 10) | V}\nsw t1, 0(t0)`).join('\n')).join('\n')}
  j m_out
m_call:
  li t1, ${OVER}
  beq a7, t1, next_program
  li t1, ${RAISE}
  bne a7, t1, m_skip
  li a7, 0
  li t1, 0x1800
  csrs mstatus, t1
  j m_skip
m_giveup:
  j next_program
m_interrupt:
  slli t1, t1, 1
  srli t1, t1, 1
  addi t2, t1, -7
  beqz t2, m_timer
  addi t2, t1, -3
  beqz t2, m_software
  addi t2, t1, -11
  beqz t2, m_external
  li t2, 1
  sll t2, t2, t1
  csrc mip, t2
  csrc mie, t2
  j m_out
m_timer:
  lw t1, 24(tp)
  addi t1, t1, -1
  sw t1, 24(tp)
  blez t1, next_program
  li t1, 0x0200bff8
  lw t1, 0(t1)
  andi t2, t0, 127
  addi t2, t2, 9
  add t1, t1, t2
  li t2, 0x02004000
  sw t1, 0(t2)
  sw x0, 4(t2)
  j m_out
m_software:
  li t1, 0x02000000
  sw x0, 0(t1)
  j m_out
m_external:
  ${takeByte(0, 'm_out')}
${trapTail('m')}

${trapHead('s', ['sip'])}
  csrr t1, scause
  bltz t1, s_interrupt
  li t2, 12
  beq t1, t2, s_lost
  li t2, 1
  beq t1, t2, s_lost
  li t2, 8
  bne t1, t2, s_skip
  li t1, ${OVER}
  bne a7, t1, s_skip
s_giveup:
  li a7, ${OVER}
  ecall
  j s_giveup
s_interrupt:
  slli t1, t1, 1
  srli t1, t1, 1
  li t2, 2
  csrc sip, t2
  addi t2, t1, -9
  beqz t2, s_external
  addi t2, t1, -5
  bnez t2, s_out
  li t2, 0x20
  csrc sie, t2
  j s_out
s_external:
  andi t0, t0, 7
  bnez t0, 2f
  li t2, 0x200
  csrc sie, t2
2:
  ${takeByte(1, 's_out')}
${trapTail('s')}
`;

/** Assembled at the start of RAM. */
export const RUNTIME = assemble(text, { origin: RAM });
if (RAM + RUNTIME.bytes.length > DESCRIPTORS) throw new RangeError(`the harness has ${RUNTIME.bytes.length} bytes, more than two pages`);
