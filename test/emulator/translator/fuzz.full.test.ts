/** As fuzz.test.ts, for as many programs as each change should pass. `npm run fuzz` plays a night's. */
import { expect, test } from 'vitest';
import { createMachine } from '../../../emulator/index.ts';
import { seedFromEnvironment } from '../../support/random.ts';
import { fuzz, newTally } from './fuzz.ts';

const SEED = seedFromEnvironment(20_261_124);
const PROGRAMS = Number(process.env.PROGRAMS ?? 5000);

test(`${PROGRAMS} hot programs, stopped at random, SEED=${SEED}`, () => {
  const tally = newTally();
  expect(fuzz(createMachine, SEED, 0, PROGRAMS, tally)).toBeUndefined();
  console.log(JSON.stringify({ SEED, ...tally }));
});
