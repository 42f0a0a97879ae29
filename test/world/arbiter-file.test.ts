/** Questions to the arbiter on a directory: exactly one winner per epoch, whoever asks, however often, whatever fails. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Claim, claimEpoch, holderOf, newIdentity } from '../../src/world/arbiter-file.ts';
import { built } from '../support/dist.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'twinhart-arbiter-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const won: Claim = { result: 'won', by: undefined, why: undefined };

describe('the arbiter on a directory', () => {
  it('gives an epoch to the first that asks, and tells the next who has it', async () => {
    const [first, second] = [newIdentity(), newIdentity()];
    expect(await claimEpoch(dir, 1, first)).toEqual(won);
    expect(await claimEpoch(dir, 1, second)).toEqual({ result: 'lost', by: first, why: undefined });
    expect(await claimEpoch(dir, 2, second)).toEqual(won);
    expect(await holderOf(dir, 1)).toBe(first);
    expect(await holderOf(dir, 3)).toBeUndefined();
  });

  it('tells a winner that asks again that it has won: a lost answer costs nothing', async () => {
    const identity = newIdentity();
    await claimEpoch(dir, 1, identity);
    expect(await claimEpoch(dir, 1, identity)).toEqual(won);
  });

  it('leaves nothing behind but the keys', async () => {
    await Promise.all([newIdentity(), newIdentity(), newIdentity()].map((identity) => claimEpoch(dir, 1, identity)));
    expect(await readdir(dir)).toEqual(['epoch-1']);
    expect(await readFile(join(dir, 'epoch-1'), 'utf8')).toMatch(/^twinhart epoch 1 identity [0-9a-f]{32}\n$/);
  });

  it('does not know when the directory cannot be reached, and wins later with the same identity', async () => {
    const identity = newIdentity();
    await rm(dir, { recursive: true });
    const claim = await claimEpoch(dir, 1, identity);
    expect(claim.result).toBe('unknown');
    expect(claim.why).toMatch(/ENOENT/);
    dir = await mkdtemp(dir);
    expect(await claimEpoch(dir, 1, identity)).toEqual(won);
  });

  it('does not know when the key is not one of its own, or is for another epoch', async () => {
    await writeFile(join(dir, 'epoch-1'), 'something else');
    expect((await claimEpoch(dir, 1, newIdentity())).result).toBe('unknown');
    await writeFile(join(dir, 'epoch-2'), `twinhart epoch 3 identity ${newIdentity()}\n`);
    expect((await claimEpoch(dir, 2, newIdentity())).result).toBe('unknown');
  });

  it('has exactly one winner per epoch among many claimants in one process', async () => {
    for (let epoch = 1; epoch <= 10; epoch++) {
      const identities = Array.from({ length: 12 }, newIdentity);
      const claims = await Promise.all(identities.map((identity) => claimEpoch(dir, epoch, identity)));
      expectOneWinner(identities, claims);
    }
  });

  it('has exactly one winner per epoch among processes that race', async () => {
    const epochs = 30;
    const reports = await Promise.all(Array.from({ length: 4 }, () => runClaimant(dir, epochs)));
    const identities = reports.map((report) => report.identity);
    for (let i = 0; i < epochs; i++)
      expectOneWinner(
        identities,
        reports.map((report) => report.results[i]),
      );
  });
});

function expectOneWinner(identities: readonly string[], claims: readonly Claim[]): void {
  const winners = identities.filter((_, i) => claims[i].result === 'won');
  expect(winners).toHaveLength(1);
  expect(claims.filter((claim) => claim.result === 'lost').map((claim) => claim.by)).toEqual(
    Array.from({ length: claims.length - 1 }, () => winners[0]),
  );
}

function runClaimant(where: string, epochs: number): Promise<{ identity: string; results: Claim[] }> {
  const entry = fileURLToPath(built('test/world/claimant.ts'));
  const child = spawn(process.execPath, [entry, where, String(epochs)], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`a claimant ended with ${code}`))));
  });
}
