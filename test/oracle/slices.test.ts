/** Are slices invisible, and is nothing derived state, on programs that nobody would write? The oracle's random programs, run whole, in pieces, and in pieces with caches dropped. */
import { describe, expect, test } from 'vitest';
import type { Machine } from '../../emulator/index.ts';
import { Random, seedFromEnvironment } from '../support/random.ts';
import { buildBatch, parseLog } from './batch.ts';
import { Generator, newCoverage, randomSpace } from './generate.ts';
import { type Run, runHere } from './here.ts';

const SEED = seedFromEnvironment(1);
const PROGRAMS = 60;

describe('random programs', () => {
  const random = new Random(SEED);
  const space = randomSpace(random);
  const generator = new Generator(random, space, newCoverage());
  const { image } = buildBatch(
    Array.from({ length: PROGRAMS }, () => generator.program()),
    space,
  );
  // The digest covers RAM, and so the log.
  const ending = ({ icount, digest }: Run) => ({ icount, digest });
  const whole = runHere(image);

  test(`all end, with SEED=${SEED}`, () => {
    expect(parseLog(whole.log, PROGRAMS)).toHaveLength(PROGRAMS);
  });

  test.each([
    ['cut at random points', 3000],
    ['cut every few instructions', 8],
  ])(`%s end in the same state, with SEED=${SEED}`, (_, most) => {
    const cuts = new Random(SEED + most);
    expect(ending(runHere(image, () => 1 + cuts.below(most)))).toEqual(ending(whole));
  });

  test(`cut one by one through the first of them, with SEED=${SEED}`, () => {
    let left = 200_000;
    expect(ending(runHere(image, () => (left-- > 0 ? 1 : 1_000_000)))).toEqual(ending(whole));
  });

  test(`with random subsets of everything derived dropped at every cut, with SEED=${SEED}`, () => {
    const cuts = new Random(SEED + 1);
    const drop = (machine: Machine) => {
      machine.dropDerived(() => cuts.oneIn(2));
      return 1 + cuts.below(1000);
    };
    // Small TLBs, or choosing among their entries is all that this test does.
    const dropping = runHere(image, drop, { tlbEntries: 64, fetchEntries: 64 });
    expect(ending(dropping)).toEqual(ending(whole));
  });
});
