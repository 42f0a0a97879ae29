/**
 * Where the guest was, now and then: the machine's thread adds samples between slices (slices are invisible, so that nothing changes for the
 * guest), the event loop reads them when the replica ends, even while the machine's thread goes on.
 */
import { micros } from './clock.ts';

export interface Sample {
  /** Undefined: the guest waited. */
  readonly at: { readonly pc: number; readonly privilege: 0 | 1 | 3 } | undefined;
  /** Wall time that it stands for. */
  readonly micros: number;
}

/** Samples that are kept. They come further apart as room runs out, twice as far with each sixteenth: some days fit. */
export const SAMPLES_MAX = 2 ** 18;
const PARTS = 16;
/** Privilege 2 is reserved (Privileged 20211203 §1.2): here it says that the guest waited. */
const WAITED = 2;
const MICROS_MAX = 2 ** 30 - 1;

export class ProfileSamples {
  readonly buffer: SharedArrayBuffer;
  /** How many; then two words each: pc, and privilege << 30 | microseconds. */
  private readonly words: Uint32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(4 + SAMPLES_MAX * 8)) {
    this.buffer = buffer;
    this.words = new Uint32Array(buffer);
  }

  get count(): number {
    return Atomics.load(this.words, 0);
  }

  add(pc: number, privilege: number, time: number): void {
    const { count, words } = this;
    if (count === SAMPLES_MAX) return;
    words[1 + 2 * count] = pc;
    words[2 + 2 * count] = (privilege << 30) | Math.min(Math.round(time), MICROS_MAX);
    Atomics.store(words, 0, count + 1);
  }

  /** The guest waited for so many microseconds. */
  addWait(time: number): void {
    this.add(0, WAITED, time);
  }

  *[Symbol.iterator](): Generator<Sample> {
    const { count, words } = this;
    for (let i = 0; i < count; i++) {
      const privilege = words[2 + 2 * i] >>> 30;
      const at = privilege === WAITED ? undefined : { pc: words[1 + 2 * i], privilege: privilege as 0 | 1 | 3 };
      yield { at, micros: words[2 + 2 * i] & MICROS_MAX };
    }
  }
}

/** The machine's thread's side: says where a slice should end, so that it ends at a sample. */
export class Sampler {
  private readonly samples: ProfileSamples;
  /** The icount of the next sample, chosen without looking at what the guest does: how its slices end would favour whoever makes outputs. */
  private due = 0;
  private last = micros();
  private waited = 0;
  private random = 1;

  constructor(samples: ProfileSamples) {
    this.samples = samples;
  }

  /** Instructions to the next sample. `usual`: of a slice of the usual length. */
  left(icount: number, usual: number): number {
    if (this.due <= icount) this.due = icount + this.interval(usual);
    return this.due - icount;
  }

  /** After a slice. `where` is asked only when a sample is due. */
  look(icount: number, where: () => { readonly pc: number; readonly privilege: 0 | 1 | 3 }): void {
    if (icount < this.due) return;
    const { pc, privilege } = where();
    const now = micros();
    if (this.waited >= 1) this.samples.addWait(this.waited);
    this.samples.add(pc, privilege, Math.max(0, now - this.last - this.waited));
    this.last = now;
    this.waited = 0;
  }

  /** The thread has slept since `from` (`micros`): no time of the guest's. */
  sleptSince(from: number): void {
    this.waited += micros() - from;
  }

  /** A fixed distance could keep step with a loop of the guest's. */
  private interval(usual: number): number {
    this.random = (Math.imul(this.random, 1664525) + 1013904223) >>> 0;
    const stretch = 2 ** Math.floor((this.samples.count * PARTS) / SAMPLES_MAX);
    return Math.max(1, Math.round(usual * stretch * (0.75 + this.random / 2 ** 33)));
  }
}
