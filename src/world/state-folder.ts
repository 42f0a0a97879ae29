/** Where a run's files live: `<state>/<name>/<run>/`, with its run.json, keys, fence, logs and sockets; and how the runs there are found again. */
import { randomBytes, randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunConfig } from './run-config.ts';

/** A unix socket's path has to fit in sockaddr_un: 108 bytes on Linux with the final zero, 104 on others. */
const SOCKET_PATH_BYTES = 103;
const SOCKETS = ['world', 'link', 'control'] as const;

export interface RunFolder {
  readonly name: string;
  readonly run: string;
  readonly dir: string;
  readonly runFile: string;
  readonly sockets: Readonly<Record<(typeof SOCKETS)[number], string>>;
  /** Removes the folder and, where there is one, the separate folder of the sockets. `keepFiles`: only the latter. */
  remove(keepFiles: boolean): void;
}

/** `$XDG_STATE_HOME/twinhart`, by default `~/.local/state/twinhart`. */
export function defaultStateFolder(): string {
  const xdg = process.env.XDG_STATE_HOME;
  // The XDG specification: a relative path in the variable is to be ignored.
  return join(xdg?.startsWith('/') ? xdg : join(homedir(), '.local', 'state'), 'twinhart');
}

/** Makes the folder of a new run. Sockets whose path would be too long go to a folder of their own under the temporary folder. */
export function makeRunFolder(state: string, name: string): RunFolder {
  const run = randomBytes(8).toString('hex');
  const dir = join(state, name, run);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const longest = Buffer.byteLength(join(dir, 'control.sock'));
  const socketDir = longest <= SOCKET_PATH_BYTES ? dir : mkdtempSync(join(tmpdir(), 'twinhart-'));
  const [world, link, control] = SOCKETS.map((socket) => join(socketDir, `${socket}.sock`));
  return {
    name,
    run,
    dir,
    runFile: join(dir, 'run.json'),
    sockets: { world, link, control },
    remove(keepFiles) {
      if (socketDir !== dir) rmSync(socketDir, { recursive: true, force: true });
      if (!keepFiles) {
        rmSync(dir, { recursive: true, force: true });
        removeIfEmpty(join(state, name));
      }
    },
  };
}

export function writeRunFile(path: string, config: RunConfig): void {
  // It holds the seed, which is nobody else's to read.
  writeFileSync(path, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
}

/** Every run whose run.json is in the state folder, alive or not. Unreadable ones are skipped: another version may have left them. */
export function knownRuns(state: string): RunConfig[] {
  return entries(state).flatMap((name) =>
    entries(join(state, name)).flatMap((run) => {
      try {
        return [JSON.parse(readFileSync(join(state, name, run, 'run.json'), 'utf8')) as RunConfig];
      } catch {
        return [];
      }
    }),
  );
}

/** A name that is easy to say and to type, such as `calm-otter`. */
export function generateName(taken: ReadonlySet<string>): string {
  for (let attempt = 0; ; attempt++) {
    const name = `${ADJECTIVES[randomInt(ADJECTIVES.length)]}-${ANIMALS[randomInt(ANIMALS.length)]}`;
    if (attempt >= 20) return `${name}-${randomInt(10_000)}`;
    if (!taken.has(name)) return name;
  }
}

const ADJECTIVES =
  'able bold brave brisk calm clear crisp eager fair fleet fond glad keen kind lucid merry neat quick quiet spry steady swift tidy warm'.split(
    ' ',
  );
const ANIMALS =
  'badger bison crane dove eland finch gecko heron ibex jackdaw koala lark lynx marten newt otter pika quail raven seal stoat tern vole wren'.split(
    ' ',
  );

function entries(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function removeIfEmpty(dir: string): void {
  if (entries(dir).length === 0) rmSync(dir, { recursive: true, force: true });
}
