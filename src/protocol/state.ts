/** What a replica knows, as plain immutable data: one shape for each phase of its life (protocol.md "Roles, claims, fences"). */
import type { Effect, Event, Reason, SinkKind } from './events.ts';
import type { Detector } from './failure-detector.ts';
import type { LagControl } from './lag-control.ts';
import type { Limits } from './limits.ts';
import type { Epoch, Message, Ordinals, Seq } from './messages.ts';
import type { Held } from './output-rule.ts';
import type { Rules } from './rules.ts';

/** Who we are; never changes. */
export interface Self {
  readonly vm: string;
  /** One start of the pair: keys the arbiter and every message. */
  readonly run: string;
  /** Random, made at process start, never reused. */
  readonly identity: string;
  /** The configuration hash: both replicas must have the same. */
  readonly config: string;
  readonly sinks: Readonly<Record<string, SinkKind>>;
  readonly limits: Limits;
  readonly rules: Rules;
}

export interface Common {
  readonly self: Self;
  /** The epoch we hold (live) or follow (backup); 0 before either. */
  readonly epoch: Epoch;
  /** Ticks since the process began. */
  readonly now: number;
  readonly link: 'closed' | 'joining' | 'joined';
  /** Since the last tick: something was heard on the link, the awaited progress was made. */
  readonly heard: boolean;
  readonly progressed: boolean;
  /** Tick of the last `send`. */
  readonly saidAt: number;
  readonly detector: Detector;
  /** The machine is off: its code, and requests not yet completed. */
  readonly exit: { readonly code: number; readonly pending: number } | undefined;
}

/** A question to the arbiter that has no answer yet. Never withdrawn. */
export interface Claim {
  readonly epoch: Epoch;
  /** Why we suspect, for the status once it is won. */
  readonly reason: Reason;
  readonly why: string;
  /** The arbiter said `unknown`: ask again at this tick. Undefined: a question is in flight. */
  readonly askAt: number | undefined;
  /** It has said `unknown` at least once: until it says more, it is the reason for the state that a user sees. */
  readonly away: boolean;
}

/** The fence: hello to every sink, and the answers so far (the last ordinal that each accepted). */
export interface Fence {
  readonly made: Ordinals;
  readonly answers: Ordinals;
}

/** A first primary (or solo) before its first instruction: `fence` is undefined until epoch 1 is won. */
export interface Boot extends Common {
  readonly phase: 'boot';
  readonly solo: boolean;
  readonly claim: Claim;
  readonly fence: Fence | undefined;
}

/** Records: runs the guest for real. */
export interface Live extends Common {
  readonly phase: 'live';
  /**
   * waiting     first start: nothing runs until a backup has joined
   * protecting  outputs are held, `protect` is appended and not yet acked: nothing runs
   * protected   runs; outputs leave when their entry is acked
   * solo        runs without a backup; outputs leave at once
   */
  readonly protection: 'waiting' | 'protecting' | 'protected' | 'solo';
  /** Why it is not protected, when it is not. */
  readonly reason: Reason;
  readonly claim: Claim | undefined;
  readonly held: Held;
  readonly accepted: Ordinals;
  /** What the backup has been told of `accepted`. */
  readonly passedOn: Ordinals;
  /** The world has been told that it may forget inputs up to this number. */
  readonly inputsAcked: number;
  readonly lag: LagControl;
  /** The tick since which a first start waits for a backup. */
  readonly waitingSince: number;
}

/** Replays what a primary writes. */
export interface Backup extends Common {
  readonly phase: 'backup';
  /** The primary's configuration is not ours: we refuse it and leave. */
  readonly mismatch: string | undefined;
  /** `protect` was received: from here on we may claim. */
  readonly protects: boolean;
  readonly received: Seq;
  readonly horizon: number;
  readonly replayed: Seq;
  readonly icount: number;
  readonly made: Ordinals;
  /** What the primary has been told of `replayed`, and when. */
  readonly reported: Seq;
  readonly accepted: Ordinals;
  readonly claim: Claim | undefined;
  /** The tick since which there has been neither a link nor `protect`. */
  readonly aloneAt: number;
}

/** A backup that won: the log is frozen. Drains, fences, goes live. */
export interface Takeover extends Common {
  readonly phase: 'takeover';
  readonly received: Seq;
  readonly reason: Reason;
  /** Undefined until every received entry is replayed. */
  readonly fence: Fence | undefined;
  readonly lastInput: number;
}

export interface Halted extends Common {
  readonly phase: 'halted';
  readonly reason: Reason;
}

export type Replica = Boot | Live | Backup | Takeover | Halted;
export type Step = [Replica, Effect[]];

/** Says `message` on the link under our epoch. */
export function say(replica: Common, message: Message): Effect {
  return { kind: 'send', epoch: replica.epoch, message };
}

export function linkHello(replica: Common, role: 'primary' | 'backup'): Effect {
  const { vm, identity, config } = replica.self;
  return say(replica, { kind: 'hello', vm, identity, role, config });
}

/** What a peer's hello says against ours, or undefined when it fits. */
export function helloMismatch(replica: Common, message: Extract<Message, { kind: 'hello' }>): string | undefined {
  const { vm, identity, config } = replica.self;
  if (message.vm !== vm) return `the peer replicates '${message.vm}', this replica '${vm}': start both from one run`;
  if (message.config !== config) {
    return `configurations differ: ${message.role} ${message.identity} has ${message.config}, ${identity} has ${config}: give both replicas the same images, memory, clock, seed and devices`;
  }
  return undefined;
}

export function halt(replica: Replica, reason: Reason, code: number, detail: string): Step {
  return [{ ...common(replica), phase: 'halted', reason }, [{ kind: 'halt', reason, code, detail }]];
}

/** Exit statuses of a replica that does not end with its guest's own code. */
export const EXIT = { mismatch: 65, unavailable: 69, divergence: 70, fenced: 75 } as const;

/** Another replica holds a higher epoch: we are no longer anyone. */
export function haltFenced(replica: Replica, detail: string): Step {
  return halt(replica, 'fenced', EXIT.fenced, detail);
}

/** The link is gone (or refused) on our side. */
export function unlinked<T extends Common>(replica: T): T {
  return { ...replica, link: 'closed', heard: false, progressed: false };
}

export function common(replica: Common): Common {
  const { self, epoch, now, link, heard, progressed, saidAt, detector, exit } = replica;
  return { self, epoch, now, link, heard, progressed, saidAt, detector, exit };
}

export function none(self: Self): Ordinals {
  return Object.fromEntries(Object.keys(self.sinks).map((sink) => [sink, 0]));
}

/** Ordinals with one sink raised (never lowered). */
export function raise(ordinals: Ordinals, sink: string, ordinal: number): Ordinals {
  return ordinal <= ordinals[sink] ? ordinals : { ...ordinals, [sink]: ordinal };
}

/** True when `a` is at or past `b` for every sink. */
export function covers(a: Ordinals, b: Ordinals): boolean {
  return Object.keys(b).every((sink) => a[sink] >= b[sink]);
}

export type Of<K extends Event['kind']> = Extract<Event, { kind: K }>;
