/** Does the loader take what it should, and say clearly what is wrong with everything else? */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MachineConfig } from '../../emulator/config.ts';
import { checkPlaces, LoadError, loadImage } from '../../emulator/loader.ts';
import { placeImages } from '../../emulator/placement.ts';
import { elf } from '../support/elf.ts';

const RAM = { base: 0x80000000, size: 0x100000 };
const CODE = Uint8Array.of(0x13, 0, 0, 0, 0x6f, 0, 0, 0);
const MIB = 2 ** 20;

const good = () => elf([{ address: 0x80000000, bytes: CODE, memoryBytes: 0x100 }], 0x80000004, new Map([['tohost', 0x80000040]]));
/** `good` with one field changed: 1, 2 or 4 bytes at `offset`. */
const bent = (offset: number, width: 1 | 2 | 4, value: number) => {
  const file = good();
  const view = new DataView(file.buffer);
  if (width === 1) view.setUint8(offset, value);
  else if (width === 2) view.setUint16(offset, value, true);
  else view.setUint32(offset, value, true);
  return file;
};
const load = (file: Uint8Array) => loadImage('image', file, 0x80000000);

describe('an image', () => {
  it('that is an ELF goes to its physical addresses, with its .bss, entry and symbols', () => {
    expect(load(good())).toEqual({
      segments: [{ what: 'image', address: 0x80000000, bytes: CODE, size: 0x100 }],
      entry: 0x80000004,
      symbols: new Map([['tohost', 0x80000040]]),
    });
  });

  it('that is linked for virtual addresses is entered at the physical address of its entry', () => {
    const file = bent(24, 4, 0xc0000004);
    new DataView(file.buffer).setUint32(52 + 8, 0xc0000000, true);
    expect(load(file)).toMatchObject({ entry: 0x80000004, segments: [{ address: 0x80000000 }] });
  });

  it('that is raw goes whole to where it is told, and a Linux Image takes the memory that its header names', () => {
    expect(load(CODE)).toEqual({
      segments: [{ what: 'image', address: 0x80000000, bytes: CODE, size: 8 }],
      entry: 0x80000000,
      symbols: new Map(),
    });
    const image = new Uint8Array(256);
    const view = new DataView(image.buffer);
    view.setUint32(16, 0x5000, true);
    view.setUint32(56, 0x05435352, true);
    expect(load(image).segments[0].size).toBe(0x5000);
  });

  it('that can run anywhere goes where it is linked, or where there is room when that is below RAM', () => {
    const pie = bent(16, 2, 3);
    expect(load(pie)).toEqual(load(good()));
    const free = (file: Uint8Array) => loadImage('image', file, 0x80400000);
    const low = elf([{ address: 0x100, bytes: CODE, memoryBytes: 0x100 }], 0x104, new Map([['tohost', 0x140]]));
    new DataView(low.buffer).setUint16(16, 3, true);
    expect(free(low)).toMatchObject({
      segments: [{ address: 0x80400000, bytes: CODE, size: 0x100 }],
      entry: 0x80400004,
      symbols: new Map([['tohost', 0x80400040]]),
    });
    // Its data are as aligned there as they were linked to be; an alignment that is none counts for nothing.
    const aligned = (alignment: number) => {
      const file = elf([{ address: 0x10094, bytes: CODE }], 0x10098);
      new DataView(file.buffer).setUint16(16, 3, true);
      new DataView(file.buffer).setUint32(52 + 28, alignment, true);
      return free(file);
    };
    expect(aligned(0x1000)).toMatchObject({ segments: [{ address: 0x80400094 }], entry: 0x80400098 });
    for (const none of [0, 1, 4, 0x30, 0x8000_0000, 0xffff_ffff])
      expect(aligned(none)).toMatchObject({ segments: [{ address: 0x80400000 }], entry: 0x80400004 });
    // A vmlinux: virtual 0xc0000000, physical 0.
    const kernel = elf([{ address: 0, bytes: CODE }], 0xc0000004, new Map([['_end', 0xc0000008]]));
    new DataView(kernel.buffer).setUint32(52 + 8, 0xc0000000, true);
    expect(free(kernel)).toMatchObject({
      segments: [{ address: 0x80400000 }],
      entry: 0x80400004,
      symbols: new Map([['_end', 0xc0000008]]),
    });
    // What must be where it says is not moved.
    expect(free(elf([{ address: 0x10000, bytes: CODE }], 0x10000))).toMatchObject({ segments: [{ address: 0x10000 }], entry: 0x10000 });
  });

  it('without symbols has tohost where its section of that name is', () => {
    const stripped = elf([{ address: 0x80000000, bytes: CODE, memoryBytes: 0x100 }], 0x80000000);
    const file = Buffer.from(stripped);
    // The string table's header becomes that of a section .tohost.
    file.write('.tohost', file.indexOf('.strtab'));
    file.writeUInt32LE(0x80000040, file.readUInt32LE(32) + 2 * 40 + 12);
    expect(load(file).symbols).toEqual(new Map([['tohost', 0x80000040]]));
    expect(load(stripped).symbols).toEqual(new Map());
    file.write('.', file.indexOf('.tohost') + 6);
    expect(load(file).symbols).toEqual(new Map());
  });

  it('that names no entry is entered where it begins', () => {
    expect(load(bent(24, 4, 0))).toMatchObject({ entry: 0x80000000 });
  });

  it('that is a Linux Image has a header, and is for this machine', () => {
    const image = (offset: number, fields: Readonly<Record<number, number>> = {}) => {
      const file = new Uint8Array(256);
      const view = new DataView(file.buffer);
      view.setUint32(8, offset, true);
      view.setUint32(16, 0x5000, true);
      view.setUint32(56, 0x05435352, true);
      for (const [at, value] of Object.entries(fields)) view.setUint32(Number(at), value, true);
      return file;
    };
    expect(load(image(0x400000)).segments[0].size).toBe(0x5000);
    expect(load(image(0)).segments[0].size).toBe(0x5000);
    expect(() => load(image(0x200000))).toThrow(/a Linux kernel for RV64, and this machine is RV32. Build/);
    expect(() => load(image(0x400000, { 24: 1 }))).toThrow(/a big-endian Linux kernel/);
    expect(() => load(image(0x400000, { 20: 1 }))).toThrow(/damaged: its Linux header asks for 4294987776 bytes/);
    expect(() => load(image(0x80000, { 56: 0x644d5241 }))).toThrow(/a Linux kernel for AArch64/);
  });

  it.each([
    ['gzip', [0x1f, 0x8b, 8, 0], /compressed with gzip. Unpack it first \(gunzip\)/],
    ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], /compressed with xz/],
    ['zstd', [0x28, 0xb5, 0x2f, 0xfd], /compressed with zstd/],
    ['bzip2', [0x42, 0x5a, 0x68, 0x39], /compressed with bzip2/],
    ['lz4', [0x02, 0x21, 0x4c, 0x18], /compressed with lz4/],
  ])('that is packed with %s is refused with the cure', (_, bytes, words) => {
    expect(() => load(Uint8Array.from(bytes))).toThrow(words);
  });

  it('that mkimage wrapped goes where its header says, when it is a kernel for this machine and not packed', () => {
    const wrapped = (changes: Readonly<Record<number, number>> = {}, length = CODE.length) => {
      const file = new Uint8Array(64 + CODE.length);
      const view = new DataView(file.buffer);
      for (const [at, value] of [
        [0, 0x27051956],
        [12, length],
        [16, 0x80400000],
        [20, 0x80400004],
      ])
        view.setUint32(at, value);
      file.set([5, 26, 2, 0], 28);
      for (const [at, value] of Object.entries(changes)) file[Number(at)] = value;
      file.set(CODE, 64);
      return file;
    };
    expect(load(wrapped())).toMatchObject({ segments: [{ address: 0x80400000, bytes: CODE, size: 8 }], entry: 0x80400004 });
    expect(() => load(wrapped({ 31: 1 }))).toThrow(/a compressed U-Boot image/);
    expect(() => load(wrapped({ 29: 2 }))).toThrow(/of no RISC-V kernel/);
    expect(() => load(wrapped({ 30: 3 }))).toThrow(/of no RISC-V kernel/);
    expect(() => load(wrapped({}, 4096))).toThrow(/cut off: want 4160 bytes, got 72/);
  });

  it.each([
    ['empty', new Uint8Array(0), /the file is empty/],
    ['of 64 bits', bent(4, 1, 2), /64-bit ELF file, and this machine is RV32/],
    ['big-endian', bent(5, 1, 2), /big-endian/],
    ['for another machine', bent(18, 2, 62), /not for RISC-V: an ELF file for x86-64/],
    ['an object file', bent(16, 2, 1), /has not been linked/],
    ['for RV32E', bent(36, 4, 8), /RV32E/],
    ['without program headers', bent(44, 2, 0), /nothing to load/],
    ['with short program headers', bent(42, 2, 8), /program headers of 8 bytes/],
    ['with program headers past its end', bent(28, 4, 0xfffffff0), /cut off: the program header table ends at byte/],
    ['with a segment past its end', bent(52 + 4, 4, 0x10000), /cut off: segment 0 ends at byte 65544/],
    ['with less memory than file', bent(52 + 20, 4, 4), /8 bytes in the file and 4 in memory/],
    ['dynamically linked', bent(52, 4, 3), /dynamically linked/],
    ['without a loadable segment', bent(52, 4, 0x6474e551), /no loadable segment/],
    ['with sections past its end', bent(32, 4, 0x10000000), /cut off: the section header table/],
    ['only the beginning of a header', good().slice(0, 20), /cut off: its header ends at byte 52, the file has 20/],
    ['half of itself', good().slice(0, 100), /cut off/],
  ])('that is %s is refused in words, with 65', (_, file, words) => {
    const seen = (() => {
      try {
        return load(file);
      } catch (error) {
        return error;
      }
    })();
    expect(seen).toBeInstanceOf(LoadError);
    expect(seen).toMatchObject({ code: 65, message: expect.stringMatching(words) });
    expect((seen as Error).message).toMatch(/^image: .*\. [A-Z].*\.$/);
  });

  it('that is damaged anywhere is loaded or refused, and nothing else', () => {
    const file = good();
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { maxLength: 6 }), fc.nat(file.length), (changes, length) => {
        const damaged = file.slice(0, length);
        for (const [at, value] of changes) if (at > 3 && at < length) damaged[at] = value;
        try {
          load(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(LoadError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('segments', () => {
  const at = (what: string, address: number, size: number) => ({ what, address, size, bytes: new Uint8Array(0) });

  it('may fill RAM to its last byte and touch each other', () => {
    checkPlaces([at('image', RAM.base, 0x80000), at('initrd', RAM.base + 0x80000, 0x80000)], RAM);
  });

  it.each([
    [[at('image', RAM.base - 4, 8)], /image: does not fit RAM: wants 0x7ffffffc\.\.0x80000004, RAM is 0x80000000\.\.0x80100000\. Link/],
    [[at('image', 0, 8)], /Link it for RAM/],
    [[at('initrd', RAM.base + RAM.size - 4, 8)], /initrd: does not fit RAM.*more memory/],
    [[at('image', 0xfffffff8, 0xffffffff)], /does not fit RAM/],
    [
      [at('image', RAM.base, 9), at('device tree', RAM.base + 8, 8)],
      /image and device tree overlap: 0x80000000\.\.0x80000009 and 0x80000008/,
    ],
    [[at('image', RAM.base + 4, 8), at('image', RAM.base, 8)], /two segments of the image overlap/],
    [[at('image', RAM.base, 8), at('firmware', RAM.base, 8)], /image and firmware overlap: .*--bios none/],
    [[at('firmware', RAM.base, 8), at('image', RAM.base + 4, 8)], /firmware and image overlap: .*--bios none/],
  ])('that do not fit are refused: %j', (segments, words) => {
    expect(() => checkPlaces(segments, RAM)).toThrow(words);
  });
});

describe('the board', () => {
  const config = (images: Partial<MachineConfig['images']>, memoryBytes = 64 * MIB): MachineConfig => ({
    memoryBytes,
    clock: 'icount',
    seed: new Uint8Array(32),
    bootTimeNs: 0n,
    disk: undefined,
    net: undefined,
    virtioConsole: false,
    onReset: 'end',
    images: { firmware: undefined, main: CODE, initrd: undefined, append: '', dtb: undefined, ...images },
  });
  const places = (made: MachineConfig) => Object.fromEntries(placeImages(made).segments.map(({ what, address }) => [what, address]));

  it('places firmware, kernel, initrd and tree where QEMU 7.2 does', () => {
    const made = config({ firmware: CODE, initrd: CODE });
    expect(places(made)).toEqual({ firmware: 0x80000000, image: 0x80400000, initrd: 0x82400000, 'device tree': 0x83e00000 });
    expect(placeImages(made)).toMatchObject({ start: 0x80000000, entry: 0x80400000, deviceTree: 0x83e00000 });
    expect(places(config({ firmware: CODE, initrd: CODE }, 1024 * MIB))).toMatchObject({ initrd: 0x88400000, 'device tree': 0xbfe00000 });
  });

  it('enters the image itself when there is no firmware', () => {
    expect(placeImages(config({ main: good() }))).toMatchObject({
      start: 0x80000004,
      entry: 0x80000004,
      symbols: new Map([['tohost', 0x80000040]]),
    });
    expect(placeImages(config({}))).toMatchObject({ start: 0x80000000 });
  });

  it('has room for a small image and its tree in 64 KiB', () => {
    const { deviceTree, segments } = placeImages(config({}, 65536));
    expect(deviceTree % 4096).toBe(0);
    expect(segments.length).toBe(2);
  });

  it('says which two images collide, or which has no room', () => {
    expect(() => placeImages(config({ main: new Uint8Array(63 * MIB) }))).toThrow(/image and device tree overlap/);
    expect(() => placeImages(config({ initrd: new Uint8Array(40 * MIB) }))).toThrow(/initrd: does not fit RAM.*--memory/);
    expect(() => placeImages(config({ firmware: CODE }, 4 * MIB))).toThrow(/image: does not fit RAM.*--memory/);
  });

  it('takes a ready device tree, and refuses what is none', () => {
    const tree = placeImages(config({})).segments.at(-1)!.bytes;
    expect(placeImages(config({ dtb: tree })).segments.at(-1)!.bytes).toEqual(tree);
    expect(() => placeImages(config({ dtb: CODE }))).toThrow(/device tree: not a flattened device tree: it has 8 bytes/);
    expect(() => placeImages(config({ dtb: tree.slice(0, 200) }))).toThrow(/cut off: want \d+ bytes, got 200/);
    expect(() => placeImages(config({ dtb: new Uint8Array(100) }))).toThrow(/begins with 0x0/);
  });
});
