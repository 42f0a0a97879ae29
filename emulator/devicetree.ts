/** The board as a device tree, with the nodes and addresses of QEMU's virt machine. */
import { keystream } from './chacha.ts';
import type { MachineConfig } from './config.ts';
import { ACLINT_BASE, ACLINT_SIZE } from './devices/aclint.ts';
import { FINISHER_BASE, FINISHER_SIZE } from './devices/finisher.ts';
import { PLIC_BASE, PLIC_SIZE, PLIC_SOURCES } from './devices/plic.ts';
import { RTC_BASE, RTC_IRQ, RTC_SIZE } from './devices/rtc.ts';
import { UART_BASE, UART_IRQ, UART_SIZE } from './devices/uart.ts';
import { SEED_STREAM } from './devices/virtio/entropy.ts';
import { VIRTIO_BASE, VIRTIO_IRQ, VIRTIO_SLOTS, VIRTIO_STRIDE } from './devices/virtio/mmio.ts';
import { cells, flatten, type Node } from './flattened-tree.ts';
import { TICKS_PER_SECOND } from './io.ts';
import { RAM_BASE } from './layout.ts';
import { utf8 } from './text.ts';

/** Physical. */
export interface InitrdPlace {
  readonly address: number;
  readonly size: number;
}

/** What the hart implements, as `riscv,isa` spells it. */
export const ISA = 'rv32imac_zicsr_zifencei_sstc';
const RNG_SEED_BYTES = 32;
const UART_CLOCK_HZ = 3_686_400;
const SUPERVISOR_EXTERNAL = 9;
const MACHINE_EXTERNAL = 11;
const MACHINE_SOFTWARE = 3;
const MACHINE_TIMER = 7;
const PHANDLE = { cpu: 1, cpuInterrupts: 2, plic: 3, finisher: 4 } as const;

/**
 * The tree for this configuration. `initrd`: where it lies, when there is one. `boot`: resets before this one, each with a seed of its own. A
 * function of its arguments alone.
 */
export function boardTree(config: MachineConfig, initrd: InitrdPlace | undefined, boot = 0): Uint8Array {
  const root = node(
    '',
    { '#address-cells': cells(2), '#size-cells': cells(2), compatible: text('riscv-virtio'), model: text('riscv-virtio,twinhart') },
    [
      node('chosen', { ...chosen(config, initrd, boot), 'stdout-path': text(`/soc/serial@${UART_BASE.toString(16)}`) }),
      node('poweroff', { compatible: text('syscon-poweroff'), regmap: cells(PHANDLE.finisher), offset: cells(0), value: cells(0x5555) }),
      node('reboot', { compatible: text('syscon-reboot'), regmap: cells(PHANDLE.finisher), offset: cells(0), value: cells(0x7777) }),
      node(`memory@${RAM_BASE.toString(16)}`, { device_type: text('memory'), reg: reg(RAM_BASE, config.memoryBytes) }),
      cpus(),
      node('soc', { '#address-cells': cells(2), '#size-cells': cells(2), compatible: text('simple-bus'), ranges: flag() }, devices()),
    ],
  );
  return flatten({ root, reservations: [], bootHart: 0 });
}

/** What /chosen tells a kernel about this run, whoever made the tree: command line (where there is one), initrd, seed. */
export function chosen(config: MachineConfig, initrd: InitrdPlace | undefined, boot: number): Record<string, Uint8Array> {
  return {
    ...(config.images.append === '' ? {} : { bootargs: text(config.images.append) }),
    ...(initrd === undefined
      ? {}
      : { 'linux,initrd-start': cells(initrd.address), 'linux,initrd-end': cells(initrd.address + initrd.size) }),
    'rng-seed': keystream(config.seed, SEED_STREAM.deviceTree, boot * RNG_SEED_BYTES, RNG_SEED_BYTES),
  };
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
    'riscv,isa': text(ISA),
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

function node(name: string, properties: Readonly<Record<string, Uint8Array>>, children: readonly Node[] = []): Node {
  return { name, properties: new Map(Object.entries(properties)), children };
}

/** Two cells of address, two of size. */
const reg = (base: number, size: number): Uint8Array => cells(0, base, 0, size);
/** A list of strings, each with its zero byte. */
export const text = (...values: readonly string[]): Uint8Array => utf8(values.map((value) => `${value}\0`).join(''));
const flag = (): Uint8Array => new Uint8Array(0);
