/** The virtio-mmio transport, version 2: registers, status, features, queues, interrupt (virtio 1.2 §4.2.2, §3.1). */
import { QUEUE_SIZE_MAX } from '../../limits.ts';
import { fieldsOf, SnapshotError } from '../../snapshot.ts';
import type { Device, Dma, Line, State } from '../device.ts';
import { type Area, type Bad, type Chain, Virtqueue } from './queue.ts';

export const VIRTIO_BASE = 0x10001000;
export const VIRTIO_STRIDE = 0x1000;
export const VIRTIO_SLOTS = 8;
/** Slot n drives source VIRTIO_IRQ + n of the PLIC. */
export const VIRTIO_IRQ = 1;
/** Which slot has which device: from the last one down, as QEMU fills them. Slots that are not named are empty. */
export const VIRTIO_SLOT = { block: 7, net: 6, console: 5, entropy: 4 } as const;

/** What a device tells its transport about itself. The transport calls back; the device uses `take`, `give` and `fail`. */
export interface VirtioModel {
  /** Virtio device type (§5). */
  readonly deviceId: number;
  /** Feature bits 0 to 31. VERSION_1 is the transport's to offer, and nothing else is. */
  readonly features: number;
  readonly queues: number;
  /** Device configuration space. It never changes, so ConfigGeneration stays 0. */
  readonly config: Uint8Array;
  /** The driver has notified a queue that is ready, on a device that is live. */
  notified(queue: number): void;
  /** The buffers of this queue, or of all, are the driver's again: chains that were taken must be forgotten. */
  forget(queue: number | 'all'): void;
  /** The machine was reset, and the device with it: what outlives a reset of the device alone goes too. */
  reset(): void;
  save(): State;
  restore(state: State): void;
}

const MAGIC = 0x74726976;
const VERSION = 2;
const VENDOR = 0x54574948;
const VERSION_1_WORD = 1; // Feature bit 32: bit 0 of the second word.

const STATUS_FEATURES_OK = 8;
const STATUS_DRIVER_OK = 4;
const STATUS_NEEDS_RESET = 64;
const INTERRUPT_USED = 1;
const INTERRUPT_CONFIG = 2;

const REGISTER = {
  magic: 0x000,
  version: 0x004,
  deviceId: 0x008,
  vendor: 0x00c,
  deviceFeatures: 0x010,
  deviceFeaturesSel: 0x014,
  driverFeatures: 0x020,
  driverFeaturesSel: 0x024,
  queueSel: 0x030,
  queueNumMax: 0x034,
  queueNum: 0x038,
  queueReady: 0x044,
  queueNotify: 0x050,
  interruptStatus: 0x060,
  interruptAck: 0x064,
  status: 0x070,
  shmLenLow: 0x0b0,
  shmLenHigh: 0x0b4,
  shmBaseLow: 0x0b8,
  shmBaseHigh: 0x0bc,
  config: 0x100,
} as const;

/** Register -> area of the selected queue, and which half of its address. */
const AREA: Readonly<Record<number, readonly [Area, 'low' | 'high']>> = {
  128: ['descriptors', 'low'],
  132: ['descriptors', 'high'],
  144: ['driver', 'low'],
  148: ['driver', 'high'],
  160: ['device', 'low'],
  164: ['device', 'high'],
};

/** A slot: with `model` undefined it is empty (DeviceID 0). A guest that breaks the rules makes the device need a reset, and nothing else. */
export class VirtioMmio implements Device {
  readonly name: string;
  readonly widths = [1, 2, 4] as const;
  readonly #model: VirtioModel | undefined;
  readonly #line: Line;
  readonly #queues: readonly Virtqueue[];
  #status = 0;
  #interrupt = 0;
  #deviceFeaturesSel = 0;
  #driverFeaturesSel = 0;
  #queueSel = 0;
  readonly #driverFeatures: [number, number] = [0, 0];

  constructor(name: string, model: VirtioModel | undefined, dma: Dma, line: Line) {
    this.name = name;
    this.#model = model;
    this.#line = line;
    this.#queues = Array.from({ length: model?.queues ?? 0 }, () => new Virtqueue(dma));
  }

  /** The driver has finished its set-up, and the device is not broken. */
  get live(): boolean {
    return (this.#status & (STATUS_DRIVER_OK | STATUS_NEEDS_RESET)) === STATUS_DRIVER_OK;
  }

  /** Chains that wait in a queue: 0 when the device is not live. A bad ring breaks the device. */
  waiting(queue: number): number {
    return this.live ? (this.#checked(this.#queues[queue].waiting()) ?? 0) : 0;
  }

  /** The next chain, left in its queue; undefined when there is none or it is bad. Changes nothing. */
  peek(queue: number): Chain | undefined {
    const chain = this.live ? this.#queues[queue].peek() : undefined;
    return chain === undefined || 'bad' in chain ? undefined : chain;
  }

  /** The next chain, taken from its queue. A bad one breaks the device. */
  take(queue: number): Chain | undefined {
    return this.live ? this.#checked(this.#queues[queue].take()) : undefined;
  }

  /** Gives a chain back with `written` bytes in it, and raises the interrupt unless the driver asked for none. */
  give(queue: number, head: number, written: number): void {
    if (!this.live || !this.#queues[queue].ready) return;
    if (this.#queues[queue].give(head, written)) this.#raise(INTERRUPT_USED);
  }

  /** The guest broke the rules: the device does nothing more until it is reset (§2.1.2). */
  fail(): void {
    const live = this.live;
    this.#status |= STATUS_NEEDS_RESET;
    this.#model!.forget('all');
    if (live) this.#raise(INTERRUPT_CONFIG);
  }

  load(offset: number, width: 1 | 2 | 4): number {
    if (offset >= REGISTER.config) return this.#configuration(offset - REGISTER.config, width);
    if (width !== 4) return 0;
    if (offset === REGISTER.magic) return MAGIC;
    if (offset === REGISTER.version) return VERSION;
    if (offset === REGISTER.vendor) return VENDOR;
    if (this.#model === undefined) return 0;
    const queue: Virtqueue | undefined = this.#queues[this.#queueSel];
    const area = AREA[offset];
    if (area !== undefined) return queue === undefined ? 0 : queue[area[1]](area[0]);
    switch (offset) {
      case REGISTER.deviceId:
        return this.#model.deviceId;
      case REGISTER.deviceFeatures:
        return this.#offered(this.#deviceFeaturesSel);
      case REGISTER.queueNumMax:
        return queue === undefined ? 0 : QUEUE_SIZE_MAX;
      case REGISTER.queueReady:
        return queue?.ready ? 1 : 0;
      case REGISTER.interruptStatus:
        return this.#interrupt;
      case REGISTER.status:
        return this.#status;
      case REGISTER.shmLenLow:
      case REGISTER.shmLenHigh:
      case REGISTER.shmBaseLow:
      case REGISTER.shmBaseHigh:
        return 0xffff_ffff; // There is no shared memory region (§4.2.2).
      default:
        return 0; // ConfigGeneration too.
    }
  }

  store(offset: number, width: 1 | 2 | 4, value: number): boolean {
    if (this.#model === undefined || width !== 4 || offset >= REGISTER.config) return true;
    const queue: Virtqueue | undefined = this.#queues[this.#queueSel];
    const area = AREA[offset];
    if (area !== undefined) {
      if (area[1] === 'low') queue?.setLow(area[0], value);
      else queue?.setHigh(area[0], value);
      return true;
    }
    switch (offset) {
      case REGISTER.deviceFeaturesSel:
        this.#deviceFeaturesSel = value >>> 0;
        break;
      case REGISTER.driverFeaturesSel:
        this.#driverFeaturesSel = value >>> 0;
        break;
      case REGISTER.driverFeatures:
        // Features are settled once FEATURES_OK is set (§3.1.1 step 5).
        if (this.#driverFeaturesSel < 2 && (this.#status & STATUS_FEATURES_OK) === 0)
          this.#driverFeatures[this.#driverFeaturesSel] = value >>> 0;
        break;
      case REGISTER.queueSel:
        this.#queueSel = value >>> 0;
        break;
      case REGISTER.queueNum:
        if (queue !== undefined && !queue.ready) queue.size = value >>> 0;
        break;
      case REGISTER.queueReady:
        this.#setReady(queue, (value & 1) !== 0);
        break;
      case REGISTER.queueNotify:
        if (this.live && this.#queues[value >>> 0]?.ready) this.#model.notified(value >>> 0);
        break;
      case REGISTER.interruptAck:
        this.#interrupt &= ~value;
        this.#drive();
        break;
      case REGISTER.status:
        this.#setStatus(value & 0xff);
        break;
    }
    return true;
  }

  reset(): void {
    if (this.#model === undefined) return;
    this.#reset();
    this.#model.reset();
  }

  save(): State {
    return {
      status: this.#status,
      interrupt: this.#interrupt,
      deviceFeaturesSel: this.#deviceFeaturesSel,
      driverFeaturesSel: this.#driverFeaturesSel,
      queueSel: this.#queueSel,
      driverFeatures: [...this.#driverFeatures],
      queues: this.#queues.map((queue) => queue.save()),
      device: this.#model?.save() ?? {},
    };
  }

  restore(state: State): void {
    const fields = fieldsOf(this.name, state);
    this.#status = fields.integer('status', 0, 0xff);
    this.#interrupt = fields.integer('interrupt', 0, 3);
    this.#deviceFeaturesSel = fields.integer('deviceFeaturesSel', 0, 0xffff_ffff);
    this.#driverFeaturesSel = fields.integer('driverFeaturesSel', 0, 0xffff_ffff);
    this.#queueSel = fields.integer('queueSel', 0, 0xffff_ffff);
    const features = fields.list('driverFeatures', 2);
    for (const word of [0, 1]) this.#driverFeatures[word] = Number(features[word] ?? 0) >>> 0;
    const queues = fields.list('queues', this.#queues.length);
    if (queues.length !== this.#queues.length) {
      throw new SnapshotError(
        `the snapshot does not fit this machine: ${this.name} has ${queues.length} queues there and ${this.#queues.length} here. Restore it with the configuration that saved it.`,
      );
    }
    for (const [index, queue] of this.#queues.entries()) queue.restore(fieldsOf(`${this.name}.queues`, queues[index]));
    this.#model?.restore(fields.fields('device').state);
    this.#drive();
  }

  #setStatus(value: number): void {
    if (value === 0) {
      this.#reset();
      return;
    }
    const featuresOk = (value & STATUS_FEATURES_OK) !== 0 && ((this.#status & STATUS_FEATURES_OK) !== 0 || this.#acceptable());
    let status = (value & ~STATUS_FEATURES_OK) | (featuresOk ? STATUS_FEATURES_OK : 0) | (this.#status & STATUS_NEEDS_RESET);
    if (!featuresOk) status &= ~STATUS_DRIVER_OK;
    this.#status = status;
  }

  /** §6.1: a driver that does not accept VERSION_1 is refused; so is one that accepts what was not offered (§2.2.2). */
  #acceptable(): boolean {
    const [low, high] = this.#driverFeatures;
    return (low & ~this.#offered(0)) === 0 && high === VERSION_1_WORD;
  }

  #offered(word: number): number {
    if (word === 0) return this.#model!.features >>> 0;
    return word === 1 ? VERSION_1_WORD : 0;
  }

  #setReady(queue: Virtqueue | undefined, ready: boolean): void {
    if (queue === undefined || queue.ready === ready) return;
    if (ready) {
      this.#checked(queue.enable());
    } else {
      queue.disable();
      this.#model!.forget(this.#queueSel);
    }
  }

  #reset(): void {
    for (const queue of this.#queues) queue.reset();
    this.#model!.forget('all');
    this.#status = 0;
    this.#interrupt = 0;
    this.#deviceFeaturesSel = 0;
    this.#driverFeaturesSel = 0;
    this.#queueSel = 0;
    this.#driverFeatures.fill(0);
    this.#drive();
  }

  /** Passes what a queue answered, unless the guest has spoilt it. */
  #checked<T extends number | Chain>(answer: T | Bad | undefined): T | undefined {
    if (typeof answer !== 'object' || !('bad' in answer)) return answer;
    this.fail();
    return undefined;
  }

  #configuration(offset: number, width: 1 | 2 | 4): number {
    const bytes = this.#model?.config ?? new Uint8Array(0);
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (bytes[offset + i] ?? 0);
    return value;
  }

  #raise(cause: number): void {
    this.#interrupt |= cause;
    this.#drive();
  }

  #drive(): void {
    this.#line(this.#interrupt !== 0);
  }
}
