/**
 * The meaning of an instruction as data: a small tree whose nodes are the only semantics that each engine states for itself.
 * Values are 32-bit words; comparisons give 0 or 1. (Unprivileged 20211203, chapters 2, 7 and 8.)
 */

/** Leaves: operands of the instruction, read before anything is written. `old` is the word an AMO found in memory. */
export type Leaf = 'rs1' | 'rs2' | 'imm' | 'pc' | 'next' | 'old';

/** Two-operand nodes. Shifts use the low five bits of `b`; division follows §7.2 (x / 0 = -1, INT_MIN / -1 = INT_MIN). */
export type Binary =
  | 'add'
  | 'sub'
  | 'and'
  | 'or'
  | 'xor'
  | 'sll'
  | 'srl'
  | 'sra'
  | 'mul'
  | 'mulh'
  | 'mulhsu'
  | 'mulhu'
  | 'div'
  | 'divu'
  | 'rem'
  | 'remu'
  | 'eq'
  | 'ne'
  | 'lt'
  | 'ge'
  | 'ltu'
  | 'geu'
  | 'min'
  | 'max'
  | 'minu'
  | 'maxu';

export type Width = 1 | 2 | 4;

export type Expression =
  | { readonly node: Leaf }
  | { readonly node: 'constant'; readonly value: number }
  | { readonly node: Binary; readonly a: Expression; readonly b: Expression }
  /** Memory at `address`; `signed` says how a narrow value fills the word. May trap; misaligned and page-crossing are its matter. */
  | { readonly node: 'load'; readonly width: Width; readonly signed: boolean; readonly address: Expression };

export const rs1: Expression = { node: 'rs1' };
export const rs2: Expression = { node: 'rs2' };
export const imm: Expression = { node: 'imm' };
/** The instruction's own address. */
export const pc: Expression = { node: 'pc' };
/** pc plus the instruction's length, 2 or 4: link and fall-through. */
export const next: Expression = { node: 'next' };
export const old: Expression = { node: 'old' };

export const constant = (value: number): Expression => ({ node: 'constant', value });

const binary =
  (node: Binary) =>
  (a: Expression, b: Expression): Expression => ({ node, a, b });

export const add = binary('add');
export const sub = binary('sub');
export const and = binary('and');
export const or = binary('or');
export const xor = binary('xor');
export const sll = binary('sll');
export const srl = binary('srl');
export const sra = binary('sra');
export const mul = binary('mul');
export const mulh = binary('mulh');
export const mulhsu = binary('mulhsu');
export const mulhu = binary('mulhu');
export const div = binary('div');
export const divu = binary('divu');
export const rem = binary('rem');
export const remu = binary('remu');
export const eq = binary('eq');
export const ne = binary('ne');
export const lt = binary('lt');
export const ge = binary('ge');
export const ltu = binary('ltu');
export const geu = binary('geu');
export const min = binary('min');
export const max = binary('max');
export const minu = binary('minu');
export const maxu = binary('maxu');

/** A load that fills the word with the sign. */
export const load = (width: Width, address: Expression): Expression => ({ node: 'load', width, signed: true, address });
/** A load that fills the word with zeros. */
export const loadu = (width: Width, address: Expression): Expression => ({ node: 'load', width, signed: false, address });
