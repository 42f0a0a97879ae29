/** Does Linux outlive `kill -9` of its primary, whatever it was doing: nothing lost or doubled on its console, results right, its file system whole? A few random
 *  moments each; `npm run linux:kills` does as many as you like. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random, seedFromEnvironment } from '../support/random.ts';
import { difference, play, type Run, SCENARIOS, someMoment } from './kills.ts';

const MOMENTS = [1, 2];
const seed = seedFromEnvironment(Date.now() % 100_000);
const dir = mkdtempSync(join(tmpdir(), 'twinhart-kills-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe.each(SCENARIOS)(`kill -9 of the primary, $name (seed ${seed})`, (scenario) => {
  const random = new Random(seed);
  let unfailed: Run;
  beforeAll(async () => {
    unfailed = await play(scenario, dir);
  }, 120_000);

  it.each(MOMENTS)('at a random moment (%i)', async () => {
    const { transcript } = await play(scenario, dir, someMoment(unfailed, random));
    expect(difference(transcript, unfailed.transcript)).toBeUndefined();
  });
});
