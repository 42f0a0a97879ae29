/** Does the step function do, event by event, what protocol.md says? One script a question; `vitest -u` re-blesses the effects. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { perform } from './script.ts';

const folder = new URL('./scripts/', import.meta.url);

describe('protocol scripts', () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
    const script = readFileSync(new URL(file, folder), 'utf8');
    it(script.split('\n')[0].replace(/^# */, ''), async () => {
      await expect(perform(script)).toMatchFileSnapshot(new URL(file, folder).pathname);
    });
  }
});
