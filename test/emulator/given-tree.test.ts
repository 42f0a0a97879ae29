/** Does a device tree that somebody else wrote arrive with this run's command line, initrd and seed, and with nothing that is not there? */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cells, flatten, type Node, type Tree, TreeError, unflatten } from '../../emulator/flattened-tree.ts';
import { givenTree } from '../../emulator/given-tree.ts';
import { LoadError } from '../../emulator/loader.ts';
import { boardConfig, MIB } from './board-config.ts';

const text = (value: string) => new TextEncoder().encode(value.split(',').join('\0').concat('\0'));
const node = (name: string, properties: Record<string, Uint8Array> = {}, children: readonly Node[] = []): Node => ({
  name,
  properties: new Map(Object.entries(properties)),
  children,
});
const wide = { '#address-cells': cells(2), '#size-cells': cells(2) };
const tree = (children: readonly Node[], properties: Record<string, Uint8Array> = wide): Tree => ({
  root: node('', properties, children),
  reservations: [],
  bootHart: 0,
});
const bus = (children: readonly Node[], ranges: Uint8Array = new Uint8Array(0), properties: Record<string, Uint8Array> = wide) =>
  node('soc', { ...properties, ranges, compatible: text('simple-bus') }, children);
const device = (base: number, ...more: number[]) => node(`device@${base.toString(16)}`, { reg: cells(0, base, 0, 0x1000, ...more) });

const given = (made: Tree, changes: Parameters<typeof boardConfig>[1] = {}, initrd?: { address: number; size: number }) =>
  unflatten(givenTree(flatten(made), boardConfig({}, changes), initrd));
const find = ({ root }: Tree, path: string): Node =>
  path.split('/').reduce((at, name) => at.children.find((child) => child.name === name)!, root);
const said = (node: Node, property: string) => {
  const bytes = node.properties.get(property);
  return bytes && new TextDecoder().decode(bytes).slice(0, -1).split('\0').join(',');
};
/** Names of the nodes that are disabled. */
const gone = (at: Node): string[] => [...(said(at, 'status') === 'disabled' ? [at.name] : []), ...at.children.flatMap(gone)];

describe('/chosen', () => {
  it('has this run’s command line, initrd and seed, whatever it had before', () => {
    const made = tree([node('chosen', { bootargs: text('old'), 'stdout-path': text('/serial'), 'rng-seed': cells(1, 2) })]);
    const chosen = find(given(made, { append: 'root=/dev/vda' }, { address: 0x82000000, size: 5 }), 'chosen');
    expect([said(chosen, 'bootargs'), said(chosen, 'stdout-path')]).toEqual(['root=/dev/vda', '/serial']);
    expect(chosen.properties.get('linux,initrd-start')).toEqual(cells(0x82000000));
    expect(chosen.properties.get('linux,initrd-end')).toEqual(cells(0x82000005));
    expect(chosen.properties.get('rng-seed')?.length).toBe(32);
  });

  it('keeps the command line of the tree when none is given, and is made when there is none', () => {
    expect(said(find(given(tree([node('chosen', { bootargs: text('old') })])), 'chosen'), 'bootargs')).toBe('old');
    expect(said(find(given(tree([]), { append: 'x' }), 'chosen'), 'bootargs')).toBe('x');
  });
});

describe('a node of registers', () => {
  it('is disabled where nothing answers, and left alone where something does', () => {
    const flash = node('flash@20000000', { reg: cells(0, 0x20000000, 0, 0x2000000, 0, 0x22000000, 0, 0x2000000) });
    const far = node('far@100000000', { reg: cells(1, 0x80000000, 0, 0x1000) });
    const made = tree([
      flash,
      far,
      bus([device(0x10000000), device(0x10008000), device(0x30000000), device(0x40000000, 0, 0xc000000, 0, 4)]),
    ]);
    expect(gone(given(made).root)).toEqual(['flash@20000000', 'far@100000000', 'device@30000000']);
  });

  it('is found through the ranges of its bus, and not looked for on a bus that has none', () => {
    const moved = bus(
      [node('device@0', { reg: cells(0, 0x1000) }), node('device@5000', { reg: cells(0x5000, 0x1000) })],
      cells(0, 0, 0x10000000, 0x2000),
      {
        '#address-cells': cells(1),
        '#size-cells': cells(1),
      },
    );
    const i2c = node('i2c', { '#address-cells': cells(1), '#size-cells': cells(0) }, [node('clock@68', { reg: cells(0x68) })]);
    expect(gone(given(tree([moved, i2c])).root)).toEqual([]);
    const away = bus([node('device@0', { reg: cells(0, 0x1000) })], cells(0, 0, 0x50000000, 0x2000), {
      '#address-cells': cells(1),
      '#size-cells': cells(1),
    });
    expect(gone(given(tree([away])).root)).toEqual(['device@0']);
  });

  it('takes what is on it along: below a node that is disabled nothing is touched', () => {
    const pci = node(
      'pci@30000000',
      { ...wide, '#address-cells': cells(3), reg: cells(0, 0x30000000, 0, 0x1000), ranges: cells(1, 2, 3) },
      [node('card@0', { reg: cells(0, 0, 0, 0, 0) })],
    );
    expect(gone(given(tree([bus([pci])])).root)).toEqual(['pci@30000000']);
  });
});

describe('a hart', () => {
  const cpu = (id: number, more: Record<string, Uint8Array> = {}) =>
    node(`cpu@${id}`, { device_type: text('cpu'), reg: cells(id), 'riscv,isa': text('rv32imafdch_zba'), ...more });
  const cpus = (children: readonly Node[]) => tree([node('cpus', { '#address-cells': cells(1), '#size-cells': cells(0) }, children)]);

  it('has the extensions that are implemented, in the spelling that the tree uses', () => {
    const made = given(cpus([cpu(0, { 'riscv,isa-extensions': text('i,m,a,f,d,c') })]));
    const hart = find(made, 'cpus/cpu@0');
    expect(said(hart, 'riscv,isa')).toBe('rv32imac_zicsr_zifencei_sstc');
    expect([said(hart, 'riscv,isa-base'), said(hart, 'riscv,isa-extensions')]).toEqual(['rv32i', 'i,m,a,c,zicsr,zifencei,sstc']);
    expect(find(given(cpus([cpu(0)])), 'cpus/cpu@0').properties.has('riscv,isa-extensions')).toBe(false);
  });

  it('is the only one', () => {
    expect(gone(given(cpus([cpu(0), cpu(1), cpu(2)])).root)).toEqual(['cpu@1', 'cpu@2']);
  });
});

describe('memory', () => {
  const memory = (size: number) => tree([node('memory@80000000', { device_type: text('memory'), reg: cells(0, 0x80000000, 0, size) })]);

  it('may be as much as there is, or less', () => {
    expect(gone(given(memory(64 * MIB)).root)).toEqual([]);
    expect(gone(given(memory(MIB)).root)).toEqual([]);
  });

  it('that is more is refused, with the cure', () => {
    expect(() => given(memory(128 * MIB))).toThrow(LoadError);
    expect(() => given(memory(128 * MIB))).toThrow(/memory at 0x80000000\.\.0x88000000, RAM is 0x80000000\.\.0x84000000\. .*--memory/);
  });
});

describe('the flattened form', () => {
  it('comes back as it was: reservations, boot hart, bytes and names', () => {
    const made: Tree = {
      root: node('', { a: cells(1), 'b#': Uint8Array.of(1, 2, 3), empty: new Uint8Array(0) }, [node('x@1', {}, [node('y')]), node('x@2')]),
      reservations: [{ address: 0x80000000n, size: 0x1_0000_0000n }],
      bootHart: 7,
    };
    expect(unflatten(flatten(made))).toEqual(made);
    expect(flatten(unflatten(flatten(made)))).toEqual(flatten(made));
  });

  const bytes = flatten(tree([node('chosen', { bootargs: text('x') }), bus([device(0x10000000)])]));
  const bent = (offset: number, value: number) => {
    const changed = bytes.slice();
    new DataView(changed.buffer).setUint32(offset, value);
    return changed;
  };

  it.each([
    ['short', bytes.slice(0, 39), /it has 39 bytes, a header has 40/],
    ['something else', bent(0, 0), /it begins with 0x0, want 0xd00dfeed/],
    ['cut off', bent(4, 100_000), /it is cut off: want 100000 bytes/],
    ['too old', bent(20, 15), /it has version 15, want 16 or 17/],
    ['too new', bent(24, 18), /want 16 or 17/],
    ['without its structure', bent(8, bytes.length - 2), /its structure runs past its end/],
    ['without its strings', bent(12, bytes.length), /a block lies behind its end/],
    ['without an end of reservations', bent(16, bytes.length - 8), /its memory reservations run past its end/],
    ['no node', bent(56, 9), /its structure does not begin with a node/],
    ['of unknown tokens', bent(64, 7), /it has token 7 in node ''/],
  ])('that is %s is refused in words', (_, file, words) => {
    expect(() => unflatten(file)).toThrow(TreeError);
    expect(() => unflatten(file)).toThrow(words);
  });

  it('that nests without end is refused', () => {
    const deep = (levels: number): Node => node('n', {}, levels === 0 ? [] : [deep(levels - 1)]);
    expect(() => unflatten(flatten(tree([deep(60)])))).not.toThrow();
    expect(() => unflatten(flatten(tree([deep(70)])))).toThrow(/nested more than 64 deep/);
  });

  it('that is damaged anywhere is read or refused, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 6 }), fc.nat(bytes.length), (changes, length) => {
        const damaged = bytes.slice(0, length);
        for (const [at, value] of changes) if (at < length) damaged[at] = value;
        try {
          givenTree(damaged, boardConfig(), undefined);
        } catch (error) {
          expect(error).toBeInstanceOf(LoadError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
