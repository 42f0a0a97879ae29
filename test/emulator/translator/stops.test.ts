/** Does `run` stop at every instruction of a hot region, by the region's own budget, in the state that the interpreter would have there? */
import { describe, expect, test } from 'vitest';
import { createMachine, type Machine } from '../../../emulator/index.ts';
import { testConfig } from '../../support/program.ts';
import { compare } from './lockstep.ts';
import { SCENES, scene } from './scenes.ts';

const WARM = 2000;
/** Lengths of slices: short ones end within a block, long ones after many rounds. */
const LENGTHS = [1, 2, 3, 5, 11, 37, 101];
const ROUNDS = 70;
/** Loops of which much is the interpreter's. */
const SYSTEM = new Set(['the CSR write that unmasks', 'counters', 'a wait', 'code written over']);

function pair(name: string): { reference: Machine; subject: Machine; pcs: readonly number[] } {
  const { assembly, pcs } = scene(name, name === 'a wait');
  const config = testConfig(assembly.bytes);
  return {
    reference: createMachine(config),
    subject: createMachine(config, { engine: 'translator', translator: { validate: true } }),
    pcs,
  };
}

describe('run(1), run(2), ... over a hot region', () => {
  test.each(SCENES)('%s', (name) => {
    const { reference, subject, pcs } = pair(name);
    for (const machine of [reference, subject]) machine.run(WARM);
    const before = subject.statistics();
    expect(before.regions.entered).toBeGreaterThan(0);
    const stopped = new Set<number>();
    let runs = 0;
    for (const length of LENGTHS) {
      for (let n = 0; n < ROUNDS; n++) {
        const limit = subject.icount + length;
        subject.run(limit);
        reference.run(limit);
        expect(compare(reference, subject, false), `${length} instructions, ${n + 1} times`).toBeUndefined();
        stopped.add(subject.inspect().pc);
        runs += 1;
      }
    }
    expect(compare(reference, subject, true)).toBeUndefined();
    expect(pcs.filter((pc) => !stopped.has(pc)).map((pc) => pc.toString(16))).toEqual([]);
    const { exits, instructions } = subject.statistics();
    const translated = instructions.translator - before.instructions.translator;
    expect(translated).toBeGreaterThan(0);
    // Nearly every slice ends by a region's budget, but where the interpreter has most of the loop.
    const budgets = exits.budget - before.exits.budget;
    if (!SYSTEM.has(name)) expect(budgets).toBeGreaterThan(runs / 2);
  });

  test.each(SCENES)('%s: one by one, by leaps, and at once', (name) => {
    const [one, leaps, once] = [pair(name).subject, pair(name).subject, pair(name).subject];
    const end = 6000;
    while (one.icount < end) one.run(one.icount + 1);
    for (let step = 1; leaps.icount < end; step = (step * 7 + 3) % 1009) leaps.run(Math.min(end, leaps.icount + step));
    once.run(end);
    expect(compare(once, one, true)).toBeUndefined();
    expect(compare(once, leaps, true)).toBeUndefined();
  });
});
