/** Turns image files into segments for RAM: 32-bit RISC-V ELF executables (System V gABI 4.1, RISC-V psABI), and files that are no ELF. */
import { RAM_BASE } from './layout.ts';
import { rawImage } from './raw-image.ts';
import { sectionAddress, symbolsOf } from './symbols.ts';

/** An image that this machine cannot hold. The message names the image and says what is wrong with it; the command line exits with 65. */
export class LoadError extends Error {
  override readonly name = 'LoadError';
  readonly code = 65;
}

/** A range of RAM that an image wants: `bytes`, then zeros up to `size`. */
export interface Segment {
  /** Which image it comes from, for errors: `firmware`, `image`, `initrd`, `device tree`. */
  readonly what: string;
  /** Physical. */
  readonly address: number;
  readonly bytes: Uint8Array;
  /** In memory, at least bytes.length. */
  readonly size: number;
}

export interface LoadedImage {
  readonly segments: readonly Segment[];
  /** Physical address of the first instruction. */
  readonly entry: number;
  /** By name; the value as the file has it (a virtual address where they differ), moved as the image was. Empty for raw images. */
  readonly symbols: ReadonlyMap<string, number>;
}

const ELF_HEADER_BYTES = 52;
const PROGRAM_HEADER_BYTES = 32;
const ET_EXEC = 2;
const ET_DYN = 3;
const EM_RISCV = 243;
const EF_RISCV_RVE = 8;
const PT_LOAD = 1;
const PT_INTERP = 3;
/** Of a segment that is moved: where images are put is no more aligned than RV32's megapages. */
const ALIGNMENT_MAX = 2 ** 22;

const FILE_TYPES: Readonly<Record<number, string>> = {
  1: 'an object file that has not been linked',
  4: 'a core dump',
};
const MACHINES: Readonly<Record<number, string>> = {
  3: 'i386',
  8: 'MIPS',
  20: 'PowerPC',
  40: 'Arm',
  62: 'x86-64',
  183: 'AArch64',
  258: 'LoongArch',
};

/**
 * Reads an image. An ELF goes to its physical addresses; to `rawAddress` goes one that can run anywhere and is linked below RAM (a
 * position-independent executable, or a kernel whose virtual addresses are not its physical ones), and anything that is no ELF. Throws `LoadError`
 * when the file is empty, cut off, or no static RV32 executable. Whether it fits RAM is for `checkPlaces`, which sees all images together.
 */
export function loadImage(what: string, file: Uint8Array, rawAddress: number): LoadedImage {
  if (file.length === 0) throw new LoadError(`${what}: the file is empty. Give an ELF executable or a raw image.`);
  if (isElf(file)) return loadElf(what, file, rawAddress);
  const raw = rawImage(file);
  if ('refused' in raw) throw new LoadError(`${what}: ${raw.refused}`);
  const { address = rawAddress, entry = address, bytes, size } = raw;
  return { segments: [{ what, address, bytes, size }], entry, symbols: new Map() };
}

/** Throws `LoadError` when a segment lies outside RAM, or two of them overlap. */
export function checkPlaces(segments: readonly Segment[], ram: { readonly base: number; readonly size: number }): void {
  const end = ram.base + ram.size;
  for (const segment of segments) {
    if (segment.address < ram.base || segment.address + segment.size > end) {
      const cure =
        segment.address < ram.base || segment.address >= end + 2 ** 30 ? 'Link it for RAM.' : 'Give the machine more memory (--memory).';
      throw new LoadError(
        `${segment.what}: does not fit RAM: wants ${range(segment)}, RAM is ${range({ address: ram.base, size: ram.size })}. ${cure}`,
      );
    }
  }
  const sorted = segments.toSorted((a, b) => a.address - b.address);
  for (let i = 1; i < sorted.length; i++) {
    const [before, after] = [sorted[i - 1], sorted[i]];
    if (before.address + before.size > after.address) {
      const both = before.what === after.what ? `two segments of the ${before.what}` : `${before.what} and ${after.what}`;
      const cure = ['firmware', 'image'].every((what) => before.what === what || after.what === what)
        ? 'Link the image for behind the firmware, or enter it without one (--bios none).'
        : 'Give the machine more memory (--memory), or link one of them elsewhere.';
      throw new LoadError(`${both} overlap: ${range(before)} and ${range(after)}. ${cure}`);
    }
  }
}

function isElf(file: Uint8Array): boolean {
  return file.length >= 4 && file[0] === 0x7f && file[1] === 0x45 && file[2] === 0x4c && file[3] === 0x46;
}

function loadElf(what: string, file: Uint8Array, free: number): LoadedImage {
  const refuse = (why: string, cure: string): never => {
    throw new LoadError(`${what}: ${why}. ${cure}`);
  };
  const within = (name: string, offset: number, size: number): void => {
    if (offset + size > file.length) {
      refuse(`the ELF file is cut off: ${name} ends at byte ${offset + size}, the file has ${file.length}`, 'Copy or build it again.');
    }
  };
  if (file[4] === 2) refuse('a 64-bit ELF file, and this machine is RV32', 'Build it with -march=rv32imac -mabi=ilp32.');
  within('its header', 0, ELF_HEADER_BYTES);
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const half = (offset: number) => view.getUint16(offset, true);
  const word = (offset: number) => view.getUint32(offset, true);

  if (file[4] !== 1) refuse(`an ELF file of unknown class ${file[4]}`, 'Build it for RV32.');
  if (file[5] !== 1) refuse('a big-endian ELF file, and this machine is little-endian', 'Build it with -mlittle-endian.');
  const machine = half(18);
  if (machine !== EM_RISCV) refuse(`not for RISC-V: an ELF file for ${MACHINES[machine] ?? `machine ${machine}`}`, 'Build it for RV32.');
  const type = half(16);
  if (type !== ET_EXEC && type !== ET_DYN)
    refuse(`${FILE_TYPES[type] ?? `an ELF file of type ${type}`}`, 'Link it as a static executable (-static -no-pie).');
  if ((word(36) & EF_RISCV_RVE) !== 0)
    refuse('built for RV32E, and this machine is RV32IMAC', 'Build it with -march=rv32imac -mabi=ilp32.');

  const table = word(28);
  const stride = half(42);
  const count = half(44);
  if (count === 0) refuse('an ELF file without program headers: there is nothing to load', 'Link it as an executable.');
  if (stride < PROGRAM_HEADER_BYTES) refuse(`damaged: program headers of ${stride} bytes, want ${PROGRAM_HEADER_BYTES}`, 'Build it again.');
  within('the program header table', table, stride * count);

  const found: { virtual: number; physical: number; bytes: Uint8Array; size: number }[] = [];
  let alignment = 1;
  for (let i = 0; i < count; i++) {
    const at = table + i * stride;
    const [kind, offset, virtual, physical, fileSize, size, aligned] = [0, 4, 8, 12, 16, 20, 28].map((field) => word(at + field));
    if (kind === PT_INTERP) refuse('a dynamically linked executable', 'Link it statically (-static).');
    if (kind !== PT_LOAD || size === 0) continue;
    if (fileSize > size) refuse(`damaged: segment ${i} has ${fileSize} bytes in the file and ${size} in memory`, 'Build it again.');
    within(`segment ${i}`, offset, fileSize);
    if (isPowerOf2(aligned) && aligned <= ALIGNMENT_MAX) alignment = Math.max(alignment, aligned);
    found.push({ virtual, physical, bytes: file.subarray(offset, offset + fileSize), size });
  }
  if (found.length === 0) refuse('an ELF file with no loadable segment', 'Link it as an executable.');

  const lowest = Math.min(...found.map(({ physical }) => physical));
  const below = found.every(({ physical, size }) => physical + size <= RAM_BASE);
  const mapsItself = found.some(({ virtual, physical }) => virtual !== physical);
  // By a multiple of its alignment (gABI, p_align), since its data count on that.
  const moved = below && (type === ET_DYN || mapsItself) ? free - (lowest - (lowest % alignment)) : 0;
  // A kernel linked for its virtual addresses is entered at the physical address of its entry; one that names none, at its beginning, as QEMU does.
  const start = word(24);
  const home = found.find(({ virtual, size }) => start >= virtual && start < virtual + size);
  const entry = home === undefined ? lowest : home.physical + (start - home.virtual);
  const symbols = symbolsOf(file, view, within);
  // Test programs keep tohost in a section of its name, which is still there when the symbols are stripped.
  const tohost = symbols.get('tohost') ?? sectionAddress(file, view, within, '.tohost');
  if (tohost !== undefined) symbols.set('tohost', tohost);
  return {
    segments: found.map(({ physical, bytes, size }) => ({ what, address: physical + moved, bytes, size })),
    entry: entry + moved,
    symbols: moved === 0 || mapsItself ? symbols : new Map([...symbols].map(([name, value]) => [name, (value + moved) >>> 0])),
  };
}

const isPowerOf2 = (value: number): boolean => value > 0 && (value & (value - 1)) === 0;

const range = ({ address, size }: { readonly address: number; readonly size: number }): string =>
  `0x${address.toString(16)}..0x${(address + size).toString(16)}`;
