/**
 * `twinhart demo`: the story in about 15 seconds. The same script is typed at a guest that nothing happens to, and at a protected pair whose
 * primary is killed with SIGKILL in the middle of its writes; then a third boot looks on the disk for every write that was acknowledged.
 */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Engine } from '../world/run-config.ts';
import type { ReplicaStatus } from '../world/wire.ts';
import type { TakeoverTimes, World, WorldEvent, WorldResult } from '../world/world.ts';
import { CliError, Interrupted } from './errors.ts';
import { launch } from './launch.ts';
import { ms, size, takeoverLine } from './report.ts';
import { onSignals } from './run.ts';
import { engineOption, makePlan } from './run-options.ts';

const PROMPT = 'twin> ';
const DISK_BYTES = 4 * 1024 * 1024;
/** The store holds 1,024 keys. */
const KEYS_MAX = 1000;
const KILL_AFTER = 0.4;

interface DemoOptions {
  readonly engine: Engine;
  readonly keys: string;
  readonly json?: boolean;
}

/** What `demo --json` prints; times in milliseconds. */
interface DemoResult {
  readonly lost: readonly string[];
  readonly acknowledged: number;
  readonly transcriptEqual: boolean;
  readonly bootMs: number;
  readonly takeover: TakeoverTimes | null;
  readonly logBytesPerSecond: number;
  readonly outputs: number;
  readonly heldMost: number;
  readonly addedLatencyMicros: { readonly p50: number; readonly p99: number } | null;
  readonly seconds: number;
}

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('scripted: boot, work, kill -9 the primary, carry on, prove that nothing was lost')
    .option('--keys <n>', `writes in the workload, at most ${KEYS_MAX}`, '600')
    .addOption(engineOption())
    .option('--json', 'one JSON object on stdout')
    .addHelpText('after', '\nExample:\n  twinhart demo')
    .action(async (options: DemoOptions) => {
      const keys = Number(options.keys);
      if (!Number.isInteger(keys) || keys < 10 || keys > KEYS_MAX) throw new CliError('USAGE', `--keys ${options.keys}: 10 to ${KEYS_MAX}`);
      await demo(keys, options.engine, options.json === true);
    });
}

async function demo(keys: number, engine: Engine, json: boolean): Promise<void> {
  const from = performance.now();
  const dir = mkdtempSync(join(tmpdir(), 'twinhart-demo-'));
  const clean = (): void => rmSync(dir, { recursive: true, force: true });
  process.once('exit', clean);
  const say = (text: string): void => {
    process.stderr.write(` ${text}\n`);
  };
  // From here on: a signal between two runs has a folder to remove, too.
  let interrupt: (why: Error) => void = () => undefined;
  const interrupted = new Promise<never>((_, reject) => {
    interrupt = reject;
  });
  interrupted.catch(() => undefined);
  const signals = onSignals((status) => interrupt(new Interrupted(status)));
  const script = ['kv status', `kv load 1 ${keys}`, `kv check 1 ${keys}`, 'sum 20000', 'kv status', 'poweroff'];
  try {
    say('1  the same work on one machine, for comparison');
    const calm = await play({ dir, interrupted, engine, disk: 'calm.img', protection: 'solo', script });

    say('2  the work on a protected pair');
    const struck = await play({
      dir,
      interrupted,
      engine,
      disk: 'struck.img',
      protection: 'pair',
      script,
      killAfter: Math.floor(keys * KILL_AFTER),
      say,
    });

    say('3  another boot on that disk: is every acknowledged write there?');
    const after = await play({
      dir,
      interrupted,
      engine,
      disk: 'struck.img',
      protection: 'solo',
      script: ['kv list', 'poweroff'],
      keep: true,
    });
    const acknowledged = acknowledgedWrites(struck.transcript);
    const present = presentKeys(after.transcript);
    const lost = acknowledged.filter((key) => !present.has(key));

    const { last } = struck.result;
    const result: DemoResult = {
      lost,
      acknowledged: acknowledged.length,
      transcriptEqual: struck.transcript === calm.transcript,
      bootMs: struck.bootMs,
      takeover: struck.result.takeovers.at(-1) ?? null,
      logBytesPerSecond: struck.logBytesPerSecond,
      outputs: last?.outputs ?? 0,
      heldMost: struck.heldMost,
      addedLatencyMicros: struck.latency ?? null,
      seconds: (performance.now() - from) / 1000,
    };
    if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
    else tell(result, say);
    judge(result, keys, struck.result.exit, firstDifference(struck.transcript, calm.transcript));
  } finally {
    signals.off();
    clean();
    process.off('exit', clean);
  }
}

function tell(result: DemoResult, say: (text: string) => void): void {
  say('');
  say(`boot                 ${ms(result.bootMs)} to the first prompt, protected`);
  say(`takeover             ${result.takeover === null ? 'none' : takeoverLine(result.takeover)}`);
  say(`log                  ${size(result.logBytesPerSecond)}/s under load`);
  say(`outputs              ${result.outputs}, held at once: at most ${result.heldMost} (sampled)`);
  if (result.addedLatencyMicros !== null) {
    say(`added output latency p50 ${Math.round(result.addedLatencyMicros.p50)} µs, p99 ${Math.round(result.addedLatencyMicros.p99)} µs`);
  }
  say(`acknowledged writes  ${result.acknowledged}, lost ${result.lost.length}`);
  say(`console transcript   ${result.transcriptEqual ? 'equal to that of the machine that nothing happened to' : 'DIFFERENT'}`);
  say(`all of it            ${result.seconds.toFixed(1)} s`);
}

/** Throws when anything was lost, or when nothing was proved. */
export function judge(result: DemoResult, keys: number, exit: number, difference: string): void {
  const fail = (why: string): never => {
    throw new CliError('LOST_WORK', why);
  };
  const { lost, acknowledged, transcriptEqual, takeover } = result;
  if (lost.length > 0) fail(`${lost.length} acknowledged writes are not on the disk: ${lost.slice(0, 5).join(', ')}`);
  if (acknowledged !== keys) fail(`${keys} writes were asked for, ${acknowledged} acknowledged`);
  if (!transcriptEqual) fail(`the console differs from that of the unfailed run: ${difference}`);
  if (takeover === null) fail('the primary was killed, but no takeover was seen');
  if (exit !== 0) fail(`the guest ended with ${exit}`);
}

/** Keys whose write the guest called ok. */
export const acknowledgedWrites = (transcript: string): string[] => [...transcript.matchAll(/^ok (k\d+)\r?$/gm)].map(([, key]) => key);

/** Keys that `kv list` shows with the very value that the workload wrote. */
export const presentKeys = (transcript: string): Set<string> =>
  new Set([...transcript.matchAll(/^k(\d+) v(\d+)\r?$/gm)].flatMap(([, key, value]) => (key === value ? [`k${key}`] : [])));

interface Play {
  readonly dir: string;
  /** Rejects when the user has had enough. */
  readonly interrupted: Promise<never>;
  readonly engine: Engine;
  readonly disk: string;
  readonly protection: 'pair' | 'solo';
  readonly script: readonly string[];
  /** SIGKILL to the primary when so many writes were acknowledged. */
  readonly killAfter?: number;
  /** The disk as an earlier play left it. */
  readonly keep?: boolean;
  readonly say?: (text: string) => void;
}

interface Played {
  readonly transcript: string;
  readonly bootMs: number;
  readonly result: WorldResult;
  readonly heldMost: number;
  readonly logBytesPerSecond: number;
  readonly latency: ReplicaStatus['heldMicros'];
}

/** Boots the guest, types each line at its prompt, and waits for its end. */
async function play(how: Play): Promise<Played> {
  const disk = join(how.dir, how.disk);
  if (!how.keep) {
    writeFileSync(disk, '');
    truncateSync(disk, DISK_BYTES);
  }
  const plan = makePlan(undefined, {
    ...{ engine: how.engine, memory: '64M', bios: 'default', net: 'none', clock: 'host', reboot: true, arbiter: 'file' },
    ...{ solo: how.protection === 'solo', disk, name: 'demo', state: join(how.dir, 'state') },
  });
  const from = performance.now();
  const figures = { heldMost: 0, latency: undefined as ReplicaStatus['heldMicros'], log: { bytes: 0, at: 0 } };
  let [transcript, prompts, bootMs, acknowledged, read] = ['', 0, 0, 0, 0];
  let world: World | undefined;
  let logRate = 0;
  let stop: (why: Error) => void = () => undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop = reject;
  });
  const type = (): void => {
    const line = how.script[prompts++];
    if (line !== undefined) world?.input(Buffer.from(`${line}\n`));
  };
  const launched = await launch(plan, {
    write: async (bytes) => {
      const seen = transcript.length;
      transcript += Buffer.from(bytes).toString('latin1');
      if (transcript.indexOf(PROMPT, Math.max(0, seen - PROMPT.length + 1)) >= 0) {
        if (bootMs === 0) bootMs = performance.now() - from;
        type();
      }
      if (how.killAfter === undefined || acknowledged >= how.killAfter) return;
      // Whole lines only: a line may come in several pieces.
      const end = transcript.lastIndexOf('\n') + 1;
      acknowledged += transcript.slice(read, end).match(/^ok k/gm)?.length ?? 0;
      read = end;
      if (acknowledged < how.killAfter) return;
      how.say?.(`   ${acknowledged} writes acknowledged: kill -9 of the primary (pid ${world?.kill('primary')})`);
    },
    onEvent: (event) => {
      note(event, how);
    },
    onInputRoom: () => undefined,
  });
  world = launched.world;
  const sample = setInterval(() => {
    const live = launched.world.status().replicas.find((replica) => replica.live)?.status;
    if (live === undefined) return;
    figures.heldMost = Math.max(figures.heldMost, live.held);
    if (live.role === 'primary') figures.latency = live.heldMicros ?? figures.latency;
    if (live.role === 'primary' && bootMs > 0) {
      if (figures.log.at === 0) figures.log = { bytes: live.logBytes, at: performance.now() };
      else logRate = ((live.logBytes - figures.log.bytes) * 1000) / (performance.now() - figures.log.at);
    }
  }, 50);
  const patience = setTimeout(() => stop(new CliError('LOST_WORK', 'the guest did not come to its end within a minute')), 60_000);
  try {
    const { result } = await Promise.race([launched.ended, stopped, how.interrupted]);
    if (result.guest === undefined) throw new CliError('LOST_WORK', `the guest did not end: ${result.problem ?? 'unknown'}`);
    return { transcript, bootMs, result, heldMost: figures.heldMost, logBytesPerSecond: logRate, latency: figures.latency };
  } finally {
    clearInterval(sample);
    clearTimeout(patience);
    launched.world.quit();
    await launched.ended.catch(() => undefined);
  }
}

function note(event: WorldEvent, how: Play): void {
  if (event.kind === 'status' && event.status.state === 'protected' && event.status.role === 'primary') how.say?.('   protected');
  if (event.kind === 'takeover') how.say?.(`   the backup is live under epoch ${event.epoch} after ${ms(event.times.total)}`);
  if (event.kind === 'halted' && event.reason !== 'off') how.say?.(`   halted (${event.reason}): ${event.detail}`);
}

function firstDifference(one: string, other: string): string {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  return `at character ${at}: ${JSON.stringify(one.slice(at, at + 40))}, unfailed ${JSON.stringify(other.slice(at, at + 40))}`;
}
