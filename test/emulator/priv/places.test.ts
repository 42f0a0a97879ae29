/** What answers at a physical address, and with which cause does everything else trap? (machine.md, "Memory corners", "Devices".) */
import { describe, expect, test } from 'vitest';
import { play } from './scene.ts';

/** Places of the board that no test of a device asks about, and what lies around them. */
const HOLES = [
  0x0, 0x2000, 0x0010_2000, 0x01ff_f000, 0x0201_0000, 0x0bff_f000, 0x0c60_0000, 0x1000_0100, 0x1000_9000, 0x2000_0000, 0x3000_0000,
];
const ABOVE = [0x8010_0000, 0xffff_f000];
const CLINT = 0x0200_4000;
const UART = 0x1000_0000;
const VIRTIO = 0x1000_1000;
const ROM = 0x1000;

/** Cause and mtval of each instruction in turn, at `address`; what does not trap is missing. */
const causes = (address: number, ...instructions: string[]) =>
  play(`li s0, ${address | 0}\n${instructions.join('\n')}`).traps.map(({ cause, tval }) => [cause, tval]);

describe('a hole', () => {
  test.each([...HOLES, ...ABOVE])('at 0x%i is a load fault, a store fault, and no place to run', (address) => {
    expect(causes(address, 'lw a0, 0(s0)', 'lb a0, 3(s0)', 'sw a0, 0(s0)', 'sh a0, 2(s0)')).toEqual([
      [5, address],
      [5, address + 3],
      [7, address],
      [7, address + 2],
    ]);
    expect(causes(address, 'lr.w a0, (s0)', 'amoadd.w a0, a0, (s0)', 'sc.w a0, a0, (s0)')).toEqual([
      [5, address],
      [7, address],
      [7, address],
    ]);
    expect(causes(address, 'jalr s0')).toEqual([[1, address]]);
  });
});

describe('a device', () => {
  test('is no place to run, and takes no atomics', () => {
    for (const address of [CLINT, UART, VIRTIO, 0x0c00_0000, 0x0010_0000, 0x0010_1000]) {
      expect(causes(address, 'jalr s0')).toEqual([[1, address]]);
      expect(causes(address, 'lr.w a0, (s0)', 'amoswap.w a0, a0, (s0)', 'sc.w a0, a0, (s0)')).toEqual([
        [5, address],
        [7, address],
        [7, address],
      ]);
    }
  });

  test('takes no misaligned access, and only the widths that it has', () => {
    expect(causes(CLINT, 'lw a0, 0(s0)', 'sw a0, 8(s0)', 'lw a0, 1(s0)', 'lh a0, 0(s0)', 'lb a0, 0(s0)', 'sb a0, 0(s0)')).toEqual([
      [5, CLINT + 1],
      [5, CLINT],
      [5, CLINT],
      [7, CLINT],
    ]);
    expect(causes(VIRTIO, 'lw a0, 0(s0)', 'lw a0, 2(s0)', 'sw a0, 0x31(s0)', 'lh a0, 0x101(s0)')).toEqual([
      [5, VIRTIO + 2],
      [7, VIRTIO + 0x31],
      [5, VIRTIO + 0x101],
    ]);
    expect(causes(UART, 'lbu a0, 5(s0)', 'lbu a0, 8(s0)', 'lh a0, 1(s0)')).toEqual([
      [5, UART + 8],
      [5, UART + 1],
    ]);
  });
});

describe('the ROM', () => {
  test('is read, run and reserved, and never written', () => {
    expect(
      causes(ROM, 'lw a0, 0(s0)', 'lw a0, 5(s0)', 'lr.w a0, (s0)', 'sw a0, 0(s0)', 'sc.w a0, a0, (s0)', 'amoor.w a0, a0, (s0)'),
    ).toEqual([
      [7, ROM],
      [7, ROM],
      [7, ROM],
    ]);
  });
});

describe('an atomic that is not aligned', () => {
  test('has the misaligned cause of its kind, wherever it points', () => {
    for (const address of [0x8004_0000, 0x4000_0000, UART]) {
      expect(causes(address + 2, 'lr.w a0, (s0)', 'sc.w a0, a0, (s0)', 'amomax.w a0, a0, (s0)')).toEqual([
        [4, address + 2],
        [6, address + 2],
        [6, address + 2],
      ]);
    }
  });
});

describe('RAM', () => {
  test('takes every width at every alignment, up to its last byte', () => {
    const last = 0x8010_0000 - 4;
    expect(causes(last, 'lw a0, 0(s0)', 'lw a0, -1(s0)', 'sh a0, 1(s0)', 'sb a0, 3(s0)', 'lw a0, 1(s0)', 'sw a0, 2(s0)')).toEqual([
      [5, last + 4],
      [7, last + 4],
    ]);
  });
});
