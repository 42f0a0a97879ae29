/**
 * Keeps the last checkpoint on which both sides agreed, and the log since: with the other side's pair this is the crash report,
 * and bisect's input (protocol.md, "The log"). Bounded: when the log since has outgrown its limit nothing is kept.
 */
import type { Snapshot } from '../../emulator/index.ts';
import type { Evidence } from './driver.ts';
import type { Seq } from './entry.ts';
import { REPLAY_LIMITS } from './limits.ts';

export class Keeper {
  /** Agreed at reset: both sides were made from the same configuration. */
  private agreedOn: { seq: Seq; snapshot: Snapshot | undefined } | undefined = { seq: 0, snapshot: undefined };
  private candidates: { seq: Seq; snapshot: Snapshot }[] = [];
  private log: { last: Seq; bytes: Uint8Array }[] = [];
  private logBytes = 0;
  private sinceCheckpoint = 0;

  /** The log since the last checkpoint is half of what may be kept: time for another. */
  get crowded(): boolean {
    return this.sinceCheckpoint > REPLAY_LIMITS.evidenceBytes / 2;
  }

  /** A whole batch of the log, in order; `last` is its last entry. */
  add(bytes: Uint8Array, last: Seq): void {
    this.log.push({ last, bytes });
    this.logBytes += bytes.length;
    this.sinceCheckpoint += bytes.length;
    // A backup that never agrees must not make us keep everything: the oldest goes first.
    while (this.logBytes > REPLAY_LIMITS.evidenceBytes) {
      if (this.agreedOn !== undefined) this.agreedOn = undefined;
      else this.candidates.shift();
      this.trim(this.candidates[0]?.seq ?? last);
    }
  }

  /** This side has passed a checkpoint. Of those that wait for the other side the newest two are kept. */
  checkpoint(seq: Seq, snapshot: Snapshot): void {
    this.candidates.push({ seq, snapshot });
    this.sinceCheckpoint = 0;
    if (this.candidates.length > 2) this.candidates.splice(1, 1);
    if (this.agreedOn === undefined) this.trim(this.candidates[0]!.seq);
  }

  /** The other side has replayed up to `seq`, and agrees. */
  agreed(seq: Seq): void {
    const newest = this.candidates.findLast((candidate) => candidate.seq <= seq);
    if (newest === undefined) return;
    this.agreedOn = newest;
    this.candidates = this.candidates.filter((candidate) => candidate.seq > seq);
    this.trim(newest.seq);
  }

  evidence(): Evidence | undefined {
    return this.agreedOn && { ...this.agreedOn, batches: this.log.map(({ bytes }) => bytes) };
  }

  private trim(seq: Seq): void {
    const keep = this.log.findIndex(({ last }) => last > seq);
    this.log.splice(0, keep < 0 ? this.log.length : keep);
    this.logBytes = this.log.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }
}
