/** Does `run` stop at every instruction of a hot region, by the region's own budget, in the state that the interpreter would have there? */
import { describe, expect, test } from 'vitest';
import { createMachine } from '../../../emulator/index.ts';
import { testConfig } from '../../support/program.ts';
import { compare } from './lockstep.ts';
import { SCENES, scene } from './scenes.ts';
import { sweep } from './sweep.ts';

/** Loops of which much is the interpreter's. */
const SYSTEM = new Set(['the CSR write that unmasks', 'counters', 'a wait', 'code written over', 'a software interrupt of its own']);

describe.each([
  ['baseline', false],
  ['optimised', true],
] as const)('run(1), run(2), ... over a hot region, %s', (_, optimised) => {
  test.each(SCENES)('%s', (name) => {
    const { difference, slices, budgets, translated, missed } = sweep(createMachine, name, optimised);
    expect(difference).toBeUndefined();
    expect(missed).toEqual([]);
    expect(translated).toBeGreaterThan(0);
    // Nearly every slice ends by a region's budget, but where the interpreter has most of the loop.
    if (!SYSTEM.has(name)) expect(budgets).toBeGreaterThan(slices / 2);
  });
});

describe('run(1), run(2), ... over a hot region', () => {
  test.each(SCENES)('%s: one by one, by leaps, and at once', (name) => {
    const config = testConfig(scene(name, name === 'a wait').assembly.bytes);
    const [one, leaps, once] = [0, 1, 2].map(() => createMachine(config, { engine: 'translator' }));
    const end = 6000;
    while (one.icount < end) one.run(one.icount + 1);
    for (let step = 1; leaps.icount < end; step = (step * 7 + 3) % 1009) leaps.run(Math.min(end, leaps.icount + step));
    once.run(end);
    expect(compare(once, one, true)).toBeUndefined();
    expect(compare(once, leaps, true)).toBeUndefined();
  });
});
