/**
 * Where an instruction keeps its operands: one description of bit fields for 32-bit and compressed encodings alike, read by
 * the decoder, the assembler, the disassembler and the test generators. (Unprivileged 20211203 §2.3, §16.2.)
 */

/** A run of bits: instruction bits [high:low] are the immediate's bits from `to` upwards. */
export type Piece = readonly [high: number, low: number, to: number];

export type Field =
  /** A five-bit register number at bit `low`. */
  | { readonly kind: 'register'; readonly low: number }
  /** A three-bit compressed register number at bit `low`: x8 to x15. */
  | { readonly kind: 'compact'; readonly low: number }
  /** Not in the encoding: always `value`. */
  | { readonly kind: 'fixed'; readonly value: number }
  /** An immediate of `bits` bits gathered from pieces; bits that no piece names are 0. */
  | { readonly kind: 'immediate'; readonly bits: number; readonly signed: boolean; readonly pieces: readonly Piece[] };

/** The operands an encoding has. One that is absent reads as 0. `uimm` is the 5-bit number that csrr?i has in place of rs1. */
export interface Fields {
  readonly rd?: Field;
  readonly rs1?: Field;
  readonly rs2?: Field;
  readonly uimm?: Field;
  readonly imm?: Field;
}

export type FieldName = keyof Fields;

export type Format = 'R' | 'I' | 'shift' | 'S' | 'B' | 'U' | 'J' | 'csr' | 'csri' | 'amo' | 'lr' | 'fence' | 'sfence' | 'none';

export const register = (low: number): Field => ({ kind: 'register', low });
export const compact = (low: number): Field => ({ kind: 'compact', low });
export const fixed = (value: number): Field => ({ kind: 'fixed', value });
export const signed = (bits: number, ...pieces: Piece[]): Field => ({ kind: 'immediate', bits, signed: true, pieces });
export const unsigned = (bits: number, ...pieces: Piece[]): Field => ({ kind: 'immediate', bits, signed: false, pieces });

const rd = register(7);
const rs1 = register(15);
const rs2 = register(20);
const imm12 = signed(12, [31, 20, 0]);

/** Fields of each 32-bit format. Bits of the encoding that neither a field nor the row's mask covers are ignored (aq, rl, fence sets). */
export const FORMATS: Readonly<Record<Format, Fields>> = {
  R: { rd, rs1, rs2 },
  I: { rd, rs1, imm: imm12 },
  shift: { rd, rs1, imm: unsigned(5, [24, 20, 0]) },
  S: { rs1, rs2, imm: signed(12, [31, 25, 5], [11, 7, 0]) },
  B: { rs1, rs2, imm: signed(13, [31, 31, 12], [7, 7, 11], [30, 25, 5], [11, 8, 1]) },
  /** The immediate is the whole word, low 12 bits 0. */
  U: { rd, imm: signed(32, [31, 12, 12]) },
  J: { rd, imm: signed(21, [31, 31, 20], [19, 12, 12], [20, 20, 11], [30, 21, 1]) },
  /** The immediate is the CSR's number. */
  csr: { rd, rs1, imm: unsigned(12, [31, 20, 0]) },
  csri: { rd, uimm: register(15), imm: unsigned(12, [31, 20, 0]) },
  amo: { rd, rs1, rs2 },
  lr: { rd, rs1 },
  /** fm, pred and succ; rd and rs1 are ignored, as §2.7 asks. */
  fence: { imm: unsigned(12, [31, 20, 0]) },
  sfence: { rs1, rs2 },
  none: {},
};

/** The field's value in `bits`: a register number, or an immediate as a signed 32-bit word. */
export function extract(field: Field, bits: number): number {
  switch (field.kind) {
    case 'register':
      return (bits >>> field.low) & 31;
    case 'compact':
      return ((bits >>> field.low) & 7) + 8;
    case 'fixed':
      return field.value;
    case 'immediate': {
      let value = 0;
      for (const [high, low, to] of field.pieces) {
        value |= ((bits >>> low) & ones(high - low + 1)) << to;
      }
      const unused = 32 - field.bits;
      return field.signed ? (value << unused) >> unused : value;
    }
  }
}

/**
 * `value` put into the field's place, to be or-ed into `match` (as a signed 32-bit word). Undefined when the field cannot hold it:
 * out of range, bits set that no piece carries, or another register than a compressed or fixed field has.
 */
export function insert(field: Field, value: number): number | undefined {
  switch (field.kind) {
    case 'register':
      return value >= 0 && value < 32 ? value << field.low : undefined;
    case 'compact':
      return value >= 8 && value < 16 ? (value - 8) << field.low : undefined;
    case 'fixed':
      return value === field.value ? 0 : undefined;
    case 'immediate': {
      let bits = 0;
      for (const [high, low, to] of field.pieces) {
        bits |= ((value >>> to) & ones(high - low + 1)) << low;
      }
      return extract(field, bits) === (value | 0) ? bits : undefined;
    }
  }
}

const ones = (count: number): number => (count >= 32 ? -1 : (1 << count) - 1);
