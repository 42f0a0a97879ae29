/**
 * What a replica and the world say to each other, over one unix socket for each replica. A frame is a 4-byte big-endian length
 * and a body; the first body byte names the message. A hello fences every older epoch at all sinks; each sink answers for itself.
 */
import type { ConsolePort, DiskRequest, Exit, Sink, Statistics } from '../../emulator/index.ts';
import type { Engine } from './run-config.ts';

export type ToWorld =
  /** First on the connection: who this is. */
  | {
      readonly kind: 'attach';
      readonly run: string;
      readonly identity: string;
      readonly role: 'primary' | 'backup' | 'solo';
      readonly pid: number;
    }
  /** I hold this epoch: fence every older one, and answer when what this sink had begun has ended. `lastInput`: the last world input in my log. */
  | { readonly kind: 'hello'; readonly sink: Sink; readonly epoch: number; readonly lastInput: number }
  | { readonly kind: 'console'; readonly epoch: number; readonly ordinal: number; readonly bytes: Uint8Array }
  | { readonly kind: 'frame'; readonly epoch: number; readonly ordinal: number; readonly bytes: Uint8Array }
  | { readonly kind: 'disk'; readonly epoch: number; readonly request: DiskRequest }
  /** Guest memory from `begin_signature` to `end_signature`, at most 1 MiB: comes before `off` when the image has both symbols. */
  | { readonly kind: 'signature'; readonly epoch: number; readonly bytes: Uint8Array }
  | { readonly kind: 'off'; readonly epoch: number; readonly ordinal: number; readonly exit: Exit }
  /** Inputs up to this number are in the log and acked: the world may forget them. */
  | { readonly kind: 'inputAcked'; readonly epoch: number; readonly number: number }
  | { readonly kind: 'status'; readonly status: ReplicaStatus }
  /** Last words before the process ends: shown to the user. */
  | { readonly kind: 'halted'; readonly reason: string; readonly code: number; readonly detail: string };

export type FromWorld =
  /** Everything older is fenced and has ended; `accepted` is the last ordinal taken for good. */
  | { readonly kind: 'answer'; readonly sink: Sink; readonly epoch: number; readonly accepted: number }
  /** A higher epoch is known here: `epoch`. */
  | { readonly kind: 'refuse'; readonly sink: Sink; readonly epoch: number }
  | { readonly kind: 'accepted'; readonly sink: Sink; readonly ordinal: number }
  | { readonly kind: 'completion'; readonly request: number; readonly status: 0 | 1; readonly data: Uint8Array }
  /** Console input: `number` is that of the last byte, counted from 1 by the world. */
  | { readonly kind: 'input'; readonly port: ConsolePort; readonly number: number; readonly bytes: Uint8Array }
  | { readonly kind: 'frameIn'; readonly bytes: Uint8Array }
  /** No console input and no frame will come any more: with the clock on icount, a guest that waits for one has come to its end. */
  | { readonly kind: 'inputEnded' }
  /** The user asks: leave without powering the guest off. */
  | { readonly kind: 'quit' };

/** What a replica tells the world a few times a second and at each change; what `ps`, Ctrl-A s and --json show. */
export interface ReplicaStatus {
  readonly role: 'primary' | 'backup' | 'solo' | 'halted';
  readonly state: 'protected' | 'unprotected' | 'halted';
  readonly reason: string | undefined;
  readonly epoch: number;
  readonly icount: number;
  readonly seq: number;
  readonly lagMs: number;
  readonly logBytes: number;
  readonly outputs: number;
  readonly held: number;
  /** Held (or not yet accepted) outputs are at their limit: the machine waits. */
  readonly stalled: boolean;
  /** Stamps of the takeover that this replica made; undefined before it is live. */
  readonly takeover: Takeover | undefined;
  /** Added output latency so far, microseconds: made to released. */
  readonly heldMicros: { readonly p50: number; readonly p99: number } | undefined;
  /** The same, by stage: `flush` made to on the link, `ack` on the link to ack read, `release` ack read to given to the sink. */
  readonly stageMicros: Readonly<Record<'flush' | 'ack' | 'release', { readonly p50: number; readonly p99: number }>> | undefined;
  /** What executes its instructions, and what that has done; undefined before the machine has run. */
  readonly engine: EngineStatus | undefined;
  /** At the end (off): the machine's digest. */
  readonly digest: string | undefined;
  /** Why this replica's file of the log is not whole, when it is not. */
  readonly recordLost?: string | undefined;
}

export interface EngineStatus extends Statistics {
  readonly name: Engine;
}

export interface Takeover {
  /** Host time (ms since 1970) when suspicion arose, the claim was won, replay had drained, every sink had answered. */
  readonly suspectedAt: number;
  readonly wonAt: number;
  readonly drainedAt: number;
  readonly liveAt: number;
}
