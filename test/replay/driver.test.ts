/** Does replay end where the recording did, whatever the inputs and the slices, and does a backup go on from any cut of the log? */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBatch, openBatch } from '../../src/replay/codec.ts';
import { createDriver } from '../../src/replay/create-driver.ts';
import { FakeMachine } from './fake-machine.ts';
import { bySink, CONFIG, decoded, entriesOf, RUN, replayAll, Session, steps } from './session.ts';

const scripts = fc.array(steps, { minLength: 20, maxLength: 120 });
const guests = fc.record({
  seed: fc.integer(),
  clock: fc.constantFrom('host' as const, 'icount' as const),
  life: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 1, max: 6000 })),
});
type Guest = { seed: number; clock: 'host' | 'icount'; life: number };

function primary(guest: Guest) {
  const machine = new FakeMachine(guest.seed, guest);
  const driver = createDriver({ machine, run: RUN, config: CONFIG, role: 'primary' });
  driver.protect(1);
  const session = new Session(driver, machine);
  const held = session.play([{ kind: 'turn', dt: 1, budget: 1 }]);
  driver.record(1);
  return { machine, driver, session, held };
}

function backup(guest: Guest) {
  const machine = new FakeMachine(guest.seed, guest);
  return { machine, driver: createDriver({ machine, run: RUN, config: CONFIG, role: 'backup' }) };
}

describe('a replay', () => {
  it('makes the same outputs and ends with the same digest, whatever came in and however it is sliced', () => {
    fc.assert(
      fc.property(guests, scripts, fc.integer({ min: 1, max: 3000 }), (guest, script, budget) => {
        const one = primary(guest);
        const played = one.session.play(script);
        const end = one.driver.end(one.session.host);
        const batches = [...one.held.batches, ...played.batches, ...(end.batch ? [end.batch] : [])];
        const two = backup(guest);
        const { last, outputs } = replayAll(two.driver, batches, budget);
        expect(last.report).toBeUndefined();
        expect(last.state).toBe('drained');
        expect(last.seq).toBe(end.seq);
        expect(two.machine.digest()).toBe(one.machine.digest());
        expect(bySink(outputs)).toEqual(bySink([...played.outputs, ...end.outputs]));
        expect(two.driver.lastInput).toBe(one.session.typed);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps up batch by batch, and never runs past the horizon or the last entry that it holds', () => {
    fc.assert(
      fc.property(guests, scripts, (guest, script) => {
        const one = primary(guest);
        const { batches } = one.session.play(script);
        const two = backup(guest);
        for (const batch of [...one.held.batches, ...batches]) {
          two.driver.receive(batch);
          let turn = two.driver.turn(0n, 50);
          while (turn.state === 'ran') turn = two.driver.turn(0n, 50);
          expect(turn.report).toBeUndefined();
          expect(turn.state).toBe('starved');
          const { horizon, entries, first } = decoded([batch])[0]!;
          expect(turn.icount).toBe(horizon);
          expect(turn.seq).toBe(first + entries.length - 1);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('going live', () => {
  it('at any cut of the log, the pair puts out what one machine running the surviving log puts out', () => {
    fc.assert(
      fc.property(guests, scripts, scripts, fc.nat(), (guest, before, after, choice) => {
        const one = primary(guest);
        const played = one.session.play(before);
        const sent = [...one.held.batches, ...played.batches];
        const cut = choice % (sent.length + 1);
        const two = backup(guest);
        const { last, outputs: kept } = replayAll(two.driver, sent.slice(0, cut));
        expect(last.report).toBeUndefined();

        // Whatever the primary could have released is among what the backup made: the output rule's lemma.
        const acked = last.seq;
        const released = played.turns.filter((turn) => turn.outputs.length > 0 && turn.seq <= acked).flatMap((turn) => turn.outputs);
        expect({ ...bySink(kept), reads: [] }).toEqual({ ...bySink(released), reads: [] });

        const pending = two.machine.pendingDisk();
        expect(two.driver.goLive(2, 500_000n)).toEqual(pending);
        const session = new Session(two.driver, two.machine, 500_000n);
        session.typed = two.driver.lastInput;
        const live = session.play(after);
        const end = two.driver.end(session.host);
        const survived = [...sent.slice(0, cut), ...live.batches, ...(end.batch ? [end.batch] : [])];

        const solo = backup(guest);
        const replayed = replayAll(solo.driver, survived, 123);
        expect(replayed.last.report).toBeUndefined();
        expect(bySink(replayed.outputs)).toEqual(bySink([...kept, ...live.outputs, ...end.outputs]));
        expect(solo.machine.digest()).toBe(two.machine.digest());
        const numbers = entriesOf(survived).map((entry) => entry.seq);
        expect(numbers).toEqual(numbers.map((_, i) => i + 1));
        expect(entriesOf(survived).filter((entry) => entry.kind === 'epoch')).toMatchObject([{ seq: acked + 1, epoch: 2 }]);
      }),
      { numRuns: 300 },
    );
  });

  it('leaves no output without its entry: at the end of every batch all outputs made are covered', () => {
    fc.assert(
      fc.property(guests, scripts, (guest, script) => {
        const one = primary(guest);
        const { batches } = one.session.play(script);
        let covered = { console: 0, disk: 0, net: 0, power: 0 };
        const two = backup(guest);
        for (const batch of [...one.held.batches, ...batches]) {
          for (const entry of entriesOf([batch])) if (entry.kind === 'output') covered = entry.made;
          two.driver.receive(batch);
          let turn = two.driver.turn(0n, 1e6);
          while (turn.state === 'ran') turn = two.driver.turn(0n, 1e6);
          expect(turn.made).toEqual(covered);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("starts with an anchor at the guest's own time, and goes on without a jump", () => {
    const guest: Guest = { seed: 5, clock: 'host', life: Number.POSITIVE_INFINITY };
    const one = primary(guest);
    const { batches } = one.session.play(Array.from({ length: 40 }, () => ({ kind: 'turn', dt: 2000, budget: 300 })));
    const two = backup(guest);
    replayAll(two.driver, [...one.held.batches, ...batches]);
    const own = two.machine.ticks;
    two.driver.goLive(2, own + 30_000_000n);
    const turn = two.driver.turn(own + 30_000_000n, 1);
    expect(entriesOf([turn.batch!]).slice(0, 2)).toMatchObject([
      { kind: 'epoch' },
      { kind: 'input', input: { kind: 'clock', ticks: own } },
    ]);
    // Three seconds behind its host, and no jump: in the next tenth of a second the guest sees little more than that.
    for (let i = 1n; i <= 100n; i += 1n) {
      const host = own + 30_000_000n + i * 10_000n;
      two.driver.offer({ kind: 'console', port: 0, bytes: Uint8Array.of(1) }, 0, host);
      two.driver.turn(host, 500);
    }
    expect(two.machine.ticks).toBeGreaterThan(own);
    expect(two.machine.ticks).toBeLessThan(own + 1_500_000n);
  });
});

describe('the log of a session', () => {
  it('never sets time back, never stops it, and puts a clock entry before whatever ends a wait', () => {
    fc.assert(
      fc.property(fc.integer(), scripts, (seed, script) => {
        const guest: Guest = { seed, clock: 'host', life: Number.POSITIVE_INFINITY };
        const one = primary(guest);
        const { turns, batches } = one.session.play(script);
        const sleeps = new Set(turns.filter((turn) => turn.state === 'idle').map((turn) => turn.icount));
        const machine = new FakeMachine(seed, guest);
        let lastClock = -1;
        for (const entry of entriesOf(batches)) {
          while (machine.icount < entry.at) machine.run(entry.at);
          if (entry.kind !== 'input') continue;
          if (entry.input.kind === 'clock') {
            expect(entry.input.ticks).toBeGreaterThanOrEqual(machine.ticks);
            expect(entry.input.num).toBeGreaterThan(0);
            lastClock = entry.at;
          } else if (sleeps.has(entry.at)) expect(lastClock).toBe(entry.at);
          machine.deliver(entry.input);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('gives numbered input back as it came, and refuses what the machine has no room for', () => {
    const machine = new FakeMachine(3);
    const driver = createDriver({ machine, run: RUN, config: CONFIG, role: 'primary' });
    const typed = (bytes: number) => ({ kind: 'console' as const, port: 0 as const, bytes: new Uint8Array(bytes) });
    expect(driver.offer(typed(1), 1, 0n), 'before record').toBe(false);
    driver.record(1);
    expect(driver.offer(typed(20), 20, 0n)).toBe(true);
    expect(driver.consoleRoom(0)).toBe(4);
    expect(driver.offer(typed(5), 25, 0n)).toBe(false);
    expect(driver.lastInput).toBe(20);
    const { batch } = driver.turn(1n, 1);
    expect(entriesOf([batch!]).filter((entry) => entry.kind === 'input' && entry.origin > 0)).toMatchObject([{ origin: 20 }]);
  });
});

describe('the roles of a driver', () => {
  const make = (role: 'primary' | 'backup') => createDriver({ machine: new FakeMachine(2), run: RUN, config: CONFIG, role });

  it('a primary runs nothing before it is told to, and says `protect` meanwhile', () => {
    const driver = make('primary');
    expect(driver.turn(0n, 1000)).toMatchObject({ state: 'held', icount: 0, batch: undefined });
    driver.protect(1);
    const held = driver.turn(1n, 1000);
    expect(held).toMatchObject({ state: 'held', icount: 0, seq: 1 });
    expect(openBatch(held.batch!, CONFIG)).toMatchObject({ kind: 'batch', protects: true, epoch: 1, first: 1, last: 1 });
    driver.record(1);
    expect(driver.turn(2n, 1000).icount).toBeGreaterThan(0);
  });

  it('a primary that won another epoch before it runs solo says so in its log, and never goes back', () => {
    const driver = make('primary');
    driver.protect(1);
    driver.record(1);
    const first = driver.turn(0n, 100).batch!;
    driver.record(2);
    const second = driver.turn(1n, 100).batch!;
    const { epoch, entries } = decoded([second])[0]!;
    expect([epoch, entries[0]]).toMatchObject([2, { kind: 'epoch', epoch: 2 }]);
    expect(() => driver.record(1)).toThrow('epoch 1 is named to a recorder of epoch 2');
    expect(replayAll(make('backup'), [first, second]).last).toMatchObject({ state: 'drained', report: undefined });
  });

  it('a batch of an older epoch than the last is a divergence', () => {
    const batch = (epoch: number) => encodeBatch({ run: RUN, epoch, first: 1, horizon: 0, entries: [] }, CONFIG);
    expect(replayAll(make('backup'), [batch(2), batch(1)]).last.report).toMatch(/want a batch of epoch 2 or later; one of epoch 1/);
  });

  it('what a role does not do is refused by name', () => {
    expect(() => make('primary').receive(new Uint8Array())).toThrow('receive: the driver is held, want replaying');
    expect(() => make('backup').record(1)).toThrow('record: the driver is replaying, want held or recording');
    expect(() => make('backup').goLive(2, 0n)).toThrow('goLive: the driver is replaying, want drained');
    expect(make('backup').offer({ kind: 'frame', bytes: new Uint8Array() }, 0, 0n)).toBe(false);
  });
});
