/**
 * The one word on which a machine thread sleeps (protocol.md, "Bounds and liveness"): every producer and every role change rings it.
 * The thread reads it, looks at everything, and then waits on the value read, so no ring between the two is ever missed.
 */
export class Doorbell {
  private readonly words: Int32Array;
  private readonly index: number;

  constructor(words: Int32Array, index: number) {
    this.words = words;
    this.index = index;
  }

  /** Any thread. */
  ring(): void {
    Atomics.add(this.words, this.index, 1);
    Atomics.notify(this.words, this.index);
  }

  /** The machine thread, before it looks at everything. */
  value(): number {
    return Atomics.load(this.words, this.index);
  }

  /** The machine thread: sleeps until the bell has been rung since `seen`, at most `ms` (Infinity: no limit). */
  wait(seen: number, ms: number): void {
    if (ms > 0) Atomics.wait(this.words, this.index, seen, ms);
  }
}

/** A machine thread only: sleeps for `ms`, whatever is rung. */
export function sleepThread(ms: number): void {
  Atomics.wait(never, 0, 0, ms);
}

const never = new Int32Array(new SharedArrayBuffer(4));
