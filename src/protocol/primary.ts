/**
 * The replica whose machine runs for real: protection, the output rule, going solo, power-off (protocol.md "Outputs", "Roles, claims, fences").
 */
import { askAgain, lost, unknown } from './claim.ts';
import type { Effect, Event, Reason } from './events.ts';
import { WATCHING, watch } from './failure-detector.ts';
import { adjust, NO_LAG, replayed, sample } from './lag-control.ts';
import type { Epoch, Message, Ordinals, Seq } from './messages.ts';
import { ack, ackAll, append, heldAfter } from './output-rule.ts';
import type { Claim, Common, Fence, Live, Of, Step } from './state.ts';
import { common, covers, EXIT, halt, haltFenced, helloMismatch, linkHello, none, raise, say, unlinked } from './state.ts';

/** A takeover has passed the fence: re-issue what is pending, emit what was kept beyond each answer. */
export function goneLive(from: Common, fence: Fence, seq: Seq, lastInput: number): Step {
  const taken = Object.fromEntries(
    Object.entries(from.self.sinks).map(([sink, kind]) => {
      if (kind === 'request') return [sink, fence.made[sink]];
      return [sink, from.self.rules.skipAccepted ? (fence.answers[sink] ?? 0) : 0];
    }),
  );
  const live: Live = {
    ...common(from),
    phase: 'live',
    protection: 'solo',
    reason: 'needs-backup',
    claim: undefined,
    held: heldAfter(seq, fence.made, lastInput, taken),
    accepted: { ...none(from.self), ...fence.answers },
    passedOn: none(from.self),
    inputsAcked: lastInput,
    lag: NO_LAG,
    waitingSince: from.now,
  };
  return settle(live, [
    { kind: 'forget', upTo: taken },
    { kind: 'goLive', epoch: live.epoch },
  ]);
}

export function stepLive(live: Live, event: Event): Step {
  const { self } = live;
  switch (event.kind) {
    case 'tick':
      return tick(live, event);
    case 'linkOpened':
      // A claim is out: whatever opens now must not be joined before it is answered.
      if (live.claim !== undefined || live.protection === 'protecting' || live.protection === 'protected')
        return [live, [{ kind: 'closeLink' }]];
      return [{ ...live, link: 'joining' }, [linkHello(live, 'primary')]];
    case 'linkClosed':
      return suspect(unlinked(live), 'lost-link', `the link closed: ${event.why}`);
    case 'message':
      return message(live, event.message);
    case 'appended': {
      const held = append(live.held, { seq: event.seq, made: event.made, lastInput: event.lastInput }, self.limits.marks);
      if (live.protection === 'solo') return settle({ ...live, held: ackAll(held) }, []);
      const next = { ...live, held, lag: sample(live.lag, event.seq, live.now, self.limits) };
      // The common case of the fast path: held, and nothing else follows.
      if (held.acked === live.held.acked && live.exit === undefined && self.rules.outputRule && self.rules.inputsAfterAck)
        return [next, []];
      return protect(next);
    }
    case 'claimed': {
      if (live.claim === undefined || event.epoch !== live.claim.epoch) return [live, []];
      if (event.result === 'won') return goSolo(live, event.epoch, live.claim.reason);
      if (event.result === 'unknown') return [{ ...live, claim: unknown(live, live.claim) }, []];
      return self.rules.loserHalts ? haltFenced(live, lost(event)) : goSolo(live, event.epoch, live.claim.reason);
    }
    case 'accepted': {
      if (event.ordinal > live.held.released[event.sink]) {
        const detail = `sink ${event.sink} accepted output ${event.ordinal}, but only ${live.held.released[event.sink]} were released`;
        return halt(live, 'divergence', EXIT.divergence, detail);
      }
      return settle({ ...live, accepted: raise(live.accepted, event.sink, event.ordinal) }, []);
    }
    case 'off':
    case 'pending':
      return settle(live, []);
    case 'unprotect':
      return suspect(live, 'user-action', 'the user asked for it');
    case 'start':
    case 'sent':
    case 'received':
    case 'replayed':
    case 'drained':
    case 'answered':
    case 'refused':
    case 'diverged':
      return [live, []];
  }
}

function tick(live: Live, event: Of<'tick'>): Step {
  const { limits } = live.self;
  const effects: Effect[] = [];
  let next = live;
  if (next.claim !== undefined) {
    const [claim, asked] = askAgain(next.claim, next.now);
    next = { ...next, claim };
    effects.push(...asked);
  }
  if (next.link === 'joined' && next.accepted !== next.passedOn) {
    next = { ...next, passedOn: next.accepted };
    effects.push(say(next, { kind: 'accepted', ordinals: next.accepted }));
  }
  switch (next.protection) {
    case 'solo':
      return [next, effects];
    case 'waiting': {
      if (next.now - next.waitingSince < limits.startTicks) return [next, effects];
      // `protect` was never appended, so no backup may claim: no epoch needs to be won.
      const [solo, more] = goSolo(next, next.epoch, 'lost-link');
      return [solo, [...effects, ...more]];
    }
    case 'protecting':
    case 'protected': {
      const [lag, share] = adjust(next.lag, next.now, limits);
      next = { ...next, lag };
      if (share !== undefined) effects.push({ kind: 'slow', share });
      if (next.link !== 'joined' || next.claim !== undefined) return [next, effects];
      const signs = {
        heartbeat: event.heartbeat,
        heard: next.heard,
        awaiting: next.held.marks.length > 0,
        progressed: next.progressed,
        full: event.heartbeat?.full ?? false,
      };
      const [detector, why] = watch(next.detector, signs, limits);
      next = { ...next, detector };
      if (why === undefined) return [next, effects];
      const [suspecting, more] = suspect(next, 'lost-link', why);
      return [suspecting, [...effects, ...more]];
    }
  }
}

function message(live: Live, heard: Message): Step {
  switch (heard.kind) {
    case 'hello':
      return joined(live, heard);
    case 'ack': {
      const held = ack(live.held, heard.seq);
      return protect({ ...live, held, progressed: live.progressed || held !== live.held });
    }
    case 'replayed':
      return [{ ...live, lag: replayed(live.lag, heard.seq) }, []];
    case 'diverged':
      return suspect(live, 'divergence', heard.report);
    case 'accepted':
    case 'off':
    case 'fenced':
    case 'keepalive':
      return [live, []];
  }
}

function joined(live: Live, hello: Extract<Message, { kind: 'hello' }>): Step {
  if (live.link !== 'joining') return [live, []];
  const mismatch = helloMismatch(live, hello);
  switch (live.protection) {
    case 'waiting': {
      if (mismatch !== undefined) {
        const [halted, effects] = halt(live, 'divergence', EXIT.mismatch, mismatch);
        return [halted, [{ kind: 'closeLink' }, ...effects]];
      }
      const next: Live = { ...live, link: 'joined', protection: 'protecting', detector: WATCHING };
      return [next, [{ kind: 'protect', epoch: live.epoch }]];
    }
    // A machine that has run can be joined by state transfer only.
    case 'solo':
      return [unlinked(live), [{ kind: 'closeLink' }]];
    case 'protecting':
    case 'protected':
      return [live, []];
  }
}

/** `protect` acked: the first instruction may run. It is the only entry of a machine that has not run. */
function protect(live: Live): Step {
  if (live.protection !== 'protecting' || live.held.acked.seq === 0) return settle(live, []);
  return settle({ ...live, protection: 'protected' }, [{ kind: 'run', epoch: live.epoch, logging: true }]);
}

/** Asks for the next epoch: nothing held leaves, and nothing runs solo, before it is won. Acks go on meanwhile. */
function suspect(live: Live, reason: Reason, why: string): Step {
  if (live.protection === 'waiting' || live.protection === 'solo') return [live, []];
  if (live.claim !== undefined) {
    return [reason === 'divergence' ? { ...live, claim: { ...live.claim, reason, why } } : live, []];
  }
  if (!live.self.rules.arbiter) return goSolo(live, live.epoch, reason);
  const claim: Claim = { epoch: live.epoch + 1, reason, why, askAt: undefined, away: false };
  return [{ ...live, claim }, [{ kind: 'claim', epoch: claim.epoch }]];
}

function goSolo(live: Live, epoch: Epoch, reason: Reason): Step {
  const next: Live = {
    ...unlinked(live),
    epoch,
    protection: 'solo',
    reason: reason === 'lost-link' ? 'needs-backup' : reason,
    claim: undefined,
    held: ackAll(live.held),
    lag: NO_LAG,
  };
  const effects: Effect[] = live.link === 'closed' ? [] : [{ kind: 'closeLink' }];
  if (live.lag.steps > 0) effects.push({ kind: 'slow', share: 0 });
  return settle(next, [...effects, { kind: 'run', epoch, logging: false }]);
}

/** What follows from what is acked and accepted: releases, inputs that the world may forget, and the end. */
function settle(live: Live, before: Effect[]): Step {
  const { rules } = live.self;
  const effects = [...before];
  let next = live;
  const free = releasable(live);
  if (free !== undefined) {
    next = { ...next, held: { ...next.held, released: free } };
    effects.push({ kind: 'release', upTo: free });
  }
  const inputs = (rules.inputsAfterAck ? next.held.acked : next.held.appended).lastInput;
  if (inputs > next.inputsAcked) {
    next = { ...next, inputsAcked: inputs };
    effects.push({ kind: 'inputAcked', number: inputs });
  }
  return ended(next, effects);
}

/** Ordinals up to which outputs may leave now; undefined when that is nothing new. */
function releasable(live: Live): Ordinals | undefined {
  const { sinks, rules } = live.self;
  const { acked, appended, released } = live.held;
  const { made } = rules.outputRule ? acked : appended;
  const last = mayEnd(live) || !rules.lastIsLast;
  let free: Record<string, number> | undefined;
  for (const sink in sinks) {
    if (made[sink] <= released[sink] || (sinks[sink] === 'last' && !last)) continue;
    free ??= { ...released };
    free[sink] = made[sink];
  }
  return free;
}

/** The last output of all waits until everything else is accepted and no request is pending. */
function mayEnd({ self, exit, accepted, held }: Live): boolean {
  if (exit === undefined || exit.pending > 0) return false;
  return Object.keys(self.sinks).every((sink) => self.sinks[sink] === 'last' || accepted[sink] >= held.appended.made[sink]);
}

/** Everything is accepted, the last output too: only now may the backup leave, and so do we. */
function ended(live: Live, effects: Effect[]): Step {
  if (live.exit === undefined) return [live, effects];
  const { sinks, rules } = live.self;
  const { made } = live.held.appended;
  const lastMade = Object.keys(sinks).every((sink) => sinks[sink] !== 'last' || made[sink] > 0);
  if (!lastMade) return [live, effects];
  const { code } = live.exit;
  const off: Effect[] = live.link === 'joined' ? [say(live, { kind: 'off', code })] : [];
  if (!covers(live.accepted, made)) return [live, rules.offAfterAccepted ? effects : [...effects, ...off]];
  const [halted, halts] = halt(live, 'off', code, `the guest ended with ${code}`);
  return [halted, [...effects, ...off, ...halts]];
}
