/**
 * A first run of every fast case, on made-up records, before there is a guest. V8 compiles a case that it has never seen run as a jump out of
 * optimised code, so that each instruction's first use would throw the whole interpreter back (measured: seconds at a tenth of the speed).
 */
import { BASE, CAUSES, opOf } from '../isa/index.ts';
import { PAGE_BYTES, RAM_BASE } from '../layout.ts';
import { RECORD } from './code.ts';
import type { Hart } from './hart.ts';
import type { Execute } from './interpreter.ts';
import { ROW_OPERATION } from './operations.ts';

const BASE_REGISTER = 8;
const MSCRATCH = 0x340;
const OPERANDS: readonly (readonly [a: number, b: number])[] = [
  [1, 1],
  [-7, 3],
  [0x7fffffff, -0x80000000],
  [5, -1],
  [-0x80000000, -1],
  [7, 0],
];
/** Twice: V8 does not take notes the first time that it runs a function. */
const PASSES = [...OPERANDS, ...OPERANDS];

/** Runs `execute` on a hart in its reset state, with RAM all zeros, and leaves both as they were. */
export function warmUp(hart: Hart, execute: Execute): void {
  const { words, memory, code, mmu } = hart;

  const base = code.page(0);
  const count = putRecords(hart, base);
  const address = RAM_BASE | 0;
  for (const [pass, [a, b]] of PASSES.entries()) {
    words.fill(0, 0, 33);
    words[BASE_REGISTER] = address;
    words[1] = a;
    words[2] = b;
    hart.pc = address;
    // Teaches the data TLB this page, for both kinds of access.
    hart.load(address, 4, true);
    hart.store(address, 4, 0);
    hart.attention = false;
    // In two parts, so that the budget's end has been seen too. The last instruction is the one that traps.
    for (const left of [3, count + 1 - 3]) {
      // Once, every jump asks the engine, which has nothing to say yet.
      if (pass === PASSES.length - 1) code.arrivals.fill(1, base >> 1, (base + PAGE_BYTES) >> 1);
      hart.left = left;
      hart.end = left;
      execute();
    }
    const { mcause, mepc } = { mcause: hart.csr('mcause'), mepc: hart.csr('mepc') };
    if (mcause !== CAUSES.illegalInstruction || mepc !== address + PAGE_BYTES) {
      throw new Error(`the interpreter left its warm-up at ${(mepc >>> 0).toString(16)} with cause ${mcause}`);
    }
    hart.reset();
  }
  code.dropSome(() => true);
  mmu.dropAll();
  memory.words.fill(0, memory.offsetOf(0) >> 2, memory.offsetOf(2) >> 2);
  for (const frame of [0, 1]) {
    memory.dirty[frame] = 0;
    memory.writable[frame] = 0;
  }
  hart.left = 0;
  hart.end = 0;
  hart.traps = 0;
  hart.attention = false;
}

/** One record of each operation, one after the other; every jump goes to the record behind it. Returns how many. */
function putRecords(hart: Hart, base: number): number {
  const { records } = hart.code;
  let offset = 0;
  const put = (operation: number, rs1: number, imm: number): void => {
    records[base + offset] = operation | (3 << RECORD.rd) | (rs1 << RECORD.rs1) | (2 << RECORD.rs2) | (2 << RECORD.length);
    records[base + offset + 1] = imm;
    offset += 2;
  };
  for (const [op, row] of BASE.entries()) {
    const operation = ROW_OPERATION[op];
    switch (row.kind) {
      case 'rd':
        put(operation, 1, 77);
        break;
      case 'load':
      case 'store':
        put(operation, BASE_REGISTER, 16);
        break;
      case 'branch':
        put(operation, 1, 2);
        put(operation + 1, 1, 2);
        break;
      case 'jump':
        if (row.name === 'jal') {
          put(operation, 1, 2);
          put(operation + 1, 1, 2);
        } else put(operation, BASE_REGISTER, offset + 2);
        break;
      case 'system':
        // One that changes nothing, so that the way into a row's function and back has been seen: csrrs of mscratch with x0.
        if (row.system === 'csrrs') put(operation, 0, MSCRATCH);
        break;
      case 'amo':
      case 'lr':
      case 'sc':
        break;
    }
  }
  // To the page's last instruction, and over its end into the next page: all zeros, an illegal instruction. That ends the pass.
  put(ROW_OPERATION[opOf('jal')], 0, PAGE_BYTES - 2 - offset);
  const jumped = offset;
  offset = PAGE_BYTES - 2;
  put(ROW_OPERATION[opOf('addi')], 1, 77);
  return jumped / 2 + 1;
}
