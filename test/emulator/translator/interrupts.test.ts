/** Does an interrupt at any instruction of a hot region find the state that the interpreter would have there, whoever raises it? */
import { describe, expect, test } from 'vitest';
import { createMachine, type Machine } from '../../../emulator/index.ts';
import { testConfig } from '../../support/program.ts';
import { Random, seedFromEnvironment } from '../../support/random.ts';
import { compare } from './lockstep.ts';
import { SCENES, SEEN, scene } from './scenes.ts';

const HOT = 3000;
const SEED = seedFromEnvironment(7);

/** Of the loop's instructions those that no interrupt was taken at, as the handler's notes have it. */
function missed(machine: Machine, pcs: readonly number[]): string[] {
  const notes = machine.readMemory(SEEN, 0x8000);
  return pcs.filter((pc) => notes[(pc & 0xffff) >> 1] === 0).map((pc) => pc.toString(16));
}

/** Instructions at which interrupts cannot be taken: between masking and unmasking. */
const masked = (name: string, pcs: readonly number[]): readonly number[] =>
  name === 'the CSR write that unmasks' ? pcs.slice(1, 5) : name === 'a wait' ? pcs.slice(1, 2) : [];

const FORMS = [
  ['baseline', false],
  ['optimised', true],
] as const;

/** `optimised`: regions as they are for V8's optimiser, from the start. */
const makeBoth = (name: string, timer: boolean, optimised: boolean) => {
  const { assembly, pcs } = scene(name, timer);
  const config = testConfig(assembly.bytes, { config: { clock: 'host' } });
  const machines = {
    reference: createMachine(config),
    subject: createMachine(config, { engine: 'translator', translator: { validate: true, ...(optimised && { optimisedAfter: 0 }) } }),
  };
  // A tick an instruction.
  for (const machine of Object.values(machines)) machine.deliver({ kind: 'clock', ticks: 0n, num: 1, den: 1 });
  return { ...machines, pcs };
};

describe.each(FORMS)(`an interrupt at every instruction of a hot region, %s, SEED=${SEED}`, (_, optimised) => {
  test.each(SCENES)('%s: the timer', (name) => {
    const { reference, subject, pcs } = makeBoth(name, true, optimised);
    for (let limit = HOT; limit <= 60_000; limit += HOT) {
      for (const machine of [reference, subject]) {
        // A wait ends when its timer comes: idle until the host's clock says so.
        while (machine.run(limit) === 'idle') machine.deliver({ kind: 'clock', ticks: machine.deadline()!, num: 1, den: 1 });
      }
      expect(compare(reference, subject, limit % 15_000 === 0)).toBeUndefined();
    }
    const never = masked(name, pcs).map((pc) => pc.toString(16));
    expect(missed(reference, pcs).filter((pc) => !never.includes(pc))).toEqual([]);
    expect(subject.statistics().instructions.translator).toBeGreaterThan(10_000);
  });

  test.each(SCENES)('%s: a byte that is delivered between two instructions', (name) => {
    const { reference, subject, pcs } = makeBoth(name, name === 'a wait', optimised);
    const settle = (machine: Machine, limit: number): void => {
      while (machine.run(limit) === 'idle') machine.deliver({ kind: 'clock', ticks: machine.deadline()!, num: 1, den: 1 });
    };
    const delivered = new Set<number>();
    const random = new Random(SEED);
    for (const machine of [reference, subject]) settle(machine, HOT);
    for (let n = 0; n < 250; n++) {
      const limit = reference.icount + 100 + random.below(100);
      for (const machine of [reference, subject]) settle(machine, limit);
      expect(compare(reference, subject, n % 50 === 0), `before delivery ${n}`).toBeUndefined();
      delivered.add(subject.inspect().pc);
      for (const machine of [reference, subject]) machine.deliver({ kind: 'console', port: 0, bytes: Uint8Array.of(n & 255) });
      for (const machine of [reference, subject]) settle(machine, limit + 1);
      expect(compare(reference, subject, false), `after delivery ${n}`).toBeUndefined();
    }
    expect(pcs.filter((pc) => !delivered.has(pc)).map((pc) => pc.toString(16))).toEqual([]);
  });
});
