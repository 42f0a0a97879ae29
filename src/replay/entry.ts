/** One entry of the log: an input (or an output's mark, or a control word) at the exact icount where it happened. */
import type { Digest, Icount, Input, Ordinals } from '../../emulator/index.ts';

export type Seq = number;

export type Entry =
  /** `origin`: the world's number of the last console byte or command in it (0: not numbered, such as clock, frame, disk). */
  | { readonly kind: 'input'; readonly seq: Seq; readonly at: Icount; readonly input: Input; readonly origin: number }
  /** Covers every output made since the previous output entry. `at`: where the machine stopped. `made`: ordinals after the range.
   *  `digest`: over (kind, ordinal, length, payload) of the range, requests included. `registers`: registersDigest() at `at`. */
  | {
      readonly kind: 'output';
      readonly seq: Seq;
      readonly at: Icount;
      readonly made: Ordinals;
      readonly digest: Digest;
      readonly registers: Digest;
    }
  | { readonly kind: 'protect'; readonly seq: Seq; readonly at: Icount }
  | { readonly kind: 'off'; readonly seq: Seq; readonly at: Icount; readonly code: number }
  | { readonly kind: 'epoch'; readonly seq: Seq; readonly at: Icount; readonly epoch: number }
  | { readonly kind: 'checkpoint'; readonly seq: Seq; readonly at: Icount; readonly digest: Digest };

/** Entries that travel together. A batch with no entries only moves the horizon. */
export interface Batch {
  readonly run: string;
  readonly epoch: number;
  /** Sequence number of the first entry (or of the next one, when there is none). */
  readonly first: Seq;
  /** The backup may run up to here: no later entry will have a smaller `at`. */
  readonly horizon: Icount;
  readonly entries: readonly Entry[];
}
