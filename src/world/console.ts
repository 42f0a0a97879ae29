/**
 * The console outside the pair, exactly once both ways (protocol.md): bytes out by ordinal, each written once whichever replica brings it;
 * bytes in numbered, kept until their entry is acked, and sent on to a new primary from the number that its log ends with.
 */

/** Where console bytes end up. Resolves when they are written for good. */
export type WriteConsole = (bytes: Uint8Array) => Promise<void>;

export class ConsoleOut {
  readonly #write: WriteConsole;
  #taken = 0;
  #accepted = 0;

  constructor(write: WriteConsole) {
    this.#write = write;
  }

  /** Ordinal of the last byte written for good. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Writes what is new in these bytes; the caller lets one write end before the next. Throws when bytes are missing between. */
  async take(ordinal: number, bytes: Uint8Array): Promise<void> {
    if (ordinal > this.#taken + 1) throw new RangeError(`console bytes from ordinal ${ordinal}, but the last one taken is ${this.#taken}`);
    const fresh = bytes.subarray(Math.min(bytes.length, this.#taken + 1 - ordinal));
    if (fresh.length === 0) return;
    this.#taken += fresh.length;
    await this.#write(fresh);
    this.#accepted += fresh.length;
  }
}

/** Bytes kept at most; the source is paused above this (a terminal, a pipe). */
export const INPUT_LIMIT_BYTES = 64 * 1024;
/** Bytes in one message to a replica. */
const PIECE_BYTES = 1024;

export interface InputPiece {
  /** Number of the last byte, counted from 1. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

export class ConsoleIn {
  /** Oldest first, without gaps: the first byte kept has number `#forgotten + 1`. */
  #kept: InputPiece[] = [];
  #last = 0;
  #forgotten = 0;

  /** Number of the last byte given to us. */
  get last(): number {
    return this.#last;
  }

  get keptBytes(): number {
    return this.#last - this.#forgotten;
  }

  /** Numbers these bytes; returns them as they go to the primary. */
  push(bytes: Uint8Array): InputPiece[] {
    const pieces: InputPiece[] = [];
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = bytes.slice(at, at + PIECE_BYTES);
      this.#last += piece.length;
      pieces.push({ number: this.#last, bytes: piece });
    }
    this.#kept.push(...pieces);
    return pieces;
  }

  /** Up to `number` is in the log and acked. Throws for a number never given out. */
  acked(number: number): void {
    if (number > this.#last) throw new RangeError(`input ${number} acked, but the last one is ${this.#last}`);
    if (number <= this.#forgotten) return;
    this.#kept = this.after(number);
    this.#forgotten = number;
  }

  /** What a primary whose log ends with input `number` has yet to get. Throws when some of that is no longer kept. */
  after(number: number): InputPiece[] {
    if (number < this.#forgotten)
      throw new RangeError(`input from ${number + 1} is wanted, but all up to ${this.#forgotten} was acked and forgotten`);
    if (number > this.#last) throw new RangeError(`a log ends with input ${number}, but the last one is ${this.#last}`);
    return this.#kept.flatMap((piece) => {
      const wanted = piece.number - number;
      if (wanted <= 0) return [];
      return [wanted >= piece.bytes.length ? piece : { number: piece.number, bytes: piece.bytes.subarray(piece.bytes.length - wanted) }];
    });
  }
}
