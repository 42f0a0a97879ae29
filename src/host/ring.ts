/**
 * A byte ring in shared memory with one producer thread and one consumer thread, and records of bounded size (protocol.md,
 * "Bounds and liveness"). A full ring refuses: a machine thread then waits on its doorbell, an event loop stops reading sockets.
 */
import type { Doorbell } from './doorbell.ts';

/** Words of the header, a cache line apart so that the two threads do not fight over one. */
const WRITTEN = 0;
const CONSUMED = 16;
const STALLED = 32;
const HEADER_WORDS = 48;

/** One side's view of a ring. Which side may call what is a matter of discipline: `write` has one thread, `read` has one thread. */
export class Ring {
  /** Pass this to the other thread. */
  readonly shared: SharedArrayBuffer;
  /** A record's payload is at most this long: a quarter of the ring, so that a full ring always holds several. */
  readonly largest: number;
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly lengths: Int32Array;
  private readonly mask: number;

  constructor(shared: SharedArrayBuffer) {
    const capacity = shared.byteLength - HEADER_WORDS * 4;
    if (capacity < 64 || (capacity & (capacity - 1)) !== 0) throw new RangeError(`ring of ${capacity} bytes: want a power of two from 64`);
    this.shared = shared;
    this.words = new Int32Array(shared, 0, HEADER_WORDS);
    this.bytes = new Uint8Array(shared, HEADER_WORDS * 4);
    this.lengths = new Int32Array(shared, HEADER_WORDS * 4);
    this.mask = capacity - 1;
    this.largest = capacity / 4 - 4;
  }

  /** `capacity`: bytes, a power of two up to 2^30. */
  static create(capacity: number): Ring {
    return new Ring(new SharedArrayBuffer(HEADER_WORDS * 4 + capacity));
  }

  /** Producer. Writes one record made of `head` and then `body`; false, with nothing written, when there is no room now. */
  write(head: Uint8Array, body: Uint8Array = NOTHING): boolean {
    const length = head.length + body.length;
    if (length > this.largest) throw new RangeError(`record of ${length} bytes: the ring takes at most ${this.largest}`);
    const written = this.words[WRITTEN]! | 0;
    const used = (written - Atomics.load(this.words, CONSUMED)) | 0;
    const room = this.mask + 1 - used;
    const size = (4 + length + 3) & ~3;
    if (size > room) return false;
    // Records start on a word, so the length itself never wraps; the payload may.
    this.lengths[(written & this.mask) >> 2] = length;
    this.put(written + 4, head);
    this.put(written + 4 + head.length, body);
    Atomics.store(this.words, WRITTEN, (written + size) | 0);
    return true;
  }

  /** Producer on a machine thread: as `write`, waiting on `doorbell` while the ring is full. `alive` is asked at each wake: false gives up. */
  writeOrWait(doorbell: Doorbell, alive: () => boolean, head: Uint8Array, body: Uint8Array = NOTHING): boolean {
    if (this.write(head, body)) return true;
    for (;;) {
      const seen = doorbell.value();
      // Said before looking, so that a consumer who empties the ring in between rings the bell that we have already read.
      Atomics.store(this.words, STALLED, 1);
      const done = this.write(head, body);
      if (done || !alive()) {
        Atomics.store(this.words, STALLED, 0);
        return done;
      }
      doorbell.wait(seen, WAIT_MS);
    }
  }

  /** Producer on an event loop: as `write`; when refused, the consumer learns (`takeStalled`) that it must tell when there is room. */
  writeOrMark(head: Uint8Array, body: Uint8Array = NOTHING): boolean {
    if (this.write(head, body)) return true;
    Atomics.store(this.words, STALLED, 1);
    // Looked at again after the mark: a consumer that emptied the ring in between has seen no mark.
    const done = this.write(head, body);
    if (done) Atomics.store(this.words, STALLED, 0);
    return done;
  }

  /** Consumer. The oldest record as a copy, or undefined when the ring is empty. */
  read(): Uint8Array | undefined {
    const consumed = this.words[CONSUMED]! | 0;
    if (Atomics.load(this.words, WRITTEN) === consumed) return undefined;
    const length = this.lengths[(consumed & this.mask) >> 2]!;
    const record = new Uint8Array(length);
    const from = (consumed + 4) & this.mask;
    const first = Math.min(length, this.mask + 1 - from);
    record.set(this.bytes.subarray(from, from + first), 0);
    if (first < length) record.set(this.bytes.subarray(0, length - first), first);
    Atomics.store(this.words, CONSUMED, (consumed + ((4 + length + 3) & ~3)) | 0);
    return record;
  }

  /** Consumer, after a run of reads: true when the producer waits for room, and must be rung. */
  takeStalled(): boolean {
    return Atomics.exchange(this.words, STALLED, 0) === 1;
  }

  /** Either side: bytes in use, lengths and padding included. */
  used(): number {
    return (Atomics.load(this.words, WRITTEN) - Atomics.load(this.words, CONSUMED)) | 0;
  }

  private put(at: number, part: Uint8Array): void {
    const to = at & this.mask;
    const first = Math.min(part.length, this.mask + 1 - to);
    if (first === part.length) {
      this.bytes.set(part, to);
      return;
    }
    this.bytes.set(part.subarray(0, first), to);
    this.bytes.set(part.subarray(first), 0);
  }
}

const NOTHING = new Uint8Array(0);

/** A bell that is never rung would hang the machine for ever: look again now and then. */
const WAIT_MS = 100;
