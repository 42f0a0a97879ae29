/** A pair with its real threads, rings and links (src/host/replica-process.ts): boots, is killed at either end, and loses nothing. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Op } from '../support/toy-machine.ts';
import { InProcessPair } from './pair.ts';

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

async function start(link: 'memory' | 'unix', ops: readonly Op[]): Promise<InProcessPair> {
  const pair = new InProcessPair(ops);
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

  it.each([1, 60, 250])('goes on without loss when the primary dies after %i console bytes', async (bytes) => {
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
