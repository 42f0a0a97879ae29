/**
 * The words that the threads of one replica share: who writes each and who reads it. Everything else between threads goes
 * through rings (`ring.ts`), so this list is short on purpose.
 */
import { Doorbell } from './doorbell.ts';

/** 32-bit words. The bell and the wake flag have a cache line each: they are written on every output. */
const BELL = 0;
const WAKE = 16;
const SLOW = 32;
const STALL = 33;
const LINK = 34;
const EPOCH = 35;
const FULL = 36;
const HEARD = 37;
const HEARD_FULL = 38;
const WORDS = 48;
/** 64-bit words behind them. */
const ICOUNT = 0;
const HEARD_ICOUNT = 1;
const LOG_BYTES = 2;
const LONGS = 3;

/** States of the log's file descriptor on the primary: only its machine thread writes there, only the event loop closes it. */
export const LINK_CLOSED = 0;
export const LINK_OPEN = 1;
export const LINK_WRITING = 2;
/** The event loop wants it closed while a write is under way: the writer gives up and says so. */
export const LINK_CLOSING = 3;

export class Shared {
  readonly buffer: SharedArrayBuffer;
  /** Rung for the machine thread. */
  readonly bell: Doorbell;
  private readonly words: Int32Array;
  private readonly longs: BigInt64Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(WORDS * 4 + LONGS * 8)) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer, 0, WORDS);
    this.longs = new BigInt64Array(buffer, WORDS * 4, LONGS);
    this.bell = new Doorbell(this.words, BELL);
  }

  /** Machine thread: true when the event loop must be woken by a message (it has not been, since it last looked). */
  claimWake(): boolean {
    return Atomics.exchange(this.words, WAKE, 1) === 0;
  }

  /** Event loop, before it looks at the rings. */
  clearWake(): void {
    Atomics.store(this.words, WAKE, 0);
  }

  /** Share of each 10 ms that the machine thread sleeps, 0 to 0.9 (lag control). */
  get slow(): number {
    return Atomics.load(this.words, SLOW) / 1000;
  }

  set slow(share: number) {
    Atomics.store(this.words, SLOW, Math.round(share * 1000));
  }

  /** Held outputs are at their limit: the machine thread waits between slices. */
  get stall(): boolean {
    return Atomics.load(this.words, STALL) !== 0;
  }

  set stall(on: boolean) {
    Atomics.store(this.words, STALL, on ? 1 : 0);
  }

  /** One of LINK_*. */
  get link(): number {
    return Atomics.load(this.words, LINK);
  }

  set link(state: number) {
    Atomics.store(this.words, LINK, state);
  }

  /** Moves the link from one state to another; false when it is not in that state. */
  moveLink(from: number, to: number): boolean {
    return Atomics.compareExchange(this.words, LINK, from, to) === from;
  }

  /** Event loop to heartbeat thread. */
  get epoch(): number {
    return Atomics.load(this.words, EPOCH);
  }

  set epoch(epoch: number) {
    Atomics.store(this.words, EPOCH, epoch);
  }

  /** Event loop to heartbeat thread: our receive buffer is full (slow, not dead). */
  get full(): boolean {
    return Atomics.load(this.words, FULL) !== 0;
  }

  set full(on: boolean) {
    Atomics.store(this.words, FULL, on ? 1 : 0);
  }

  /** Machine thread to heartbeat thread and event loop. */
  get icount(): number {
    return Number(Atomics.load(this.longs, ICOUNT));
  }

  set icount(icount: number) {
    Atomics.store(this.longs, ICOUNT, BigInt(icount));
  }

  /** Machine thread to event loop: bytes of log that it has made. */
  get logBytes(): number {
    return Number(Atomics.load(this.longs, LOG_BYTES));
  }

  addLogBytes(bytes: number): void {
    Atomics.add(this.longs, LOG_BYTES, BigInt(bytes));
  }

  /** Heartbeat thread: one more of the peer's heartbeats. */
  hear(icount: number, full: boolean): void {
    Atomics.store(this.longs, HEARD_ICOUNT, BigInt(icount));
    Atomics.store(this.words, HEARD_FULL, full ? 1 : 0);
    Atomics.add(this.words, HEARD, 1);
  }

  /** Event loop: the newest heartbeat of the peer; undefined before the first. */
  heard(): { readonly count: number; readonly icount: number; readonly full: boolean } | undefined {
    const count = Atomics.load(this.words, HEARD);
    if (count === 0) return undefined;
    return { count, icount: Number(Atomics.load(this.longs, HEARD_ICOUNT)), full: Atomics.load(this.words, HEARD_FULL) !== 0 };
  }
}
