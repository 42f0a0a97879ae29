/**
 * The output rule (protocol.md "Outputs"): an output leaves when the entry that covers it is acked, and not before. Outputs are watermarks
 * here: for each appended range the last ordinals made and the last world input logged.
 */
import type { Ordinals, Seq } from './messages.ts';

interface Mark {
  readonly seq: Seq;
  readonly made: Ordinals;
  readonly lastInput: number;
}

/** Ordinals run released <= acked <= appended, per sink. */
export interface Held {
  readonly acked: Mark;
  readonly appended: Mark;
  /** Appended and not acked, oldest first; the newest is `appended`. */
  readonly marks: readonly Mark[];
  /** The highest ack heard: it may overtake the report of what it acks, which comes from another thread. */
  readonly ackSeq: Seq;
  readonly released: Ordinals;
}

export function nothingHeld(none: Ordinals): Held {
  const zero = { seq: 0, made: none, lastInput: 0 };
  return { acked: zero, appended: zero, marks: [], ackSeq: 0, released: none };
}

/** Goes on from a replayed log in which nothing is held any more. */
export function heldAfter(seq: Seq, made: Ordinals, lastInput: number, released: Ordinals): Held {
  const mark = { seq, made, lastInput };
  return { acked: mark, appended: mark, marks: [], ackSeq: seq, released };
}

/** Beyond `limit` marks the newest are merged: their outputs wait for the later ack, which is late but never early. */
export function append(held: Held, mark: Mark, limit: number): Held {
  const kept = held.marks.length < limit ? held.marks : held.marks.slice(0, -1);
  return settle({ ...held, appended: mark, marks: [...kept, mark] });
}

/** The backup has every entry up to `seq`. */
export function ack(held: Held, seq: Seq): Held {
  return seq <= held.ackSeq ? held : settle({ ...held, ackSeq: seq });
}

/** Without a backup everything appended counts as acked. */
export function ackAll(held: Held): Held {
  return { ...held, acked: held.appended, marks: [] };
}

function settle(held: Held): Held {
  let passed = 0;
  while (passed < held.marks.length && held.marks[passed].seq <= held.ackSeq) passed++;
  if (passed === 0) return held;
  return { ...held, acked: held.marks[passed - 1], marks: held.marks.slice(passed) };
}
