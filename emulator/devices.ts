/** The board's devices at their places and on their interrupt lines (QEMU's virt map; ARCHITECTURE.md, "The board"). */
import type { Bus } from './bus.ts';
import type { MachineConfig } from './config.ts';
import { ACLINT_BASE, ACLINT_SIZE, Aclint } from './devices/aclint.ts';
import type { Device, Dma, Emit, State, Time } from './devices/device.ts';
import { FINISHER_BASE, FINISHER_SIZE, Finisher } from './devices/finisher.ts';
import { PLIC_BASE, PLIC_SIZE, Plic } from './devices/plic.ts';
import { RTC_BASE, RTC_IRQ, RTC_SIZE, Rtc } from './devices/rtc.ts';
import { UART_BASE, UART_IRQ, UART_SIZE, Uart } from './devices/uart.ts';
import { VirtioBlock } from './devices/virtio/block.ts';
import { VirtioConsole } from './devices/virtio/console.ts';
import { VirtioEntropy } from './devices/virtio/entropy.ts';
import { VIRTIO_BASE, VIRTIO_IRQ, VIRTIO_SLOT, VIRTIO_SLOTS, VIRTIO_STRIDE, VirtioMmio } from './devices/virtio/mmio.ts';
import { VirtioNet } from './devices/virtio/net.ts';
import type { Exit } from './io.ts';
import { INTERRUPTS } from './isa/index.ts';
import { SnapshotError } from './snapshot.ts';

export interface Wiring {
  readonly config: MachineConfig;
  readonly bus: Bus;
  readonly emit: Emit;
  readonly off: (exit: Exit) => void;
  readonly reset: () => void;
  readonly dma: Dma;
  readonly time: Time;
  /** A line into the hart, by its bit in mip. */
  readonly interrupt: (bit: number, high: boolean) => void;
}

export class Devices {
  readonly aclint: Aclint;
  readonly rtc: Rtc;
  readonly block: VirtioBlock | undefined;
  readonly net: VirtioNet | undefined;
  readonly #uart: Uart;
  readonly #console: VirtioConsole | undefined;
  /** In the order in which they are restored: the PLIC last, since the others drive lines into it. */
  readonly #all: readonly Device[];

  constructor({ config, bus, emit, off, reset, dma, time, interrupt }: Wiring) {
    const plic = new Plic(
      (high) => interrupt(INTERRUPTS.MEI, high),
      (high) => interrupt(INTERRUPTS.SEI, high),
    );
    const slot = (name: keyof typeof VIRTIO_SLOT) => plic.line(VIRTIO_IRQ + VIRTIO_SLOT[name]);
    this.aclint = new Aclint(time, (high) => interrupt(INTERRUPTS.MSI, high));
    this.rtc = new Rtc(time, plic.line(RTC_IRQ), config.bootTimeNs);
    this.#uart = new Uart(emit, plic.line(UART_IRQ));
    this.block = config.disk && new VirtioBlock(dma, slot('block'), emit, config.disk);
    this.net = config.net && new VirtioNet(dma, slot('net'), emit, config.net);
    this.#console = config.virtioConsole ? new VirtioConsole(dma, slot('console'), emit) : undefined;
    const entropy = new VirtioEntropy(dma, slot('entropy'), config.seed);
    const virtio = { block: this.block, net: this.net, console: this.#console, entropy };

    bus.attach(UART_BASE, UART_SIZE, this.#uart);
    bus.attach(PLIC_BASE, PLIC_SIZE, plic);
    bus.attach(ACLINT_BASE, ACLINT_SIZE, this.aclint);
    const finisher = new Finisher(off, reset);
    bus.attach(FINISHER_BASE, FINISHER_SIZE, finisher);
    bus.attach(RTC_BASE, RTC_SIZE, this.rtc);
    const slots: Device[] = [];
    for (let n = 0; n < VIRTIO_SLOTS; n++) {
      const name = (Object.keys(VIRTIO_SLOT) as (keyof typeof VIRTIO_SLOT)[]).find((key) => VIRTIO_SLOT[key] === n);
      const mmio = (name && virtio[name]?.mmio) ?? new VirtioMmio(`virtio-slot${n}`, undefined, dma, () => {});
      bus.attach(VIRTIO_BASE + n * VIRTIO_STRIDE, VIRTIO_STRIDE, mmio);
      slots.push(mmio);
    }
    this.#all = [this.aclint, this.rtc, this.#uart, finisher, ...slots, plic];
  }

  /** Console bytes that a port takes now. */
  consoleRoom(port: 0 | 1): number {
    return (port === 0 ? this.#uart : this.#console)?.room() ?? 0;
  }

  refusesConsole(port: 0 | 1, length: number): string | undefined {
    if (port === 1 && this.#console === undefined) return 'there is no virtio console';
    const room = this.consoleRoom(port);
    return length > room ? `console port ${port} has room for ${room} bytes, got ${length}` : undefined;
  }

  deliverConsole(port: 0 | 1, bytes: Uint8Array): void {
    (port === 0 ? this.#uart : this.#console)?.deliver(bytes);
  }

  /** The whole board but hart and memory, as after power-on; the PLIC last, with the lines as they are then. */
  reset(): void {
    for (const device of this.#all) device.reset();
  }

  save(): [name: string, state: State][] {
    return this.#all.map((device) => [device.name, device.save()]);
  }

  restore(sections: ReadonlyMap<string, State>): void {
    for (const device of this.#all) {
      const state = sections.get(device.name);
      if (state === undefined) {
        throw new SnapshotError(
          `the snapshot does not fit this machine: it has no section ${device.name}. Restore it with the configuration that saved it.`,
        );
      }
      device.restore(state);
    }
  }
}
