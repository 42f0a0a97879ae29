/** Is the small OS the same on both engines while its regions are evicted all the time? `npm run soak` runs for longer. */
import { expect, test } from 'vitest';
import { CODE_BYTES, soak } from './soak.ts';

const INSTRUCTIONS = 200_000_000;

test(`${INSTRUCTIONS} instructions of the small OS under load, with ${CODE_BYTES} bytes of code`, () => {
  const { difference, icount, checkpoints, statistics } = soak(INSTRUCTIONS);
  expect(difference).toBeUndefined();
  expect(icount).toBeGreaterThanOrEqual(INSTRUCTIONS);
  expect(checkpoints).toBeGreaterThan(3);
  // It churned, and regions did run.
  expect(statistics.regions.evicted).toBeGreaterThan(50);
  expect(statistics.instructions.translator).toBeGreaterThan(icount / 2);
});
