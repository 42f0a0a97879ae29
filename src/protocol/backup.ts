/**
 * The replica that replays: acks on receipt, keeps outputs until they are accepted, watches the primary, and claims the next epoch when it
 * falls silent (protocol.md "Outputs", "Roles, claims, fences").
 */

import { askAgain, lost, unknown } from './claim.ts';
import type { Effect, Event, Reason } from './events.ts';
import { WATCHING, watch } from './failure-detector.ts';
import type { Message } from './messages.ts';
import type { Backup, Claim, Of, Step } from './state.ts';
import { EXIT, halt, haltFenced, helloMismatch, linkHello, raise, say, unlinked } from './state.ts';
import { won } from './takeover.ts';

export function stepBackup(backup: Backup, event: Event): Step {
  switch (event.kind) {
    case 'tick':
      return tick(backup, event);
    case 'linkOpened':
      // What the old link carried is not asked for again: a pair that lost its link after `protect` is decided by the arbiter.
      if (backup.claim !== undefined || backup.received > 0) return [backup, [{ kind: 'closeLink' }]];
      return [{ ...backup, link: 'joining' }, []];
    case 'linkClosed':
      return suspect(unlinked(backup), 'lost-link', `the link closed: ${event.why}`);
    case 'message':
      return message(backup, event.message);
    case 'received':
      return received(backup, event);
    case 'replayed': {
      const next = { ...backup, replayed: event.seq, icount: event.icount, made: event.made };
      return [next, backup.self.rules.keepUntilAccepted ? [] : [{ kind: 'forget', upTo: event.made }]];
    }
    case 'diverged': {
      const [halted, effects] = halt(backup, 'divergence', EXIT.divergence, event.report);
      const said: Effect[] = backup.link === 'joined' ? [say(backup, { kind: 'diverged', report: event.report })] : [];
      return [halted, [...said, ...effects]];
    }
    case 'claimed': {
      if (backup.claim === undefined || event.epoch !== backup.claim.epoch) return [backup, []];
      if (event.result === 'won') return won(backup, event.epoch);
      if (event.result === 'unknown') return [{ ...backup, claim: unknown(backup, backup.claim) }, []];
      return backup.self.rules.loserHalts ? haltFenced(backup, lost(event)) : won(backup, event.epoch);
    }
    case 'start':
    case 'appended':
    case 'sent':
    case 'drained':
    case 'answered':
    case 'refused':
    case 'accepted':
    case 'off':
    case 'pending':
    case 'unprotect':
      return [backup, []];
  }
}

function tick(backup: Backup, event: Of<'tick'>): Step {
  const { limits } = backup.self;
  const effects: Effect[] = [];
  let next = backup;
  if (next.claim !== undefined) {
    const [claim, asked] = askAgain(next.claim, next.now);
    next = { ...next, claim };
    effects.push(...asked);
  }
  if (next.link === 'joined') {
    if (next.replayed > next.reported) {
      effects.push(say(next, { kind: 'replayed', seq: next.replayed, icount: next.icount }));
      next = { ...next, reported: next.replayed };
    }
    if (next.claim !== undefined) return [next, effects];
    const signs = {
      heartbeat: event.heartbeat,
      heard: next.heard,
      awaiting: (event.heartbeat?.icount ?? 0) > next.horizon,
      progressed: next.progressed,
      full: event.full,
    };
    const [detector, why] = watch(next.detector, signs, limits);
    next = { ...next, detector };
    if (why === undefined) return [next, effects];
    const [suspecting, more] = suspect(next, 'lost-link', why);
    return [suspecting, [...effects, ...more]];
  }
  if (next.claim !== undefined || next.protects || next.now - next.aloneAt < limits.startTicks) return [next, effects];
  if (next.mismatch !== undefined) return halt(next, 'divergence', EXIT.mismatch, next.mismatch);
  return halt(next, 'lost-link', EXIT.unavailable, 'no primary has protected this backup: there is nothing that it may take over');
}

function message(backup: Backup, heard: Message): Step {
  switch (heard.kind) {
    case 'hello': {
      if (backup.link !== 'joining') return [backup, []];
      const mismatch = helloMismatch(backup, heard);
      // Answer all the same: the primary shall name both. It closes the link, and then we leave.
      if (mismatch !== undefined) return [{ ...backup, mismatch }, [linkHello(backup, 'backup')]];
      return [{ ...backup, link: 'joined', detector: WATCHING }, [linkHello(backup, 'backup')]];
    }
    case 'accepted': {
      const accepted = Object.entries(heard.ordinals).reduce((so, [sink, ordinal]) => raise(so, sink, ordinal), backup.accepted);
      if (accepted === backup.accepted) return [backup, []];
      return [{ ...backup, accepted }, backup.self.rules.keepUntilAccepted ? [{ kind: 'forget', upTo: accepted }] : []];
    }
    case 'off':
      return halt(backup, 'off', heard.code, `the guest ended with ${heard.code}`);
    case 'ack':
    case 'replayed':
    case 'diverged':
    case 'fenced':
    case 'keepalive':
      return [backup, []];
  }
}

/** A whole, checked batch is in memory: that, not its execution, is what an ack says. */
function received(backup: Backup, batch: Of<'received'>): Step {
  if (batch.run !== backup.self.run || batch.epoch < backup.epoch) {
    return [backup, [say(backup, { kind: 'fenced', epoch: backup.epoch })]];
  }
  if (batch.epoch > backup.epoch) {
    return haltFenced(backup, `the log goes on under epoch ${batch.epoch}, this replica follows ${backup.epoch}`);
  }
  if (batch.first !== backup.received + 1) {
    const why = `the log has a gap: want entry ${backup.received + 1}, got ${batch.first}`;
    const [next, effects] = suspect(unlinked(backup), 'lost-link', why);
    return [next, backup.link === 'closed' ? effects : [{ kind: 'closeLink' }, ...effects]];
  }
  const next: Backup = {
    ...backup,
    received: batch.last,
    horizon: Math.max(backup.horizon, batch.horizon),
    protects: backup.protects || batch.protects,
    progressed: true,
  };
  const news = batch.last >= batch.first && backup.link === 'joined';
  return [next, news ? [say(next, { kind: 'ack', seq: next.received })] : []];
}

/** Asks for the next epoch. Without `protect` there may be a live primary that never waited for us: then we wait for it instead. */
function suspect(backup: Backup, reason: Reason, why: string): Step {
  if (backup.claim !== undefined) return [backup, []];
  if (backup.mismatch !== undefined) return halt(backup, 'divergence', EXIT.mismatch, backup.mismatch);
  if (!backup.protects && backup.self.rules.protectFirst) {
    const alone = { ...unlinked(backup), aloneAt: backup.now };
    return [alone, backup.link === 'closed' ? [] : [{ kind: 'closeLink' }]];
  }
  const claim: Claim = { epoch: backup.epoch + 1, reason, why, askAt: undefined, away: false };
  const next = { ...backup, claim };
  if (!backup.self.rules.arbiter) return won(next, claim.epoch);
  return [next, [{ kind: 'claim', epoch: claim.epoch }]];
}
