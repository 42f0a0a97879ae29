/** Hot programs -> one image: the harness, a descriptor and the text of each, and the copy with other immediates. */
import { type Assembly, assemble } from '../../../emulator/isa/assemble.ts';
import { elf } from '../../support/elf.ts';
import { type HotProgram, textOf, VARIED } from './generate.ts';
import { COPY, DESCRIPTOR_WORDS, DESCRIPTORS, INIT_CSRS, PROGRAMS, PROGRAMS_END, RAM, RUNTIME } from './runtime.ts';

/** The programs that fit, in order, and how many those are. */
export function buildImage(programs: readonly HotProgram[]): { readonly image: Uint8Array; readonly count: number } {
  const code = new Uint8Array(PROGRAMS_END - PROGRAMS);
  const copy = new Uint8Array(PROGRAMS_END - PROGRAMS);
  const words: number[] = [];
  let at = 0;
  let count = 0;
  for (const program of programs) {
    // Even and odd halfwords by turns.
    const origin = PROGRAMS + at + 2 * (count & 1);
    const assembly = assemble(textOf(program.root), { origin });
    const end = origin - PROGRAMS + assembly.bytes.length;
    if (end + 8 > code.length || (words.length + 2 * DESCRIPTOR_WORDS) * 4 > PROGRAMS - DESCRIPTORS) break;
    code.set(assembly.bytes, origin - PROGRAMS);
    copy.set(varied(assembly), origin - PROGRAMS);
    const csrs = { ...program.csrs, mepc: origin + program.alias };
    words.push(
      origin,
      program.alias === 0 && program.csrs.satp === 0 ? 0 : 1,
      program.timer,
      ...INIT_CSRS.map((name) => csrs[name]),
      ...program.registers,
    );
    at = (end + 7) & ~3;
    count += 1;
  }
  const descriptors = new Uint8Array(Int32Array.from([...words, 0]).buffer);
  const image = elf(
    [
      { address: RAM, bytes: RUNTIME.bytes },
      { address: DESCRIPTORS, bytes: descriptors },
      { address: PROGRAMS, bytes: code.subarray(0, at) },
      { address: PROGRAMS + COPY, bytes: copy.subarray(0, at) },
    ],
    RAM,
  );
  return { image, count };
}

/** The same code, its marked immediates changed. */
function varied({ bytes, origin, symbols }: Assembly): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (const [name, address] of symbols) {
    if (!name.startsWith(VARIED)) continue;
    const at = address - origin;
    view.setUint32(at, view.getUint32(at, true) ^ (0x155 << 20), true);
  }
  return copy;
}
