/**
 * A device tree that the user gives (--dtb), made to fit this machine. As on QEMU, /chosen gets the command line, the initrd and a seed.
 * And it promises nothing that is not there, so that a tree of another board (QEMU's own, with PCI, flash and floating point) does no harm:
 * nodes of registers at which nothing answers, and harts past the first, are disabled, and the hart's extensions are the ones it has.
 */
import type { MachineConfig } from './config.ts';
import { ACLINT_BASE, ACLINT_SIZE } from './devices/aclint.ts';
import { FINISHER_BASE, FINISHER_SIZE } from './devices/finisher.ts';
import { PLIC_BASE, PLIC_SIZE } from './devices/plic.ts';
import { RTC_BASE, RTC_SIZE } from './devices/rtc.ts';
import { UART_BASE, UART_SIZE } from './devices/uart.ts';
import { VIRTIO_BASE, VIRTIO_SLOTS, VIRTIO_STRIDE } from './devices/virtio/mmio.ts';
import { chosen, type InitrdPlace, ISA, text } from './devicetree.ts';
import { flatten, type Node, type Tree, TreeError, unflatten } from './flattened-tree.ts';
import { PAGE_BYTES, RAM_BASE, ROM_BASE } from './layout.ts';
import { LoadError } from './loader.ts';

interface Range {
  readonly base: number;
  readonly size: number;
}

/** Where something answers. */
const DEVICES: readonly Range[] = [
  { base: ROM_BASE, size: PAGE_BYTES },
  { base: FINISHER_BASE, size: FINISHER_SIZE },
  { base: RTC_BASE, size: RTC_SIZE },
  { base: ACLINT_BASE, size: ACLINT_SIZE },
  { base: PLIC_BASE, size: PLIC_SIZE },
  { base: UART_BASE, size: UART_SIZE },
  { base: VIRTIO_BASE, size: VIRTIO_SLOTS * VIRTIO_STRIDE },
];

/** Throws `LoadError` for bytes that are no tree, and for a tree with more memory than there is. */
export function givenTree(bytes: Uint8Array, config: MachineConfig, initrd: InitrdPlace | undefined, boot = 0): Uint8Array {
  const tree = read(bytes);
  const ram = { base: RAM_BASE, size: config.memoryBytes };
  for (const node of tree.root.children) if (stringOf(node, 'device_type') === 'memory') checkMemory(node, tree.root, ram);
  const present = [...DEVICES, ram];
  const children = tree.root.children.map((node) =>
    node.name === 'cpus' ? withHarts(node) : withoutAbsent(node, tree.root, present, same),
  );
  const root = { ...tree.root, children: withChosen(children, chosen(config, initrd, boot)) };
  return flatten({ ...tree, root });
}

function read(bytes: Uint8Array): Tree {
  try {
    return unflatten(bytes);
  } catch (error) {
    if (!(error instanceof TreeError)) throw error;
    throw new LoadError(`device tree: not a flattened device tree: ${error.message}. Give a file that dtc wrote (-O dtb).`);
  }
}

function checkMemory(node: Node, parent: Node, ram: Range): void {
  for (const { base, size } of registers(node, parent)) {
    if (base >= ram.base && base + size <= ram.base + ram.size) continue;
    const hex = (value: number) => `0x${value.toString(16)}`;
    throw new LoadError(
      `device tree: it has memory at ${hex(base)}..${hex(base + size)}, RAM is ${hex(ram.base)}..${hex(ram.base + ram.size)}. Give the machine as much (--memory), or correct the tree.`,
    );
  }
}

function withChosen(children: readonly Node[], properties: Readonly<Record<string, Uint8Array>>): readonly Node[] {
  const at = children.findIndex(({ name }) => name === 'chosen');
  const node = at < 0 ? { name: 'chosen', properties: new Map<string, Uint8Array>(), children: [] } : children[at];
  const filled = { ...node, properties: new Map([...node.properties, ...Object.entries(properties)]) };
  return at < 0 ? [filled, ...children] : children.with(at, filled);
}

/** The harts of /cpus: the first as it is here, none besides it. */
function withHarts(cpus: Node): Node {
  const children = cpus.children.map((node) => {
    if (stringOf(node, 'device_type') !== 'cpu') return node;
    const id = node.properties.get('reg');
    if (id?.some((byte) => byte !== 0)) return disabled(node);
    const properties = new Map(node.properties).set('riscv,isa', text(ISA));
    // The newer spelling, where a tree has it: a list of strings.
    const [base, ...extensions] = ISA.split('_');
    if (properties.has('riscv,isa-extensions'))
      properties.set('riscv,isa-extensions', text(...base.slice('rv32'.length), ...extensions)).set('riscv,isa-base', text('rv32i'));
    return { ...node, properties };
  });
  return { ...cpus, children };
}

/** An address of a bus as its parent sees it; undefined: it is not seen there. */
type Translate = (address: number) => number | undefined;

const same: Translate = (address) => address;

/** `node`, or what lies on it if it is a bus, disabled where its registers meet nothing in `present`. */
function withoutAbsent(node: Node, parent: Node, present: readonly Range[], translate: Translate): Node {
  const own = registers(node, parent).map(({ base, size }) => ({ base: translate(base), size }));
  const answers = ({ base, size }: { base: number | undefined; size: number }) =>
    base === undefined || present.some((range) => base < range.base + range.size && base + Math.max(size, 1) > range.base);
  if (own.length > 0 && !own.some(answers)) return disabled(node);
  const down = below(node, parent);
  if (down === undefined) return node;
  const through: Translate = (address) => {
    const up = down(address);
    return up === undefined ? undefined : translate(up);
  };
  return { ...node, children: node.children.map((child) => withoutAbsent(child, node, present, through)) };
}

/** How addresses below a node become addresses beside it (§2.3.8); undefined: its children have no addresses of memory. */
function below(node: Node, parent: Node): Translate | undefined {
  const ranges = node.properties.get('ranges');
  if (ranges === undefined) return undefined;
  if (ranges.length === 0) return same;
  const [child, up, size] = [cellsOf(node, '#address-cells', 2), cellsOf(parent, '#address-cells', 2), cellsOf(node, '#size-cells', 1)];
  // Three cells of address are PCI's, which mean more than a number.
  if (child > 2 || up > 2 || size > 2 || child === 0 || up === 0 || size === 0) return undefined;
  const rows = numbers(ranges, [child, up, size]);
  return (address) => {
    const row = rows.find(([from, , length]) => address >= from && address < from + length);
    return row === undefined ? undefined : address - row[0] + row[1];
  };
}

/** What `reg` says, for a parent whose children have addresses and sizes; nothing otherwise. */
function registers(node: Node, parent: Node): Range[] {
  const reg = node.properties.get('reg');
  const [address, size] = [cellsOf(parent, '#address-cells', 2), cellsOf(parent, '#size-cells', 1)];
  if (reg === undefined || address < 1 || address > 2 || size < 1 || size > 2) return [];
  return numbers(reg, [address, size]).map(([base, length]) => ({ base, size: length }));
}

/** Rows of numbers, each of so many cells; what is left over at the end is ignored. 64-bit numbers past 2^53 lose precision: no address here is. */
function numbers(bytes: Uint8Array, widths: readonly number[]): number[][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const stride = 4 * widths.reduce((sum, width) => sum + width, 0);
  return Array.from({ length: Math.floor(bytes.length / stride) }, (_, row) => {
    let at = row * stride;
    return widths.map((width) => {
      let value = 0;
      for (let k = 0; k < width; k++, at += 4) value = value * 2 ** 32 + view.getUint32(at);
      return value;
    });
  });
}

function cellsOf(node: Node, name: string, otherwise: number): number {
  const bytes = node.properties.get(name);
  return bytes?.length === 4 ? new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) : otherwise;
}

const disabled = (node: Node): Node => ({ ...node, properties: new Map(node.properties).set('status', text('disabled')) });

/** A property that is one string, without its zero byte. */
function stringOf(node: Node, name: string): string | undefined {
  const bytes = node.properties.get(name);
  return bytes && String.fromCharCode(...bytes.subarray(0, Math.min(64, Math.max(0, bytes.indexOf(0)))));
}
