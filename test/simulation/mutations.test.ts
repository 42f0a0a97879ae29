/** Would the simulation notice? Each rule of protocol.md is switched off in turn, and the oracle must find a violation. */
import { describe, expect, it } from 'vitest';
import { MUTATIONS } from './mutations.ts';
import { play, tour } from './plans.ts';

describe('with a rule switched off the oracle finds a violation', () => {
  for (const [rule, mutation] of Object.entries(MUTATIONS)) {
    it(rule, () => {
      const { failures } = play(tour(), mutation, 1);
      expect(failures).toHaveLength(1);
    });
  }
});
