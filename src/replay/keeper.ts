/**
 * Keeps the last checkpoint on which both sides agreed, and the log since: with the other side's pair this is the crash report,
 * and bisect's input (protocol.md, "The log"). Bounded: when the log since has outgrown its limit nothing is kept.
 */
import type { Checkpoint } from '../../emulator/index.ts';
import type { Evidence } from './driver.ts';
import type { Seq } from './entry.ts';
import { REPLAY_LIMITS } from './limits.ts';

export class Keeper {
  /** Agreed at reset: both sides were made from the same configuration. */
  private agreedOn: { seq: Seq; checkpoint: Checkpoint | undefined } | undefined = { seq: 0, checkpoint: undefined };
  private candidates: { seq: Seq; checkpoint: Checkpoint }[] = [];
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

  /** This side has passed a checkpoint. Of those that wait for the other side the oldest and the newest are kept. */
  checkpoint(seq: Seq, checkpoint: Checkpoint): void {
    this.candidates.push({ seq, checkpoint });
    this.sinceCheckpoint = 0;
    if (this.candidates.length > REPLAY_LIMITS.unagreedCheckpoints) this.candidates.splice(-2, 1);
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

  /** Here the bytes of the snapshot are made: a pass over RAM. */
  evidence(): Evidence | undefined {
    if (this.agreedOn === undefined) return undefined;
    const { seq, checkpoint } = this.agreedOn;
    return { seq, snapshot: checkpoint?.snapshot(), batches: this.log.map(({ bytes }) => bytes) };
  }

  private trim(seq: Seq): void {
    const keep = this.log.findIndex(({ last }) => last > seq);
    this.log.splice(0, keep < 0 ? this.log.length : keep);
    this.logBytes = this.log.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }
}
