/** Says where replay and log disagree, for a person: the entry, what was expected and what came, and the hart at that moment. */
import type { HartView, Machine } from '../../emulator/index.ts';
import { disassemble } from '../../emulator/isa/disassemble.ts';
import type { Entry } from './entry.ts';
import type { Divergence } from './replayer.ts';

type Looked = Pick<Machine, 'icount' | 'inspect' | 'readMemory'>;

/** The first line stands alone; the rest is the hart and the instructions around its pc. */
export function divergenceReport(machine: Looked, divergence: Divergence): string {
  const { entry, seq, icount, expected, actual } = divergence;
  const where = entry === undefined ? `at icount ${icount}, before entry ${seq}` : `at entry ${seq} (${entryName(entry)} at ${entry.at})`;
  return [`replay diverged ${where}: want ${expected}; ${actual}`, hartText(machine)].join('\n');
}

/** `input console`, `output`, `checkpoint`, … */
export function entryName(entry: Entry): string {
  return entry.kind === 'input' ? `input ${entry.input.kind}` : entry.kind;
}

/** icount, pc, privilege, registers, and five instructions to either side of the pc. */
function hartText(machine: Looked): string {
  const hart = machine.inspect();
  const lines = [`icount ${machine.icount}  pc ${hex(hart.pc)}  privilege ${'US?M'[hart.privilege]}${hart.waiting ? '  waiting' : ''}`];
  for (let row = 0; row < 32; row += 4)
    lines.push([row, row + 1, row + 2, row + 3].map((x) => `${`x${x}`.padStart(3)} ${hex(hart.x[x]!)}`).join('  '));
  const csrs = Object.entries(hart.csrs).filter(([, value]) => value !== 0);
  for (let i = 0; i < csrs.length; i += 4)
    lines.push(
      csrs
        .slice(i, i + 4)
        .map(([name, value]) => `${name} ${hex(value)}`)
        .join('  '),
    );
  lines.push(...disassembly(machine, hart));
  return lines.join('\n');
}

/** The instructions around the pc, the pc's own marked; what cannot be read is left out. */
export function disassembly(machine: Looked, hart: HartView, around = 5): string[] {
  const before: number[] = walkTo(machine, hart, hart.pc, around);
  const lines = before.map((pc) => line(pc, bitsAt(machine, hart, pc)!, '  '));
  let pc = hart.pc;
  for (let i = 0; i <= around; i += 1) {
    const bits = bitsAt(machine, hart, pc);
    if (bits === undefined) {
      if (i === 0) lines.push(`> ${hex(pc)}  (cannot be fetched)`);
      break;
    }
    lines.push(line(pc, bits, i === 0 ? '> ' : '  '));
    pc = (pc + lengthOf(bits)) >>> 0;
  }
  return lines;
}

/** One instruction as text, or why there is none. */
export function instructionAt(machine: Looked, hart: HartView): string {
  const bits = hart.instruction ?? bitsAt(machine, hart, hart.pc);
  return bits === undefined ? '(cannot be fetched)' : disassemble(bits, hart.pc);
}

/** Instructions before `pc`, oldest first: lengths differ, so the longest run of legal ones that ends at `pc` is taken. */
function walkTo(machine: Looked, hart: HartView, target: number, count: number): number[] {
  for (let back = count * 4; back > 0; back -= 2) {
    const run: number[] = [];
    let pc = target - back;
    while (pc >= 0 && pc < target) {
      const bits = bitsAt(machine, hart, pc);
      if (bits === undefined || disassemble(bits, pc).startsWith('.')) break;
      run.push(pc);
      pc += lengthOf(bits);
    }
    if (pc === target) return run.slice(-count);
  }
  return [];
}

/** 16 or 32 bits at a virtual address, as a fetch would find them; undefined where it would fault. */
function bitsAt(machine: Looked, hart: HartView, pc: number): number | undefined {
  const low = half(machine, hart, pc);
  if (low === undefined || (low & 3) !== 3) return low;
  const high = half(machine, hart, (pc + 2) >>> 0);
  return high === undefined ? undefined : (low | (high << 16)) >>> 0;
}

function half(machine: Looked, hart: HartView, vaddr: number): number | undefined {
  try {
    const address = translate(machine, hart, vaddr);
    if (address === undefined) return undefined;
    const bytes = machine.readMemory(address, 2);
    return bytes[0]! | (bytes[1]! << 8);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Sv32 as a debugger walks it (Privileged 20211203 §4.3.2): no permission is checked. Throws RangeError outside RAM. */
function translate(machine: Looked, hart: HartView, vaddr: number): number | undefined {
  const satp = hart.csrs.satp ?? 0;
  if (hart.privilege === 3 || satp < 0x8000_0000) return vaddr;
  let table = (satp & 0x3f_ffff) * 4096;
  for (const shift of [22, 12]) {
    const bytes = machine.readMemory(table + ((vaddr >>> shift) & 0x3ff) * 4, 4);
    const pte = (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0;
    if ((pte & 1) === 0) return undefined;
    const page = (pte >>> 10) * 4096;
    if ((pte & 0xe) !== 0) return page + (vaddr & (2 ** shift - 1));
    table = page;
  }
  return undefined;
}

const lengthOf = (bits: number): number => ((bits & 3) === 3 ? 4 : 2);
const line = (pc: number, bits: number, mark: string): string =>
  `${mark}${hex(pc)}  ${bits
    .toString(16)
    .padStart(lengthOf(bits) * 2, '0')
    .padEnd(8)}  ${disassemble(bits, pc)}`;
export const hex = (word: number): string => `0x${(word >>> 0).toString(16).padStart(8, '0')}`;
