/** Starts the replicas as operating-system processes of their own, kills them when asked, and takes them along when the world goes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ReplicaExit {
  readonly role: StartRole;
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Host time, ms since 1970, when we learned of it; when we killed it, when we did. */
  readonly at: number;
  readonly killed: boolean;
  /** The end of what it wrote to standard error: a crash explains itself there. */
  readonly said: string;
}

/** V8's own threads, which compile for the machine's: each job takes some 15 MiB while it lasts, and four at once would want the machine's core. */
const NODE_FLAGS = ['--v8-pool-size=2'];

/** A replica speaks to its own host alone, without TLS: certificates that the user trusts besides would only cost it 60 ms to read. */
const { NODE_EXTRA_CA_CERTS: _, ...ENV } = process.env;

/** What a replica is started as; it may end as something else. */
export type StartRole = 'primary' | 'backup' | 'solo';

export class Supervisor {
  readonly #runFile: string;
  readonly #dir: string;
  readonly #entry: string;
  readonly #onExit: (exit: ReplicaExit) => void;
  readonly #children = new Map<number, { child: ChildProcess; killedAt: number | undefined; ended: Promise<void> }>();
  readonly #takeAlong = (): void => this.killAll();

  constructor(options: { runFile: string; dir: string; entry?: string; onExit: (exit: ReplicaExit) => void }) {
    this.#runFile = options.runFile;
    this.#dir = options.dir;
    this.#entry = options.entry ?? replicaEntry();
    this.#onExit = options.onExit;
    process.on('exit', this.#takeAlong);
  }

  get count(): number {
    return this.#children.size;
  }

  /** Returns its pid. A replica that cannot be started shows as an exit. */
  start(role: StartRole): number {
    const log = join(this.#dir, `${role}.log`);
    const stderr = openSync(log, 'a', 0o600);
    // A session of its own: the terminal's Ctrl-C is for the world, which then sees to its replicas.
    const child = spawn(process.execPath, [...NODE_FLAGS, this.#entry, this.#runFile, role], {
      stdio: ['ignore', stderr, stderr],
      detached: true,
      env: ENV,
    });
    closeSync(stderr);
    const pid = child.pid ?? -1;
    const ended = new Promise<void>((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => {
        const killedAt = this.#children.get(pid)?.killedAt;
        if (!this.#children.delete(pid)) return;
        this.#onExit({ role, pid, code, signal, at: killedAt ?? Date.now(), killed: killedAt !== undefined, said: tail(log) });
        resolve();
      };
      child.on('exit', end);
      child.on('error', () => end(null, null));
    });
    this.#children.set(pid, { child, killedAt: undefined, ended });
    return pid;
  }

  /** SIGKILL, as a fault would: nothing is said or saved. False: no such replica of ours. */
  kill(pid: number): boolean {
    const entry = this.#children.get(pid);
    if (entry === undefined) return false;
    entry.killedAt ??= Date.now();
    return entry.child.kill('SIGKILL');
  }

  killAll(): void {
    for (const pid of [...this.#children.keys()]) this.kill(pid);
  }

  /** When every replica has ended; those that have not after `patienceMs` are killed (a stopped one would never end by itself). */
  async ended(patienceMs: number): Promise<void> {
    const all = Promise.all([...this.#children.values()].map((entry) => entry.ended));
    const timer = setTimeout(() => this.killAll(), patienceMs);
    await all;
    clearTimeout(timer);
    process.off('exit', this.#takeAlong);
  }
}

/** Beside this file in the bundle (dist/app), as `tsc` compiled it (dist/src), or that when this file runs from its source (tests). */
function replicaEntry(): string {
  const places = ['./replica-main.js', '../host/replica-main.js', '../../dist/src/host/replica-main.js'];
  const found = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((place) => existsSync(place));
  if (found === undefined) throw new Error('the replica program is not built: npm run build');
  return found;
}

function tail(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(-4000).trim();
  } catch {
    return '';
  }
}
