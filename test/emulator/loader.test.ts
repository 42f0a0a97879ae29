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

  it.each([
    ['empty', new Uint8Array(0), /the file is empty/],
    ['of 64 bits', bent(4, 1, 2), /64-bit ELF file, and this machine is RV32/],
    ['big-endian', bent(5, 1, 2), /big-endian/],
    ['for another machine', bent(18, 2, 62), /not for RISC-V: an ELF file for x86-64/],
    ['an object file', bent(16, 2, 1), /has not been linked/],
    ['a shared object', bent(16, 2, 3), /position-independent executable/],
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

  it('takes a ready device tree as it is, and refuses what is none', () => {
    const tree = placeImages(config({})).segments.at(-1)!.bytes;
    expect(placeImages(config({ dtb: tree })).segments.at(-1)!.bytes).toBe(tree);
    expect(() => placeImages(config({ dtb: CODE }))).toThrow(/device tree: not a flattened device tree: it has 8 bytes/);
    expect(() => placeImages(config({ dtb: tree.slice(0, 200) }))).toThrow(/cut off: want \d+ bytes, got 200/);
    expect(() => placeImages(config({ dtb: new Uint8Array(100) }))).toThrow(/begins with 0x0/);
  });
});
