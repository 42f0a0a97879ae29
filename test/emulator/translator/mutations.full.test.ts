/** Would the proof notice? Each rule of the translator is switched off in turn, and the proof that is named must find a difference. */
import { describe, expect, test } from 'vitest';
import { MUTATIONS, mutant, PROOFS } from './mutants.ts';

describe('with a rule switched off the proof finds a difference', () => {
  test.each(Object.keys(MUTATIONS))('%s', async (name) => {
    const mutation = MUTATIONS[name];
    const { make, remove } = await mutant(mutation);
    try {
      expect(PROOFS[mutation.foundBy](make)).toBeDefined();
    } finally {
      remove();
    }
  });
});
