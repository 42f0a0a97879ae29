/**
 * Can a guest that writes what it likes into registers, rings and buffers make a device throw, stray outside RAM, work without bound,
 * or differ between two replicas? fast-check prints the seed and the shortest sequence that does.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Emit } from '../../emulator/devices/device.ts';
import { VirtioBlock } from '../../emulator/devices/virtio/block.ts';
import { VirtioConsole } from '../../emulator/devices/virtio/console.ts';
import { VirtioEntropy } from '../../emulator/devices/virtio/entropy.ts';
import type { VirtioMmio } from '../../emulator/devices/virtio/mmio.ts';
import { VirtioNet } from '../../emulator/devices/virtio/net.ts';
import { digestOf } from '../../emulator/digest.ts';
import { readSnapshot, writeSnapshot } from '../../emulator/snapshot.ts';
import { GuestMemory, RAM_BASE } from './guest-memory.ts';
import { NEEDS_RESET, R, VirtioDriver } from './virtio-driver.ts';

const RAM_BYTES = 0x10000;
const QUEUE_SIZE = 8;
const STRIDE = 0x400;
/** A full queue of chains as long as the queue, each descriptor read once and each buffer touched at most a few times. */
const ACCESSES_MAX = 64 * QUEUE_SIZE * QUEUE_SIZE + 1000;
const SEED = new Uint8Array(32).fill(5);

/** One device with everything that a test may do to it. */
interface Subject {
  readonly mmio: VirtioMmio;
  /** An input from the world, as `number` chooses; only ones that the device does not refuse. */
  input(number: number): void;
}
type Make = (ram: GuestMemory, emit: Emit) => Subject;

const MAKERS: Readonly<Record<string, Make>> = {
  block: (ram, emit) => {
    const block = new VirtioBlock(ram, () => {}, emit, { sectors: 100, readOnly: false, id: 'disk' });
    return {
      mmio: block.mmio,
      input: (number) => {
        const pending = block.pending();
        const chosen = pending[number % Math.max(1, pending.length)];
        const request = chosen?.request ?? number % 20;
        const status = number % 5 === 0 ? 1 : 0;
        const data = new Uint8Array(chosen?.kind === 'diskRead' && status === 0 ? chosen.sectors * 512 : 0).fill(number);
        if (block.refuses(request, status, data) === undefined) block.deliver(request, status, data);
      },
    };
  },
  net: (ram, emit) => {
    const net = new VirtioNet(ram, () => {}, emit, { mac: Uint8Array.of(2, 0, 0, 0, 0, 1) });
    return {
      mmio: net.mmio,
      input: (number) => {
        const frame = new Uint8Array(14 + (number % 1500)).fill(number);
        if (net.refuses(frame.length) === undefined) net.deliver(frame);
      },
    };
  },
  console: (ram, emit) => {
    const port = new VirtioConsole(ram, () => {}, emit);
    return { mmio: port.mmio, input: (number) => port.deliver(new Uint8Array(Math.min(port.room(), number % 300)).fill(number)) };
  },
  entropy: (ram) => ({ mmio: new VirtioEntropy(ram, () => {}, SEED).mmio, input: () => {} }),
};

type Step =
  | {
      readonly do: 'descriptor';
      readonly queue: number;
      readonly index: number;
      readonly address: number;
      readonly high: number;
      readonly length: number;
      readonly flags: number;
      readonly next: number;
    }
  | { readonly do: 'avail'; readonly queue: number; readonly ahead: number; readonly head: number }
  | { readonly do: 'scribble'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly do: 'register'; readonly offset: number; readonly value: number }
  | {
      readonly do: 'request';
      readonly queue: number;
      readonly head: number;
      readonly at: number;
      readonly type: number;
      readonly sector: number;
      readonly length: number;
    }
  | { readonly do: 'notify' | 'input' | 'start' | 'restore'; readonly number: number };

/** Mostly addresses in RAM, often near its end, the rings themselves among them; some absurd. */
const address = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: RAM_BASE, max: RAM_BASE + RAM_BYTES - 1 }) },
  { weight: 2, arbitrary: fc.integer({ min: RAM_BASE, max: RAM_BASE + 0x2100 }) },
  { weight: 1, arbitrary: fc.integer({ min: RAM_BASE + RAM_BYTES - 20, max: RAM_BASE + RAM_BYTES + 20 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffffffff }) },
);
const length = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0, 1, 16, 20, 512, 513, 1024) },
  { weight: 2, arbitrary: fc.nat(3000) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffffffff }) },
);
const queue = fc.nat(1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('descriptor' as const),
      queue,
      index: fc.nat(QUEUE_SIZE - 1),
      address,
      high: fc.oneof({ weight: 30, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 0xffffffff }) }),
      length,
      flags: fc.oneof({ weight: 12, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(0xffff) }),
      next: fc.oneof({ weight: 12, arbitrary: fc.nat(QUEUE_SIZE - 1) }, { weight: 1, arbitrary: fc.nat(0xffff) }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('avail' as const),
      queue,
      ahead: fc.oneof({ weight: 20, arbitrary: fc.integer({ min: 1, max: 3 }) }, { weight: 1, arbitrary: fc.nat(0xffff) }),
      head: fc.oneof({ weight: 20, arbitrary: fc.nat(QUEUE_SIZE - 1) }, { weight: 1, arbitrary: fc.nat(0xffff) }),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('request' as const),
      queue,
      head: fc.nat(QUEUE_SIZE - 3),
      at: fc.nat(RAM_BYTES - 0x1000),
      type: fc.constantFrom(0, 0, 1, 1, 4, 8, 11),
      sector: fc.nat(110),
      length,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('scribble' as const),
      at: fc.nat(RAM_BYTES - 32),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 32 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('register' as const),
      offset: fc.oneof(
        fc.constantFrom(...Object.values(R)),
        fc.nat(0x3ff).map((word) => word * 4),
      ),
      value: fc.oneof(fc.nat(16), address, fc.constantFrom(0, 1, 2, 4, 8, 11, 15, 128, 256, 512)),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('notify' as const), number: queue }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('input' as const), number: fc.nat(0xffff) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('start' as const), number: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const), number: fc.constant(0) }) },
);

const attack = fc.array(step, { maxLength: 120, size: 'max' });

/** A device under attack. `restores`: whether 'restore' steps rebuild it from its own snapshot. */
class Replica {
  readonly ram = new GuestMemory(RAM_BYTES);
  readonly outputs: string[] = [];
  broken = 0;
  readonly #make: Make;
  readonly #restores: boolean;
  #subject: Subject;
  /** Rings are small and close together, in the first 8 KiB. */
  readonly #driver: VirtioDriver;
  #ordinal = 0;

  constructor(make: Make, restores: boolean) {
    this.#make = make;
    this.#restores = restores;
    this.#subject = this.#build();
    this.#driver = new VirtioDriver(this.#subject.mmio, this.ram, QUEUE_SIZE, STRIDE);
    this.apply({ do: 'start', number: 0 });
  }

  get state(): ReturnType<VirtioMmio['save']> {
    return this.#subject.mmio.save();
  }

  apply(step: Step): void {
    const { ram } = this;
    ram.accesses = 0;
    switch (step.do) {
      case 'descriptor':
        this.#driver.describe(step.queue, step.index, step);
        break;
      case 'avail': {
        const { driver } = this.#driver.ring(step.queue);
        const index = ram.u16(driver + 2);
        for (let k = 0; k < Math.min(step.ahead, QUEUE_SIZE); k++)
          ram.setU16(driver + 4 + 2 * ((index + k) % QUEUE_SIZE), (step.head + k) & 0xffff);
        ram.setU16(driver + 2, index + step.ahead);
        break;
      }
      case 'request': {
        // Header, data, status: right for a disk, and a buffer like any other for the rest.
        const at = RAM_BASE + step.at;
        ram.setU32(at, step.type);
        ram.setU32(at + 8, step.sector);
        ram.setU32(at + 12, 0);
        this.#driver.offer(step.queue, step.head, [
          { address: at, length: 16 },
          { address: at + 16, length: step.length, write: step.type !== 1 },
          { address: at + 15, length: 1, write: true },
        ]);
        break;
      }
      case 'scribble':
        ram.bytes.set(step.bytes, step.at);
        break;
      case 'register':
        this.#subject.mmio.load(step.offset, 4);
        this.#subject.mmio.store(step.offset, 4, step.value);
        break;
      case 'notify':
        this.#driver.notify(step.number);
        break;
      case 'input':
        this.#subject.input(step.number);
        break;
      case 'start':
        this.#driver.start(2);
        break;
      case 'restore':
        if (this.#restores) {
          const bytes = writeSnapshot(new Map([['device', this.state]]));
          this.#subject = this.#build();
          this.#subject.mmio.restore(readSnapshot(bytes).get('device')!);
          this.#driver.mmio = this.#subject.mmio;
        }
    }
    if ((this.#driver.get(R.status) & NEEDS_RESET) !== 0) {
      // A broken device stays broken; start again, so that most of a run reaches the queues.
      this.broken++;
      this.#driver.start(2);
    }
    expect(ram.accesses).toBeLessThan(ACCESSES_MAX);
    expect(ram.strayed).toBe(0);
  }

  #build(): Subject {
    return this.#make(this.ram, (output) => {
      const payload = 'bytes' in output ? output.bytes : 'data' in output ? output.data : new Uint8Array(0);
      this.outputs.push(`${output.kind} ${'request' in output ? output.request : ''} ${digestOf(payload)}`);
      return output.kind === 'diskRead' ? 0 : ++this.#ordinal;
    });
  }
}

describe.each(Object.entries(MAKERS))('a hostile driver of the %s device', (_, make) => {
  it('gets a status, never an exception, and two replicas stay equal, one of them restored now and then', () => {
    fc.assert(
      fc.property(attack, (steps) => {
        const [a, b] = [new Replica(make, false), new Replica(make, true)];
        for (const one of steps) {
          a.apply(one);
          b.apply(one);
        }
        expect(b.state).toEqual(a.state);
        expect(b.outputs).toEqual(a.outputs);
        expect(digestOf(b.ram.bytes)).toBe(digestOf(a.ram.bytes));
      }),
      { numRuns: 120 },
    );
  });

  it('gets as far as the queues, or surviving it would mean nothing', () => {
    let [outputs, broken] = [0, 0];
    // Asked of the generator, not of chance: always the same attacks.
    for (const steps of fc.sample(attack, { seed: 1, numRuns: 40 })) {
      const replica = new Replica(make, false);
      for (const one of steps) replica.apply(one);
      outputs += replica.outputs.length;
      broken += replica.broken;
    }
    expect(broken).toBeGreaterThan(5);
    if (make !== MAKERS.entropy) expect(outputs).toBeGreaterThan(5);
  });
});

describe('a driver that breaks one rule', () => {
  const setUp = () => {
    const ram = new GuestMemory(RAM_BYTES);
    const made: unknown[] = [];
    const block = MAKERS.block(ram, (output) => made.push(output));
    return { ram, made, driver: new VirtioDriver(block.mmio, ram, QUEUE_SIZE, STRIDE) };
  };
  const started = () => {
    const all = setUp();
    all.driver.start(1);
    return all;
  };
  const buffer = { address: RAM_BASE + 0x4000, length: 16, flags: 1, next: 1 };

  it.each([
    ['a descriptor loop', { ...buffer, next: 0 }, {}],
    ['a next beyond the table', { ...buffer, next: QUEUE_SIZE }, {}],
    ['a buffer past the end of RAM', { ...buffer, address: RAM_BASE + RAM_BYTES - 8 }, {}],
    ['a buffer whose end wraps 32 bits', { ...buffer, address: 0xfffffff8, length: 0xffffffff }, {}],
    ['a buffer above 4 GiB', { ...buffer, high: 1 }, {}],
    ['an indirect table', { ...buffer, flags: 4 }, {}],
    ['a readable buffer behind a writable one', { ...buffer, flags: 3 }, { ...buffer, flags: 0 }],
    ['no place for a status', { ...buffer, flags: 0 }, {}],
    ['no header', { ...buffer, flags: 2 }, {}],
  ])('%s: the device needs a reset, says so, and works after it', (_, first, second) => {
    const { driver, made, ram } = started();
    driver.describe(0, 0, first);
    driver.describe(0, 1, { ...buffer, flags: 2, next: 0, ...second });
    driver.expose(0, 0);
    driver.notify(0);
    expect([driver.get(R.status), driver.get(R.interruptStatus), made.length]).toEqual([15 | NEEDS_RESET, 2, 0]);
    driver.set(R.status, 15);
    expect(driver.get(R.status)).toBe(15 | NEEDS_RESET);
    driver.start(1);
    ram.setU32(RAM_BASE + 0x4000, 4);
    driver.describe(0, 2, { ...buffer, next: 3 });
    driver.describe(0, 3, { ...buffer, address: RAM_BASE + 0x5000, length: 1, flags: 2, next: 0 });
    ram.setU16(driver.ring(0).driver + 4, 2);
    ram.setU16(driver.ring(0).driver + 2, 1);
    driver.notify(0);
    expect([driver.get(R.status), made.length]).toEqual([15, 1]);
  });

  it('an avail index that jumps further than the queue is long', () => {
    const { driver, ram } = started();
    ram.setU16(driver.ring(0).driver + 2, QUEUE_SIZE + 1);
    driver.notify(0);
    expect(driver.get(R.status)).toBe(15 | NEEDS_RESET);
  });

  it('an avail entry that names no descriptor', () => {
    const { driver } = started();
    driver.expose(0, QUEUE_SIZE);
    driver.notify(0);
    expect(driver.get(R.status)).toBe(15 | NEEDS_RESET);
  });

  it.each([
    ['size 0', R.queueNum, 0],
    ['a size that is no power of two', R.queueNum, 6],
    ['a size above the maximum', R.queueNum, 512],
    ['an absurd size', R.queueNum, 0xffffffff],
    ['descriptors above 4 GiB', R.descHigh, 1],
    ['a used ring outside RAM', R.deviceLow, RAM_BASE + RAM_BYTES - 4],
    ['a used ring above 4 GiB', R.deviceHigh, 0xffffffff],
    ['an avail ring at 0', R.driverLow, 0],
    ['an avail ring at the end of the address space', R.driverLow, 0xffffffff],
  ])('a queue with %s is not made ready', (_, register, value) => {
    const { driver } = setUp();
    driver.start(0);
    driver.set(R.queueSel, 0);
    const { descriptors, driver: avail, device } = driver.ring(0);
    for (const [at, word] of [
      [R.queueNum, QUEUE_SIZE],
      [R.descLow, descriptors],
      [R.driverLow, avail],
      [R.deviceLow, device],
      [register, value],
    ])
      driver.set(at, word);
    driver.set(R.queueReady, 1);
    expect([driver.get(R.queueReady), driver.get(R.status)]).toEqual([0, 15 | NEEDS_RESET]);
    driver.notify(0);
  });

  it('a used ring laid over the avail ring cannot keep the device running', () => {
    const { driver, ram } = setUp();
    driver.start(0);
    driver.set(R.queueSel, 0);
    const { descriptors, driver: avail } = driver.ring(0);
    for (const [at, word] of [
      [R.queueNum, QUEUE_SIZE],
      [R.descLow, descriptors],
      [R.driverLow, avail],
      [R.deviceLow, avail],
      [R.queueReady, 1],
    ])
      driver.set(at, word);
    // GET_ID is answered at once: each answer moves what is both indices on.
    ram.setU32(RAM_BASE + 0x4000, 8);
    driver.describe(0, 0, buffer);
    driver.describe(0, 1, { ...buffer, address: RAM_BASE + 0x5000, length: 1, flags: 2, next: 0 });
    ram.setU16(avail + 2, 1);
    ram.accesses = 0;
    driver.notify(0);
    expect(ram.accesses).toBeLessThan(50);
  });
});
