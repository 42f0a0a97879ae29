/**
 * From `Won` to live (protocol.md "Roles, claims, fences"): drain what was received, say hello to every sink, and when the last has
 * answered re-issue what is pending and emit what was kept. A first primary passes the same fence under epoch 1, with nothing made.
 */
import type { Effect, Event } from './events.ts';
import type { Epoch, Ordinals } from './messages.ts';
import { goneLive } from './primary.ts';
import type { Backup, Common, Fence, Of, Self, Step, Takeover } from './state.ts';
import { common, EXIT, halt, unlinked } from './state.ts';

/** `Won` freezes the log: from this very step on nothing is acked, the link is closed, and what was received is all there is. */
export function won(backup: Backup, epoch: Epoch): Step {
  const frozen = backup.self.rules.wonFreezes;
  const takeover: Takeover = {
    ...common(frozen ? unlinked(backup) : backup),
    epoch,
    phase: 'takeover',
    received: backup.received,
    reason: backup.claim?.reason ?? 'lost-link',
    fence: undefined,
    lastInput: 0,
  };
  const effects: Effect[] = frozen && backup.link !== 'closed' ? [{ kind: 'closeLink' }] : [];
  if (backup.self.rules.drainFirst) return [takeover, [...effects, { kind: 'drain' }]];
  return fenceOff(takeover, backup.made, 0, effects);
}

export function stepTakeover(takeover: Takeover, event: Event): Step {
  switch (event.kind) {
    case 'drained':
      return drained(takeover, event);
    case 'answered': {
      if (takeover.fence === undefined || event.epoch !== takeover.epoch) return [takeover, []];
      const fence = answer(takeover.fence, event.sink, event.accepted);
      const excess = overclaim(fence, event.sink);
      if (excess !== undefined) return halt(takeover, 'divergence', EXIT.divergence, excess);
      if (!complete(fence, takeover.self)) return [{ ...takeover, fence }, []];
      return goneLive(takeover, fence, takeover.received, takeover.lastInput);
    }
    case 'diverged':
      return halt(
        takeover,
        'divergence',
        EXIT.divergence,
        `replay does not agree with the log that this replica has to go on from: ${event.report}`,
      );
    case 'received': {
      // Only a mutated replica still has a link here: it goes on acking what it will never replay.
      if (takeover.link !== 'joined') return [takeover, []];
      return [takeover, [{ kind: 'send', epoch: event.epoch, message: { kind: 'ack', seq: event.last } }]];
    }
    case 'linkOpened':
      return [takeover, [{ kind: 'closeLink' }]];
    case 'linkClosed':
      return [unlinked(takeover), []];
    case 'start':
    case 'tick':
    case 'message':
    case 'appended':
    case 'sent':
    case 'replayed':
    case 'claimed':
    case 'refused':
    case 'accepted':
    case 'off':
    case 'pending':
    case 'unprotect':
      return [takeover, []];
  }
}

function drained(takeover: Takeover, event: Of<'drained'>): Step {
  if (takeover.fence !== undefined) return [takeover, []];
  if (event.seq < takeover.received) {
    const detail = `replay ended before the log: want entry ${takeover.received}, at ${event.seq}`;
    return halt(takeover, 'divergence', EXIT.divergence, detail);
  }
  return fenceOff({ ...takeover, received: event.seq }, event.made, event.lastInput, []);
}

function fenceOff(takeover: Takeover, made: Ordinals, lastInput: number, before: Effect[]): Step {
  return [{ ...takeover, lastInput, fence: { made, answers: {} } }, [...before, ...hellos(takeover, lastInput)]];
}

/** Hello to every sink under the epoch that we hold. */
export function hellos(replica: Common, lastInput: number): Effect[] {
  return Object.keys(replica.self.sinks).map((sink) => ({ kind: 'hello', sink, epoch: replica.epoch, lastInput }));
}

export function answer(fence: Fence, sink: string, accepted: number): Fence {
  return { ...fence, answers: { ...fence.answers, [sink]: accepted } };
}

export function complete(fence: Fence, self: Self): boolean {
  const answered = Object.keys(fence.answers).length;
  return self.rules.everySinkAnswers ? answered === Object.keys(self.sinks).length : answered > 0;
}

/** A sink that took more than the log produces proves that something was released before its entry was acked. */
export function overclaim(fence: Fence, sink: string): string | undefined {
  const accepted = fence.answers[sink];
  const made = fence.made[sink] ?? 0;
  if (accepted <= made) return undefined;
  return `sink ${sink} has accepted output ${accepted}, but the log makes only ${made}: the output rule was broken`;
}
