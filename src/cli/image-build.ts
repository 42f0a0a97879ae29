/**
 * Builds an image by its recipe (`images/NAME/recipe.json`, `phases/*.sh`) into the cache. Phases run as soon as what they need is done, each with a log file
 * of its own; the result is made in a folder beside and renamed when it is whole, so two builds at once, or one that is killed, do no harm.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import { CliError, Interrupted } from './errors.ts';
import {
  type BuiltImage,
  type BuiltManifest,
  buildsFolder,
  damage,
  findBuilt,
  makeManifest,
  recipeFolder,
  recipeHash,
} from './image-cache.ts';
import { fetchCommands, fetchedVersions, installedPackages, type Recipe } from './image-packages.ts';

export type BuildEvent =
  | { readonly kind: 'damaged'; readonly what: readonly string[] }
  | { readonly kind: 'start'; readonly phase: string; readonly log: string }
  | { readonly kind: 'end'; readonly phase: string; readonly seconds: number };

export interface BuildOptions {
  readonly name: string;
  readonly recipe?: string;
  /** Build even where a whole one is there. */
  readonly force?: boolean;
  /** Build again, and compare with what is there instead of replacing it. */
  readonly check?: boolean;
  readonly onEvent: (event: BuildEvent) => void;
  /** Ends the build: every process of it is killed, and its folder removed. */
  readonly signal?: AbortSignal;
}

export interface BuildResult {
  readonly image: BuiltImage;
  /** False: a whole one was there. */
  readonly built: boolean;
  readonly seconds: Readonly<Record<string, number>>;
}

/** How much of the log of a phase that failed is shown. */
const TAIL_LINES = 25;
const FETCH = 'fetch';

/** Throws CliError PACKAGES, APT, IMAGE_BUILD or IMAGE_DIFFERS, and Interrupted after an abort. */
export async function buildImage(options: BuildOptions): Promise<BuildResult> {
  const { name, onEvent } = options;
  const folder = options.recipe ?? recipeFolder(name);
  const recipe = JSON.parse(readFileSync(join(folder, 'recipe.json'), 'utf8')) as Recipe;
  const there = findBuilt(name, folder);
  if (there !== undefined && options.force !== true && options.check !== true) {
    const what = damage(there);
    if (what.length === 0) return { image: there, built: false, seconds: {} };
    onEvent({ kind: 'damaged', what });
  }
  if (options.check === true && there === undefined)
    throw new CliError('USAGE', `image build ${name} --check: there is none to compare with yet`);
  const packages = installedPackages(name, recipe.packages);
  const hash = recipeHash(folder);

  const builds = buildsFolder(name);
  mkdirSync(builds, { recursive: true });
  removeLeftovers(builds);
  const work = mkdtempSync(join(builds, `${inProgress()}${process.pid}-`));
  const out = join(work, 'out');
  for (const part of ['out', 'logs', FETCH]) mkdirSync(join(work, part));
  try {
    const seconds = await runPhases({ name, recipe, folder, work, out, onEvent, signal: options.signal });
    const about = {
      name,
      recipe: hash,
      sources: fetchedVersions(join(work, FETCH)),
      packages,
      compiler: versionOf(recipe.compiler),
    };
    if (recipeHash(folder) !== hash) throw new CliError('IMAGE_BUILD', `image build ${name}: ${folder} has changed during the build`);
    const manifest = makeManifest(out, recipe.files, about);
    if (options.check === true) return { image: compare(there as BuiltImage, { folder: out, manifest }), built: true, seconds };
    writeFileSync(join(out, 'manifest.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
    renameSync(join(work, 'logs'), join(out, 'logs'));
    return { image: put(out, join(builds, about.recipe), manifest, work), built: true, seconds };
  } catch (error) {
    throw error instanceof PhaseFailed ? explained(name, error, join(work, 'logs')) : error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

interface Phases {
  readonly name: string;
  readonly recipe: Recipe;
  readonly folder: string;
  readonly work: string;
  readonly out: string;
  readonly onEvent: (event: BuildEvent) => void;
  readonly signal: AbortSignal | undefined;
}

/** Runs all of them; returns the seconds of each. The first that fails ends the others. */
async function runPhases(build: Phases): Promise<Record<string, number>> {
  const jobs = availableParallelism();
  // Two at least: one may have a part that only one processor can do.
  const room = Math.max(2, jobs >> 1);
  const waiting = new Map([
    [FETCH, [] as readonly string[]],
    ...Object.entries(build.recipe.phases).map(([phase, needs]) => [phase, [FETCH, ...needs]] as const),
  ]);
  const running = new Map<string, Promise<void>>();
  const seconds: Record<string, number> = {};
  const children = new Set<ChildProcess>();
  let failure: unknown;
  const stop = (why: unknown): void => {
    failure ??= why;
    for (const child of children) killGroup(child);
  };
  const abort = (): void => stop(new Interrupted(130));
  build.signal?.addEventListener('abort', abort);
  const startReady = (): void => {
    for (const [phase, needs] of waiting) {
      if (failure !== undefined || running.size >= room) return;
      if (!needs.every((need) => need in seconds)) continue;
      waiting.delete(phase);
      const ended = runPhase(build, phase, jobs, children)
        .then((took) => {
          seconds[phase] = took;
        }, stop)
        .finally(() => running.delete(phase));
      running.set(phase, ended);
    }
  };
  try {
    if (build.signal?.aborted === true) abort();
    for (startReady(); running.size > 0; startReady()) await Promise.race(running.values());
  } finally {
    build.signal?.removeEventListener('abort', abort);
  }
  if (failure !== undefined) throw failure;
  if (waiting.size > 0) throw new Error(`phases that wait for each other: ${[...waiting.keys()].join(', ')}`);
  return seconds;
}

async function runPhase(build: Phases, phase: string, jobs: number, children: Set<ChildProcess>): Promise<number> {
  const log = join(build.work, 'logs', `${phase}.log`);
  const begun = performance.now();
  build.onEvent({ kind: 'start', phase, log });
  const output = openSync(log, 'a');
  const run = async (command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<void> => {
    // A group of its own, so that an end reaches make's children too.
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', output, output], detached: true });
    children.add(child);
    const how = await new Promise<string>((resolve) => {
      child.on('error', (error) => resolve(error.message));
      child.on('exit', (code, signal) => resolve(code === 0 ? '' : signal === null ? `status ${code}` : signal));
    });
    children.delete(child);
    if (how !== '') throw new PhaseFailed(phase, how);
  };
  try {
    if (phase === FETCH) {
      for (const args of fetchCommands(build.recipe, build.work))
        await run('apt-get', args, join(build.work, FETCH), { ...process.env, LC_ALL: 'C' });
    } else {
      const script = 'umask 022; source "$RECIPE/environment.sh"; source "$RECIPE/phases/$0.sh"';
      await run('bash', ['-euxo', 'pipefail', '-c', script, phase], build.work, phaseEnvironment(build, jobs));
    }
  } finally {
    closeSync(output);
  }
  const took = (performance.now() - begun) / 1000;
  build.onEvent({ kind: 'end', phase, seconds: took });
  return took;
}

/** Nothing of the user's settings: the same recipe has to give the same bytes. */
function phaseEnvironment({ work, out, folder }: Phases, jobs: number): NodeJS.ProcessEnv {
  // Where an ordinary user has no path to them: mke2fs and its like.
  const path = `${process.env.PATH ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`;
  return { PATH: path, HOME: work, TMPDIR: work, LC_ALL: 'C', TZ: 'UTC', WORK: work, OUT: out, RECIPE: folder, JOBS: String(jobs) };
}

class PhaseFailed extends Error {
  readonly phase: string;

  constructor(phase: string, how: string) {
    super(how);
    this.phase = phase;
  }
}

/** Moves the logs to where they stay, and says what the last lines of that phase's are. */
function explained(name: string, { phase, message }: PhaseFailed, logs: string): CliError {
  const kept = join(buildsFolder(name), `failed-${process.pid}`);
  rmSync(kept, { recursive: true, force: true });
  renameSync(logs, kept);
  const log = join(kept, `${phase}.log`);
  const tail = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES);
  return new CliError(
    'IMAGE_BUILD',
    `image build ${name}: ${phase} failed (${message}). The end of ${log}:\n${tail.map((line) => `  | ${line}`).join('\n')}`,
  );
}

const versionOf = (program: string): string => spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout?.split('\n')[0] ?? '';

/** Throws CliError IMAGE_DIFFERS with each file that has other bytes than before. */
function compare(before: BuiltImage, again: { readonly folder: string; readonly manifest: BuiltManifest }): BuiltImage {
  const differing = Object.entries(again.manifest.files).filter(([file, { sha256 }]) => before.manifest.files[file]?.sha256 !== sha256);
  if (differing.length === 0) return before;
  const kept = join(before.folder, '..', `differs-${process.pid}`);
  renameSync(again.folder, kept);
  const inputs = (['sources', 'packages', 'compiler'] as const).filter(
    (part) => JSON.stringify(before.manifest[part]) !== JSON.stringify(again.manifest[part]),
  );
  const why = inputs.length === 0 ? 'from the same inputs' : `but so have its ${inputs.join(' and ')}`;
  throw new CliError(
    'IMAGE_DIFFERS',
    `${differing.map(([file]) => file).join(', ')} came out otherwise, ${why}: compare ${before.folder} with ${kept}`,
  );
}

/** Renames a whole build into its place. Another build may have got there first: with the same bytes, and then ours is not needed. */
function put(out: string, place: string, manifest: BuiltManifest, work: string): BuiltImage {
  for (;;) {
    try {
      renameSync(out, place);
      return { folder: place, manifest };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    }
    // What is there goes aside in one step, and is removed with our folder.
    renameSync(place, mkdtempSync(join(work, 'old-')));
  }
}

/** How folders of builds that run on this host begin: a home may be shared, and of another host's processes we know nothing. */
const inProgress = (): string => `.building-${hostname()}-`;

/** Removes folders of builds whose process is no more, and what ones that failed have left to be looked at. */
function removeLeftovers(builds: string): void {
  const beginnings = [inProgress(), 'failed-', 'differs-'];
  for (const entry of readdirSync(builds)) {
    const beginning = beginnings.find((text) => entry.startsWith(text));
    const pid = beginning === undefined ? undefined : /^\d+/.exec(entry.slice(beginning.length))?.[0];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(builds, entry), { recursive: true, force: true });
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
