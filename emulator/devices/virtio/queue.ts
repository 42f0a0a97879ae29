/** One split virtqueue, read defensively: the guest may have written anything into it (virtio 1.2 §2.7). */
import { QUEUE_SIZE_MAX } from '../../limits.ts';
import { type Fields, SnapshotError } from '../../snapshot.ts';
import type { Dma, State } from '../device.ts';

/** One buffer of a chain. All of it is in RAM: `take` has checked. */
export interface Part {
  readonly address: number;
  readonly length: number;
}

/** A descriptor chain: what the device may read, then what it may write. */
export interface Chain {
  /** Index of its first descriptor: its name in the used ring. */
  readonly head: number;
  readonly readable: readonly Part[];
  readonly writable: readonly Part[];
}

/** Why a queue cannot be used any more; the device then needs a reset. */
export type Bad = { readonly bad: string };

const DESCRIPTOR_BYTES = 16;
const F_NEXT = 1;
const F_WRITE = 2;
const F_INDIRECT = 4;
const AVAIL_F_NO_INTERRUPT = 1;

/** The three areas' addresses in two 32-bit words each, as the transport's registers have them. */
export type Area = 'descriptors' | 'driver' | 'device';

export class Virtqueue {
  size = 0;
  ready = false;
  readonly #dma: Dma;
  readonly #low: Record<Area, number> = { descriptors: 0, driver: 0, device: 0 };
  readonly #high: Record<Area, number> = { descriptors: 0, driver: 0, device: 0 };
  /** Free-running 16-bit positions: chains taken from the avail ring, chains given back in the used ring. */
  #taken = 0;
  #given = 0;

  constructor(dma: Dma) {
    this.#dma = dma;
  }

  setLow(area: Area, word: number): void {
    if (!this.ready) this.#low[area] = word >>> 0;
  }

  setHigh(area: Area, word: number): void {
    if (!this.ready) this.#high[area] = word >>> 0;
  }

  low(area: Area): number {
    return this.#low[area];
  }

  high(area: Area): number {
    return this.#high[area];
  }

  /** QueueReady = 1. Undefined when the driver has set the queue up so that it can work. */
  enable(): Bad | undefined {
    if (this.size < 1 || this.size > QUEUE_SIZE_MAX || (this.size & (this.size - 1)) !== 0) return { bad: `queue size ${this.size}` };
    const bytes: Record<Area, number> = { descriptors: DESCRIPTOR_BYTES * this.size, driver: 4 + 2 * this.size, device: 4 + 8 * this.size };
    for (const area of ['descriptors', 'driver', 'device'] as const) {
      if (!this.#inRam(this.#low[area], this.#high[area], bytes[area])) return { bad: `${area} area outside RAM` };
    }
    this.ready = true;
    return undefined;
  }

  /** QueueReady = 0: positions are forgotten, the set-up stays until it is written again. */
  disable(): void {
    this.ready = false;
    this.#taken = 0;
    this.#given = 0;
  }

  /** As after power-on. */
  reset(): void {
    this.disable();
    this.size = 0;
    for (const area of ['descriptors', 'driver', 'device'] as const) this.#low[area] = this.#high[area] = 0;
  }

  /**
   * Chains that wait in the avail ring: 0 to `size`, or Bad when the driver claims more. A loop over a queue asks once and takes at
   * most so many, so that buffers which overlap the ring cannot keep it running.
   */
  waiting(): number | Bad {
    if (!this.ready) return 0;
    const count = (this.#word16(this.#low.driver + 2) - this.#taken) & 0xffff;
    return count <= this.size ? count : { bad: `avail index ${count} ahead, size ${this.size}` };
  }

  /** The next chain without taking it; undefined when there is none. Reads at most `size` descriptors. */
  peek(): Chain | Bad | undefined {
    const waiting = this.waiting();
    if (typeof waiting !== 'number') return waiting;
    return waiting === 0 ? undefined : this.#walk(this.#word16(this.#low.driver + 4 + 2 * (this.#taken & (this.size - 1))));
  }

  /** Takes what `peek` shows. A bad chain is not taken. */
  take(): Chain | Bad | undefined {
    const chain = this.peek();
    if (chain !== undefined && !('bad' in chain)) this.#taken = (this.#taken + 1) & 0xffff;
    return chain;
  }

  /** Gives a chain back, `written` bytes of it written. Returns whether the driver wants an interrupt for it (§2.7.7). */
  give(head: number, written: number): boolean {
    const entry = new Uint8Array(8);
    const view = new DataView(entry.buffer);
    view.setUint32(0, head, true);
    view.setUint32(4, written, true);
    this.#dma.write(this.#low.device + 4 + 8 * (this.#given & (this.size - 1)), entry);
    this.#given = (this.#given + 1) & 0xffff;
    this.#dma.write(this.#low.device + 2, Uint8Array.of(this.#given & 0xff, this.#given >> 8));
    return (this.#word16(this.#low.driver) & AVAIL_F_NO_INTERRUPT) === 0;
  }

  save(): State {
    return {
      size: this.size,
      ready: this.ready,
      low: { ...this.#low },
      high: { ...this.#high },
      taken: this.#taken,
      given: this.#given,
    };
  }

  restore(fields: Fields): void {
    this.size = fields.integer('size', 0, 0xffff_ffff);
    const ready = fields.boolean('ready');
    const [low, high] = [fields.fields('low'), fields.fields('high')];
    for (const area of ['descriptors', 'driver', 'device'] as const) {
      this.#low[area] = low.integer(area, 0, 0xffff_ffff);
      this.#high[area] = high.integer(area, 0, 0xffff_ffff);
    }
    this.#taken = fields.integer('taken', 0, 0xffff);
    this.#given = fields.integer('given', 0, 0xffff);
    this.ready = false;
    const bad = ready ? this.enable() : undefined;
    if (bad !== undefined)
      throw new SnapshotError(
        `the snapshot does not fit this machine: a virtqueue has a ${bad.bad}. Restore it with the configuration that saved it.`,
      );
  }

  #walk(head: number): Chain | Bad {
    const readable: Part[] = [];
    const writable: Part[] = [];
    let index = head;
    for (let length = 1; ; length++) {
      if (index >= this.size) return { bad: `descriptor ${index} of ${this.size}` };
      // A chain that is longer than the table has a loop in it.
      if (length > this.size) return { bad: `a descriptor loop from ${head}` };
      const descriptor = this.#dma.read(this.#low.descriptors + DESCRIPTOR_BYTES * index, DESCRIPTOR_BYTES)!;
      const view = new DataView(descriptor.buffer, descriptor.byteOffset, DESCRIPTOR_BYTES);
      const part = { address: view.getUint32(0, true), length: view.getUint32(8, true) };
      const flags = view.getUint16(12, true);
      if ((flags & F_INDIRECT) !== 0) return { bad: 'an indirect descriptor, which was not negotiated' };
      if (part.length > 0 && !this.#inRam(part.address, view.getUint32(4, true), part.length))
        return { bad: `descriptor ${index} points outside RAM` };
      if ((flags & F_WRITE) !== 0) writable.push(part);
      else if (writable.length > 0) return { bad: `descriptor ${index}: readable after writable` };
      else readable.push(part);
      if ((flags & F_NEXT) === 0) return { head, readable, writable };
      index = view.getUint16(14, true);
    }
  }

  #inRam(low: number, high: number, length: number): boolean {
    return high === 0 && low >= this.#dma.base && low + length <= this.#dma.base + this.#dma.size;
  }

  /** `enable` has found both rings in RAM. */
  #word16(address: number): number {
    const bytes = this.#dma.read(address, 2)!;
    return bytes[0] | (bytes[1] << 8);
  }
}

export function totalLength(parts: readonly Part[]): number {
  let total = 0;
  for (const part of parts) total += part.length;
  return total;
}

/** `length` bytes from `offset` of the parts laid end to end. The caller has bounded `length` and checked that there are so many. */
export function gather(dma: Dma, parts: readonly Part[], offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let done = 0;
  for (const piece of pieces(parts, offset, length)) {
    bytes.set(dma.read(piece.address, piece.length)!, done);
    done += piece.length;
  }
  return bytes;
}

/** Writes `bytes` at `offset` of the parts laid end to end. */
export function scatter(dma: Dma, parts: readonly Part[], offset: number, bytes: Uint8Array): void {
  let done = 0;
  for (const piece of pieces(parts, offset, bytes.length)) {
    dma.write(piece.address, bytes.subarray(done, done + piece.length));
    done += piece.length;
  }
}

/** The sub-range offset..offset+length of the parts, as parts. */
function pieces(parts: readonly Part[], offset: number, length: number): Part[] {
  const found: Part[] = [];
  let skip = offset;
  let left = length;
  for (const part of parts) {
    if (left === 0) break;
    if (skip >= part.length) {
      skip -= part.length;
      continue;
    }
    const size = Math.min(part.length - skip, left);
    found.push({ address: part.address + skip, length: size });
    left -= size;
    skip = 0;
  }
  return found;
}
