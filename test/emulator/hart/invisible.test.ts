/** Can a guest tell how it was cut into slices, what was dropped behind its back, how large a TLB is, or that it was restored? */
import { describe, expect, test } from 'vitest';
import type { Machine, MachineConfig, MachineOptions } from '../../../emulator/index.ts';
import { assemble } from '../../../emulator/isa/assemble.ts';
import { createMachine, restoreMachine } from '../../support/engine.ts';
import { testConfig } from '../../support/program.ts';
import { Random, seedFromEnvironment } from '../../support/random.ts';
import { stressProgram } from './stress.ts';

const seed = seedFromEnvironment(20261123);
const PROGRAMS = 4;
const LIMIT = 30_000;
const MARK = 2000;

/** Everything that can be seen: digests at fixed icounts, and each console byte with the icount at which it was first there. */
interface Seen {
  readonly marks: string[];
  readonly console: string;
  readonly icount: number;
  readonly reached: string;
}

/** Runs a program; `between` says where to cut next, and may drop what is derived or replace the machine. */
function watch(machine: Machine, next: (machine: Machine) => { machine: Machine; cut: number }): Seen {
  const marks: string[] = [];
  let console = '';
  let mark = MARK;
  let at = machine;
  for (;;) {
    const { machine: now, cut } = next(at);
    at = now;
    const pause = at.run(Math.min(cut, mark, LIMIT));
    for (const output of at.takeOutputs()) if (output.kind === 'console') console += String.fromCharCode(...output.bytes);
    if (at.icount === mark) {
      marks.push(`${at.icount} ${at.digest()} ${at.registersDigest()}`);
      mark += MARK;
    }
    if (pause === 'off' || pause === 'idle' || at.icount >= LIMIT) {
      marks.push(`${at.icount} ${at.digest()} ${at.registersDigest()}`);
      return { marks, console, icount: at.icount, reached: pause };
    }
  }
}

/** The last one resets the machine again and again. */
const configOf = (random: Random, n: number): MachineConfig => {
  const [rounds, end] = n < PROGRAMS - 1 ? [random.pick([40, 1000]), 'off' as const] : [random.pick([2, 8]), 'reset' as const];
  return testConfig(assemble(stressProgram(random, 150, rounds, end)).bytes, { config: { onReset: 'restart' } });
};
const undisturbed = (config: MachineConfig, options: MachineOptions = {}): Seen =>
  watch(createMachine(config, options), (machine) => ({ machine, cut: LIMIT }));

describe(`random programs under Sv32 (SEED=${seed})`, () => {
  const random = new Random(seed);
  const configs = Array.from({ length: PROGRAMS }, (_, n) => configOf(random, n));
  const plain = configs.map((config) => undisturbed(config, { engine: 'interpreter' }));

  test('the programs do what they are for: they trap, map, patch, and go on', () => {
    for (const { icount, console } of plain) {
      expect(icount).toBeGreaterThan(10_000);
      expect(console.length).toBeGreaterThan(4);
    }
  });

  test('run(a); run(b) equals run(b), wherever it is cut', () => {
    for (const [n, config] of configs.entries()) {
      const cuts = watch(createMachine(config), (machine) => ({
        machine,
        cut: machine.icount + 1 + random.below(random.pick([2, 20, 2000])),
      }));
      expect(cuts).toEqual(plain[n]);
    }
  });

  for (const size of [1, 16, 4096]) {
    test(`dropping derived data at random icounts changes nothing, with TLBs of ${size} entries`, () => {
      for (const [n, config] of configs.entries()) {
        const options = { tlbEntries: size, fetchEntries: Math.min(size, 256) };
        const disturbed = watch(createMachine(config, options), (machine) => {
          if (random.oneIn(3)) machine.dropDerived(() => true);
          else machine.dropDerived(() => random.oneIn(3));
          return { machine, cut: machine.icount + 1 + random.below(random.pick([10, 100, 1000])) };
        });
        expect(disturbed).toEqual(plain[n]);
      }
    });
  }

  test.each([1, 16])('TLBs of %i entries change nothing', (size) => {
    for (const [n, config] of configs.entries()) expect(undisturbed(config, { tlbEntries: size, fetchEntries: size })).toEqual(plain[n]);
  });

  test('a machine that is saved and restored at random icounts is the same machine', () => {
    for (const [n, config] of configs.entries()) {
      const restored = watch(createMachine(config), (machine) => ({
        machine: restoreMachine(config, machine.save()),
        cut: machine.icount + 1 + random.below(16_000),
      }));
      expect(restored).toEqual(plain[n]);
    }
  });

  test('digest and save change nothing, and a snapshot is a function of the state', () => {
    for (const [n, config] of configs.entries()) {
      const one = createMachine(config, { tlbEntries: 16 });
      const two = createMachine(config);
      while (one.icount < 10_000) {
        const cut = one.icount + 1 + random.below(2000);
        for (const machine of [one, two]) while (machine.run(cut) === 'output') machine.takeOutputs();
        one.digest();
        one.save();
      }
      expect(Buffer.compare(one.save(), two.save())).toBe(0);
      for (const machine of [one, two]) {
        while (machine.run(LIMIT) === 'output') machine.takeOutputs();
        expect(`${machine.icount} ${machine.digest()} ${machine.registersDigest()}`).toBe(plain[n].marks.at(-1));
      }
    }
  });
});
