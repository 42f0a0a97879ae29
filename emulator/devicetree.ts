/** The board as a flattened device tree (Devicetree Specification 0.4 §5), with the nodes and addresses of QEMU's virt machine. */
import { keystream } from './chacha.ts';
import type { MachineConfig } from './config.ts';
import { ACLINT_BASE, ACLINT_SIZE } from './devices/aclint.ts';
import { FINISHER_BASE, FINISHER_SIZE } from './devices/finisher.ts';
import { PLIC_BASE, PLIC_SIZE, PLIC_SOURCES } from './devices/plic.ts';
import { RTC_BASE, RTC_IRQ, RTC_SIZE } from './devices/rtc.ts';
import { UART_BASE, UART_IRQ, UART_SIZE } from './devices/uart.ts';
import { SEED_STREAM } from './devices/virtio/entropy.ts';
import { VIRTIO_BASE, VIRTIO_IRQ, VIRTIO_SLOTS, VIRTIO_STRIDE } from './devices/virtio/mmio.ts';
import { TICKS_PER_SECOND } from './io.ts';
import { RAM_BASE } from './layout.ts';
import { utf8 } from './text.ts';

export interface Node {
  /** With its unit address; empty for the root. */
  readonly name: string;
  readonly properties: Readonly<Record<string, Uint8Array>>;
  readonly children: readonly Node[];
}

const RNG_SEED_BYTES = 32;
const UART_CLOCK_HZ = 3_686_400;
const SUPERVISOR_EXTERNAL = 9;
const MACHINE_EXTERNAL = 11;
const MACHINE_SOFTWARE = 3;
const MACHINE_TIMER = 7;
const PHANDLE = { cpu: 1, cpuInterrupts: 2, plic: 3, finisher: 4 } as const;

/** The tree for this configuration. `initrd`: where it lies, when there is one. A function of its arguments alone. */
export function boardTree(config: MachineConfig, initrd: { readonly address: number; readonly size: number } | undefined): Uint8Array {
  return flatten(
    node(
      '',
      { '#address-cells': cells(2), '#size-cells': cells(2), compatible: text('riscv-virtio'), model: text('riscv-virtio,twinhart') },
      [
        node('chosen', {
          ...(config.images.append === '' ? {} : { bootargs: text(config.images.append) }),
          ...(initrd === undefined
            ? {}
            : { 'linux,initrd-start': cells(initrd.address), 'linux,initrd-end': cells(initrd.address + initrd.size) }),
          'rng-seed': keystream(config.seed, SEED_STREAM.deviceTree, 0, RNG_SEED_BYTES),
          'stdout-path': text(`/soc/serial@${UART_BASE.toString(16)}`),
        }),
        node('poweroff', { compatible: text('syscon-poweroff'), regmap: cells(PHANDLE.finisher), offset: cells(0), value: cells(0x5555) }),
        node('reboot', { compatible: text('syscon-reboot'), regmap: cells(PHANDLE.finisher), offset: cells(0), value: cells(0x7777) }),
        node(`memory@${RAM_BASE.toString(16)}`, { device_type: text('memory'), reg: reg(RAM_BASE, config.memoryBytes) }),
        cpus(),
        node('soc', { '#address-cells': cells(2), '#size-cells': cells(2), compatible: text('simple-bus'), ranges: flag() }, devices()),
      ],
    ),
  );
}

function cpus(): Node {
  const interruptController = node('interrupt-controller', {
    '#address-cells': cells(0),
    '#interrupt-cells': cells(1),
    'interrupt-controller': flag(),
    compatible: text('riscv,cpu-intc'),
    phandle: cells(PHANDLE.cpuInterrupts),
  });
  const cpu = {
    device_type: text('cpu'),
    reg: cells(0),
    status: text('okay'),
    compatible: text('riscv'),
    'riscv,isa': text('rv32imac_zicsr_zifencei_sstc'),
    'mmu-type': text('riscv,sv32'),
    phandle: cells(PHANDLE.cpu),
  };
  return node('cpus', { '#address-cells': cells(1), '#size-cells': cells(0), 'timebase-frequency': cells(TICKS_PER_SECOND) }, [
    node('cpu@0', cpu, [interruptController]),
    node('cpu-map', {}, [node('cluster0', {}, [node('core0', { cpu: cells(PHANDLE.cpu) })])]),
  ]);
}

function devices(): Node[] {
  const interrupt = (irq: number) => ({ interrupts: cells(irq), 'interrupt-parent': cells(PHANDLE.plic) });
  const device = (name: string, base: number, size: number, properties: Record<string, Uint8Array>) =>
    node(`${name}@${base.toString(16)}`, { ...properties, reg: reg(base, size) });
  const virtio = Array.from({ length: VIRTIO_SLOTS }, (_, slot) =>
    device('virtio_mmio', VIRTIO_BASE + slot * VIRTIO_STRIDE, VIRTIO_STRIDE, {
      compatible: text('virtio,mmio'),
      ...interrupt(VIRTIO_IRQ + slot),
    }),
  );
  return [
    device('plic', PLIC_BASE, PLIC_SIZE, {
      compatible: text('sifive,plic-1.0.0', 'riscv,plic0'),
      '#address-cells': cells(0),
      '#interrupt-cells': cells(1),
      'interrupt-controller': flag(),
      'interrupts-extended': cells(PHANDLE.cpuInterrupts, MACHINE_EXTERNAL, PHANDLE.cpuInterrupts, SUPERVISOR_EXTERNAL),
      'riscv,ndev': cells(PLIC_SOURCES),
      phandle: cells(PHANDLE.plic),
    }),
    device('clint', ACLINT_BASE, ACLINT_SIZE, {
      compatible: text('sifive,clint0', 'riscv,clint0'),
      'interrupts-extended': cells(PHANDLE.cpuInterrupts, MACHINE_SOFTWARE, PHANDLE.cpuInterrupts, MACHINE_TIMER),
    }),
    device('test', FINISHER_BASE, FINISHER_SIZE, {
      compatible: text('sifive,test1', 'sifive,test0', 'syscon'),
      phandle: cells(PHANDLE.finisher),
    }),
    device('rtc', RTC_BASE, RTC_SIZE, { compatible: text('google,goldfish-rtc'), ...interrupt(RTC_IRQ) }),
    device('serial', UART_BASE, UART_SIZE, {
      compatible: text('ns16550a'),
      'clock-frequency': cells(UART_CLOCK_HZ),
      ...interrupt(UART_IRQ),
    }),
    // From the last slot down, as QEMU lists them: drivers number their disks and interfaces in this order.
    ...virtio.reverse(),
  ];
}

const FDT_MAGIC = 0xd00dfeed;
const FDT_VERSION = 17;
const FDT_COMPATIBLE_WITH = 16;
const FDT_BEGIN_NODE = 1;
const FDT_END_NODE = 2;
const FDT_PROP = 3;
const FDT_END = 9;
const HEADER_BYTES = 40;
/** The memory reservation block holds its terminator only. */
const RESERVATIONS_BYTES = 16;

/** Header, reservations, structure, strings (§5.2 to §5.5). */
function flatten(root: Node): Uint8Array {
  const strings = new Map<string, number>();
  let stringsLength = 0;
  const structure: number[] = [];
  const word = (value: number) => structure.push((value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
  const padded = (bytes: Uint8Array) => {
    for (const byte of bytes) structure.push(byte);
    while (structure.length % 4 !== 0) structure.push(0);
  };
  const nameOffset = (name: string): number => {
    const known = strings.get(name);
    if (known !== undefined) return known;
    const offset = stringsLength;
    strings.set(name, offset);
    stringsLength += text(name).length;
    return offset;
  };
  const emit = ({ name, properties, children }: Node): void => {
    word(FDT_BEGIN_NODE);
    padded(text(name));
    for (const [property, value] of Object.entries(properties)) {
      word(FDT_PROP);
      word(value.length);
      word(nameOffset(property));
      padded(value);
    }
    for (const child of children) emit(child);
    word(FDT_END_NODE);
  };
  emit(root);
  word(FDT_END);

  const structureAt = HEADER_BYTES + RESERVATIONS_BYTES;
  const stringsAt = structureAt + structure.length;
  const total = stringsAt + stringsLength;
  const header = [
    FDT_MAGIC,
    total,
    structureAt,
    stringsAt,
    HEADER_BYTES,
    FDT_VERSION,
    FDT_COMPATIBLE_WITH,
    0,
    stringsLength,
    structure.length,
  ];
  const bytes = new Uint8Array(total);
  bytes.set(cells(...header));
  bytes.set(structure, structureAt);
  for (const [name, offset] of strings) bytes.set(text(name), stringsAt + offset);
  return bytes;
}

/** Whether these bytes begin as a flattened tree does, and are all there. Undefined: they are; otherwise what is wrong. */
export function treeFault(bytes: Uint8Array): string | undefined {
  if (bytes.length < HEADER_BYTES) return `it has ${bytes.length} bytes, a header has ${HEADER_BYTES}`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0) !== FDT_MAGIC) return `it begins with 0x${view.getUint32(0).toString(16)}, want 0x${FDT_MAGIC.toString(16)}`;
  const want = view.getUint32(4);
  return want <= bytes.length ? undefined : `it is cut off: want ${want} bytes, got ${bytes.length}`;
}

function node(name: string, properties: Readonly<Record<string, Uint8Array>>, children: readonly Node[] = []): Node {
  return { name, properties, children };
}

function cells(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint32(4 * index, value);
  return bytes;
}

/** Two cells of address, two of size. */
const reg = (base: number, size: number): Uint8Array => cells(0, base, 0, size);
/** A list of strings, each with its zero byte. */
const text = (...values: readonly string[]): Uint8Array => utf8(values.map((value) => `${value}\0`).join(''));
const flag = (): Uint8Array => new Uint8Array(0);
