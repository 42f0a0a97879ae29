/** The program as it is installed (dist/app): each thread in one file. It must be the program that was compiled (dist/src). */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { built } from '../support/dist.ts';

const dir = mkdtempSync(join(tmpdir(), 'bundle-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
beforeAll(() => {
  execFileSync(process.execPath, [fileURLToPath(new URL('../../src/bundle.mjs', import.meta.url))]);
});

const RUN = ['--clock', 'icount', '--max-instructions', '3_000_000', '--json', '--state', dir];

function twinhart(entry: string, args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(built(entry)), ...args], { encoding: 'utf8', input: '' });
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as { readonly icount: number; readonly digest: string; readonly role: string };
}

test.each(['--solo', '--engine=auto'])('does a run (%s) end as that of the compiled program?', (option) => {
  const [bundled, compiled] = ['app/twinhart.ts', 'src/cli/main.ts'].map((entry) => twinhart(entry, ['run', ...RUN, option]));
  expect(bundled?.role).toBe(option === '--solo' ? 'solo' : 'primary');
  expect([bundled?.icount, bundled?.digest]).toEqual([compiled?.icount, compiled?.digest]);
});

test('does it replay what it has recorded, with the part that is loaded late?', () => {
  const file = join(dir, 'a.twh');
  const recorded = twinhart('app/twinhart.ts', ['record', 'os', '--solo', ...RUN, '-o', file]);
  expect(twinhart('app/twinhart.ts', ['replay', file, '--json']).digest).toBe(recorded.digest);
});
