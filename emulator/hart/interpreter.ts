/**
 * The interpreter, generated at start from the table: one dense switch over decoded records for what is common, and one small function a
 * row for what is not. A fast case that cannot finish (TLB miss, device, watched page) has not begun: it leaves the switch, and the row's
 * function does the whole instruction.
 */
import { BASE, type BaseRow, decode, type Expression, type Width } from '../isa/index.ts';
import { DATA_BANKS, DATA_ENTRY_WORDS, FETCH_BANKS, FETCH_ENTRY_WORDS, WORD } from '../layout.ts';
import { RECORD } from './code.ts';
import type { Hart } from './hart.ts';
import { ARITHMETIC, BINARY } from './nodes.ts';
import { OPERATION, OPERATION_ROW, OPERATIONS, ROW_OPERATION } from './operations.ts';
import { SYSTEM } from './system.ts';

/** Runs until `hart.left` is 0 or `hart.attention` is set. The machine checks interrupts and timers between calls. */
export type Execute = () => void;

export interface Interpreter {
  readonly execute: Execute;
  /** Does the whole instruction at pc, whose record's first word is at `at`. The caller has counted it. */
  readonly precisely: (at: number) => void;
}

/** A row's function; `rd` is 32 for x0, `next` the address after the instruction. It leaves pc right, trapped or not. */
type Precise = (hart: Hart, rd: number, rs1: number, rs2: number, imm: number, next: number) => void;

/** Names of operands in generated code. */
type Operands = Readonly<Record<'rs1' | 'rs2' | 'imm' | 'pc' | 'next' | 'old', string>>;

function js(node: Expression, names: Operands): string {
  switch (node.node) {
    case 'rs1':
    case 'rs2':
    case 'imm':
    case 'pc':
    case 'next':
    case 'old':
      return names[node.node];
    case 'constant':
      return `${node.value}`;
    case 'load':
      throw new Error('a load is the whole of its row: its cases are made by load() and precise()');
    default:
      return BINARY[node.node](js(node.a, names), js(node.b, names));
  }
}

/** Operands in the record at `i`, whose first word is `w`: see `RECORD`. A destination is `TO`. */
const FAST: Operands = {
  rs1: `R[w >> ${RECORD.rs1} & 31]`,
  rs2: `R[w >> ${RECORD.rs2} & 31]`,
  imm: 'D[i + 1 | 0]',
  pc: '(pcOffset + i | 0)',
  next: `(pcOffset + i + (w >> ${RECORD.length}) | 0)`,
  old: 'old',
};
const TO = `R[w >> ${RECORD.rd} & 63]`;

const ADVANCE = `i = i + (w >> ${RECORD.length}) | 0; continue;`;
const ALIGNED: Readonly<Record<Width, number>> = { 1: -4096, 2: -4095, 4: -4093 };

/** Operations from this on are system rows: the table ends with them. */
const FIRST_SYSTEM = ROW_OPERATION[BASE.findIndex(({ kind }) => kind === 'system')];

/** The record at `i` has been jumped to: its count goes down, and at 0 the engine is asked whether to go on here. */
const ARRIVE = 'if ((A[i >> 1] = A[i >> 1] - 1) === 0) break arrived;';

/** Code of a row's case. `continue` goes to the next record; `break` jumps to the address in `t`; `break fast` takes the slow path. */
function fastCase(row: BaseRow, counts: boolean): string | undefined {
  const arrive = counts ? ARRIVE : '';
  const names = FAST;
  const at = ROW_OPERATION[BASE.indexOf(row)];
  switch (row.kind) {
    case 'rd':
      return `case ${at}: ${TO} = ${js(row.rd, names)}; ${ADVANCE}`;
    case 'load': {
      const node = row.rd;
      if (node.node !== 'load') throw new Error(`${row.name}: a load row is one load node`);
      const views: Readonly<Record<Width, string>> = { 1: 'M8[v]', 2: 'M16[v >> 1]', 4: 'M32[v >> 2]' };
      const bits = 32 - 8 * node.width;
      const value = node.signed && bits > 0 ? `${views[node.width]} << ${bits} >> ${bits}` : views[node.width];
      return `case ${at}: {
  const v0 = ${js(node.address, names)};
  const e = bank + (v0 >>> 10 & dataMask) | 0;
  if (T[e] !== (v0 & ${ALIGNED[node.width]})) break fast;
  const v = v0 + T[e + 2 | 0] | 0;
  ${TO} = ${value}; ${ADVANCE} }`;
    }
    case 'store': {
      const views: Readonly<Record<Width, string>> = { 1: 'M8[v]', 2: 'M16[v >> 1]', 4: 'M32[v >> 2]' };
      return `case ${at}: {
  const v0 = ${js(row.address, names)};
  const e = bank + (v0 >>> 10 & dataMask) | 0;
  if (T[e + 1 | 0] !== (v0 & ${ALIGNED[row.width]})) break fast;
  const v = v0 + T[e + 2 | 0] | 0;
  ${views[row.width]} = ${js(row.value, names)}; ${ADVANCE} }`;
    }
    case 'branch': {
      const condition = js(row.condition, names);
      return `case ${at}: if (${condition}) { i = i + ${names.imm} | 0; ${arrive} continue; } ${ADVANCE}
case ${at + 1}: if (${condition}) { t = ${names.pc} + ${names.imm} | 0; break; } ${ADVANCE}`;
    }
    case 'jump': {
      if (row.name === 'jal') {
        return `case ${at}: ${TO} = ${names.next}; i = i + ${names.imm} | 0; ${arrive} continue;
case ${at + 1}: t = ${names.pc} + ${names.imm} | 0; ${TO} = ${names.next}; break;`;
      }
      return `case ${at}: t = ${js(row.target, names)}; ${TO} = ${names.next}; break;`;
    }
    case 'amo':
    case 'lr':
    case 'sc':
    case 'system':
      return undefined;
  }
}

/**
 * Source of the function that makes `execute`; `counts`: arrivals of jumps are counted, and `execute` comes back where `arrived` says so.
 * (`npm run show -- interpreter` prints it.)
 */
export function interpreterSource(counts: boolean): string {
  return `"use strict";
const { words, data, fetch, memory } = hart;
const { records, arrivals, threshold } = hart.code;
// Where the first arrival asks, 1 says nothing.
const entered = threshold === 1 ? -1 : 1;
const { bytes, halves, words: all } = memory;
const dataMask = data.length / ${DATA_BANKS} - ${DATA_ENTRY_WORDS};
const fetchMask = fetch.length / ${FETCH_BANKS} - ${FETCH_ENTRY_WORDS};
const imul = Math.imul;
const { mulh, mulhsu, mulhu, div, divu, rem, remu } = arithmetic;
return function execute() {
  // Copies, so that the optimiser meets them as constants before it meets the loop: base and length of each array then cost nothing.
  const R = words, D = records, T = data, F = fetch, M8 = bytes, M16 = halves, M32 = all, A = arrivals;
  let left = hart.left | 0;
  // The first instruction is not asked about: who comes back to an address must get past it.
  let jumped = false;
  slow: for (;;) {
    if (left === 0) { hart.left = 0; return; }
    const bank = hart.dataBank | 0, fetchBank = hart.fetchBank | 0;
    let t = R[${WORD.pc}];
    let f = fetchBank + (t >>> 11 & fetchMask) | 0;
    let base = 0;
    if (F[f] === (t & -4096)) base = F[f + 1 | 0];
    else {
      hart.left = left;
      base = enter() | 0;
      left = hart.left | 0;
      if (base < 0) { if (hart.attention) return; continue; }
    }
    let pcOffset = (t & -4096) - base | 0;
    let i = base + (t & 0xffe) | 0;
    arrived: {
      ${counts ? `if (jumped) { jumped = false; ${ARRIVE} }` : ''}
      fast: for (;;) {
        const w = D[i];
        if (left === 0) { R[${WORD.pc}] = pcOffset + i; hart.left = 0; return; }
        left = left - 1 | 0;
        switch (w & 255) {
          case ${OPERATION.empty}: left = left + 1 | 0; fill(i); continue;
          case ${OPERATION.pageEnd}: left = left + 1 | 0; t = pcOffset + i | 0; break;
${BASE.flatMap((row) => fastCase(row, counts) ?? []).join('\n')}
          default: break fast;
        }
        f = fetchBank + (t >>> 11 & fetchMask) | 0;
        if (F[f] !== (t & -4096)) { R[${WORD.pc}] = t; jumped = true; continue slow; }
        base = F[f + 1 | 0];
        pcOffset = (t & -4096) - base | 0;
        i = base + (t & 0xffe) | 0;
        ${counts ? ARRIVE : ''}
      }
      R[${WORD.pc}] = pcOffset + i;
      hart.left = left;
      // Behind a system row a region may begin; behind an access that took the slow path none does, or there would be one for each instruction.
      // One that is there already is entered: its count is 1.
      jumped = (D[i] & 255) >= ${FIRST_SYSTEM}${counts ? ` || A[i + (D[i] >> ${RECORD.length}) >> 1] === entered` : ''};
      precisely(i);
      if (hart.attention) return;
      continue;
    }
    R[${WORD.pc}] = pcOffset + i;
    hart.left = left;
    if (arrive(i)) return;
  }
};`;
}

/** Source of a row's precise function, with (hart, rd, rs1, rs2, imm, next) in scope. */
function preciseSource(row: BaseRow): string {
  const names: Operands = { rs1: 'R[rs1]', rs2: 'R[rs2]', imm: 'imm', pc: `R[${WORD.pc}]`, next: 'next', old: 'old' };
  const finish = `R[${WORD.pc}] = next;`;
  switch (row.kind) {
    case 'rd':
      return `R[rd] = ${js(row.rd, names)}; ${finish}`;
    case 'load': {
      if (row.rd.node !== 'load') throw new Error(`${row.name}: a load row is one load node`);
      const { width, signed, address } = row.rd;
      return `const v = hart.load(${js(address, names)}, ${width}, ${signed}); if (hart.trapped) return; R[rd] = v; ${finish}`;
    }
    case 'store':
      return `hart.store(${js(row.address, names)}, ${row.width}, ${js(row.value, names)}); if (hart.trapped) return; ${finish}`;
    case 'amo':
      return `const address = R[rs1], frame = hart.atomicFrame(address); if (frame < 0) return;
const old = hart.memory.read(frame, address & 0xfff, 4) | 0;
hart.memory.write(frame, address & 0xfff, 4, ${js(row.value, names)}); R[rd] = old; ${finish}`;
    case 'lr':
      return `const v = hart.loadReserved(R[rs1]); if (hart.trapped) return; R[rd] = v; ${finish}`;
    case 'sc':
      return `const v = hart.storeConditional(R[rs1], R[rs2]); if (hart.trapped) return; R[rd] = v; ${finish}`;
    case 'branch':
      return `R[${WORD.pc}] = ${js(row.condition, names)} ? ${names.pc} + imm : next;`;
    case 'jump':
      return `const t = ${js(row.target, names)}; R[rd] = next; R[${WORD.pc}] = t;`;
    case 'system':
      return `system.${row.system}(hart, rd, rs1, imm, next);`;
  }
}

/** One function a row, shared by all machines. */
const PRECISE: readonly Precise[] = BASE.map((row) => {
  const source = `"use strict"; const { imul } = Math; const { mulh, mulhsu, mulhu, div, divu, rem, remu } = arithmetic;
return function precise(hart, rd, rs1, rs2, imm, next) { const R = hart.words; ${preciseSource(row)} };`;
  return new Function('arithmetic', 'system', source)(ARITHMETIC, SYSTEM) as Precise;
});

/**
 * The interpreter of one hart. Each hart has its own copy of the function: its arrays are then constants to the compiler, which is worth
 * about a third of the speed. `arrive` is asked, with hart's pc and budget right, when the arrivals of the record at a word have run out:
 * true ends the execution there.
 */
export function makeInterpreter(hart: Hart, arrive?: (at: number) => boolean): Interpreter {
  const precisely = (at: number): void => {
    const { records } = hart.code;
    const word = records[at];
    hart.trapped = false;
    const op = OPERATION_ROW[word & 255];
    if (op >= 0) {
      const next = (hart.pc + (word >> RECORD.length)) | 0;
      PRECISE[op](hart, (word >> RECORD.rd) & 63, (word >> RECORD.rs1) & 31, (word >> RECORD.rs2) & 31, records[at + 1], next);
    } else if ((word & 255) === OPERATION.illegal) hart.illegal();
    else fetched(hart);
  };
  const enter = (): number => {
    const base = hart.enter();
    if (base < 0 && !hart.trapped) {
      hart.left--;
      fetched(hart);
    }
    return base;
  };
  const fill = (at: number): void => hart.code.fill(at);
  const source = interpreterSource(arrive !== undefined);
  const make = new Function('hart', 'arithmetic', 'enter', 'fill', 'precisely', 'arrive', source);
  return { execute: make(hart, ARITHMETIC, enter, fill, precisely, arrive) as Execute, precisely };
}

/** Executes the instruction at pc from its bits: one that crosses into another page, or whose page has no one PMP answer. */
function fetched(hart: Hart): void {
  const { pc } = hart;
  const low = hart.fetchHalf(pc);
  if (low < 0) {
    hart.trap(-low, pc);
    return;
  }
  let bits = low;
  if ((low & 3) === 3) {
    // When the second half faults, mepc is the instruction and mtval its second half (§3.1.16).
    const second = (pc + 2) | 0;
    const high = hart.fetchHalf(second);
    if (high < 0) {
      hart.trap(-high, second);
      return;
    }
    bits |= high << 16;
  }
  const decoded = decode(bits);
  if (decoded === undefined) {
    hart.illegal();
    return;
  }
  const { op, length, rs1, rs2, imm } = decoded;
  PRECISE[op](hart, decoded.rd === 0 ? WORD.sink : decoded.rd, rs1, rs2, imm, (pc + length) | 0);
}

if (OPERATIONS > 256) throw new Error(`${OPERATIONS} operations do not fit the 8 bits they have in a record`);
