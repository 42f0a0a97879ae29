/**
 * THE table: one row per instruction, encoding and meaning as data. RV32IMAC, Zicsr, Zifencei and the privileged instructions
 * (Unprivileged 20211203 chapters 2, 3, 7, 8, 9, 16; Privileged 20211203 §3.3, §4.2). The interpreter, the
 * assembler, the disassembler and the test generators are readers of these rows; nothing else says what an instruction does.
 */
import {
  add,
  and,
  constant,
  div,
  divu,
  type Expression,
  eq,
  ge,
  geu,
  imm,
  load,
  loadu,
  lt,
  ltu,
  max,
  maxu,
  min,
  minu,
  mul,
  mulh,
  mulhsu,
  mulhu,
  ne,
  old,
  or,
  pc,
  rem,
  remu,
  rs1,
  rs2,
  sll,
  sra,
  srl,
  sub,
  type Width,
  xor,
} from './expression.ts';
import { compact, type Fields, type Format, fixed, register, signed, unsigned } from './format.ts';

/** Functions of `hart/system.ts`: what touches privilege, CSRs, or waits. A system row ends a block. */
export type SystemFunction =
  | 'csrrw'
  | 'csrrs'
  | 'csrrc'
  | 'csrrwi'
  | 'csrrsi'
  | 'csrrci'
  | 'ecall'
  | 'ebreak'
  | 'mret'
  | 'sret'
  | 'wfi'
  | 'sfenceVma';

interface Encoded {
  readonly name: string;
  readonly format: Format;
  /** An encoding is this row's when (bits & mask) === match, and no row before it claims it. Unsigned. */
  readonly mask: number;
  readonly match: number;
}

/** At most one memory access a row. Operands are read first; memory may trap; only then are rd and pc written, once. */
export type BaseRow = Encoded &
  (
    | { readonly kind: 'rd'; readonly rd: Expression }
    | { readonly kind: 'load'; readonly rd: Expression }
    | { readonly kind: 'store'; readonly width: Width; readonly address: Expression; readonly value: Expression }
    /** The word at rs1 becomes `value` (of `old` and rs2); rd becomes `old`. Aligned, or cause 6. */
    | { readonly kind: 'amo'; readonly value: Expression }
    /** rd becomes the word at rs1, which is reserved. Aligned, or cause 4. */
    | { readonly kind: 'lr' }
    /** Stores rs2 at rs1 and clears rd if that word is reserved, else rd becomes 1; clears the reservation. Aligned, or cause 6. */
    | { readonly kind: 'sc' }
    /** pc becomes pc + imm when `condition` is not 0. */
    | { readonly kind: 'branch'; readonly condition: Expression }
    /** rd becomes the node `next`, pc becomes `target`. */
    | { readonly kind: 'jump'; readonly target: Expression }
    | { readonly kind: 'system'; readonly system: SystemFunction }
  );

/** A 16-bit encoding of a 32-bit instruction: same meaning, length 2. */
export interface CompressedRow {
  readonly name: string;
  readonly mask: number;
  readonly match: number;
  /** Name of the base row. */
  readonly expands: string;
  /** Where the base row's operands are in the 16 bits. Those the base row has and this map lacks are 0. */
  readonly fields: Fields;
  /** Encodings within mask and match that are illegal instructions (reserved, or RV64's). Hints are no-ops and not listed. */
  readonly reserved: readonly Encoding[];
}

export interface Encoding {
  readonly mask: number;
  readonly match: number;
}

const address = add(rs1, imm);

export const BASE: readonly BaseRow[] = [
  // RV32I, §2.4 integer computation
  { name: 'lui', format: 'U', mask: 0x0000007f, match: 0x00000037, kind: 'rd', rd: imm },
  { name: 'auipc', format: 'U', mask: 0x0000007f, match: 0x00000017, kind: 'rd', rd: add(pc, imm) },
  { name: 'addi', format: 'I', mask: 0x0000707f, match: 0x00000013, kind: 'rd', rd: add(rs1, imm) },
  { name: 'slti', format: 'I', mask: 0x0000707f, match: 0x00002013, kind: 'rd', rd: lt(rs1, imm) },
  { name: 'sltiu', format: 'I', mask: 0x0000707f, match: 0x00003013, kind: 'rd', rd: ltu(rs1, imm) },
  { name: 'xori', format: 'I', mask: 0x0000707f, match: 0x00004013, kind: 'rd', rd: xor(rs1, imm) },
  { name: 'ori', format: 'I', mask: 0x0000707f, match: 0x00006013, kind: 'rd', rd: or(rs1, imm) },
  { name: 'andi', format: 'I', mask: 0x0000707f, match: 0x00007013, kind: 'rd', rd: and(rs1, imm) },
  { name: 'slli', format: 'shift', mask: 0xfe00707f, match: 0x00001013, kind: 'rd', rd: sll(rs1, imm) },
  { name: 'srli', format: 'shift', mask: 0xfe00707f, match: 0x00005013, kind: 'rd', rd: srl(rs1, imm) },
  { name: 'srai', format: 'shift', mask: 0xfe00707f, match: 0x40005013, kind: 'rd', rd: sra(rs1, imm) },
  { name: 'add', format: 'R', mask: 0xfe00707f, match: 0x00000033, kind: 'rd', rd: add(rs1, rs2) },
  { name: 'sub', format: 'R', mask: 0xfe00707f, match: 0x40000033, kind: 'rd', rd: sub(rs1, rs2) },
  { name: 'sll', format: 'R', mask: 0xfe00707f, match: 0x00001033, kind: 'rd', rd: sll(rs1, rs2) },
  { name: 'slt', format: 'R', mask: 0xfe00707f, match: 0x00002033, kind: 'rd', rd: lt(rs1, rs2) },
  { name: 'sltu', format: 'R', mask: 0xfe00707f, match: 0x00003033, kind: 'rd', rd: ltu(rs1, rs2) },
  { name: 'xor', format: 'R', mask: 0xfe00707f, match: 0x00004033, kind: 'rd', rd: xor(rs1, rs2) },
  { name: 'srl', format: 'R', mask: 0xfe00707f, match: 0x00005033, kind: 'rd', rd: srl(rs1, rs2) },
  { name: 'sra', format: 'R', mask: 0xfe00707f, match: 0x40005033, kind: 'rd', rd: sra(rs1, rs2) },
  { name: 'or', format: 'R', mask: 0xfe00707f, match: 0x00006033, kind: 'rd', rd: or(rs1, rs2) },
  { name: 'and', format: 'R', mask: 0xfe00707f, match: 0x00007033, kind: 'rd', rd: and(rs1, rs2) },

  // RV32I, §2.5 control transfer
  { name: 'jal', format: 'J', mask: 0x0000007f, match: 0x0000006f, kind: 'jump', target: add(pc, imm) },
  { name: 'jalr', format: 'I', mask: 0x0000707f, match: 0x00000067, kind: 'jump', target: and(add(rs1, imm), constant(-2)) },
  { name: 'beq', format: 'B', mask: 0x0000707f, match: 0x00000063, kind: 'branch', condition: eq(rs1, rs2) },
  { name: 'bne', format: 'B', mask: 0x0000707f, match: 0x00001063, kind: 'branch', condition: ne(rs1, rs2) },
  { name: 'blt', format: 'B', mask: 0x0000707f, match: 0x00004063, kind: 'branch', condition: lt(rs1, rs2) },
  { name: 'bge', format: 'B', mask: 0x0000707f, match: 0x00005063, kind: 'branch', condition: ge(rs1, rs2) },
  { name: 'bltu', format: 'B', mask: 0x0000707f, match: 0x00006063, kind: 'branch', condition: ltu(rs1, rs2) },
  { name: 'bgeu', format: 'B', mask: 0x0000707f, match: 0x00007063, kind: 'branch', condition: geu(rs1, rs2) },

  // RV32I, §2.6 memory, §2.7 ordering: with one hart and coherent fetch, fences order nothing
  { name: 'lb', format: 'I', mask: 0x0000707f, match: 0x00000003, kind: 'load', rd: load(1, address) },
  { name: 'lh', format: 'I', mask: 0x0000707f, match: 0x00001003, kind: 'load', rd: load(2, address) },
  { name: 'lw', format: 'I', mask: 0x0000707f, match: 0x00002003, kind: 'load', rd: load(4, address) },
  { name: 'lbu', format: 'I', mask: 0x0000707f, match: 0x00004003, kind: 'load', rd: loadu(1, address) },
  { name: 'lhu', format: 'I', mask: 0x0000707f, match: 0x00005003, kind: 'load', rd: loadu(2, address) },
  { name: 'sb', format: 'S', mask: 0x0000707f, match: 0x00000023, kind: 'store', width: 1, address, value: rs2 },
  { name: 'sh', format: 'S', mask: 0x0000707f, match: 0x00001023, kind: 'store', width: 2, address, value: rs2 },
  { name: 'sw', format: 'S', mask: 0x0000707f, match: 0x00002023, kind: 'store', width: 4, address, value: rs2 },
  { name: 'fence', format: 'fence', mask: 0x0000707f, match: 0x0000000f, kind: 'rd', rd: constant(0) },
  { name: 'fence.i', format: 'fence', mask: 0x0000707f, match: 0x0000100f, kind: 'rd', rd: constant(0) },

  // RV32M, §7
  { name: 'mul', format: 'R', mask: 0xfe00707f, match: 0x02000033, kind: 'rd', rd: mul(rs1, rs2) },
  { name: 'mulh', format: 'R', mask: 0xfe00707f, match: 0x02001033, kind: 'rd', rd: mulh(rs1, rs2) },
  { name: 'mulhsu', format: 'R', mask: 0xfe00707f, match: 0x02002033, kind: 'rd', rd: mulhsu(rs1, rs2) },
  { name: 'mulhu', format: 'R', mask: 0xfe00707f, match: 0x02003033, kind: 'rd', rd: mulhu(rs1, rs2) },
  { name: 'div', format: 'R', mask: 0xfe00707f, match: 0x02004033, kind: 'rd', rd: div(rs1, rs2) },
  { name: 'divu', format: 'R', mask: 0xfe00707f, match: 0x02005033, kind: 'rd', rd: divu(rs1, rs2) },
  { name: 'rem', format: 'R', mask: 0xfe00707f, match: 0x02006033, kind: 'rd', rd: rem(rs1, rs2) },
  { name: 'remu', format: 'R', mask: 0xfe00707f, match: 0x02007033, kind: 'rd', rd: remu(rs1, rs2) },

  // RV32A, §8; aq and rl order nothing on one hart
  { name: 'lr.w', format: 'lr', mask: 0xf9f0707f, match: 0x1000202f, kind: 'lr' },
  { name: 'sc.w', format: 'amo', mask: 0xf800707f, match: 0x1800202f, kind: 'sc' },
  { name: 'amoswap.w', format: 'amo', mask: 0xf800707f, match: 0x0800202f, kind: 'amo', value: rs2 },
  { name: 'amoadd.w', format: 'amo', mask: 0xf800707f, match: 0x0000202f, kind: 'amo', value: add(old, rs2) },
  { name: 'amoxor.w', format: 'amo', mask: 0xf800707f, match: 0x2000202f, kind: 'amo', value: xor(old, rs2) },
  { name: 'amoand.w', format: 'amo', mask: 0xf800707f, match: 0x6000202f, kind: 'amo', value: and(old, rs2) },
  { name: 'amoor.w', format: 'amo', mask: 0xf800707f, match: 0x4000202f, kind: 'amo', value: or(old, rs2) },
  { name: 'amomin.w', format: 'amo', mask: 0xf800707f, match: 0x8000202f, kind: 'amo', value: min(old, rs2) },
  { name: 'amomax.w', format: 'amo', mask: 0xf800707f, match: 0xa000202f, kind: 'amo', value: max(old, rs2) },
  { name: 'amominu.w', format: 'amo', mask: 0xf800707f, match: 0xc000202f, kind: 'amo', value: minu(old, rs2) },
  { name: 'amomaxu.w', format: 'amo', mask: 0xf800707f, match: 0xe000202f, kind: 'amo', value: maxu(old, rs2) },

  // Zicsr, §9
  { name: 'csrrw', format: 'csr', mask: 0x0000707f, match: 0x00001073, kind: 'system', system: 'csrrw' },
  { name: 'csrrs', format: 'csr', mask: 0x0000707f, match: 0x00002073, kind: 'system', system: 'csrrs' },
  { name: 'csrrc', format: 'csr', mask: 0x0000707f, match: 0x00003073, kind: 'system', system: 'csrrc' },
  { name: 'csrrwi', format: 'csri', mask: 0x0000707f, match: 0x00005073, kind: 'system', system: 'csrrwi' },
  { name: 'csrrsi', format: 'csri', mask: 0x0000707f, match: 0x00006073, kind: 'system', system: 'csrrsi' },
  { name: 'csrrci', format: 'csri', mask: 0x0000707f, match: 0x00007073, kind: 'system', system: 'csrrci' },

  // Environment and privileged, §2.8; Privileged §3.3, §4.2
  { name: 'ecall', format: 'none', mask: 0xffffffff, match: 0x00000073, kind: 'system', system: 'ecall' },
  { name: 'ebreak', format: 'none', mask: 0xffffffff, match: 0x00100073, kind: 'system', system: 'ebreak' },
  { name: 'sret', format: 'none', mask: 0xffffffff, match: 0x10200073, kind: 'system', system: 'sret' },
  { name: 'mret', format: 'none', mask: 0xffffffff, match: 0x30200073, kind: 'system', system: 'mret' },
  { name: 'wfi', format: 'none', mask: 0xffffffff, match: 0x10500073, kind: 'system', system: 'wfi' },
  { name: 'sfence.vma', format: 'sfence', mask: 0xfe007fff, match: 0x12000073, kind: 'system', system: 'sfenceVma' },
];

const zero = fixed(0);
const ra = fixed(1);
const sp = fixed(2);
const rdFull = register(7);
const rs2Full = register(2);
const imm6 = signed(6, [12, 12, 5], [6, 2, 0]);
const shamt = unsigned(6, [12, 12, 5], [6, 2, 0]);
const jump = signed(12, [12, 12, 11], [11, 11, 4], [10, 9, 8], [8, 8, 10], [7, 7, 6], [6, 6, 7], [5, 3, 1], [2, 2, 5]);
const branch = signed(9, [12, 12, 8], [11, 10, 3], [6, 5, 6], [4, 3, 1], [2, 2, 5]);
const wordOffset = unsigned(7, [12, 10, 3], [6, 6, 2], [5, 5, 6]);
/** RV64's longer shifts: bit 5 of the amount (§16.5: for RV32C, shamt[5] must be zero). */
const longShiftAt = (match: number, mask: number): Encoding => ({ mask: mask | 0x1000, match: match | 0x1000 });

/** §16.8. The first row that matches owns the encoding: c.addi16sp before c.lui, c.jr before c.mv, c.ebreak and c.jalr before c.add. */
export const COMPRESSED: readonly CompressedRow[] = [
  // Quadrant 0
  {
    name: 'c.addi4spn',
    mask: 0xe003,
    match: 0x0000,
    expands: 'addi',
    fields: { rd: compact(2), rs1: sp, imm: unsigned(10, [12, 11, 4], [10, 7, 6], [6, 6, 2], [5, 5, 3]) },
    reserved: [{ mask: 0xffe3, match: 0x0000 }],
  },
  { name: 'c.lw', mask: 0xe003, match: 0x4000, expands: 'lw', fields: { rd: compact(2), rs1: compact(7), imm: wordOffset }, reserved: [] },
  { name: 'c.sw', mask: 0xe003, match: 0xc000, expands: 'sw', fields: { rs1: compact(7), rs2: compact(2), imm: wordOffset }, reserved: [] },
  // Quadrant 1
  { name: 'c.addi', mask: 0xe003, match: 0x0001, expands: 'addi', fields: { rd: rdFull, rs1: rdFull, imm: imm6 }, reserved: [] },
  { name: 'c.jal', mask: 0xe003, match: 0x2001, expands: 'jal', fields: { rd: ra, imm: jump }, reserved: [] },
  { name: 'c.li', mask: 0xe003, match: 0x4001, expands: 'addi', fields: { rd: rdFull, rs1: zero, imm: imm6 }, reserved: [] },
  {
    name: 'c.addi16sp',
    mask: 0xef83,
    match: 0x6101,
    expands: 'addi',
    fields: { rd: sp, rs1: sp, imm: signed(10, [12, 12, 9], [6, 6, 4], [5, 5, 6], [4, 3, 7], [2, 2, 5]) },
    reserved: [{ mask: 0xffff, match: 0x6101 }],
  },
  {
    name: 'c.lui',
    mask: 0xe003,
    match: 0x6001,
    expands: 'lui',
    fields: { rd: rdFull, imm: signed(18, [12, 12, 17], [6, 2, 12]) },
    reserved: [{ mask: 0xf07f, match: 0x6001 }],
  },
  {
    name: 'c.srli',
    mask: 0xec03,
    match: 0x8001,
    expands: 'srli',
    fields: { rd: compact(7), rs1: compact(7), imm: shamt },
    reserved: [longShiftAt(0x8001, 0xec03)],
  },
  {
    name: 'c.srai',
    mask: 0xec03,
    match: 0x8401,
    expands: 'srai',
    fields: { rd: compact(7), rs1: compact(7), imm: shamt },
    reserved: [longShiftAt(0x8401, 0xec03)],
  },
  { name: 'c.andi', mask: 0xec03, match: 0x8801, expands: 'andi', fields: { rd: compact(7), rs1: compact(7), imm: imm6 }, reserved: [] },
  {
    name: 'c.sub',
    mask: 0xfc63,
    match: 0x8c01,
    expands: 'sub',
    fields: { rd: compact(7), rs1: compact(7), rs2: compact(2) },
    reserved: [],
  },
  {
    name: 'c.xor',
    mask: 0xfc63,
    match: 0x8c21,
    expands: 'xor',
    fields: { rd: compact(7), rs1: compact(7), rs2: compact(2) },
    reserved: [],
  },
  { name: 'c.or', mask: 0xfc63, match: 0x8c41, expands: 'or', fields: { rd: compact(7), rs1: compact(7), rs2: compact(2) }, reserved: [] },
  {
    name: 'c.and',
    mask: 0xfc63,
    match: 0x8c61,
    expands: 'and',
    fields: { rd: compact(7), rs1: compact(7), rs2: compact(2) },
    reserved: [],
  },
  { name: 'c.j', mask: 0xe003, match: 0xa001, expands: 'jal', fields: { rd: zero, imm: jump }, reserved: [] },
  { name: 'c.beqz', mask: 0xe003, match: 0xc001, expands: 'beq', fields: { rs1: compact(7), rs2: zero, imm: branch }, reserved: [] },
  { name: 'c.bnez', mask: 0xe003, match: 0xe001, expands: 'bne', fields: { rs1: compact(7), rs2: zero, imm: branch }, reserved: [] },
  // Quadrant 2
  {
    name: 'c.slli',
    mask: 0xe003,
    match: 0x0002,
    expands: 'slli',
    fields: { rd: rdFull, rs1: rdFull, imm: shamt },
    reserved: [longShiftAt(0x0002, 0xe003)],
  },
  {
    name: 'c.lwsp',
    mask: 0xe003,
    match: 0x4002,
    expands: 'lw',
    fields: { rd: rdFull, rs1: sp, imm: unsigned(8, [12, 12, 5], [6, 4, 2], [3, 2, 6]) },
    reserved: [{ mask: 0xef83, match: 0x4002 }],
  },
  {
    name: 'c.jr',
    mask: 0xf07f,
    match: 0x8002,
    expands: 'jalr',
    fields: { rd: zero, rs1: rdFull, imm: zero },
    reserved: [{ mask: 0xffff, match: 0x8002 }],
  },
  { name: 'c.mv', mask: 0xf003, match: 0x8002, expands: 'add', fields: { rd: rdFull, rs1: zero, rs2: rs2Full }, reserved: [] },
  { name: 'c.ebreak', mask: 0xffff, match: 0x9002, expands: 'ebreak', fields: {}, reserved: [] },
  { name: 'c.jalr', mask: 0xf07f, match: 0x9002, expands: 'jalr', fields: { rd: ra, rs1: rdFull, imm: zero }, reserved: [] },
  { name: 'c.add', mask: 0xf003, match: 0x9002, expands: 'add', fields: { rd: rdFull, rs1: rdFull, rs2: rs2Full }, reserved: [] },
  {
    name: 'c.swsp',
    mask: 0xe003,
    match: 0xc002,
    expands: 'sw',
    fields: { rs1: sp, rs2: rs2Full, imm: unsigned(8, [12, 9, 2], [8, 7, 6]) },
    reserved: [],
  },
];
