/** Does the demo come to its end, prove what it says, and say it in figures? */
import { expect, it } from 'vitest';
import { twinhart } from '../support/twin.ts';

it('loses nothing, shows the takeover, and ends with 0', () => {
  const { status, stdout, stderr } = twinhart('demo', '--json', '--keys', '200');
  expect(stderr).toMatch(/80 writes acknowledged: kill -9 of the primary \(pid \d+\)/);
  const result = JSON.parse(stdout);
  expect(result).toMatchObject({ lost: [], acknowledged: 200, transcriptEqual: true });
  expect(result.takeover.total).toBeGreaterThan(0);
  expect(status).toBe(0);
});
