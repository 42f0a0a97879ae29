/**
 * What happens to a replica (`Event`) and what it wants done (`Effect`). `step` sees watermarks, never bytes: payloads stay
 * in the host's rings. The host performs effects in order and reports back with events; it decides nothing.
 */
import type { Epoch, Message, Ordinals, Seq } from './messages.ts';

/** UDP heartbeat as it stood at a tick: `count` rises with each one heard. `full`: the peer's receive buffer is full (slow, not dead). */
export interface Heartbeat {
  readonly count: number;
  readonly icount: number;
  readonly full: boolean;
}

export type Event =
  /** Once, first: the process is up, machine built, sinks connected. */
  | { readonly kind: 'start' }
  /** Every `limits.tickMs` of the host's clock. A late tick comes once. `heartbeat`: the newest heard from the peer, if any. */
  | { readonly kind: 'tick'; readonly heartbeat: Heartbeat | undefined }
  | { readonly kind: 'linkOpened' }
  | { readonly kind: 'linkClosed'; readonly why: string }
  /** A control message whose run and epoch the host has NOT checked: that is step's work. */
  | { readonly kind: 'message'; readonly run: string; readonly epoch: Epoch; readonly message: Message }
  /** Primary/solo: the machine has appended entries up to `seq` at `icount`; `made`: ordinals of outputs that those entries cover. */
  | { readonly kind: 'appended'; readonly seq: Seq; readonly icount: number; readonly made: Ordinals }
  /** Primary: bytes of entries up to `seq` are on the link. */
  | { readonly kind: 'sent'; readonly seq: Seq }
  /** Backup: a whole batch, checksum right, is in memory. `first`..`last` (equal to first - 1 for a bare horizon); `protects`: it holds the protect entry. */
  | {
      readonly kind: 'received';
      readonly run: string;
      readonly epoch: Epoch;
      readonly first: Seq;
      readonly last: Seq;
      readonly horizon: number;
      readonly protects: boolean;
    }
  /** Backup: the machine has replayed up to `seq`; `made`: the outputs it has made (and the host keeps). */
  | { readonly kind: 'replayed'; readonly seq: Seq; readonly icount: number; readonly made: Ordinals }
  /** After `drain`: every received entry is replayed. `lastInput`: number of the last world input in the log. */
  | { readonly kind: 'drained'; readonly seq: Seq; readonly made: Ordinals; readonly lastInput: number }
  | { readonly kind: 'claimed'; readonly epoch: Epoch; readonly result: 'won' | 'lost' | 'unknown'; readonly by: string | undefined }
  /** A sink's answer to our hello: it has fenced every older epoch and this is the last ordinal it accepted. */
  | { readonly kind: 'answered'; readonly sink: string; readonly epoch: Epoch; readonly accepted: number }
  /** A sink refused us: it knows a higher epoch. */
  | { readonly kind: 'refused'; readonly sink: string; readonly epoch: Epoch }
  | { readonly kind: 'accepted'; readonly sink: string; readonly ordinal: number }
  /** Backup: replay does not agree with the log. */
  | { readonly kind: 'diverged'; readonly report: string }
  /** The machine is off. Its off-output is covered by an entry like any other. `pending`: disk requests not yet completed. */
  | { readonly kind: 'off'; readonly code: number }
  /** Disk requests issued and not completed, as it changes (power-off waits for zero). */
  | { readonly kind: 'pending'; readonly requests: number }
  /** A user's command. */
  | { readonly kind: 'unprotect' };

export type Effect =
  | { readonly kind: 'send'; readonly message: Message }
  | { readonly kind: 'closeLink' }
  /** Ask the arbiter for this epoch; the answer comes as `claimed`. Never withdrawn. */
  | { readonly kind: 'claim'; readonly epoch: Epoch }
  /** Say hello to this sink; the answer comes as `answered` or `refused`. `lastInput`: from where the world sends inputs on. */
  | { readonly kind: 'hello'; readonly sink: string; readonly epoch: Epoch; readonly lastInput: number }
  /** To the machine: append `protect` (outputs are held from here). */
  | { readonly kind: 'protect' }
  /** To the machine: run and record; `epoch` is written into every batch. `logging`: to a backup (else only to --record). */
  | { readonly kind: 'run'; readonly epoch: Epoch; readonly logging: boolean }
  /** To the machine: replay all that was received, then report `drained`. */
  | { readonly kind: 'drain' }
  /** To the machine: you are live under this epoch (write an `epoch` entry, first anchor at the guest's own time); re-issue pending disk requests. */
  | { readonly kind: 'goLive'; readonly epoch: Epoch }
  /** Give held outputs up to these ordinals to their sinks, in order, skipping what was already given. */
  | { readonly kind: 'release'; readonly upTo: Ordinals }
  /** Kept outputs up to these ordinals are accepted: forget them. */
  | { readonly kind: 'forget'; readonly upTo: Ordinals }
  /** The machine thread sleeps this share of every 10 ms (0 to 0.9): lag control. */
  | { readonly kind: 'slow'; readonly share: number }
  | { readonly kind: 'status'; readonly state: State; readonly reason: Reason | undefined }
  /** The process ends with this exit status, after telling the world. */
  | { readonly kind: 'halt'; readonly reason: Reason; readonly code: number; readonly detail: string };

export type State = 'protected' | 'unprotected' | 'halted';
export type Reason = 'starting' | 'needs-backup' | 'divergence' | 'lost-link' | 'arbiter' | 'user-action' | 'fenced' | 'off';
