/** A pair with its real threads, rings and links (src/host/replica-process.ts): boots, is killed at either end, and loses nothing. */
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readEvidence } from '../../src/host/evidence-files.ts';
import { LINK_WRITING } from '../../src/host/shared.ts';
import { evidenceEntries } from '../../src/replay/bisect.ts';
import type { Op } from '../support/toy-machine.ts';
import { InProcessPair, type PairOptions } from './pair.ts';

/** Prints, writes, reads, sleeps: `rounds` of something of everything, and then power-off. */
function program(rounds: number): Op[] {
  return Array.from({ length: rounds }, (_, round): Op[] => [
    { op: 'print', bytes: 1 + (round % 7) },
    { op: 'write', sector: round % 6, sectors: 2 },
    { op: 'write', sector: (round + 1) % 6, sectors: 2 },
    { op: 'read', sector: round % 5, sectors: 3 },
    { op: 'print', bytes: 3 },
    { op: 'sleep', ticks: 5_000 },
    { op: 'flush' },
    { op: 'settle' },
  ]).flat();
}

const pairs: InProcessPair[] = [];
afterEach(async () => {
  for (const pair of pairs.splice(0)) await pair.close();
});

async function start(link: 'memory' | 'unix', ops: readonly Op[], options: PairOptions = {}): Promise<InProcessPair> {
  const pair = new InProcessPair(ops, options);
  pairs.push(pair);
  await pair.start(link);
  return pair;
}

function agrees(pair: InProcessPair, survivor: 'primary' | 'backup'): void {
  const { report, console, disk, exit } = pair.replayed(survivor);
  expect(report).toBeUndefined();
  expect(pair.console).toEqual(console);
  expect(pair.disk).toEqual(disk);
  // The small machine's exit code is drawn from everything that it has seen.
  expect(pair.exit).toEqual(exit);
  expect(pair.ended[survivor]?.code).toBe(exit?.code);
}

describe.each(['memory', 'unix'] as const)('a pair over %s', (link) => {
  it('runs its guest to the end under protection, and both leave with its code', async () => {
    const pair = await start(link, program(40));
    await pair.until(() => pair.ended.primary !== undefined && pair.ended.backup !== undefined);
    expect(pair.liveEpochs).toEqual([1]);
    agrees(pair, 'primary');
    // The backup leaves as soon as it may, whatever it still had to replay: its own record is a beginning.
    const { console, report } = pair.replayed('backup');
    expect(report).toBeUndefined();
    expect(pair.console.slice(0, console.length)).toEqual(console);
  });

  it.each([1, 150])('goes on without loss when the primary dies after %i console bytes', async (bytes) => {
    const pair = await start(link, program(40));
    await pair.until(() => pair.console.length >= bytes);
    await pair.primary.kill();
    await pair.until(() => pair.ended.backup !== undefined);
    expect(pair.liveEpochs).toEqual([1, 2]);
    agrees(pair, 'backup');
  });

  it('goes on alone when the backup dies, having won the next epoch', async () => {
    const pair = await start(link, program(40));
    await pair.until(() => pair.console.length >= 60);
    await pair.backup.kill();
    await pair.until(() => pair.ended.primary !== undefined);
    expect(pair.statuses.get('primary')).toMatchObject({ epoch: 2 });
    agrees(pair, 'primary');
  });

  it('passes typed input on exactly once across a takeover', async () => {
    const echoes = Array.from({ length: 30 }, (): Op[] => [{ op: 'echo' }, { op: 'print', bytes: 1 }]).flat();
    const pair = await start(link, echoes);
    await pair.until(() => pair.statuses.get('primary')?.state === 'protected');
    for (let i = 0; i < 15; i++) pair.type(String.fromCharCode(65 + i));
    await pair.until(() => pair.console.length >= 20);
    for (let i = 15; i < 20; i++) pair.type(String.fromCharCode(65 + i));
    await pair.primary.kill();
    for (let i = 20; i < 40; i++) pair.type(String.fromCharCode(65 + i));
    await pair.until(() => pair.ended.backup !== undefined);
    agrees(pair, 'backup');
  });
});

describe('under pressure', () => {
  it.each(['memory', 'unix'] as const)(
    'rings of two kilobytes stall and deadlock nobody, over %s, and a kill then loses nothing',
    async (link) => {
      const pair = await start(link, program(40), { limits: { ringBytes: 1024 } });
      await pair.until(() => pair.console.length >= 120);
      await pair.primary.kill();
      await pair.until(() => pair.ended.backup !== undefined);
      agrees(pair, 'backup');
    },
  );

  it('a machine thread that is stuck on a full log is freed when the backup dies, and goes on alone', async () => {
    // Nothing but talk, with a pause between: a guest that waits for its disk would stop before the ring is full.
    const talk = Array.from({ length: 300 }, (): Op[] => [
      { op: 'print', bytes: 3 },
      { op: 'sleep', ticks: 2_000 },
    ]).flat();
    const pair = await start('memory', talk, { limits: { ringBytes: 1024 } });
    await pair.until(() => pair.console.length >= 20);
    pair.backupLink.pause();
    // Stuck: in the middle of a write at many looks in a row.
    for (let stuck = 0; stuck < 50; ) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      stuck = pair.shared.primary.link === LINK_WRITING ? stuck + 1 : 0;
    }
    await pair.backup.kill();
    await pair.until(() => pair.ended.primary !== undefined);
    expect(pair.statuses.get('primary')).toMatchObject({ epoch: 2 });
    agrees(pair, 'primary');
  });

  it('stalls the machine while its terminal takes nothing, says so, and goes on when it does', async () => {
    let open = (): void => {};
    const terminal = new Promise<void>((resolve) => {
      open = resolve;
    });
    const pair = await start('memory', program(40), { limits: { heldBytes: 600 }, terminal: () => terminal });
    await pair.until(() => pair.statuses.get('primary')?.stalled === true);
    expect(pair.console).toEqual([]);
    open();
    await pair.until(() => pair.ended.primary !== undefined);
    agrees(pair, 'primary');
  });
});

describe('a backup that keeps all it may', () => {
  it('stalls its replay, and takes over all the same', async () => {
    let open = (): void => {};
    const terminal = new Promise<void>((resolve) => {
      open = resolve;
    });
    const pair = await start('memory', program(20), { backupLimits: { heldBytes: 300 }, terminal: () => terminal });
    await pair.until(() => pair.statuses.get('backup')?.stalled === true);
    await pair.primary.kill();
    open();
    await pair.until(() => pair.ended.backup !== undefined);
    agrees(pair, 'backup');
  });
});

describe('what goes wrong', () => {
  it('on the wire, a damaged batch, closes the link: one of the two wins the next epoch and loses nothing, the other is fenced', async () => {
    let count = 0;
    const flip = (batch: Uint8Array): Uint8Array => {
      if (++count !== 40) return batch;
      const bad = Uint8Array.from(batch);
      bad[bad.length - 1]! ^= 1;
      return bad;
    };
    const pair = await start('memory', program(40), { tamper: flip });
    await pair.until(() => pair.ended.primary !== undefined && pair.ended.backup !== undefined);
    const survivor = pair.ended.primary?.code === 75 ? 'backup' : 'primary';
    expect(pair.ended[survivor === 'primary' ? 'backup' : 'primary']?.code).toBe(75);
    agrees(pair, survivor);
  });

  it('in the replay, a divergence, ends the backup with 70; the primary says why it is unprotected, and goes on', async () => {
    // It waits for a key at the end, so that a slow backup has the time to get there.
    const waits: Op[] = [...program(10), { op: 'echo' }];
    const pair = await start('memory', waits, { backupProgram: { program: waits.toSpliced(20, 1), declared: false } });
    await pair.until(() => pair.ended.backup !== undefined && pair.statuses.get('primary')?.state === 'unprotected');
    expect(pair.ended.backup?.code).toBe(70);
    await pair.until(() => pair.statuses.get('primary')?.epoch === 2);
    expect(pair.statuses.get('primary')).toMatchObject({ role: 'solo', state: 'unprotected', reason: 'divergence' });
    pair.type('x');
    await pair.until(() => pair.ended.primary !== undefined);
    agrees(pair, 'primary');
    // The crash report: both sides' log since they last agreed, here since reset.
    const [one, other] = (['primary', 'backup'] as const).map((role) => readEvidence(join(pair.dir, `divergence.${role}`)));
    expect(one!.snapshot).toBeUndefined();
    const shared = Math.min(one!.batches.length, other!.batches.length);
    expect(shared).toBeGreaterThan(0);
    expect(one!.batches.slice(0, shared)).toEqual(other!.batches.slice(0, shared));
    expect(evidenceEntries({ seq: 0, ...other! })[0]).toMatchObject({ seq: 1, kind: 'protect' });
  });

  it('before it begins, two configurations, ends both with 65 and names both', async () => {
    const pair = await start('memory', program(1), { backupProgram: { program: program(2), declared: true } });
    await pair.until(() => pair.ended.primary !== undefined && pair.ended.backup !== undefined);
    expect([pair.ended.primary?.code, pair.ended.backup?.code]).toEqual([65, 65]);
    expect(pair.ended.primary?.why).toMatch(/configurations differ: backup [0-9a-f]+ has f{16}/);
  });

  it('in a thread ends its replica at once', async () => {
    const pair = await start('memory', program(1), { backupProgram: { program: 'no program', declared: false } });
    await pair.until(() => pair.ended.backup !== undefined);
    expect(pair.ended.backup).toMatchObject({ code: 70, why: expect.stringContaining('machine-worker died') });
  });

  it('with the world ends both', async () => {
    const pair = await start('memory', program(1000));
    await pair.until(() => pair.console.length > 0);
    await pair.endWorld();
    await pair.until(() => pair.ended.primary !== undefined && pair.ended.backup !== undefined);
    expect([pair.ended.primary?.code, pair.ended.backup?.code]).toEqual([69, 69]);
  });

  it('with the arbiter holds the first instruction back until it answers', async () => {
    const pair = new InProcessPair(program(2), { arbiterDir: `${tmpdir()}/twinhart-no-arbiter-${process.pid}` });
    pairs.push(pair);
    rmSync(`${tmpdir()}/twinhart-no-arbiter-${process.pid}`, { recursive: true, force: true });
    await pair.start('memory');
    await pair.until(() => pair.statuses.get('primary')?.reason === 'arbiter');
    expect(pair.console).toEqual([]);
    mkdirSync(`${tmpdir()}/twinhart-no-arbiter-${process.pid}`);
    await pair.until(() => pair.ended.primary !== undefined);
    rmSync(`${tmpdir()}/twinhart-no-arbiter-${process.pid}`, { recursive: true, force: true });
    agrees(pair, 'primary');
  });
});

describe('a limit of instructions', () => {
  it('ends the pair exactly there, with every output delivered', async () => {
    const pair = await start('memory', program(40), { maxInstructions: 2000 });
    await pair.until(() => pair.ended.primary !== undefined && pair.ended.backup !== undefined);
    expect([pair.ended.primary?.code, pair.ended.backup?.code]).toEqual([0, 0]);
    expect(pair.primary.status().icount).toBe(2000);
    const { console, report } = pair.replayed('primary');
    expect(report).toBeUndefined();
    expect(pair.console).toEqual(console);
  });
});
