/**
 * Control and status registers (Privileged 20211203 tables 2.2 to 2.5, Sstc 1.0). Number bits [9:8] are the least privilege, [11:10] = 3
 * means read-only: for rows that are not of kind 'effect', that is all there is to who may use them. Numbers that have no row here are
 * illegal instructions.
 */

interface Named {
  readonly name: string;
  readonly number: number;
}

export type CsrRow = Named &
  (
    | { readonly kind: 'plain'; readonly reset: number }
    /** Bits outside `mask` keep their reset value, whatever is written. Mask 0: a constant, with no word of its own. `looks`: it decides which
     * pending interrupt is taken. */
    | { readonly kind: 'masked'; readonly mask: number; readonly looks?: true; readonly reset: number }
    /** The address of a handler, and its mode in bits [1:0]. */
    | { readonly kind: 'vector'; readonly reset: 0 }
    /** The bits `shows` of mstatus; a write to those in `mask` is the routine `writeStatus`. `stored`: it is mstatus itself. */
    | { readonly kind: 'status'; readonly stored: boolean; readonly shows: number; readonly mask: number; readonly reset: 0 }
    /** Read or written by functions of `hart/csrs.ts`. `stored`: has a word of hart state under its own name. */
    | { readonly kind: 'effect'; readonly stored: boolean; readonly reset: number }
  );

/** Bits of mstatus (§3.1.6). FS, VS and XS are read-only 0, as is UBE: no floating point, little-endian only. */
export const MSTATUS = {
  SIE: 1 << 1,
  MIE: 1 << 3,
  SPIE: 1 << 5,
  MPIE: 1 << 7,
  SPP: 1 << 8,
  MPP: 3 << 11,
  MPRV: 1 << 17,
  SUM: 1 << 18,
  MXR: 1 << 19,
  TVM: 1 << 20,
  TW: 1 << 21,
  TSR: 1 << 22,
} as const;

/** Where mstatus.MPP begins. */
export const MPP_SHIFT = 11;
/** What a write to mstatus can change. */
export const MSTATUS_MASK = 0x007e19aa;
/** The part of mstatus that sstatus shows and writes: SIE, SPIE, SPP, SUM, MXR. */
const SSTATUS_MASK = 0x000c0122;
/** Interrupts that can be delegated, and the bits of mip that software may write: SSI, STI, SEI. */
export const SUPERVISOR_INTERRUPTS = 0x222;
const ALL_INTERRUPTS = 0xaaa;
/** Every cause but ecall from M (11) and the reserved ones. */
const MEDELEG_MASK = 0xb3ff;
/** RV32 with A, C, I, M, S, U. */
const MISA = 0x40141105;
/** menvcfgh bit 31: STCE, which lets S-mode have stimecmp. */
export const STCE = 0x80000000 | 0;
export const PMP_ENTRIES = 16;

const constant = (name: string, number: number, reset = 0): CsrRow => ({ name, number, kind: 'masked', mask: 0, reset });
const plain = (name: string, number: number): CsrRow => ({ name, number, kind: 'plain', reset: 0 });
const masked = (name: string, number: number, mask: number) => ({ name, number, kind: 'masked', mask: mask | 0, reset: 0 }) as const;
const vector = (name: string, number: number): CsrRow => ({ name, number, kind: 'vector', reset: 0 });
const stored = (name: string, number: number, reset = 0): CsrRow => ({ name, number, kind: 'effect', stored: true, reset });
const view = (name: string, number: number): CsrRow => ({ name, number, kind: 'effect', stored: false, reset: 0 });
const series = (first: number, last: number, row: (n: number) => CsrRow): CsrRow[] =>
  Array.from({ length: last - first + 1 }, (_, k) => row(first + k));

export const CSRS: readonly CsrRow[] = [
  // Unprivileged counters, read-only (§3.1.10, gated by mcounteren and scounteren)
  view('cycle', 0xc00),
  view('time', 0xc01),
  view('instret', 0xc02),
  ...series(3, 31, (n) => view(`hpmcounter${n}`, 0xc00 + n)),
  view('cycleh', 0xc80),
  view('timeh', 0xc81),
  view('instreth', 0xc82),
  ...series(3, 31, (n) => view(`hpmcounter${n}h`, 0xc80 + n)),

  // Supervisor (§4.1)
  { name: 'sstatus', number: 0x100, kind: 'status', stored: false, shows: SSTATUS_MASK, mask: SSTATUS_MASK, reset: 0 },
  view('sie', 0x104),
  vector('stvec', 0x105),
  plain('scounteren', 0x106),
  masked('senvcfg', 0x10a, 1),
  plain('sscratch', 0x140),
  masked('sepc', 0x141, -2),
  plain('scause', 0x142),
  plain('stval', 0x143),
  view('sip', 0x144),
  stored('stimecmp', 0x14d, -1),
  stored('stimecmph', 0x15d, -1),
  stored('satp', 0x180),

  // Machine information
  constant('mvendorid', 0xf11),
  constant('marchid', 0xf12),
  constant('mimpid', 0xf13),
  constant('mhartid', 0xf14),
  constant('mconfigptr', 0xf15),

  // Machine trap setup and handling (§3.1)
  { name: 'mstatus', number: 0x300, kind: 'status', stored: true, shows: -1, mask: MSTATUS_MASK, reset: 0 },
  constant('misa', 0x301, MISA),
  masked('medeleg', 0x302, MEDELEG_MASK),
  { ...masked('mideleg', 0x303, SUPERVISOR_INTERRUPTS), looks: true },
  { ...masked('mie', 0x304, ALL_INTERRUPTS), looks: true },
  vector('mtvec', 0x305),
  plain('mcounteren', 0x306),
  masked('menvcfg', 0x30a, 1),
  constant('mstatush', 0x310),
  stored('menvcfgh', 0x31a),
  plain('mscratch', 0x340),
  masked('mepc', 0x341, -2),
  plain('mcause', 0x342),
  plain('mtval', 0x343),
  stored('mip', 0x344),

  // Physical memory protection (§3.7)
  ...series(0, 3, (n) => stored(`pmpcfg${n}`, 0x3a0 + n)),
  ...series(0, PMP_ENTRIES - 1, (n) => stored(`pmpaddr${n}`, 0x3b0 + n)),

  // Counters (§3.1.10 to §3.1.12): no event is ever counted by the hpm ones
  stored('mcountinhibit', 0x320),
  ...series(3, 31, (n) => constant(`mhpmevent${n}`, 0x320 + n)),
  view('mcycle', 0xb00),
  view('minstret', 0xb02),
  ...series(3, 31, (n) => constant(`mhpmcounter${n}`, 0xb00 + n)),
  view('mcycleh', 0xb80),
  view('minstreth', 0xb82),
  ...series(3, 31, (n) => constant(`mhpmcounter${n}h`, 0xb80 + n)),

  // Triggers: none
  constant('tselect', 0x7a0),
  constant('tdata1', 0x7a1),
  constant('tdata2', 0x7a2),
  constant('tdata3', 0x7a3),
];

/** Rows by number; undefined is an illegal instruction. */
export const CSR_BY_NUMBER: ReadonlyMap<number, CsrRow> = new Map(CSRS.map((row) => [row.number, row]));

export const CSR_BY_NAME: ReadonlyMap<string, CsrRow> = new Map(CSRS.map((row) => [row.name, row]));

/** CSRs that are words of hart state, in the order of their words. */
export const STORED_CSRS: readonly CsrRow[] = CSRS.filter(
  (row) => row.kind === 'plain' || row.kind === 'vector' || (row.kind === 'masked' ? row.mask !== 0 : row.stored),
);
