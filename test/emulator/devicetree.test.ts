/** Does the board's device tree say what a kernel needs to find the board, in the format that the Devicetree Specification has? */
import { describe, expect, it } from 'vitest';
import { boardTree } from '../../emulator/devicetree.ts';
import { boardConfig, MIB } from './board-config.ts';

interface Parsed {
  readonly properties: Map<string, Uint8Array>;
  readonly children: Map<string, Parsed>;
}

/** A reader of version 17 trees, written from the specification: tokens, big-endian cells, offsets into the strings block. */
function parse(bytes: Uint8Array): Parsed {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (at: number) => view.getUint32(at);
  expect([word(0), word(4), word(20), word(24), word(28)]).toEqual([0xd00dfeed, bytes.length, 17, 16, 0]);
  const [structure, strings, reservations] = [word(8), word(12), word(16)];
  expect([structure % 4, reservations % 8, structure + word(36) <= strings, strings + word(32)]).toEqual([0, 0, true, bytes.length]);
  expect(bytes.slice(reservations, reservations + 16).every((byte) => byte === 0)).toBe(true);
  const textAt = (at: number) => new TextDecoder().decode(bytes.slice(at, bytes.indexOf(0, at)));
  let at = structure;
  const skip = (length: number) => {
    at += (length + 3) & ~3;
  };
  const node = (): Parsed => {
    const parsed: Parsed = { properties: new Map(), children: new Map() };
    for (;;) {
      const token = word(at);
      at += 4;
      if (token === 2) return parsed;
      if (token === 1) {
        const name = textAt(at);
        skip(name.length + 1);
        parsed.children.set(name, node());
      } else {
        expect(token).toBe(3);
        const [length, name] = [word(at), textAt(strings + word(at + 4))];
        at += 8;
        parsed.properties.set(name, bytes.slice(at, at + length));
        skip(length);
      }
    }
  };
  expect([word(at), textAt(at + 4)]).toEqual([1, '']);
  at += 8;
  const root = node();
  expect([word(at), at + 4]).toEqual([9, structure + word(36)]);
  return root;
}

const find = (root: Parsed, path: string): Parsed => path.split('/').reduce((node, name) => node.children.get(name)!, root);
const cellsOf = (node: Parsed, name: string) => {
  const bytes = node.properties.get(name)!;
  return Array.from({ length: bytes.length / 4 }, (_, i) => new DataView(bytes.buffer).getUint32(4 * i));
};
const textOf = (node: Parsed, name: string) => new TextDecoder().decode(node.properties.get(name));

describe('the tree', () => {
  const root = parse(boardTree(boardConfig({}, { append: 'console=ttyS0 “ü”' }), { address: 0x82400000, size: 0x1234 }));

  it('describes RAM, hart and timebase', () => {
    expect(cellsOf(find(root, 'memory@80000000'), 'reg')).toEqual([0, 0x80000000, 0, 64 * MIB]);
    expect(cellsOf(find(root, 'cpus'), 'timebase-frequency')).toEqual([10_000_000]);
    expect(textOf(find(root, 'cpus/cpu@0'), 'mmu-type')).toBe('riscv,sv32\0');
    expect(textOf(find(root, 'cpus/cpu@0'), 'riscv,isa')).toMatch(/^rv32imac/);
    expect(find(root, 'cpus/cpu@0/interrupt-controller').properties.has('interrupt-controller')).toBe(true);
  });

  it('hands over command line, initrd and seed', () => {
    const chosen = find(root, 'chosen');
    expect(textOf(chosen, 'bootargs')).toBe('console=ttyS0 “ü”\0');
    expect([cellsOf(chosen, 'linux,initrd-start'), cellsOf(chosen, 'linux,initrd-end')]).toEqual([[0x82400000], [0x82401234]]);
    expect(chosen.properties.get('rng-seed')!.length).toBe(32);
    expect(textOf(chosen, 'stdout-path')).toBe('/soc/serial@10000000\0');
    const bare = find(parse(boardTree(boardConfig(), undefined)), 'chosen');
    expect([...bare.properties.keys()]).toEqual(['rng-seed', 'stdout-path']);
  });

  it('routes every interrupt to the PLIC, and the PLIC to the hart', () => {
    const plic = find(root, 'soc/plic@c000000');
    const phandle = cellsOf(plic, 'phandle')[0];
    const hart = cellsOf(find(root, 'cpus/cpu@0/interrupt-controller'), 'phandle')[0];
    expect(cellsOf(plic, 'interrupts-extended')).toEqual([hart, 11, hart, 9]);
    const irqs = [...find(root, 'soc').children]
      .filter(([, node]) => node.properties.has('interrupts'))
      .map(([name, node]) => [name, cellsOf(node, 'interrupts')[0], cellsOf(node, 'interrupt-parent')[0]]);
    expect(irqs.sort()).toEqual(
      [
        ['rtc@101000', 11, phandle],
        ['serial@10000000', 10, phandle],
        ...Array.from({ length: 8 }, (_, n) => [`virtio_mmio@1000${n + 1}000`, n + 1, phandle]),
      ].sort(),
    );
  });

  it('is a function of its configuration, and the seed that it shows is not the seed itself', () => {
    const [a, b, c] = [
      boardTree(boardConfig(), undefined),
      boardTree(boardConfig(), undefined),
      boardTree(boardConfig({ seed: new Uint8Array(32) }), undefined),
    ];
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
    expect(Buffer.from(a).includes(Buffer.from(boardConfig().seed))).toBe(false);
  });
});
