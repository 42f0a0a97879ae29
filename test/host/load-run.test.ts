/** From run.json to a machine's configuration (src/host/load-run.ts): the images are the very files that the world hashed, or nothing starts. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadRun, loadRunFile, RunError } from '../../src/host/load-run.ts';
import type { RunConfig } from '../../src/world/run-config.ts';

const dir = mkdtempSync(join(tmpdir(), 'twinhart-load-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const main = join(dir, 'image');
writeFileSync(main, 'an image');
const sha256 = createHash('sha256').update('an image').digest('hex');

function runWith(changes: Partial<RunConfig['machine']> = {}, more: Partial<RunConfig> = {}): RunConfig {
  return {
    vm: 'vm',
    run: '0123456789abcdef',
    dir,
    protection: 'pair',
    machine: {
      memoryBytes: 1 << 20,
      clock: 'host',
      seed: 'ab'.repeat(32),
      bootTimeNs: '1700000000000000000',
      disk: { sectors: 8, readOnly: false, id: 'd' },
      net: { mac: '525400123456' },
      virtioConsole: true,
      onReset: 'end',
      images: { firmware: undefined, main: { path: main, sha256 }, initrd: undefined, append: 'quiet', dtb: undefined },
      ...changes,
    },
    engines: { primary: 'interpreter', backup: 'interpreter' },
    backupClockOffsetMs: 0,
    profile: undefined,
    maxInstructions: undefined,
    record: undefined,
    worldSocket: '',
    linkSocket: '',
    heartbeat: { primary: 1, backup: 2 },
    arbiterDir: dir,
    world: { pid: 1, controlSocket: '', disk: undefined },
    ...more,
  };
}

describe('a run that is loaded', () => {
  it('comes through its file as it was written, bytes and all', () => {
    const file = join(dir, 'run.json');
    writeFileSync(file, JSON.stringify(runWith()));
    const { machine, config } = loadRunFile(file);
    expect(machine).toMatchObject({ memoryBytes: 1 << 20, bootTimeNs: 1_700_000_000_000_000_000n, virtioConsole: true });
    expect(Buffer.from(machine.images.main).toString()).toBe('an image');
    expect(Buffer.from(machine.net!.mac).toString('hex')).toBe('525400123456');
    expect(config).toMatch(/^[0-9a-f]{16}$/);
    expect(loadRun(runWith()).config).toBe(config);
  });

  it('has another configuration hash when anything that the guest can see is different', () => {
    const of = (changes: Partial<RunConfig['machine']>): string => loadRun(runWith(changes)).config;
    const hashes = [
      {},
      { memoryBytes: 2 << 20 },
      { clock: 'icount' as const },
      { seed: 'cd'.repeat(32) },
      { disk: undefined },
      { net: undefined },
    ].map(of);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('has the same configuration hash and description whichever engines run it', () => {
    const of = (engines: RunConfig['engines']) => loadRun(runWith({}, { engines }));
    const [one, other] = [of({ primary: 'auto', backup: 'interpreter' }), of({ primary: 'translator', backup: 'auto' })];
    expect([other.config, other.description]).toEqual([one.config, one.description]);
  });

  it('is refused when an image has changed, is missing, or the run has no proper name', () => {
    const image = (file: { path: string; sha256: string }): RunConfig => {
      const run = runWith();
      return runWith({ images: { ...run.machine.images, main: file } });
    };
    expect(() => loadRun(image({ path: main, sha256: '0'.repeat(64) }))).toThrow(/has changed since the run began: want sha256 0{64}, is /);
    expect(() => loadRun(image({ path: join(dir, 'nothing'), sha256 }))).toThrow(/cannot read image .*nothing: ENOENT/);
    expect(() => loadRun(runWith({}, { run: 'my run' }))).toThrow(RunError);
    expect(() => loadRunFile(join(dir, 'nothing.json'))).toThrow(/cannot read the run's configuration/);
  });
});
