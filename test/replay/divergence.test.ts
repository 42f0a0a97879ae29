/** Is every way to disagree with the log noticed and named, at once and not by waiting? And does bisect find the first wrong step? */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Input, Machine, Output, Pause } from '../../emulator/index.ts';
import { bisect, evidenceEntries } from '../../src/replay/bisect.ts';
import { encodeBatch } from '../../src/replay/codec.ts';
import { createDriver } from '../../src/replay/create-driver.ts';
import type { Entry } from '../../src/replay/entry.ts';
import { Replayer } from '../../src/replay/replayer.ts';
import { FakeMachine } from './fake-machine.ts';
import { CONFIG, decoded, drainAll, entriesOf, RUN, replayAll, Session, type Step } from './session.ts';

const script: Step[] = Array.from({ length: 300 }, (_, i) =>
  i % 5 === 1
    ? { kind: 'type', bytes: Uint8Array.of(i, i + 1) }
    : i % 5 === 3
      ? { kind: 'complete', which: i, status: 0 }
      : { kind: 'turn', dt: 4000, budget: 37 },
);

function record(seed: number, life = Number.POSITIVE_INFINITY) {
  const machine = new FakeMachine(seed, { life });
  const driver = createDriver({ machine, run: RUN, config: CONFIG, role: 'primary' });
  driver.record(1);
  const session = new Session(driver, machine);
  const { batches } = session.play(script);
  const end = driver.end(session.host);
  return { machine, batches: end.batch ? [...batches, end.batch] : batches };
}

/** A machine that is wrong once: `touch` is called when it first stands at `at`, in the middle of a run if need be. */
class Wrong extends FakeMachine {
  private readonly flaw: { at: number; touch: (machine: Wrong) => void };
  private touched = false;

  constructor(seed: number, at: number, touch: (machine: Wrong) => void, snapshot?: Uint8Array) {
    super(seed, { snapshot });
    this.flaw = { at, touch };
    this.touched = this.icount >= at;
  }

  override run(limit: number): Pause {
    if (this.touched || limit < this.flaw.at) return super.run(limit);
    const pause = super.run(this.flaw.at);
    if (this.icount < this.flaw.at) return pause;
    this.touched = true;
    this.flaw.touch(this);
    return limit > this.icount ? super.run(limit) : pause;
  }
}

/** A backup that sees outputs, inputs or pauses other than they are. */
class Lying extends FakeMachine {
  lie: {
    outputs?: (outputs: Output[]) => Output[];
    registers?: (digest: string) => string;
    refuse?: (input: Input) => string | undefined;
    idleAt?: number;
    overrun?: number;
  } = {};

  override takeOutputs(): Output[] {
    const outputs = super.takeOutputs();
    return this.lie.outputs?.(outputs) ?? outputs;
  }

  override registersDigest(): string {
    const digest = super.registersDigest();
    return this.lie.registers?.(digest) ?? digest;
  }

  override refuses(input: Input): string | undefined {
    return this.lie.refuse?.(input) ?? super.refuses(input);
  }

  override run(limit: number): Pause {
    const { idleAt, overrun } = this.lie;
    if (idleAt !== undefined && limit > idleAt) {
      while (this.icount < idleAt) super.run(idleAt);
      return 'idle';
    }
    return super.run(overrun !== undefined && limit > overrun ? limit + 1 : limit);
  }
}

function replayWith(lie: Lying['lie'], seed: number, batches: readonly Uint8Array[]): string {
  const machine = new Lying(seed);
  machine.lie = lie;
  const { last } = replayAll(createDriver({ machine, run: RUN, config: CONFIG, role: 'backup' }), batches);
  expect(last.state).toBe('diverged');
  return last.report!.split('\n')[0]!;
}

describe('a replica that disagrees with the log', () => {
  const seed = 11;
  const { batches } = record(seed);
  const entries = entriesOf(batches);
  const firstOutput = entries.find((entry) => entry.kind === 'output')!;
  const firstInput = entries.find((entry) => entry.kind === 'input' && entry.input.kind === 'console')!;

  it('is told apart from one that agrees', () => {
    const machine = new FakeMachine(seed);
    expect(replayAll(createDriver({ machine, run: RUN, config: CONFIG, role: 'backup' }), batches).last.state).toBe('drained');
  });

  it('by a byte of an output', () => {
    let wrong = 0;
    const outputs = (made: Output[]): Output[] =>
      made.map((output) => (output.kind === 'console' && !wrong++ ? { ...output, bytes: output.bytes.map((byte) => byte ^ 1) } : output));
    const text = replayWith({ outputs }, seed, batches);
    expect(text).toMatch(/^replay diverged at entry \d+ \(output at \d+\): want outputs with digest [0-9a-f]{16}; outputs with digest/);
  });

  it('by its registers, when what it puts out is right', () => {
    const text = replayWith({ registers: (digest) => digest.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) }, seed, batches);
    expect(text).toMatch(
      new RegExp(`^replay diverged at entry ${firstOutput.seq} .*: want registers [0-9a-f]{16}; registers [0-9a-f]{16}$`),
    );
  });

  it('by an output without its entry', () => {
    const without = remove(batches, (entry) => entry === firstOutput || entry.seq === firstOutput.seq);
    const machine = new FakeMachine(seed);
    const { last } = replayAll(createDriver({ machine, run: RUN, config: CONFIG, role: 'backup' }), without);
    expect(last.report).toMatch(
      /want (no output without an entry up to the horizon|entry \d+ \(.*\) with no output before it); outputs up to/,
    );
  });

  it('by an output up to the horizon that no entry of the batch covers', () => {
    const machine = new FakeMachine(seed);
    while (machine.made.console === 0) machine.run(machine.icount + 1);
    const batch = encodeBatch({ run: RUN, epoch: 1, first: 1, horizon: machine.icount, entries: [] }, CONFIG);
    expect(replayWith({}, seed, [batch])).toMatch(
      /want no output without an entry up to the horizon; outputs up to console 1, .* are made$/,
    );
  });

  it('by an entry without its output', () => {
    const extra: Entry = {
      ...firstOutput,
      kind: 'output',
      seq: 1,
      at: 0,
      made: { console: 1, disk: 0, net: 0, power: 0 },
      digest: CONFIG,
      registers: CONFIG,
    };
    const batch = encodeBatch({ run: RUN, epoch: 1, first: 1, horizon: 0, entries: [extra] }, CONFIG);
    const machine = new FakeMachine(seed);
    const { last } = replayAll(createDriver({ machine, run: RUN, config: CONFIG, role: 'backup' }), [batch]);
    expect(last.report).toMatch(/^replay diverged at entry 1 \(output at 0\): want console output 1; console output 0 is the last made/);
  });

  it('by waiting before the mark', () => {
    const text = replayWith({ idleAt: firstInput.at - 1 }, seed, batches);
    expect(text).toMatch(new RegExp(`want the machine to run to icount \\d+; it is idle at ${firstInput.at - 1}`));
  });

  it('by waiting before the horizon', () => {
    const batch = encodeBatch({ run: RUN, epoch: 1, first: 1, horizon: 20, entries: [] }, CONFIG);
    expect(replayWith({ idleAt: 9 }, seed, [batch])).toBe(
      'replay diverged at icount 9, before entry 1: want the machine to run to icount 20; it is idle at 9',
    );
  });

  it('by passing its mark', () => {
    expect(replayWith({ overrun: firstInput.at - 1 }, seed, batches)).toMatch(/want icount \d+ at the latest; the machine ran to/);
  });

  it('by refusing an input', () => {
    const refuse = (input: Input): string | undefined => (input.kind === 'console' ? 'no room' : undefined);
    expect(replayWith({ refuse }, seed, batches)).toBe(
      `replay diverged at entry ${firstInput.seq} (input console at ${firstInput.at}): want the machine to take a console input; it refuses: no room`,
    );
  });

  it('by a checkpoint, when nothing that came out differs', () => {
    // A cell that the guest's program never touches.
    const machine = new Wrong(seed, 400, (wrong) => void (wrong.state.memory[64] = 1));
    const end = entries.findLast((entry) => entry.kind === 'checkpoint')!;
    const { last } = replayAll(createDriver({ machine, run: RUN, config: CONFIG, role: 'backup' }), batches);
    expect(last.report).toMatch(new RegExp(`at entry ${end.seq} \\(checkpoint at ${end.at}\\): want digest [0-9a-f]{16}; digest`));
  });

  it('by a gap between batches', () => {
    const machine = new FakeMachine(seed);
    const whole = batches.findIndex((bytes, i) => i > 0 && decoded([bytes])[0]!.entries.length > 0);
    const { last } = replayAll(createDriver({ machine, run: RUN, config: CONFIG, role: 'backup' }), batches.toSpliced(whole, 1));
    expect(last.report).toMatch(/want a batch that holds entry \d+; one that begins with \d+/);
  });

  it('stays diverged, and reports registers and the instructions around the pc', () => {
    const machine = new Lying(seed);
    machine.lie = { idleAt: 9 };
    const driver = createDriver({ machine, run: RUN, config: CONFIG, role: 'backup' });
    const { last } = replayAll(driver, batches);
    expect(drainedAgain(driver)).toBe('diverged');
    expect(last.report).toMatch(/x10 0x[0-9a-f]{8}/);
    expect(last.report).toMatch(/^> 0x800000[0-9a-f]{2} /m);
    expect(() => driver.goLive(2, 0n)).toThrow('goLive: the driver is draining, want drained');
  });
});

describe('bisect', () => {
  it('names the very step at which a register or a byte of memory was flipped', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 10_000 }), fc.boolean(), (seed, pick, memory) => {
        const { machine, batches } = record(seed);
        const at = 1 + (pick % machine.icount);
        const touch = (wrong: Wrong): void => {
          if (memory) wrong.state.memory[64] = 1;
          else wrong.state.b ^= 4;
        };
        const difference = bisect({
          left: (snapshot) => new FakeMachine(seed, { snapshot }),
          right: (snapshot) => new Wrong(seed, at, touch, snapshot),
          entries: entriesOf(batches),
          to: machine.icount,
        });
        expect(difference?.icount).toBe(at - 1);
        expect(difference!.report).toContain(`first difference after icount ${at - 1}, pc 0x`);
        if (!memory) expect(difference!.report).toMatch(/x1[01]: primary 0x[0-9a-f]{8}, backup 0x/);
      }),
      { numRuns: 40 },
    );
  });

  it('names the entry when its delivery is what differs', () => {
    const seed = 7;
    const { machine, batches } = record(seed);
    const typed = entriesOf(batches).filter((entry) => entry.kind === 'input' && entry.input.kind === 'console')[4]!;
    class Deaf extends FakeMachine {
      override deliver(input: Input): void {
        if (this.icount === typed.at && input.kind === 'console') return;
        super.deliver(input);
      }
    }
    const difference = bisect({
      left: (snapshot): Machine => new FakeMachine(seed, { snapshot }),
      right: (snapshot): Machine => new Deaf(seed, { snapshot }),
      entries: entriesOf(batches),
      to: machine.icount,
    });
    expect(difference).toMatchObject({ icount: typed.at, seq: typed.seq });
    expect(difference!.report).toContain(`the delivery of entry ${typed.seq} (input console) ends differently`);
  });

  it('says nothing when both sides agree', () => {
    const { machine, batches } = record(3);
    const make = (snapshot?: Uint8Array): Machine => new FakeMachine(3, { snapshot });
    expect(bisect({ left: make, right: make, entries: entriesOf(batches), to: machine.icount })).toBeUndefined();
  });
});

describe('evidence', () => {
  it('is enough to replay from: the snapshot remembers nothing that the log would have to tell', () => {
    // Turns of 3 s: a checkpoint every fourth, with disk reads behind some of them.
    const slow: Step[] = script.map((step) => (step.kind === 'turn' ? { ...step, dt: 30_000_000, budget: 90 } : step));
    let checkpoints = 0;
    for (let seed = 1; seed <= 12; seed += 1) {
      const machine = new FakeMachine(seed);
      const driver = createDriver({ machine, run: RUN, config: CONFIG, role: 'primary' });
      driver.protect(1);
      driver.record(1);
      const session = new Session(driver, machine);
      for (let part = 0; part < slow.length; part += 25) {
        for (const batch of session.play(slow.slice(part, part + 25)).batches)
          for (const entry of entriesOf([batch])) if (entry.kind === 'checkpoint') driver.agreed(entry.seq);
        const { seq, snapshot, batches } = driver.evidence()!;
        if (seq === 0) continue;
        checkpoints += 1;
        const replayer = new Replayer(new FakeMachine(seed, { snapshot }), seq);
        for (const batch of batches) replayer.receive(batch);
        expect(replayer.advance(1e9), replayer.divergence?.actual).toBe('starved');
      }
    }
    expect(checkpoints).toBeGreaterThan(20);
  });

  it('holds the last agreed checkpoint and the log since, on both sides, and bisect starts from it', () => {
    const seed = 21;
    const machine = new FakeMachine(seed);
    const primary = createDriver({ machine, run: RUN, config: CONFIG, role: 'primary' });
    primary.protect(1);
    primary.record(1);
    const session = new Session(primary, machine);
    const other = new FakeMachine(seed);
    const backup = createDriver({ machine: other, run: RUN, config: CONFIG, role: 'backup' });
    // Busy turns of 40 ms: 10 s of them make a checkpoint.
    const busy: Step[] = script.map((step) => (step.kind === 'turn' ? { ...step, dt: 400_000 } : step));
    const played = [...session.play(busy).batches, ...session.play(busy).batches, ...session.play(busy).batches];
    const checkpoints = entriesOf(played).filter((entry) => entry.kind === 'checkpoint');
    expect(checkpoints.length).toBeGreaterThan(0);
    expect(primary.evidence()).toMatchObject({ seq: 0, snapshot: undefined });
    for (const batch of played) backup.receive(batch);
    const { last } = drainAll(backup);
    expect(last.report).toBeUndefined();
    primary.agreed(last.seq);
    const [mine, yours] = [primary.evidence()!, backup.evidence()!];
    expect(mine.seq).toBe(checkpoints.at(-1)!.seq);
    expect(yours).toEqual(mine);
    const at = machine.icount - 10;
    const difference = bisect({
      left: (snapshot) => new FakeMachine(seed, { snapshot }),
      right: (snapshot) => new Wrong(seed, at, (wrong) => void (wrong.state.b ^= 1), snapshot),
      entries: evidenceEntries(mine),
      snapshots: { left: mine.snapshot, right: yours.snapshot },
      to: machine.icount,
    });
    expect(difference?.icount).toBe(at - 1);
  });
});

function drainedAgain(driver: ReturnType<typeof createDriver>): string {
  return driver.turn(0n, 100).state;
}

/** The log without some entries, numbered anew: what a recorder with a fault would have written. */
function remove(batches: readonly Uint8Array[], which: (entry: Entry) => boolean): Uint8Array[] {
  let seq = 0;
  return decoded(batches).map((batch) => {
    const first = seq + 1;
    const entries = batch.entries.filter((entry) => !which(entry)).map((entry) => ({ ...entry, seq: ++seq }));
    return encodeBatch({ ...batch, first, entries }, CONFIG);
  });
}
