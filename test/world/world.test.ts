/** Questions to the world about replicas that fail before they are any: what does the user hear, and is nothing left running? */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunConfig } from '../../src/world/run-config.ts';
import { makeRunFolder } from '../../src/world/state-folder.ts';
import { encodeToWorld } from '../../src/world/wire-codec.ts';
import { World, type WorldEvent } from '../../src/world/world.ts';

let dir: string;
let events: WorldEvent[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'twinhart-world-'));
  events = [];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A world whose replicas run this script instead of a machine. */
function worldOf(script: string): World {
  const folder = makeRunFolder(dir, 'vm');
  const entry = join(dir, 'replica.mjs');
  writeFileSync(entry, script);
  const config = {
    vm: 'vm',
    run: folder.run,
    dir: folder.dir,
    protection: 'pair',
    worldSocket: folder.sockets.world,
    world: { pid: process.pid, controlSocket: folder.sockets.control, disk: undefined },
  } as RunConfig;
  return new World({
    config,
    runFile: folder.runFile,
    disk: undefined,
    netStream: undefined,
    arbiter: 'file',
    writeConsole: () => Promise.resolve(),
    onEvent: (event) => events.push(event),
    onInputRoom: () => undefined,
    replicaEntry: entry,
  });
}

const pids = (): number[] => events.flatMap((event) => (event.kind === 'started' ? [event.pid] : []));

describe('a world', () => {
  it('ends with 69 and the last words of its replicas when they crash', async () => {
    const world = worldOf(`process.stderr.write('boom from ' + process.argv[3]); process.exit(9);`);
    await world.start();
    const result = await world.done;
    expect(result).toMatchObject({ exit: 69, guest: undefined });
    expect(result.problem).toMatch(/no replica is left: the last one \(pid \d+\) ended with status 9: boom from (primary|backup)/);
  });

  it('ends with 65 when a replica finds its images changed', async () => {
    const world = worldOf(`process.stderr.write('image os.elf has changed'); process.exit(65);`);
    await world.start();
    expect(await world.done).toMatchObject({ exit: 65, problem: 'image os.elf has changed' });
  });

  it('takes replicas along that do not leave by themselves, when the user quits', async () => {
    const world = worldOf(`setInterval(() => {}, 1000);`);
    await world.start();
    expect(world.status()).toMatchObject({ name: 'vm', state: 'unprotected', reason: 'starting', epoch: 0 });
    expect(world.kill('backup')).toBe(pids()[1]);
    world.quit();
    expect(await world.done).toMatchObject({ exit: 0, guest: undefined, problem: undefined });
    for (const pid of pids()) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });

  it('takes nothing from whoever is no replica of its own, and does not count it as one that failed', async () => {
    const world = worldOf(`setInterval(() => {}, 1000);`);
    await world.start();
    const { run } = world.status();
    const attach = { kind: 'attach', run, identity: 'ab'.repeat(16), role: 'primary', pid: process.pid } as const;
    const hello = { kind: 'hello', sink: 'disk', epoch: 7, lastInput: 0 } as const;
    for (const said of [Buffer.alloc(100, 0xee), Buffer.concat([attach, hello].map(encodeToWorld))]) {
      const stranger = connect(join(dir, 'vm', run, 'world.sock'));
      stranger.on('error', () => undefined).end(said);
      await new Promise((resolve) => stranger.resume().on('close', resolve));
    }
    expect(world.status().epoch).toBe(0);
    world.quit();
    expect(await world.done).toMatchObject({ exit: 0, divergences: 0 });
    expect(events.filter(({ kind }) => kind === 'halted')).toEqual([]);
  });

  it('starts nothing when its sockets cannot be made', async () => {
    const world = worldOf('');
    rmSync(dir, { recursive: true, force: true });
    await expect(world.start()).rejects.toThrow(/ENOENT|EACCES/);
    expect(events).toEqual([]);
  });
});
