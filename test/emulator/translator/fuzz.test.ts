/** Do hot random programs end alike on both engines, and are they alike wherever they are stopped? */
import { expect, test } from 'vitest';
import { createMachine } from '../../../emulator/index.ts';
import { seedFromEnvironment } from '../../support/random.ts';
import { fuzz, newTally } from './fuzz.ts';

const SEED = seedFromEnvironment(3);
const PROGRAMS = Number(process.env.PROGRAMS ?? 200);

test(`${PROGRAMS} hot programs, stopped at random, SEED=${SEED}`, () => {
  const tally = newTally();
  expect(fuzz(createMachine, SEED, 0, PROGRAMS, tally)).toBeUndefined();
  expect(tally.programs).toBeGreaterThanOrEqual(PROGRAMS);
  // Most of what they do is in regions, or little would have been shown.
  expect(tally.translated).toBeGreaterThan(tally.instructions * 0.4);
});
