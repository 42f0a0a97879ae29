/** The log with the real machine: does a recorded run replay to the same digests, slice by slice, from snapshots, and across a takeover? */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Machine, Output, Pause } from '../../emulator/index.ts';
import { bisect } from '../../src/replay/bisect.ts';
import { createDriver } from '../../src/replay/create-driver.ts';
import { openRecording, recordingHeader } from '../../src/replay/recording.ts';
import { replayRecording } from '../../src/replay/verify.ts';
import { createMachine } from '../support/engine.ts';
import { guestConfig, guestDescription, guestHash, makeGuest, SLEEPER } from './guest.ts';
import { bySink, entriesOf, RUN, replayAll, Session, type Step } from './session.ts';

type Clock = 'host' | 'icount';

/** One of them resets the machine. */
const KEYS = 'abcdefgr';

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('turn' as const), dt: fc.nat(15_000), budget: fc.integer({ min: 1, max: 9000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('type' as const),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 5 }).map((bytes) => bytes.map((byte) => KEYS.charCodeAt(byte % KEYS.length))),
    }),
  },
);
const scripts = fc.array(steps, { minLength: 10, maxLength: 40 });
const clocks = fc.constantFrom('host' as const, 'icount' as const);
const QUIT: Step[] = [{ kind: 'type', bytes: Uint8Array.of(113) }, ...Array<Step>(30).fill({ kind: 'turn', dt: 3000, budget: 5000 })];

function record(clock: Clock, script: readonly Step[]) {
  const machine = makeGuest(clock);
  const driver = createDriver({ machine, run: RUN, config: guestHash(clock), role: 'primary' });
  driver.protect(1);
  driver.record(1);
  const session = new Session(driver, machine);
  const played = session.play(script);
  const end = driver.end(session.host);
  return {
    machine,
    session,
    outputs: [...played.outputs, ...end.outputs],
    batches: end.batch ? [...played.batches, end.batch] : played.batches,
  };
}

const backup = (clock: Clock) => {
  const machine = makeGuest(clock);
  return { machine, driver: createDriver({ machine, run: RUN, config: guestHash(clock), role: 'backup' }) };
};

const text = (outputs: readonly Output[]): string =>
  outputs.map((output) => (output.kind === 'console' ? String.fromCharCode(...output.bytes) : '')).join('');

describe('a recording of the real machine', () => {
  it('replays to the same digests and outputs in slices of any size, for random inputs at random moments', () => {
    fc.assert(
      fc.property(clocks, scripts, fc.integer({ min: 1, max: 20_000 }), (clock, script, budget) => {
        const one = record(clock, script);
        const two = backup(clock);
        const { last, outputs } = replayAll(two.driver, one.batches, budget);
        expect(last.report).toBeUndefined();
        expect(two.machine.icount).toBe(one.machine.icount);
        expect(two.machine.digest()).toBe(one.machine.digest());
        expect(bySink(outputs)).toEqual(bySink(one.outputs));
      }),
      { numRuns: 8 },
    );
  });

  it("as a file is replayed to its end, or to an icount, and power-off with the guest's code is part of it", () => {
    const script: Step[] = [...Array<Step>(40).fill({ kind: 'turn', dt: 5000, budget: 4000 }), ...QUIT];
    const { machine, batches, outputs } = record('host', script);
    expect(machine.exit).toEqual({ code: 0, reason: 'poweroff' });
    const file = Buffer.concat([recordingHeader(guestDescription('host')), ...batches]);
    const recording = openRecording(file);
    if (recording.kind === 'fault') throw new Error(recording.detail);
    const printed: Output[] = [];
    const replayed = replayRecording(recording, makeGuest('host'), { onOutputs: (made) => printed.push(...made) });
    expect(replayed).toMatchObject({
      icount: machine.icount,
      digest: machine.digest(),
      exit: machine.exit,
      divergence: undefined,
      cut: undefined,
      checkpoints: 1,
      epochs: [1],
    });
    expect(text(printed)).toBe(text(outputs));
    const half = replayRecording(recording, makeGuest('host'), { to: 50_000 });
    expect(half).toMatchObject({ icount: 50_000, divergence: undefined });
    const cut = openRecording(file.subarray(0, file.length - 3));
    if (cut.kind === 'fault') throw new Error(cut.detail);
    expect(replayRecording(cut, makeGuest('host'))).toMatchObject({ cut: { code: 'cut' }, divergence: undefined, exit: undefined });
  });

  it('goes live at any batch, and the two lives together are one run', () => {
    fc.assert(
      fc.property(clocks, scripts, scripts, fc.nat(), (clock, before, after, choice) => {
        const one = record(clock, before);
        const cut = choice % (one.batches.length + 1);
        const two = backup(clock);
        const first = replayAll(two.driver, one.batches.slice(0, cut));
        expect(first.last.report).toBeUndefined();
        const host = one.session.host + 10_000_000n;
        two.driver.goLive(2, host);
        const session = new Session(two.driver, two.machine, host);
        const live = session.play([...after, ...QUIT]);
        const end = two.driver.end(session.host);
        const survived = [...one.batches.slice(0, cut), ...live.batches, ...(end.batch ? [end.batch] : [])];
        const solo = backup(clock);
        const whole = replayAll(solo.driver, survived, 3333);
        expect(whole.last.report).toBeUndefined();
        expect(bySink(whole.outputs)).toEqual(bySink([...first.outputs, ...live.outputs, ...end.outputs]));
        expect(solo.machine.digest()).toBe(two.machine.digest());
      }),
      { numRuns: 8 },
    );
  });

  it('costs under 1 KB a second when the guest only sleeps between 100 ticks of its timer a second', () => {
    const machine = createMachine(guestConfig('host', SLEEPER));
    const driver = createDriver({ machine, run: RUN, config: guestHash('host'), role: 'primary' });
    driver.record(1);
    let host = 0n;
    let bytes = 0;
    let wakes = 0;
    while (host < 20_000_000n) {
      const before = machine.icount;
      const turn = driver.turn(host, 1_000_000);
      if (host > 10_000_000n) {
        bytes += turn.batch?.length ?? 0;
        if (turn.icount > before) wakes += 1;
      }
      expect(turn.state).toBe('idle');
      host = turn.deadline!;
    }
    expect(wakes).toBeGreaterThan(95);
    expect(bytes).toBeLessThan(1000);
    expect(bytes).toBeGreaterThan(300);
  });
});

describe('bisect on the real machine', () => {
  it('names the instruction during which a register was flipped, with its text and the registers of both sides', () => {
    const { machine, batches } = record('host', Array<Step>(8).fill({ kind: 'turn', dt: 5000, budget: 3000 }));
    const at = 12_345;
    const difference = bisect({
      left: (snapshot) => makeGuest('host', snapshot),
      right: (snapshot) => flipped(makeGuest('host', snapshot), at),
      entries: entriesOf(batches),
      to: machine.icount,
    });
    expect(difference?.icount).toBe(at - 1);
    expect(difference!.report).toMatch(/: primary 0x[0-9a-f]{8}, backup 0x[0-9a-f]{8}/);
    expect(difference!.report).toContain(`> 0x${difference!.pc.toString(16)}  `);
  });
});

/** Flips a bit of s0 once, at icount `at`. */
function flipped(machine: Machine, at: number): Machine {
  const run = machine.run.bind(machine);
  const { words } = (machine as unknown as { hart: { words: Int32Array } }).hart;
  let done = machine.icount >= at;
  machine.run = (limit: number): Pause => {
    if (done || limit < at) return run(limit);
    const pause = run(at);
    if (machine.icount < at) return pause;
    done = true;
    words[8]! ^= 4;
    return limit > at ? run(limit) : pause;
  };
  return machine;
}
