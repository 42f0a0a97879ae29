/** Would the simulation notice? Each rule of protocol.md is switched off in turn, and the oracle must find a violation. */
import { describe, expect, it } from 'vitest';
import { MUTATIONS } from './mutations.ts';
import { play, type Trial, tour } from './plans.ts';

/** Of the tour: every rule is missed before this many histories are over. */
const HISTORIES = 200;

function* tourOf(most: number): Generator<Trial> {
  let left = most;
  for (const trial of tour()) {
    if (left-- === 0) return;
    yield trial;
  }
}

it('with every rule on the oracle finds nothing', () => {
  const { runs, failures } = play(tourOf(HISTORIES));
  expect(failures).toEqual([]);
  expect(runs).toBe(HISTORIES);
});

describe('with a rule switched off the oracle finds a violation', () => {
  for (const [rule, mutation] of Object.entries(MUTATIONS)) {
    it(rule, () => {
      const { failures } = play(tourOf(HISTORIES), mutation, 1);
      expect(failures).toHaveLength(1);
    });
  }
});
