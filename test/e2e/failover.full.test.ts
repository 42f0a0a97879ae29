/** The long list of faults with real processes: twenty random kills of the primary under load, of the backup, at boot, at power-off, stops. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random, seedFromEnvironment } from '../support/random.ts';
import { Twin } from '../support/twin.ts';
import { kill9, type Outcome, pidOf, recheck, work } from './workload.ts';

const KEYS = 120;
const dir = mkdtempSync(join(tmpdir(), 'twinhart-e2e-'));
const disk = join(dir, 'disk.img');
const seed = seedFromEnvironment(Date.now() % 100_000);
const random = new Random(seed);

let unfailed: Outcome;
beforeAll(async () => {
  unfailed = await work({ keys: KEYS, faults: [] }, disk);
  expect(unfailed.status).toBe(0);
}, 60_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A moment between two lines of the console, too. */
const someMs = (most: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, random.word() % most));
const moments = (count: number, most: number): number[] => Array.from({ length: count }, () => random.word() % most);

async function same(outcome: Outcome): Promise<void> {
  expect(outcome.transcript).toBe(unfailed.transcript);
  expect(outcome.status, outcome.notes).toBe(0);
  expect(await recheck(disk, KEYS)).toContain(`checked ${KEYS}, wrong 0`);
}

describe(`a protected guest under load (seed ${seed})`, () => {
  it.each(moments(20, KEYS - 5))('outlives kill -9 of its primary a little after %i acknowledged writes', async (after) => {
    const strike = async (twin: Twin): Promise<void> => {
      await someMs(20);
      kill9('primary')(twin);
    };
    const outcome = await work({ keys: KEYS, faults: [{ after, strike }] }, disk);
    expect(outcome.notes).toMatch(/takeover epoch 2/);
    await same(outcome);
  });

  it.each(moments(5, KEYS - 5))('goes on alone when its backup is killed after %i', async (after) => {
    const outcome = await work({ keys: KEYS, faults: [{ after, strike: kill9('backup') }] }, disk);
    expect(outcome.notes).not.toMatch(/takeover/);
    await same(outcome);
  });

  it.each(moments(4, KEYS - 50))('fences a primary that was stopped after %i and wakes later', async (after) => {
    const strike = async (twin: Twin): Promise<void> => {
      await someMs(20);
      const primary = pidOf(twin, 'primary');
      process.kill(primary, 'SIGSTOP');
      await twin.note(/takeover epoch 2/);
      await someMs(500);
      process.kill(primary, 'SIGCONT');
      await twin.note(new RegExp(`halted +pid ${primary} \\(fenced\\)`));
    };
    await same(await work({ keys: KEYS, faults: [{ after, strike }] }, disk));
  });

  it.each(moments(4, KEYS - 50))(
    'goes on alone when its backup is stopped after %i, and the backup halts fenced when it wakes',
    async (after) => {
      const strike = async (twin: Twin): Promise<void> => {
        const backup = pidOf(twin, 'backup');
        process.kill(backup, 'SIGSTOP');
        await twin.note(/UNPROTECTED \(needs-backup\) · epoch 2/);
        process.kill(backup, 'SIGCONT');
        await twin.note(new RegExp(`halted +pid ${backup} \\(fenced\\)`));
      };
      await same(await work({ keys: KEYS, faults: [{ after, strike }] }, disk));
    },
  );

  it('ends with 69 when the one that took over is killed and only a fenced one is left: nobody carries on', async () => {
    const twin = new Twin(['os', '--disk', disk]);
    try {
      await twin.see('twin> ');
      process.kill(pidOf(twin, 'primary'), 'SIGSTOP');
      await twin.note(/takeover epoch 2/);
      kill9('backup')(twin);
      await twin.note(/died \(SIGKILL\)/);
      process.kill(pidOf(twin, 'primary'), 'SIGCONT');
      expect(await twin.ended).toBe(69);
      expect(twin.notes).toMatch(/no replica is left: the live one \(pid \d+\) died/);
    } finally {
      twin.dispose();
    }
  });

  it.each([0, 1, 2, 3])('outlives kill -9 of its primary while it boots (%i)', async () => {
    const early = async (twin: Twin): Promise<void> => {
      await twin.note(/PROTECTED {2}lag/);
      await someMs(100);
      kill9('primary')(twin);
    };
    const outcome = await work({ keys: KEYS, faults: [], atStart: early }, disk);
    expect(outcome.notes).toMatch(/takeover epoch 2/);
    await same(outcome);
  });

  it.each([0, 1, 2, 3, 4, 5])('ends with its code whoever is killed while it powers off (%i)', async (round) => {
    const late = async (twin: Twin): Promise<void> => {
      await someMs(60);
      try {
        kill9(round % 2 === 0 ? 'primary' : 'backup')(twin);
      } catch (error) {
        // It was faster than we: that is no fault.
        expect((error as NodeJS.ErrnoException).code).toBe('ESRCH');
      }
    };
    await same(await work({ keys: KEYS, faults: [], atEnd: late }, disk));
  });
});
