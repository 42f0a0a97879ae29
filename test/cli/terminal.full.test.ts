/** Questions to `run` on a terminal (a pseudo-terminal made by `script`, of util-linux): do the Ctrl-A keys work, and is the terminal given back? */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { built } from '../support/dist.ts';
import { twinhart } from '../support/twin.ts';

const missing = spawnSync('script', ['--version']).error !== undefined;
const title = missing ? 'a terminal (skipped: no script(1) here, it is in util-linux)' : 'a terminal';

let dir: string;
let child: ChildProcess;
let seen: string;
let wake: () => void;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'twinhart-tty-'));
  const main = fileURLToPath(built('src/cli/main.ts'));
  // `stty -g` says the whole mode in one line: before and after have to be the same.
  const session = `stty -g; ${process.execPath} ${main} run os --name vm --state ${dir}; echo status $?; stty -g`;
  child = spawn('script', ['-qec', session, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  seen = '';
  wake = () => undefined;
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    seen += text;
    wake();
  });
});
afterEach(() => {
  child.kill('SIGTERM');
  rmSync(dir, { recursive: true, force: true });
});

async function see(text: string): Promise<void> {
  while (!seen.includes(text)) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}
const type = (text: string): void => void child.stdin?.write(text);

/** The mode before and after, as stty tells it. */
async function modes(): Promise<[string, string]> {
  await see('status ');
  const lines = (): string[] => seen.split(/\r?\n/).filter((line) => /^[0-9a-f]+(:[0-9a-f]+){10,}$/.test(line.trim()));
  while (lines().length < 2) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  const [before, after] = lines();
  return [before, after];
}

describe.skipIf(missing)(title, () => {
  it('passes Ctrl-C to the guest, shows help and status, kills the primary, and quits with the mode restored', async () => {
    await see('twin> ');
    type('abc\x03');
    await see('^C');
    type('\x01h');
    await see('Ctrl-A k    kill -9 the primary');
    type('\x01s');
    await see('protected');
    type('\x01k');
    await see('takeover epoch 2');
    type('kv list\r');
    await see('0 keys');
    type('\x01x');
    const [before, after] = await modes();
    expect(seen).toMatch(/status 0\b/);
    expect(after).toBe(before);
  });

  it('restores the mode when a signal ends the run', async () => {
    await see('twin> ');
    const { pid } = JSON.parse(twinhart('ps', '--json', '--state', dir).stdout)[0];
    process.kill(pid, 'SIGTERM');
    const [before, after] = await modes();
    expect(seen).toMatch(/status 143\b/);
    expect(after).toBe(before);
  });
});
