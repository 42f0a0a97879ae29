/** Which engine runs an instruction is invisible: pairs whose replicas run different ones, and recordings replayed on another than made them. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXITS } from '../../emulator/index.ts';
import { ENGINES } from '../../src/world/run-config.ts';
import { seedFromEnvironment } from '../support/random.ts';
import { Twin, twinhart } from '../support/twin.ts';
import { kill9, type Outcome, work } from './workload.ts';

const KEYS = 40;
const dir = mkdtempSync(join(tmpdir(), 'twinhart-engines-'));
const disk = join(dir, 'disk.img');
const seed = seedFromEnvironment(Date.now() % 100_000);

let unfailed: Outcome;
const record = join(dir, 'interpreted.log');
beforeAll(async () => {
  unfailed = await work({ keys: KEYS, faults: [], options: ['--solo', '--engine', 'interpreter', '--record', record] }, disk);
}, 60_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Figures {
  readonly name: string;
  readonly instructions: { readonly interpreter: number; readonly translator: number };
}

const replay = (log: string, engine: string) => {
  const { status, stdout, stderr } = twinhart('replay', log, '--engine', engine, '--json');
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as { icount: number; digest: string; divergence: null; checkpoints: number; engine: Figures };
};

describe('a pair', () => {
  it.each([
    ['interpreter', 'auto'],
    ['auto', 'interpreter'],
    ['translator', 'auto'],
  ])(`fails over from %s to %s under load, and says no byte more or less (seed ${seed})`, async (primary, backup) => {
    const log = join(dir, `${primary}-${backup}.log`);
    const options = ['--engine', primary, '--engine-backup', backup, '--record', log];
    const after = 1 + (seed % (KEYS - 5));
    let survivor: string | undefined;
    const job = { keys: KEYS, faults: [{ after, strike: kill9('primary') }], options };
    const { status, transcript, notes } = await work(job, disk, async (twin) => {
      survivor = (await twin.status()).replicas[0]?.status?.engine?.name;
    });
    expect(survivor).toBe(backup);
    expect(notes).toMatch(/takeover epoch 2/);
    expect(notes).not.toMatch(/divergence/);
    expect([transcript, status]).toEqual([unfailed.transcript, 0]);
    expect(replay(log, primary).divergence).toBeNull();
  });
});

describe('a recording', () => {
  it('made by interpreting alone comes to the same digests on every engine', () => {
    const runs = ENGINES.map((engine) => replay(record, engine));
    const [{ icount, digest }] = runs;
    for (const [k, run] of runs.entries()) {
      expect(run).toMatchObject({ icount, digest, divergence: null, engine: { name: ENGINES[k] } });
      expect(run.checkpoints).toBeGreaterThan(0);
      const { interpreter, translator } = run.engine.instructions;
      expect(interpreter + translator).toBe(icount);
      if (ENGINES[k] === 'interpreter') expect(translator).toBe(0);
      // When a module comes is no function of the log: a short replay on auto may end before the first.
      if (ENGINES[k] === 'translator') expect(translator).toBeGreaterThan(0);
    }
  });
});

describe('the figures of an engine', () => {
  it('are in the object that --json prints, and ps shows them while it runs', async () => {
    const twin = new Twin(['os', '--solo', '--json']);
    try {
      // With --json the console is on stderr.
      await twin.note(/twin> /);
      twin.type('sum 50000000\n');
      await twin.note(/twin> /);
      const seen = (await twin.status()).replicas[0]?.status?.engine;
      expect(seen?.name).toBe('auto');
      expect(seen?.instructions.interpreter).toBeGreaterThan(0);
      twin.type('poweroff\n');
      await twin.ended;
      const { icount, engine } = JSON.parse(twin.console) as { icount: number; engine: NonNullable<typeof seen> };
      expect(engine.instructions.interpreter + engine.instructions.translator).toBe(icount);
      expect(engine.instructions.translator).toBeGreaterThan(0);
      expect(engine.regions.compiled).toBeGreaterThanOrEqual(engine.modules.compiled);
      expect(engine.compileMs).toBeGreaterThan(0);
      expect(Object.keys(engine.exits)).toEqual([...EXITS]);
    } finally {
      twin.dispose();
    }
  });
});

describe('a profile', () => {
  it('names the functions of guest and firmware, by privilege mode', async () => {
    const file = join(dir, 'guest.cpuprofile');
    const twin = new Twin(['os', '--profile', file]);
    try {
      await twin.see('twin> ');
      await twin.note(/PROTECTED/);
      await twin.command('sum 300000');
      twin.type('poweroff\n');
      expect(await twin.ended).toBe(0);
    } finally {
      twin.dispose();
    }
    const profile = JSON.parse(readFileSync(file, 'utf8')) as {
      nodes: { id: number; callFrame: { functionName: string }; children: number[] }[];
      samples: number[];
      timeDeltas: number[];
    };
    const children = (name: string) =>
      profile.nodes
        .find(({ callFrame }) => callFrame.functionName === name)
        ?.children.map((id) => profile.nodes.find((node) => node.id === id)!.callFrame.functionName);
    expect(children('(root)')).toContain('S-mode');
    // The guest has symbols for all that it runs.
    expect(children('S-mode')!.filter((name) => name.startsWith('0x'))).toEqual([]);
    expect(profile.samples.length).toBeGreaterThan(10);
    expect(profile.timeDeltas).toHaveLength(profile.samples.length);
    const ids = new Set(profile.nodes.map(({ id }) => id));
    expect(profile.samples.every((id) => ids.has(id))).toBe(true);
  });
});
