/** Questions to the disk server: does the guest get a status for everything the world can do to its disk, and what does a file hold afterwards? */
import { mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DiskFile, openDisk } from '../../src/world/disk-server.ts';
import { seedFromEnvironment } from '../support/random.ts';

const SECTORS = 32;
let dir: string;
let path: string;
const opened: DiskFile[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'twinhart-disk-'));
  path = join(dir, 'disk.img');
  await writeFile(path, Buffer.alloc(SECTORS * 512, 0xee));
});
afterEach(async () => {
  for (const disk of opened.splice(0)) await disk.close();
  await rm(dir, { recursive: true, force: true });
});

async function open(ephemeral = false): Promise<DiskFile> {
  const disk = await openDisk(path, { ephemeral });
  opened.push(disk);
  return disk;
}

let request = 0;
const read = (disk: DiskFile, sector: number, sectors: number) =>
  disk.perform({ kind: 'diskRead', request: request++, sector, sectors }, () => true);
const write = (disk: DiskFile, sector: number, data: Uint8Array) =>
  disk.perform({ kind: 'diskWrite', request: request++, ordinal: request, sector, data }, () => true);
const flush = (disk: DiskFile) => disk.perform({ kind: 'diskFlush', request: request++, ordinal: request }, () => true);

const ok = { status: 0, data: new Uint8Array(0) };
const failed = { status: 1, data: new Uint8Array(0) };

describe('the disk server', () => {
  it('writes to the file and reads back, and a flush succeeds', async () => {
    const disk = await open();
    expect(disk).toMatchObject({ sectors: SECTORS, readOnly: false });
    const data = new Uint8Array(1024).fill(7);
    expect(await write(disk, 3, data)).toEqual(ok);
    expect(await flush(disk)).toEqual(ok);
    expect(await read(disk, 3, 2)).toEqual({ status: 0, data });
    expect((await readFile(path)).subarray(3 * 512, 5 * 512)).toEqual(Buffer.from(data));
  });

  it('answers IOERR for what lies past the end, is no whole sector, or is absurdly long', async () => {
    const disk = await open();
    expect(await read(disk, SECTORS - 1, 2)).toEqual(failed);
    expect(await read(disk, Number.MAX_SAFE_INTEGER, 1)).toEqual(failed);
    expect(await read(disk, 0, 2 ** 31)).toEqual(failed);
    expect(await write(disk, SECTORS, new Uint8Array(512))).toEqual(failed);
    expect(await write(disk, 0, new Uint8Array(100))).toEqual(failed);
    expect((await readFile(path)).length).toBe(SECTORS * 512);
  });

  it('answers IOERR for a read from a file that has become shorter, and goes on', async () => {
    const disk = await open();
    await truncate(path, 10 * 512 + 100);
    expect(await read(disk, 10, 1)).toEqual(failed);
    expect(await read(disk, 9, 1)).toMatchObject({ status: 0 });
  });

  it('answers IOERR when the file cannot be read at all', async () => {
    const disk = await openDisk(path, { ephemeral: false });
    await disk.close();
    expect(await read(disk, 0, 1)).toEqual(failed);
    expect(await flush(disk)).toEqual(failed);
  });

  it('drops a request that may no longer start, and touches nothing', async () => {
    const disk = await open();
    const data = new Uint8Array(512);
    expect(await disk.perform({ kind: 'diskWrite', request: 1, ordinal: 1, sector: 0, data }, () => false)).toBeUndefined();
    expect((await readFile(path))[0]).toBe(0xee);
  });

  it('asks whether a request may start only when its turn has come', async () => {
    const disk = await open();
    let allowed = true;
    const many = Array.from({ length: 20 }, (_, sector) =>
      disk.perform({ kind: 'diskWrite', request: sector, ordinal: sector + 1, sector, data: new Uint8Array(512) }, () => allowed),
    );
    await many[0];
    allowed = false;
    const results = await Promise.all(many);
    const performed = results.filter((result) => result !== undefined).length;
    expect(performed).toBeGreaterThan(0);
    expect(performed).toBeLessThan(20);
    const zeroed = (await readFile(path)).filter((_, at) => at % 512 === 0).filter((byte) => byte === 0).length;
    expect(zeroed).toBe(performed);
  });

  it('keeps an ephemeral disk in memory: reads see the writes, the file never does', async () => {
    const seed = seedFromEnvironment(Date.now() % 100_000);
    console.log(`seed ${seed}`);
    const disk = await open(true);
    expect(disk.readOnly).toBe(false);
    const model = new Uint8Array(SECTORS * 512).fill(0xee);
    const range = fc.tuple(fc.nat({ max: SECTORS - 1 }), fc.integer({ min: 1, max: 12 }), fc.nat({ max: 255 }));
    await fc.assert(
      fc.asyncProperty(range, range, async ([sector, wanted, fill], [from, some]) => {
        const sectors = Math.min(wanted, SECTORS - sector);
        expect(await write(disk, sector, new Uint8Array(sectors * 512).fill(fill))).toEqual(ok);
        model.fill(fill, sector * 512, (sector + sectors) * 512);
        const count = Math.min(some, SECTORS - from);
        expect(await read(disk, from, count)).toEqual({ status: 0, data: model.slice(from * 512, (from + count) * 512) });
      }),
      { seed, numRuns: 200 },
    );
    expect(await flush(disk)).toEqual(ok);
    expect((await readFile(path)).every((byte) => byte === 0xee)).toBe(true);
  });

  it('refuses, by name, a file that is missing, too small, or none', async () => {
    await expect(openDisk(join(dir, 'none'), { ephemeral: false })).rejects.toThrow(/none.*ENOENT/);
    await expect(openDisk(dir, { ephemeral: false })).rejects.toThrow(/not a regular file/);
    await writeFile(path, Buffer.alloc(511));
    await expect(openDisk(path, { ephemeral: false })).rejects.toThrow(/511 bytes: a disk needs at least 512/);
    await symlink(join(dir, 'loop'), join(dir, 'loop'));
    await expect(openDisk(join(dir, 'loop'), { ephemeral: false })).rejects.toThrow(/ELOOP/);
  });
});
