/** Real processes, real signals: a few faults here, the long list in failover.full.test.ts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedFromEnvironment } from '../support/random.ts';
import { Twin, twinhart } from '../support/twin.ts';
import { kill9, type Outcome, pidOf, recheck, work } from './workload.ts';

const KEYS = 60;
const dir = mkdtempSync(join(tmpdir(), 'twinhart-e2e-'));
const disk = join(dir, 'disk.img');
const seed = seedFromEnvironment(Date.now() % 100_000);

/** The same work with nobody killed. */
let unfailed: Outcome;

beforeAll(async () => {
  unfailed = await work({ keys: KEYS, faults: [] }, disk);
}, 60_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('a protected guest', () => {
  it('does its work and ends with its code when nothing fails', () => {
    expect(unfailed.status).toBe(0);
    expect(unfailed.transcript.match(/^ok k\d+/gm)).toHaveLength(KEYS);
    expect(unfailed.transcript).toContain(`checked ${KEYS}, wrong 0`);
    expect(unfailed.notes).not.toMatch(/takeover|died/);
  });

  it(`outlives kill -9 of its primary under load, and says no byte more or less (seed ${seed})`, async () => {
    const after = 1 + (seed % (KEYS - 5));
    const record = join(dir, 'run.log');
    const job = { keys: KEYS, faults: [{ after, strike: kill9('primary') }], options: ['--record', record] };
    const { status, transcript, notes } = await work(job, disk);
    expect(notes).toMatch(/takeover epoch 2/);
    expect(transcript).toBe(unfailed.transcript);
    expect(status).toBe(0);
    // The survivor's record is whole: it replays across the takeover, every digest in it checked.
    const replay = twinhart('replay', record, '--json');
    expect(replay.status, replay.stderr).toBe(0);
    expect(JSON.parse(replay.stdout)).toMatchObject({ exit: 0, epochs: [1, 2], cut: false, divergence: null });
    expect(await recheck(disk, KEYS)).toContain(`checked ${KEYS}, wrong 0`);
  });

  it(`goes on alone when its backup is killed (seed ${seed})`, async () => {
    const after = 1 + ((seed * 7) % (KEYS - 5));
    const { status, transcript, notes } = await work({ keys: KEYS, faults: [{ after, strike: kill9('backup') }] }, disk);
    expect(notes).toMatch(/UNPROTECTED \(needs-backup\) · epoch 2/);
    expect(notes).not.toMatch(/takeover/);
    expect(transcript).toBe(unfailed.transcript);
    expect(status).toBe(0);
  });

  it('leaves no replica behind when the world itself is killed', async () => {
    const twin = new Twin(['os', '--disk', disk]);
    try {
      await twin.see('twin> ');
      const pids = [pidOf(twin, 'primary'), pidOf(twin, 'backup')];
      twin.child.kill('SIGKILL');
      await twin.ended;
      // They are no children of ours: that they are gone can only be asked.
      while (pids.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 5));
    } finally {
      twin.dispose();
    }
  });

  it('goes on in the backup while its primary is stopped, and the old primary halts fenced when it wakes', async () => {
    let primary = 0;
    const outcome = await work(
      {
        keys: KEYS,
        faults: [
          {
            after: 20,
            strike: async (twin) => {
              primary = pidOf(twin, 'primary');
              process.kill(primary, 'SIGSTOP');
              await twin.note(/takeover epoch 2/);
              process.kill(primary, 'SIGCONT');
              await twin.note(new RegExp(`halted +pid ${primary} \\(fenced\\).*`));
            },
          },
        ],
      },
      disk,
    );
    expect(outcome.notes).toMatch(new RegExp(`halted +pid ${primary} \\(fenced\\)`));
    expect(outcome.transcript).toBe(unfailed.transcript);
    expect(outcome.status).toBe(0);
    expect(await recheck(disk, KEYS)).toContain(`checked ${KEYS}, wrong 0`);
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
