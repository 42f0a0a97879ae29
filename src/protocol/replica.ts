/**
 * One replica of a pair: `step(replica, event) -> [replica, effects]`, pure and immutable. It decides everything; the host only performs
 * (docs/protocol.md draws start, takeover and power-off). The world is told by effects, in order.
 */
import { stepBackup } from './backup.ts';
import { stepBoot } from './boot.ts';
import type { Effect, Event, Reason, SinkKind, State } from './events.ts';
import { WATCHING } from './failure-detector.ts';
import { LIMITS, type Limits } from './limits.ts';
import { stepLive } from './primary.ts';
import { RULES, type Rules } from './rules.ts';
import type { Backup, Boot, Common, Of, Replica, Self, Step } from './state.ts';
import { haltFenced, none, say, unlinked } from './state.ts';
import { stepTakeover } from './takeover.ts';

export type { Replica } from './state.ts';

export interface ReplicaOptions {
  readonly vm: string;
  readonly run: string;
  /** Random, made at process start, never reused. */
  readonly identity: string;
  /** The configuration hash. */
  readonly config: string;
  readonly role: 'primary' | 'backup' | 'solo';
  /** Every sink of the world, and how its outputs survive a takeover. */
  readonly sinks: Readonly<Record<string, SinkKind>>;
  readonly limits?: Partial<Limits>;
  /** Test-only: see rules.ts. */
  readonly rules?: Partial<Rules>;
}

export function createReplica(options: ReplicaOptions): Replica {
  const { vm, run, identity, config, sinks } = options;
  const self: Self = { vm, run, identity, config, sinks, limits: { ...LIMITS, ...options.limits }, rules: { ...RULES, ...options.rules } };
  const base: Common = {
    self,
    epoch: 0,
    now: 0,
    link: 'closed',
    heard: false,
    progressed: false,
    saidAt: 0,
    detector: WATCHING,
    exit: undefined,
  };
  switch (options.role) {
    case 'primary':
    case 'solo': {
      const claim = { epoch: 1, reason: 'starting', why: 'first start', askAt: undefined, away: false } as const;
      const boot: Boot = { ...base, phase: 'boot', solo: options.role === 'solo', claim, fence: undefined };
      return boot;
    }
    case 'backup': {
      const backup: Backup = {
        ...base,
        phase: 'backup',
        mismatch: undefined,
        protects: false,
        received: 0,
        horizon: 0,
        replayed: 0,
        icount: 0,
        made: none(self),
        reported: 0,
        accepted: none(self),
        claim: undefined,
        aloneAt: 0,
      };
      return backup;
    }
  }
}

/** What happens now. Effects are to be performed in order; `status` comes whenever what a user would see has changed. */
export function step(replica: Replica, event: Event): Step {
  if (replica.phase === 'halted') return [replica, []];
  const seen = observe(replica, event);
  let [next, effects] = event.kind === 'message' ? admit(seen, event) : decide(seen, event);
  if (event.kind === 'tick') {
    next = { ...next, heard: false, progressed: false };
    if (idle(next, effects)) effects = [...effects, say(next, { kind: 'keepalive' })];
  }
  // Whatever closed in between: nobody is there to hear it.
  if (replica.link === 'closed' && event.kind !== 'linkOpened') effects = effects.filter((effect) => effect.kind !== 'send');
  if (effects.some((effect) => effect.kind === 'send')) next = { ...next, saidAt: next.now };
  const before = event.kind === 'start' ? undefined : view(replica);
  const after = view(next);
  if (before?.state === after.state && before.reason === after.reason) return [next, effects];
  const shown: Effect = { kind: 'status', ...after };
  const last = effects.at(-1);
  if (last?.kind === 'halt') return [next, [...effects.slice(0, -1), shown, last]];
  return [next, [...effects, shown]];
}

/** What a user sees: the state, and why it is not `protected`. */
export function view(replica: Replica): { state: State; reason: Reason | undefined } {
  switch (replica.phase) {
    case 'halted':
      return { state: 'halted', reason: replica.reason };
    case 'boot':
      return { state: 'unprotected', reason: replica.claim.away ? 'arbiter' : 'starting' };
    case 'takeover':
      return { state: 'unprotected', reason: replica.reason };
    case 'backup':
      if (replica.claim !== undefined) return { state: 'unprotected', reason: replica.claim.away ? 'arbiter' : replica.claim.reason };
      return replica.protects ? { state: 'protected', reason: undefined } : { state: 'unprotected', reason: 'starting' };
    case 'live':
      if (replica.claim !== undefined) return { state: 'unprotected', reason: replica.claim.away ? 'arbiter' : replica.claim.reason };
      return replica.protection === 'protected'
        ? { state: 'protected', reason: undefined }
        : { state: 'unprotected', reason: replica.reason };
  }
}

/** What is noted in every phase. */
function observe(replica: Replica, event: Event): Replica {
  switch (event.kind) {
    case 'tick':
      return { ...replica, now: replica.now + 1 };
    case 'message':
    case 'received':
      return replica.heard ? replica : { ...replica, heard: true };
    case 'sent':
      return replica.saidAt === replica.now ? replica : { ...replica, saidAt: replica.now };
    case 'off':
      return { ...replica, exit: { code: event.code, pending: event.pending } };
    case 'pending':
      return replica.exit === undefined ? replica : { ...replica, exit: { ...replica.exit, pending: event.requests } };
    case 'start':
    case 'linkOpened':
    case 'linkClosed':
    case 'appended':
    case 'replayed':
    case 'drained':
    case 'claimed':
    case 'answered':
    case 'refused':
    case 'accepted':
    case 'diverged':
    case 'unprotect':
      return replica;
  }
}

function decide(replica: Replica, event: Event): Step {
  if (event.kind === 'refused' && event.epoch > replica.epoch) {
    return haltFenced(replica, `sink ${event.sink} obeys epoch ${event.epoch}, this replica holds ${replica.epoch}`);
  }
  switch (replica.phase) {
    case 'boot':
      return stepBoot(replica, event);
    case 'live':
      return stepLive(replica, event);
    case 'backup':
      return stepBackup(replica, event);
    case 'takeover':
      return stepTakeover(replica, event);
    case 'halted':
      return [replica, []];
  }
}

/** Run and epoch of every message are checked here, before any role sees it. */
function admit(replica: Replica, event: Of<'message'>): Step {
  const { run, epoch, message } = event;
  if (run !== replica.self.run) {
    // Never answer `fenced` with `fenced`: two strangers would go on for ever.
    const answer: Effect[] = message.kind === 'fenced' ? [] : [say(replica, { kind: 'fenced', epoch: replica.epoch })];
    return lose(unlinked(replica), `the peer belongs to run ${run}, this replica to ${replica.self.run}`, answer);
  }
  if (message.kind === 'fenced') {
    if (message.epoch <= replica.epoch) return [replica, []];
    return haltFenced(replica, `the peer knows epoch ${message.epoch}, this replica holds ${replica.epoch}`);
  }
  if (epoch < replica.epoch) return [replica, [say(replica, { kind: 'fenced', epoch: replica.epoch })]];
  if (epoch === replica.epoch) return decide(replica, event);
  // A backup that follows nobody yet learns its epoch from the primary's hello.
  if (replica.phase === 'backup' && message.kind === 'hello' && replica.received === 0) {
    return decide({ ...replica, epoch }, event);
  }
  return haltFenced(replica, `the peer speaks under epoch ${epoch}, this replica holds ${replica.epoch}`);
}

/** We close the link ourselves: for every role that is a link that closed. */
function lose(replica: Replica, why: string, before: Effect[]): Step {
  const [next, effects] = decide(replica, { kind: 'linkClosed', why });
  return [next, [...before, { kind: 'closeLink' }, ...effects]];
}

function idle(replica: Replica, effects: readonly Effect[]): boolean {
  if (replica.link !== 'joined' || replica.phase === 'halted') return false;
  return replica.now - replica.saidAt >= replica.self.limits.keepaliveTicks && !effects.some((effect) => effect.kind === 'send');
}
