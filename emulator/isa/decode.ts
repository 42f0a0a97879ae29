/**
 * From bits to a row and its operands. The first row that matches owns an encoding; an encoding that is reserved in its row, or that
 * no row claims, is illegal. (Unprivileged 20211203 §1.5: the two low bits say the length.)
 */
import { extract, type Fields, FORMATS } from './format.ts';
import { BASE, type BaseRow, COMPRESSED, type CompressedRow } from './instructions.ts';

export interface Decoded {
  /** Index of `row` in BASE: the operation's number in both engines. */
  readonly op: number;
  readonly row: BaseRow;
  /** Undefined for a 32-bit encoding. */
  readonly compressed: CompressedRow | undefined;
  readonly length: 2 | 4;
  readonly rd: number;
  /** Register number, or the 5-bit number of a csrr?i. */
  readonly rs1: number;
  readonly rs2: number;
  readonly imm: number;
}

/** Decodes the instruction whose low (or only) halfword is `bits & 0xffff`. Undefined: an illegal instruction. */
export function decode(bits: number): Decoded | undefined {
  if ((bits & 3) !== 3) {
    const half = bits & 0xffff;
    for (const { row, base, op } of COMPRESSED_BUCKETS[compressedBucket(half)]) {
      if ((half & row.mask) === row.match) {
        return row.reserved.some((r) => (half & r.mask) === r.match) ? undefined : operands(op, base, row, row.fields, half);
      }
    }
    return undefined;
  }
  for (const op of BASE_BUCKETS[baseBucket(bits)]) {
    const row = BASE[op];
    if ((bits & row.mask) >>> 0 === row.match) {
      return operands(op, row, undefined, FORMATS[row.format], bits);
    }
  }
  return undefined;
}

/** 2 or 4, by the low bits of the first halfword. */
export const lengthOf = (bits: number): 2 | 4 => ((bits & 3) === 3 ? 4 : 2);

/** Index in BASE of the row with this name. Throws when there is none: the table's own fault. */
export function opOf(name: string): number {
  const op = BASE.findIndex((row) => row.name === name);
  if (op < 0) throw new Error(`no instruction is called ${name}`);
  return op;
}

function operands(op: number, row: BaseRow, compressed: CompressedRow | undefined, fields: Fields, bits: number): Decoded {
  const of = (field: Fields[keyof Fields]) => (field === undefined ? 0 : extract(field, bits));
  return {
    op,
    row,
    compressed,
    length: compressed ? 2 : 4,
    rd: of(fields.rd),
    rs1: of(fields.rs1 ?? fields.uimm),
    rs2: of(fields.rs2),
    imm: of(fields.imm),
  };
}

// Buckets by opcode and funct3, so that a decode looks at a handful of rows: a cold guest decodes millions of instructions.
const baseBucket = (bits: number): number => ((bits >>> 2) & 31) | ((bits >>> 7) & 0xe0);
const compressedBucket = (half: number): number => (half & 3) | ((half >>> 11) & 0x1c);

const BASE_BUCKETS: readonly (readonly number[])[] = Array.from({ length: 256 }, (_, bucket) => {
  const sample = ((bucket & 31) << 2) | 3 | ((bucket & 0xe0) << 7);
  return BASE.flatMap((row, op) => ((row.match & 0x707f) === (sample & row.mask & 0x707f) ? [op] : []));
});

const COMPRESSED_BUCKETS = Array.from({ length: 32 }, (_, bucket) => {
  const sample = (bucket & 3) | ((bucket & 0x1c) << 11);
  return COMPRESSED.flatMap((row) => {
    if ((row.match & 0xe003) !== (sample & row.mask & 0xe003)) return [];
    const op = opOf(row.expands);
    return [{ row, op, base: BASE[op] }];
  });
});
