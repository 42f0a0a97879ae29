/** The guest's side of virtio, for tests: finds the registers, sets queues up, lays out chains, reads the used ring. */
import type { VirtioMmio } from '../../emulator/devices/virtio/mmio.ts';
import { type GuestMemory, RAM_BASE } from './guest-memory.ts';

export const R = {
  magic: 0x00,
  version: 0x04,
  deviceId: 0x08,
  deviceFeatures: 0x10,
  deviceFeaturesSel: 0x14,
  driverFeatures: 0x20,
  driverFeaturesSel: 0x24,
  queueSel: 0x30,
  queueNumMax: 0x34,
  queueNum: 0x38,
  queueReady: 0x44,
  notify: 0x50,
  interruptStatus: 0x60,
  interruptAck: 0x64,
  status: 0x70,
  descLow: 0x80,
  descHigh: 0x84,
  driverLow: 0x90,
  driverHigh: 0x94,
  deviceLow: 0xa0,
  deviceHigh: 0xa4,
  shmLenLow: 0xb0,
  configGeneration: 0xfc,
  config: 0x100,
} as const;

export const NEEDS_RESET = 64;

export interface Buffer {
  readonly address: number;
  readonly length: number;
  readonly write?: boolean;
}

export class VirtioDriver {
  mmio: VirtioMmio;
  readonly ram: GuestMemory;
  readonly size: number;
  /** Bytes from one area of a queue to the next; four areas to a queue. */
  readonly #stride: number;
  readonly #next: number[] = [];
  readonly #seen: number[] = [];

  constructor(mmio: VirtioMmio, ram: GuestMemory, size = 8, stride = 0x1000) {
    this.mmio = mmio;
    this.ram = ram;
    this.size = size;
    this.#stride = stride;
  }

  get(register: number): number {
    return this.mmio.load(register, 4);
  }

  set(register: number, value: number): void {
    this.mmio.store(register, 4, value);
  }

  /** Where queue `index` lies, from the start of RAM. */
  ring(index: number): { descriptors: number; driver: number; device: number } {
    const descriptors = RAM_BASE + 4 * index * this.#stride;
    return { descriptors, driver: descriptors + this.#stride, device: descriptors + 2 * this.#stride };
  }

  /** Status 0 to DRIVER_OK with `queues` queues. */
  start(queues: number): this {
    this.set(R.status, 0);
    this.set(R.status, 1);
    this.set(R.status, 3);
    this.set(R.deviceFeaturesSel, 0);
    const features = this.get(R.deviceFeatures);
    this.set(R.driverFeaturesSel, 0);
    this.set(R.driverFeatures, features);
    this.set(R.driverFeaturesSel, 1);
    this.set(R.driverFeatures, 1);
    this.set(R.status, 11);
    for (let index = 0; index < queues; index++) this.setUp(index);
    this.set(R.status, 15);
    return this;
  }

  setUp(index: number): void {
    const { descriptors, driver, device } = this.ring(index);
    this.ram.bytes.fill(0, descriptors - RAM_BASE, descriptors - RAM_BASE + 4 * this.#stride);
    this.#next[index] = 0;
    this.#seen[index] = 0;
    this.set(R.queueSel, index);
    this.set(R.queueNum, this.size);
    for (const [low, high, at] of [
      [R.descLow, R.descHigh, descriptors],
      [R.driverLow, R.driverHigh, driver],
      [R.deviceLow, R.deviceHigh, device],
    ]) {
      this.set(low, at);
      this.set(high, 0);
    }
    this.set(R.queueReady, 1);
  }

  describe(queue: number, index: number, buffer: { address: number; high?: number; length: number; flags: number; next: number }): void {
    const at = this.ring(queue).descriptors + 16 * index;
    this.ram.setU32(at, buffer.address);
    this.ram.setU32(at + 4, buffer.high ?? 0);
    this.ram.setU32(at + 8, buffer.length);
    this.ram.setU16(at + 12, buffer.flags);
    this.ram.setU16(at + 14, buffer.next);
  }

  /** Writes a chain from descriptor `head` on and makes it available, without a notification. */
  offer(queue: number, head: number, buffers: readonly Buffer[]): void {
    for (const [k, { address, length, write }] of buffers.entries()) {
      const last = k === buffers.length - 1;
      this.describe(queue, head + k, { address, length, flags: (last ? 0 : 1) | (write ? 2 : 0), next: last ? 0 : head + k + 1 });
    }
    this.expose(queue, head);
  }

  expose(queue: number, head: number): void {
    const { driver } = this.ring(queue);
    this.ram.setU16(driver + 4 + 2 * (this.#next[queue] % this.size), head);
    this.#next[queue] = (this.#next[queue] + 1) & 0xffff;
    this.ram.setU16(driver + 2, this.#next[queue]);
  }

  notify(queue: number): void {
    this.set(R.notify, queue);
  }

  /** What was given back since the last call. */
  used(queue: number): { head: number; written: number }[] {
    const { device } = this.ring(queue);
    const found = [];
    while (this.#seen[queue] !== this.ram.u16(device + 2)) {
      const at = device + 4 + 8 * (this.#seen[queue] % this.size);
      found.push({ head: this.ram.u32(at), written: this.ram.u32(at + 4) });
      this.#seen[queue] = (this.#seen[queue] + 1) & 0xffff;
    }
    return found;
  }
}
