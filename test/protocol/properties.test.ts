/** Do the promises of protocol.md hold for any order of events, sensible or not? The model beside the replica only remembers what was said. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Effect, Event } from '../../src/protocol/events.ts';
import type { Ordinals } from '../../src/protocol/messages.ts';
import { createReplica, type Replica, step } from '../../src/protocol/replica.ts';
import { SINKS } from './script.ts';

const limits = { heartbeatSilenceTicks: 3, noProgressTicks: 4, keepaliveTicks: 2, arbiterRetryTicks: 2, startTicks: 6, marks: 4 };
const RUNS = { numRuns: 600 };

const make = (role: 'primary' | 'backup') => createReplica({ vm: 'v', run: 'r', identity: role, config: 'c', role, sinks: SINKS, limits });
const sinks = Object.keys(SINKS);

/** Choices that `play` turns into events with growing numbers: most sequences then get past the start. */
const choice = fc.record({
  kind: fc.integer({ min: 0, max: 99 }),
  amount: fc.integer({ min: 0, max: 3 }),
  sink: fc.constantFrom(...sinks),
});
type Choice = { kind: number; amount: number; sink: string };

interface Counters {
  seq: number;
  made: Record<string, number>;
  input: number;
  beat: number;
  epoch: number;
}

function primaryEvent({ kind, amount, sink }: Choice, n: Counters): Event {
  if (kind < 30) {
    n.seq += 1;
    n.made = { ...n.made, [sink]: n.made[sink] + amount };
    n.input += amount;
    return { kind: 'appended', seq: n.seq, icount: n.seq, made: n.made, lastInput: n.input };
  }
  if (kind < 55) return { kind: 'message', run: 'r', epoch: n.epoch, message: { kind: 'ack', seq: Math.max(0, n.seq - amount) } };
  if (kind < 75) return { kind: 'tick', heartbeat: { count: (n.beat += amount > 0 ? 1 : 0), icount: 0, full: kind === 74 }, full: false };
  if (kind < 85) return { kind: 'accepted', sink, ordinal: Math.max(0, n.made[sink] - amount - 2) };
  if (kind < 87) return { kind: 'linkClosed', why: 'random' };
  if (kind < 88) return { kind: 'linkOpened' };
  if (kind < 92)
    return { kind: 'claimed', epoch: n.epoch + 1, result: (['won', 'lost', 'unknown', 'unknown'] as const)[amount], by: undefined };
  if (kind < 94) return { kind: 'off', code: 3, pending: amount };
  if (kind < 96) return { kind: 'pending', requests: amount };
  if (kind < 97) return { kind: 'message', run: 'r', epoch: n.epoch, message: { kind: 'diverged', report: 'x' } };
  if (kind < 98) return { kind: 'message', run: 'other', epoch: n.epoch, message: { kind: 'ack', seq: n.seq + 5 } };
  if (kind < 99) return { kind: 'message', run: 'r', epoch: 0, message: { kind: 'ack', seq: n.seq + 5 } };
  return { kind: 'unprotect' };
}

function backupEvent({ kind, amount, sink }: Choice, n: Counters): Event {
  if (kind < 30) {
    const first = n.seq + (kind === 29 ? 2 : 1);
    n.seq += amount;
    return { kind: 'received', run: 'r', epoch: kind === 28 ? 0 : 1, first, last: first + amount - 1, horizon: n.seq, protects: kind < 12 };
  }
  if (kind < 45) {
    n.made = { ...n.made, [sink]: n.made[sink] + amount };
    return { kind: 'replayed', seq: Math.max(0, n.seq - amount), icount: n.seq, made: n.made };
  }
  if (kind < 55) return { kind: 'message', run: 'r', epoch: 1, message: { kind: 'accepted', ordinals: { ...n.made, [sink]: amount } } };
  if (kind < 70)
    return { kind: 'tick', heartbeat: { count: (n.beat += amount > 0 ? 1 : 0), icount: n.seq + amount, full: false }, full: kind === 69 };
  if (kind < 74) return { kind: 'linkClosed', why: 'random' };
  if (kind < 76) return { kind: 'linkOpened' };
  if (kind < 84) return { kind: 'claimed', epoch: 2, result: (['won', 'lost', 'won', 'unknown'] as const)[amount], by: undefined };
  if (kind < 88) return { kind: 'drained', seq: n.seq + 10, made: n.made, lastInput: n.input };
  if (kind < 98) return { kind: 'answered', sink, epoch: 2, accepted: 0 };
  if (kind < 99) return { kind: 'diverged', report: 'x' };
  return { kind: 'off', code: 0, pending: amount };
}

const zero = (): Counters => ({ seq: 0, made: { console: 0, disk: 0, net: 0, power: 0 }, input: 0, beat: 0, epoch: 1 });

/** A primary that is protected, with `protect` as entry 1. */
function protectedPrimary(n: Counters): Replica {
  n.seq = 1;
  const start: Event[] = [
    { kind: 'start' },
    { kind: 'claimed', epoch: 1, result: 'won', by: undefined },
    ...sinks.map((sink): Event => ({ kind: 'answered', sink, epoch: 1, accepted: 0 })),
    { kind: 'linkOpened' },
    { kind: 'message', run: 'r', epoch: 1, message: { kind: 'hello', vm: 'v', identity: 'backup', role: 'backup', config: 'c' } },
    { kind: 'appended', seq: 1, icount: 0, made: n.made, lastInput: 0 },
    { kind: 'message', run: 'r', epoch: 1, message: { kind: 'ack', seq: 1 } },
  ];
  return start.reduce((replica, event) => step(replica, event)[0], make('primary'));
}

function followingBackup(): Replica {
  const start: Event[] = [
    { kind: 'start' },
    { kind: 'linkOpened' },
    { kind: 'message', run: 'r', epoch: 1, message: { kind: 'hello', vm: 'v', identity: 'primary', role: 'primary', config: 'c' } },
  ];
  return start.reduce((replica, event) => step(replica, event)[0], make('backup'));
}

const TOWARDS_LIVE: readonly Event[] = [
  { kind: 'received', run: 'r', epoch: 1, first: 1, last: 3, horizon: 3, protects: true },
  ...Array.from({ length: 4 }, (): Event => ({ kind: 'tick', heartbeat: undefined, full: false })),
  { kind: 'claimed', epoch: 2, result: 'won', by: undefined },
  { kind: 'drained', seq: 3, made: { console: 0, disk: 0, net: 0, power: 0 }, lastInput: 0 },
];

const least = (a: Ordinals, b: Ordinals) => sinks.every((sink) => a[sink] <= b[sink]);

describe('any order of events', () => {
  it('a protected primary releases only what an acked entry covers, never takes a release back, and is silent once halted', () => {
    fc.assert(
      fc.property(fc.array(choice, { maxLength: 60 }), (choices) => {
        const n = zero();
        let replica = protectedPrimary(n);
        let acked = 1;
        let solo = false;
        let released: Ordinals = n.made;
        const history = new Map([[1, n.made]]);
        for (const each of choices) {
          const event = primaryEvent(each, n);
          if (event.kind === 'appended') history.set(event.seq, event.made);
          if (event.kind === 'message' && event.message.kind === 'ack' && event.run === 'r' && event.epoch === n.epoch)
            acked = Math.max(acked, event.message.seq);
          const halted = replica.phase === 'halted';
          const [next, effects] = step(replica, event);
          if (halted) expect(effects).toEqual([]);
          for (const effect of effects) {
            if (effect.kind === 'run') {
              expect(event).toMatchObject({ kind: 'claimed', result: 'won' });
              solo = true;
              n.epoch = effect.epoch;
            }
            if (effect.kind !== 'release') continue;
            expect(least(released, effect.upTo)).toBe(true);
            expect(least(effect.upTo, n.made)).toBe(true);
            if (!solo) expect(least(effect.upTo, history.get(acked) ?? n.made)).toBe(true);
            released = effect.upTo;
          }
          replica = next;
        }
      }),
      RUNS,
    );
  });

  it('a backup acks nothing after Won, claims only with protect, forgets only what is accepted, and goes live only drained and fenced', () => {
    fc.assert(
      fc.property(fc.nat(4), fc.array(choice, { maxLength: 60 }), (ahead, choices) => {
        const n = zero();
        n.seq = 3;
        let replica = followingBackup();
        let won = false;
        let drained = false;
        let protects = false;
        let received = 0;
        let accepted: Ordinals = zero().made;
        const answers: Record<string, number> = {};
        // Chance alone seldom gets far: some histories begin with a suspicion, some with a victory, some drained.
        const given = TOWARDS_LIVE.slice(0, [0, 1, 5, 6, 7][ahead]);
        for (const each of [...given, ...choices]) {
          const event = typeof each.kind === 'string' ? (each as Event) : backupEvent(each as Choice, n);
          const before = replica;
          const [next, effects] = step(replica, event);
          if (event.kind === 'received' && before.phase === 'backup' && event.epoch === 1 && event.first === received + 1) {
            protects ||= event.protects;
            received = event.last;
          }
          if (event.kind === 'message' && event.message.kind === 'accepted') {
            const { ordinals } = event.message;
            accepted = Object.fromEntries(sinks.map((sink) => [sink, Math.max(accepted[sink], ordinals[sink])]));
          }
          for (const effect of effects) check(effect);
          if (next.phase === 'takeover') won = true;
          if (event.kind === 'drained' && next.phase === 'takeover') drained = true;
          if (event.kind === 'answered' && next.phase === 'takeover' && drained) answers[event.sink] = event.accepted;
          replica = next;
          function check(effect: Effect): void {
            if (effect.kind === 'send' && effect.message.kind === 'ack') {
              expect(won).toBe(false);
              expect(effect.message.seq).toBe(received);
            }
            if (effect.kind === 'claim') expect(protects).toBe(true);
            if (effect.kind === 'hello') expect(event.kind).toBe('drained');
            if (effect.kind === 'forget' && before.phase === 'backup') expect(least(effect.upTo, accepted)).toBe(true);
            if (effect.kind === 'goLive') {
              if (event.kind === 'answered') answers[event.sink] = event.accepted;
              expect([won, drained, Object.keys(answers).length]).toEqual([true, true, sinks.length]);
            }
          }
        }
      }),
      RUNS,
    );
  });

  it('the same events give the same effects, and no step changes what it was given', () => {
    fc.assert(
      fc.property(fc.array(choice, { maxLength: 30 }), (choices) => {
        const play = () => {
          const n = zero();
          let replica = protectedPrimary(n);
          return choices.map((each) => {
            const frozen = JSON.stringify(replica);
            const [next, effects] = step(replica, primaryEvent(each, n));
            expect(JSON.stringify(replica)).toBe(frozen);
            replica = next;
            return effects;
          });
        };
        expect(play()).toEqual(play());
      }),
      { numRuns: 100 },
    );
  });
});
