/** Symbol tables of 32-bit ELF files (System V gABI 4.1, "Symbol Table"): what the board and a debugger look up, and which function an address is in. */
import { fromUtf8 } from './text.ts';

/** A function, or what stands between two labels of assembly: its code is at `address` up to, not including, `end`. Virtual addresses. */
export interface CodeSymbol {
  readonly name: string;
  readonly address: number;
  readonly end: number;
}

const SECTION_HEADER_BYTES = 40;
const SYMBOL_BYTES = 16;
const SHT_SYMTAB = 2;
const SHF_EXECINSTR = 4;
const SHN_UNDEF = 0;
const SHN_ABS = 0xfff1;
const PF_X = 1;
const STT_NOTYPE = 0;
const STT_FUNC = 2;
const STT_SECTION = 3;
const STT_FILE = 4;
const STB_LOCAL = 0;

/** Throws when the bytes named are not all in the file. */
type Within = (name: string, offset: number, size: number) => void;

/** Global names win over local ones, and of equals the first. A file without a symbol table has no symbols. */
export function symbolsOf(file: Uint8Array, view: DataView, within: Within): Map<string, number> {
  const symbols = new Map<string, number>();
  const locals = new Map<string, number>();
  for (const { name, address, local } of entries(file, view, within)) {
    const into = local ? locals : symbols;
    if (!into.has(name)) into.set(name, address);
  }
  for (const [name, value] of locals) if (!symbols.has(name)) symbols.set(name, value);
  return symbols;
}

/**
 * The code symbols of an image that `loadImage` took, by address, no two overlapping; none for a raw image. A function has its size; a
 * label of assembly that lies in no function reaches to the next symbol or the end of its section. Mapping symbols and .L labels are left out.
 */
export function codeSymbols(file: Uint8Array): CodeSymbol[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  if (file.length < 4 || view.getUint32(0) !== ELF_MAGIC) return [];
  const found = [...entries(file, view, () => undefined)].filter(
    ({ kind, section, name }) =>
      (kind === STT_FUNC || kind === STT_NOTYPE) && section !== undefined && section.executable && !/^(\$|\.L)/.test(name),
  );
  // A function before the labels at its address, a global name before a local one.
  found.sort((a, b) => a.address - b.address || Number(b.size > 0) - Number(a.size > 0) || Number(a.local) - Number(b.local));
  const symbols: CodeSymbol[] = [];
  let covered = 0;
  for (const [k, { name, address, size, section }] of found.entries()) {
    if (address < covered) continue;
    let next = k + 1;
    while (next < found.length && found[next].address === address) next++;
    const end = size > 0 ? address + size : Math.min(found[next]?.address ?? section!.end, section!.end);
    if (end <= address) continue;
    symbols.push({ name, address, end });
    covered = end;
  }
  return symbols;
}

const ELF_MAGIC = 0x7f454c46;

interface Entry {
  readonly name: string;
  readonly address: number;
  readonly size: number;
  readonly kind: number;
  readonly local: boolean;
  /** Where it lies; of an absolute symbol the segment that has its address. */
  readonly section: { readonly executable: boolean; readonly end: number } | undefined;
}

/** Address of the first section of this name, which a file keeps when its symbols are stripped. */
export function sectionAddress(file: Uint8Array, view: DataView, within: Within, name: string): number | undefined {
  const sections = sectionsOf(view, within);
  const names = sections[view.getUint16(50, true)];
  if (names === undefined) return undefined;
  within('the names of its sections', names.offset, names.size);
  const strings = file.subarray(names.offset, names.offset + names.size);
  return sections.find((section) => section.address !== 0 && nameAt(strings, section.name) === name)?.address;
}

function sectionsOf(view: DataView, within: Within) {
  const table = view.getUint32(32, true);
  const stride = view.getUint16(46, true);
  const count = view.getUint16(48, true);
  if (table === 0 || count === 0 || stride < SECTION_HEADER_BYTES) return [];
  within('the section header table', table, stride * count);
  return Array.from({ length: count }, (_, i) => {
    const at = table + i * stride;
    const [name, type, flags, address, offset, size, link] = [0, 4, 8, 12, 16, 20, 24].map((field) => view.getUint32(at + field, true));
    return { name, type, link, address, offset, size, executable: (flags & SHF_EXECINSTR) !== 0, end: address + size };
  });
}

/** Every symbol that has a name and is defined, in the file's order. */
function* entries(file: Uint8Array, view: DataView, within: Within): Generator<Entry> {
  const sections = sectionsOf(view, within);
  const count = sections.length;
  // There is at most one symbol table (gABI, "Sections").
  const symbols = sections.find(({ type, link }) => type === SHT_SYMTAB && link < count);
  if (symbols === undefined) return;
  const { offset, size } = symbols;
  const names = sections[symbols.link];
  within('the symbol table', offset, size);
  within('the string table', names.offset, names.size);
  const segments = segmentsOf(view);
  const strings = file.subarray(names.offset, names.offset + names.size);
  for (let at = offset; at + SYMBOL_BYTES <= offset + size; at += SYMBOL_BYTES) {
    const info = view.getUint8(at + 12);
    const kind = info & 0xf;
    const index = view.getUint16(at + 14, true);
    if (kind === STT_SECTION || kind === STT_FILE || index === SHN_UNDEF) continue;
    const name = nameAt(strings, view.getUint32(at, true));
    if (name === '') continue;
    const [address, bytes] = [view.getUint32(at + 4, true), view.getUint32(at + 8, true)];
    const section = index === SHN_ABS ? segments.find(({ start, end }) => address >= start && address < end) : sections[index];
    yield { name, address, size: bytes, kind, local: info >> 4 === STB_LOCAL, section };
  }
}

function segmentsOf(view: DataView): { readonly start: number; readonly end: number; readonly executable: boolean }[] {
  const [table, stride, count] = [view.getUint32(28, true), view.getUint16(42, true), view.getUint16(44, true)];
  return Array.from({ length: count }, (_, i) => {
    const [start, size, flags] = [8, 20, 24].map((field) => view.getUint32(table + i * stride + field, true));
    return { start, end: start + size, executable: (flags & PF_X) !== 0 };
  });
}

function nameAt(strings: Uint8Array, offset: number): string {
  const end = strings.indexOf(0, offset);
  return fromUtf8(strings.subarray(offset, end < 0 ? strings.length : end));
}
