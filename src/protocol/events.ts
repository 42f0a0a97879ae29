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
  /** Every `limits.tickMs` of the host's clock. A late tick comes once, after everything that was already queued. `heartbeat`: the newest heard
   *  from the peer, if any. `full`: our own receive buffer is full, so the host has stopped reading the link. */
  | { readonly kind: 'tick'; readonly heartbeat: Heartbeat | undefined; readonly full: boolean }
  | { readonly kind: 'linkOpened' }
  | { readonly kind: 'linkClosed'; readonly why: string }
  /** A control message whose run and epoch the host has NOT checked: that is step's work. */
  | { readonly kind: 'message'; readonly run: string; readonly epoch: Epoch; readonly message: Message }
  /** Primary/solo: the machine has appended entries up to `seq` at `icount`; `made`: ordinals of outputs that those entries cover;
   *  `lastInput`: number of the last world input in them (0: none yet). */
  | { readonly kind: 'appended'; readonly seq: Seq; readonly icount: number; readonly made: Ordinals; readonly lastInput: number }
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
  /** The machine is off: recording, once its off-output is appended; replaying, before `drained`. Its off-output is covered by an entry
   *  like any other. `pending`: requests made and not yet completed (held ones too). */
  | { readonly kind: 'off'; readonly code: number; readonly pending: number }
  /** The same number, as it falls while the machine is off (power-off waits for zero). */
  | { readonly kind: 'pending'; readonly requests: number }
  /** A user's command. */
  | { readonly kind: 'unprotect' };

export type Effect =
  /** Put this into an envelope with our run and this epoch. */
  | { readonly kind: 'send'; readonly epoch: Epoch; readonly message: Message }
  | { readonly kind: 'closeLink' }
  /** Ask the arbiter for this epoch; the answer comes as `claimed`. Never withdrawn. */
  | { readonly kind: 'claim'; readonly epoch: Epoch }
  /** Say hello to this sink; the answer comes as `answered` or `refused`. `lastInput`: from where the world sends inputs on. From here on
   *  outputs to this sink carry this epoch (a primary that wins `solo` says no new hello: nobody else can hold an epoch that the sink would obey). */
  | { readonly kind: 'hello'; readonly sink: string; readonly epoch: Epoch; readonly lastInput: number }
  /** To the machine: append `protect` under this epoch (outputs are held from here). Comes back as `appended`. */
  | { readonly kind: 'protect'; readonly epoch: Epoch }
  /** To the machine: run and record; `epoch` is written into every batch. `logging`: to a backup (else only to --record; the unsent log is discarded). */
  | { readonly kind: 'run'; readonly epoch: Epoch; readonly logging: boolean }
  /** To the machine: replay all that was received, then report `drained`. */
  | { readonly kind: 'drain' }
  /** To the machine: you are live under this epoch, run and record without a backup (write an `epoch` entry, first anchor at the guest's own
   *  time); re-issue every pending request. What is kept of a `request` sink has been forgotten just before: re-issuing covers it. */
  | { readonly kind: 'goLive'; readonly epoch: Epoch }
  /** Give held outputs up to these ordinals to their sinks, in order, skipping what was already given. */
  | { readonly kind: 'release'; readonly upTo: Ordinals }
  /** The world may forget inputs up to this number: their entry is acked. */
  | { readonly kind: 'inputAcked'; readonly number: number }
  /** Kept outputs up to these ordinals are accepted: forget them. */
  | { readonly kind: 'forget'; readonly upTo: Ordinals }
  /** The machine thread sleeps this share of every 10 ms (0 to 0.9): lag control. */
  | { readonly kind: 'slow'; readonly share: number }
  | { readonly kind: 'status'; readonly state: State; readonly reason: Reason | undefined }
  /** The process ends with this exit status, after telling the world. */
  | { readonly kind: 'halt'; readonly reason: Reason; readonly code: number; readonly detail: string };

export type State = 'protected' | 'unprotected' | 'halted';
export type Reason = 'starting' | 'needs-backup' | 'divergence' | 'lost-link' | 'arbiter' | 'user-action' | 'fenced' | 'off';

/** How a sink's outputs survive a takeover: by `ordinal` (what it has not accepted is emitted again, exactly once), as a `request` (what has no
 *  completion in the log is issued again), or as the `last` output of all (released when everything else is accepted). */
export type SinkKind = 'ordinal' | 'request' | 'last';
