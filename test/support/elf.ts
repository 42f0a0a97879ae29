/** Wraps assembled bytes as a statically linked ELF32 RISC-V executable: one program header a segment, and a symbol table. */

export interface Segment {
  /** Physical address of the first byte. */
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Bytes in memory, at least `bytes.length`; the rest is zero. */
  readonly memoryBytes?: number;
}

/** `symbols` become a .symtab (global, no type), which is where loaders look for `tohost`. */
export function elf(segments: readonly Segment[], entry: number, symbols: ReadonlyMap<string, number> = new Map()): Uint8Array {
  const strings = ['', ...symbols.keys()];
  const stringBytes = new TextEncoder().encode(`${strings.join('\0')}\0`);
  const names = new TextEncoder().encode('\0.symtab\0.strtab\0.shstrtab\0');

  const headersEnd = ELF_HEADER + segments.length * PROGRAM_HEADER;
  let end = headersEnd;
  const place = (size: number) => {
    const at = (end + 15) & ~15;
    end = at + size;
    return at;
  };
  const segmentAt = segments.map(({ bytes }) => place(bytes.length));
  const symbolsAt = place((symbols.size + 1) * SYMBOL);
  const stringsAt = place(stringBytes.length);
  const namesAt = place(names.length);
  const sectionsAt = place(4 * SECTION_HEADER);

  const file = new Uint8Array(end);
  const view = new DataView(file.buffer);
  const words = (at: number, ...values: number[]) => {
    for (const [i, value] of values.entries()) view.setUint32(at + 4 * i, value, true);
  };

  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, 243, true); // EM_RISCV
  words(20, 1, entry, ELF_HEADER, sectionsAt, 1 /* EF_RISCV_RVC */);
  for (const [i, half] of [ELF_HEADER, PROGRAM_HEADER, segments.length, SECTION_HEADER, 4, 3].entries())
    view.setUint16(40 + 2 * i, half, true);

  for (const [i, { address, bytes, memoryBytes }] of segments.entries()) {
    words(ELF_HEADER + i * PROGRAM_HEADER, 1, segmentAt[i], address, address, bytes.length, memoryBytes ?? bytes.length, 7, 16);
    file.set(bytes, segmentAt[i]);
  }

  let nameAt = 1;
  for (const [i, [name, value]] of [...symbols].entries()) {
    const at = symbolsAt + (i + 1) * SYMBOL;
    words(at, nameAt, value, 0);
    view.setUint8(at + 12, 0x10); // STB_GLOBAL
    view.setUint16(at + 14, 0xfff1, true); // SHN_ABS
    nameAt += new TextEncoder().encode(name).length + 1;
  }
  file.set(stringBytes, stringsAt);
  file.set(names, namesAt);

  // name, type, flags, addr, offset, size, link, info, align, entsize
  words(sectionsAt + SECTION_HEADER, 1, 2, 0, 0, symbolsAt, (symbols.size + 1) * SYMBOL, 2, 1, 4, SYMBOL);
  words(sectionsAt + 2 * SECTION_HEADER, 9, 3, 0, 0, stringsAt, stringBytes.length, 0, 0, 1, 0);
  words(sectionsAt + 3 * SECTION_HEADER, 17, 3, 0, 0, namesAt, names.length, 0, 0, 1, 0);
  return file;
}

const ELF_HEADER = 52;
const PROGRAM_HEADER = 32;
const SECTION_HEADER = 40;
const SYMBOL = 16;
