/** Programs -> one ELF, and the log that a run of it leaves -> one result for each program. */
import { elf } from '../support/elf.ts';
import type { Program, Space } from './generate.ts';
import {
  CSR_DUMP,
  CSR_INIT,
  DELEGATED_WORDS,
  END_MARK,
  FINAL_WORDS,
  HEADER_WORDS,
  LOG,
  PROGRAMS,
  RAM,
  RUNTIME,
  TABLES,
  TRAP_LIMIT,
  TRAP_WORDS,
} from './runtime.ts';

export interface Batch {
  readonly image: Uint8Array;
  /** Physical address of each program's first instruction. */
  readonly entries: readonly number[];
}

const ECALL = 0x0000_0073;

export function buildBatch(programs: readonly Program[], space: Space): Batch {
  const bytes = new Uint8Array(LOG - PROGRAMS);
  const view = new DataView(bytes.buffer);
  const entries: number[] = [];
  let at = 0;
  for (const [index, { code, csrs, registers, alias }] of programs.entries()) {
    const header = at;
    // Odd and even halfwords by turns: instructions straddle words and pages.
    const entry = header + 4 * HEADER_WORDS + 2 * (index & 1);
    let end = entry;
    for (const bits of code) {
      view.setUint16(end, bits, true);
      if ((bits & 3) === 3) view.setUint16(end + 2, bits >>> 16, true);
      end += (bits & 3) === 3 ? 4 : 2;
    }
    view.setUint16(end, ECALL, true);
    entries.push(PROGRAMS + entry);
    at = (end + 4 + 3) & ~3;
    const words = [
      PROGRAMS + at,
      PROGRAMS + end,
      ...CSR_INIT.map((name) => (name === 'mepc' ? PROGRAMS + entry + alias : csrs[name])),
      ...registers,
    ];
    for (const [n, word] of words.entries()) view.setUint32(header + 4 * n, word, true);
  }
  if (at + 4 > bytes.length) throw new RangeError(`${programs.length} programs do not fit`);
  const image = elf(
    [
      { address: RAM, bytes: RUNTIME.bytes },
      { address: TABLES, bytes: space.bytes },
      { address: PROGRAMS, bytes: bytes.subarray(0, at + 4) },
    ],
    RAM,
  );
  return { image, entries };
}

export interface Trap {
  readonly vector: number;
  readonly cause: number;
  readonly epc: number;
  readonly tval: number;
  readonly mstatus: number;
  readonly mip: number;
  readonly delegated: { readonly cause: number; readonly epc: number; readonly tval: number } | undefined;
}

export interface Result {
  readonly traps: readonly Trap[];
  /** x1..x31, then CSR_DUMP, then the hash of scratch memory. */
  readonly final: readonly number[];
}

export const FINAL_NAMES: readonly string[] = [...Array.from({ length: 31 }, (_, n) => `x${n + 1}`), ...CSR_DUMP, 'scratch'];

/** The harness itself went astray in, or just before, `program`. */
export class LogError extends Error {
  readonly program: number;
  constructor(program: number, message: string) {
    super(message);
    this.program = program;
  }
}

/** Reads the log; throws `LogError` when a program is missing from it. */
export function parseLog(log: Uint8Array, count: number): Result[] {
  const view = new DataView(log.buffer, log.byteOffset, log.byteLength);
  const sTable = RUNTIME.symbols.get('s_table')! - RAM;
  const sEnd = RUNTIME.symbols.get('s_table_end')! - RAM;
  const results: Result[] = [];
  let at = 0;
  const word = () => {
    const value = view.getUint32(at, true);
    at += 4;
    return value;
  };
  for (let program = 0; program < count; program++) {
    const traps: Trap[] = [];
    while (view.getUint32(at, true) !== END_MARK) {
      if (view.getUint32(at, true) > 15) throw new LogError(program, `no result for program ${program} of ${count} at log offset ${at}`);
      const [vector, cause, epc, tval, mstatus, mip] = Array.from({ length: TRAP_WORDS }, word);
      const offset = epc & 0x3f_ffff;
      // The word after a record tells whether the S table had a trap to report: the harness cuts off at the limit before it asks.
      const delegates = cause === 9 && offset >= sTable && offset < sEnd && traps.length + 1 < TRAP_LIMIT;
      const more = delegates ? Array.from({ length: DELEGATED_WORDS }, word) : undefined;
      traps.push({ vector, cause, epc, tval, mstatus, mip, delegated: more && { cause: more[0], epc: more[1], tval: more[2] } });
      if (traps.length > TRAP_LIMIT) throw new LogError(program, `program ${program} of ${count} has no end in the log`);
    }
    at += 4;
    results.push({ traps, final: Array.from({ length: FINAL_WORDS - 1 }, word) });
  }
  return results;
}
