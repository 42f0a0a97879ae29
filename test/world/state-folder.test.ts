/** Questions to the state folder: do runs find each other there, and does every socket's path fit? */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunConfig } from '../../src/world/run-config.ts';
import { defaultStateFolder, generateName, knownRuns, makeRunFolder, writeRunFile } from '../../src/world/state-folder.ts';

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'twinhart-state-'));
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

describe('the state folder', () => {
  it('keeps each run in a folder of its own, readable by its user only, and removes it', () => {
    const [one, two] = [makeRunFolder(state, 'vm'), makeRunFolder(state, 'vm')];
    writeRunFile(one.runFile, { vm: 'vm', run: one.run } as RunConfig);
    writeRunFile(two.runFile, { vm: 'vm', run: two.run } as RunConfig);
    expect(statSync(one.dir).mode & 0o777).toBe(0o700);
    expect(statSync(one.runFile).mode & 0o777).toBe(0o600);
    expect(
      knownRuns(state)
        .map(({ run }) => run)
        .sort(),
    ).toEqual([one.run, two.run].sort());
    one.remove(false);
    expect(knownRuns(state).map(({ run }) => run)).toEqual([two.run]);
    two.remove(false);
    expect(existsSync(join(state, 'vm'))).toBe(false);
  });

  it('puts sockets whose path would be too long for the system into a short folder, and removes that too', () => {
    const deep = join(state, 'd'.repeat(100));
    const folder = makeRunFolder(deep, 'vm');
    expect(folder.dir.startsWith(deep)).toBe(true);
    for (const path of Object.values(folder.sockets)) expect(Buffer.byteLength(path)).toBeLessThanOrEqual(103);
    const short = dirname(folder.sockets.world);
    expect(existsSync(short)).toBe(true);
    folder.remove(true);
    expect(existsSync(short)).toBe(false);
    expect(existsSync(folder.dir)).toBe(true);
  });

  it('follows XDG, and ignores a relative folder there as the specification asks', () => {
    const before = process.env.XDG_STATE_HOME;
    try {
      process.env.XDG_STATE_HOME = '/somewhere';
      expect(defaultStateFolder()).toBe('/somewhere/twinhart');
      process.env.XDG_STATE_HOME = 'relative';
      expect(defaultStateFolder()).toMatch(/\.local\/state\/twinhart$/);
    } finally {
      if (before === undefined) delete process.env.XDG_STATE_HOME;
      else process.env.XDG_STATE_HOME = before;
    }
  });

  it('generates a name that nobody has', () => {
    const taken = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const name = generateName(taken);
      expect(taken.has(name)).toBe(false);
      taken.add(name);
    }
  });
});
