/**
 * How an instruction is written: the operands of each row of the table, in the order of the Assembly Programmer's Handbook
 * (Unprivileged 20211203, ch. 25), with one parser and one printer for them. Shared by the assembler and the disassembler.
 */
import { ConstantError, evaluate, type Scope } from './constant.ts';
import { CSR_BY_NAME, CSR_BY_NUMBER } from './csr.ts';
import { decode } from './decode.ts';
import { extract, type FieldName, type Fields, FORMATS, type Format, insert } from './format.ts';
import { BASE, type BaseRow, COMPRESSED, type CompressedRow } from './instructions.ts';

export type Row = BaseRow | CompressedRow;

/** The row called `mnemonic`; `.aq`, `.rl` and `.aqrl` are suffixes, not names. */
export function findRow(mnemonic: string): Row | undefined {
  return ROWS.get(mnemonic) ?? ROWS.get(mnemonic.replace(ORDERING, ''));
}

/** The row that owns the encoding, or undefined for an illegal instruction. A 16-bit encoding has its upper half ignored. */
export function rowOf(bits: number): Row | undefined {
  const decoded = decode(bits);
  return decoded?.compressed ?? decoded?.row;
}

/** Where the row's operands are. */
export function fieldsOf(row: Row): Fields {
  return 'expands' in row ? row.fields : FORMATS[row.format];
}

/** Bits of one instruction. Throws `ConstantError` when there is no such instruction or an operand does not fit. */
export function parseInstruction(mnemonic: string, operands: readonly string[], scope: Scope): number {
  const row = findRow(mnemonic);
  if (row === undefined) throw new ConstantError(`unknown instruction '${mnemonic}'`);
  const pattern = operandsOf(row);
  if (operands.length !== pattern.length) {
    throw new ConstantError(`${mnemonic} takes ${pattern.length} operand${pattern.length === 1 ? '' : 's'}, got ${operands.length}`);
  }
  const values: Partial<Record<FieldName, number>> = {};
  for (const [index, operand] of pattern.entries()) PARSERS[operand](operands[index], values, scope);
  let bits = row.match;
  const fields = fieldsOf(row);
  for (const [name, field] of Object.entries(fields) as [FieldName, Fields['rd'] & object][]) {
    const value = values[name];
    if (value === undefined) {
      // Tied to rd (`c.addi a0, 1`), or fixed.
      continue;
    }
    const placed = insert(field, value);
    if (placed === undefined) throw new ConstantError(`${mnemonic}: ${describe(name, value)} does not fit`);
    bits |= placed;
  }
  const ordering = ORDERING.exec(mnemonic)?.[1];
  if (ordering !== undefined) {
    if (!isAtomic(row)) throw new ConstantError(`${mnemonic}: only atomic instructions take .${ordering}`);
    bits |= ORDERING_BITS[ordering];
  }
  if ('expands' in row && row.reserved.some(({ mask, match }) => (bits & mask) === match)) {
    throw new ConstantError(`${mnemonic} ${operands.join(', ')}: this encoding is reserved`);
  }
  return bits >>> 0;
}

/** Mnemonic and operands; bits that the syntax has no words for are lost (the disassembler checks by assembling again). */
export function printInstruction(row: Row, bits: number, pc: number): string {
  const fields = fieldsOf(row);
  const value = (name: FieldName) => {
    const field = fields[name];
    return field === undefined ? 0 : extract(field, bits);
  };
  const suffix = isAtomic(row) ? ['', '.rl', '.aq', '.aqrl'][(bits >>> 25) & 3] : '';
  const operands = operandsOf(row).map((operand) => PRINTERS[operand](value, pc));
  return `${row.name}${suffix}${operands.length > 0 ? ` ${operands.join(', ')}` : ''}`;
}

type Operand = 'rd' | 'rs1' | 'rs2' | 'imm' | 'uimm' | 'upper' | 'target' | 'csr' | 'memory' | 'atomic' | 'predecessor' | 'successor';
type Values = Partial<Record<FieldName, number>>;

const PATTERNS: Readonly<Record<Format, readonly Operand[]>> = {
  R: ['rd', 'rs1', 'rs2'],
  I: ['rd', 'rs1', 'imm'],
  shift: ['rd', 'rs1', 'imm'],
  S: ['rs2', 'memory'],
  B: ['rs1', 'rs2', 'target'],
  U: ['rd', 'upper'],
  J: ['rd', 'target'],
  csr: ['rd', 'csr', 'rs1'],
  csri: ['rd', 'csr', 'uimm'],
  amo: ['rd', 'rs2', 'atomic'],
  lr: ['rd', 'atomic'],
  fence: ['predecessor', 'successor'],
  sfence: ['rs1', 'rs2'],
  none: [],
};

/** What the row is written with. A compressed row drops operands that it fixes (but says `sp`) and an rs1 that is its rd. */
function operandsOf(row: Row): readonly Operand[] {
  if (!('expands' in row)) {
    if (row.name === 'fence.i') return [];
    if (row.kind === 'load' || (row.kind === 'jump' && row.format === 'I')) return ['rd', 'memory'];
    return PATTERNS[row.format];
  }
  const { rd, rs1, rs2, imm } = row.fields;
  const fixed = (field: Fields['rd']) => field === undefined || (field.kind === 'fixed' && field.value !== SP);
  return operandsOf(findRow(row.expands)!).flatMap((operand): Operand[] => {
    if (operand === 'memory') return fixed(imm) ? ['rs1'] : ['memory'];
    if (operand === 'rd') return fixed(rd) ? [] : ['rd'];
    if (operand === 'rs1') return fixed(rs1) || JSON.stringify(rs1) === JSON.stringify(rd) ? [] : ['rs1'];
    if (operand === 'rs2') return fixed(rs2) ? [] : ['rs2'];
    return [operand];
  });
}

const PARSERS: Readonly<Record<Operand, (text: string, values: Values, scope: Scope) => void>> = {
  rd: (text, values) => {
    values.rd = register(text);
  },
  rs1: (text, values) => {
    values.rs1 = register(text);
  },
  rs2: (text, values) => {
    values.rs2 = register(text);
  },
  imm: (text, values, scope) => {
    values.imm = evaluate(text, scope);
  },
  uimm: (text, values, scope) => {
    values.uimm = evaluate(text, scope);
  },
  upper: (text, values, scope) => {
    const value = evaluate(text, scope);
    if (value < -0x80000 || value > 0xfffff) throw new ConstantError(`upper immediate ${value} does not fit 20 bits`);
    values.imm = value << 12;
  },
  target: (text, values, scope) => {
    values.imm = (evaluate(text, scope) - scope.pc) | 0;
  },
  csr: (text, values, scope) => {
    values.imm = CSR_BY_NAME.get(text.toLowerCase())?.number ?? evaluate(text, scope);
  },
  memory: (text, values, scope) => {
    const match = /^(.*)\(\s*(\w+)\s*\)$/.exec(text);
    if (match === null && !REGISTER_NUMBERS.has(text)) throw new ConstantError(`expected offset(register), got '${text}'`);
    values.rs1 = register(match?.[2] ?? text);
    values.imm = match === null || match[1].trim() === '' ? 0 : evaluate(match[1], scope);
  },
  atomic: (text, values) => {
    const match = /^0?\s*\(\s*(\w+)\s*\)$/.exec(text);
    if (match === null) throw new ConstantError(`expected (register), got '${text}'`);
    values.rs1 = register(match[1]);
  },
  predecessor: (text, values) => {
    values.imm = (values.imm ?? 0) | (fenceSet(text) << 4);
  },
  successor: (text, values) => {
    values.imm = (values.imm ?? 0) | fenceSet(text);
  },
};

const PRINTERS: Readonly<Record<Operand, (value: (name: FieldName) => number, pc: number) => string>> = {
  rd: (value) => REGISTERS[value('rd')],
  rs1: (value) => REGISTERS[value('rs1')],
  rs2: (value) => REGISTERS[value('rs2')],
  imm: (value) => `${value('imm')}`,
  uimm: (value) => `${value('uimm')}`,
  upper: (value) => `0x${(value('imm') >>> 12).toString(16)}`,
  target: (value, pc) => `0x${((pc + value('imm')) >>> 0).toString(16)}`,
  csr: (value) => CSR_BY_NUMBER.get(value('imm'))?.name ?? `0x${value('imm').toString(16)}`,
  memory: (value) => `${value('imm')}(${REGISTERS[value('rs1')]})`,
  atomic: (value) => `(${REGISTERS[value('rs1')]})`,
  predecessor: (value) => fenceText((value('imm') >>> 4) & 15),
  successor: (value) => fenceText(value('imm') & 15),
};

const SP = 2;

/** ABI names (ch. 25), by number. */
export const REGISTERS: readonly string[] =
  'zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'.split(' ');

const REGISTER_NUMBERS: ReadonlyMap<string, number> = new Map([
  ...REGISTERS.map((name, number): [string, number] => [name, number]),
  ...REGISTERS.map((_, number): [string, number] => [`x${number}`, number]),
  ['fp', 8],
]);

function register(text: string): number {
  const number = REGISTER_NUMBERS.get(text);
  if (number === undefined) throw new ConstantError(`'${text}' is not a register`);
  return number;
}

/** §2.7: a set of device input, output, memory reads and writes. */
function fenceSet(text: string): number {
  if (text === '0') return 0;
  if (!/^i?o?r?w?$/.test(text) || text === '')
    throw new ConstantError(`'${text}' is not a fence set: letters of iorw, in that order, or 0`);
  return [...text].reduce((bits, letter) => bits | (8 >> 'iorw'.indexOf(letter)), 0);
}

const fenceText = (bits: number): string => [...'iorw'].filter((_, index) => bits & (8 >> index)).join('') || '0';

const ORDERING = /\.(aqrl|aq|rl)$/;
const ORDERING_BITS: Readonly<Record<string, number>> = { aq: 1 << 26, rl: 1 << 25, aqrl: 3 << 25 };

const isAtomic = (row: Row): boolean => 'format' in row && (row.format === 'amo' || row.format === 'lr');

const ROWS: ReadonlyMap<string, Row> = new Map<string, Row>([...BASE, ...COMPRESSED].map((row) => [row.name, row]));

const describe = (name: FieldName, value: number): string =>
  name === 'imm' || name === 'uimm' ? `immediate ${value}` : `register ${REGISTERS[value]}`;
