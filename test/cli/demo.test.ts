/** Does the demo fail when anything was lost, or when nothing was proved? And does it end when it is told to? */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { acknowledgedWrites, judge, presentKeys } from '../../src/cli/demo.ts';
import { built } from '../support/dist.ts';

const good = {
  lost: [],
  acknowledged: 20,
  transcriptEqual: true,
  bootMs: 1,
  takeover: { total: 1, detect: 1, claim: 0, drain: 0, fence: 0 },
  logBytesPerSecond: 1,
  outputs: 1,
  heldMost: 1,
  addedLatencyMicros: null,
  seconds: 1,
};

describe("the demo's verdict", () => {
  it('passes when every write is there and the console is the same', () => {
    expect(() => judge(good, 20, 0, '')).not.toThrow();
  });

  it.each([
    ['a write is lost', { ...good, lost: ['k3'] }, 20, 0, /1 acknowledged writes are not on the disk: k3/],
    ['a write was never acknowledged', { ...good, acknowledged: 19 }, 20, 0, /20 writes were asked for, 19 acknowledged/],
    ['the console differs', { ...good, transcriptEqual: false }, 20, 0, /the console differs/],
    ['nothing was taken over', { ...good, takeover: null }, 20, 0, /no takeover was seen/],
    ['the guest failed', good, 20, 3, /the guest ended with 3/],
  ])('fails when %s', (_, result, keys, exit, why) => {
    expect(() => judge(result, keys, exit, 'at character 5')).toThrow(why);
  });
});

describe('a demo that is interrupted', () => {
  it('ends as the signal says, blames nobody and leaves nothing behind', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'twinhart-test-'));
    try {
      const child = spawn(process.execPath, [fileURLToPath(built('src/cli/main.ts')), 'demo'], { env: { ...process.env, TMPDIR: dir } });
      let said = '';
      let struck = false;
      child.stderr.on('data', (bytes) => {
        said += bytes;
        if (said.includes('2  the work') && !struck) struck = child.kill('SIGINT');
      });
      const [status] = await once(child, 'close');
      expect(said).not.toMatch(/twinhart:|defect/);
      expect([status, readdirSync(dir)]).toEqual([130, []]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe('what the demo reads from the console', () => {
  it('counts an acknowledged write by its line, and a present key only with the value that was written', () => {
    expect(acknowledgedWrites('twin> kv load 1 3\r\nok k1\r\nok k2\nerror: the disk failed k3\n')).toEqual(['k1', 'k2']);
    expect([...presentKeys('k1 v1\nk2 v3\nk4 v4\r\n3 keys\n')]).toEqual(['k1', 'k4']);
  });
});
