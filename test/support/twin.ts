/** `twinhart run` as a child process with its console on pipes: type at it, wait for what it says, kill what it started. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ReplicaStatus } from '../../src/world/wire.ts';
import { built } from './dist.ts';

const MAIN = fileURLToPath(built('src/cli/main.ts'));

/** Runs one verb to its end. */
export function twinhart(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });
}

/** One run as `twinhart ps --json` shows it. */
export interface Status {
  readonly state: string;
  readonly epoch: number;
  readonly replicas: readonly { readonly pid: number; readonly live: boolean; readonly status: ReplicaStatus }[];
}

/** An empty disk in `dir`; returns its path. */
export function emptyDisk(dir: string, sizeBytes = 4 << 20): string {
  const path = join(dir, 'disk.img');
  writeFileSync(path, '');
  truncateSync(path, sizeBytes);
  return path;
}

export class Twin {
  readonly child: ChildProcess;
  /** The state folder, and a place for disks and sockets; removed by `dispose`. */
  readonly dir: string;
  /** The guest's console (stdout) and what twinhart says (stderr), so far. */
  console = '';
  notes = '';
  readonly ended: Promise<number | null>;
  #consoleMark = 0;
  #notesMark = 0;
  #wake: (() => void)[] = [];
  #closed = false;

  /** `args` follow `run`; a function of the fresh folder when they name files in it. */
  constructor(args: readonly string[] | ((dir: string) => readonly string[])) {
    this.dir = mkdtempSync(join(tmpdir(), 'twin-'));
    const rest = typeof args === 'function' ? args(this.dir) : args;
    this.child = spawn(process.execPath, [MAIN, 'run', '--name', 'vm', '--state', this.dir, ...rest], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    });
    this.child.stdin?.on('error', () => undefined);
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.console += text;
      this.#ring();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.notes += text;
      this.#ring();
    });
    this.ended = new Promise((resolve) =>
      this.child.on('close', (code) => {
        this.#closed = true;
        this.#ring();
        resolve(code);
      }),
    );
  }

  type(text: string): void {
    this.child.stdin?.write(text);
  }

  /** Resolves when the console says `text` after what was last found, with what came between; throws with both streams when the process ends first. */
  async see(text: string): Promise<string> {
    for (;;) {
      const at = this.console.indexOf(text, this.#consoleMark);
      if (at >= 0) {
        const before = this.console.slice(this.#consoleMark, at);
        this.#consoleMark = at + text.length;
        return before;
      }
      await this.#more(text);
    }
  }

  /** Resolves when `met` holds; asked again at each piece of console or notes. Throws when the process ends first. */
  async until(met: () => boolean): Promise<void> {
    while (!met()) await this.#more(String(met));
  }

  /** The same for what twinhart says on stderr; resolves with the text of the match. */
  async note(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.notes.slice(this.#notesMark));
      if (match !== null) {
        this.#notesMark += match.index + match[0].length;
        return match[0];
      }
      await this.#more(String(pattern));
    }
  }

  /** Types a line at the guest's prompt and resolves when the next prompt is there. */
  async command(line: string): Promise<string> {
    const from = this.console.length;
    this.type(`${line}\n`);
    await this.see('twin> ');
    return this.console.slice(from);
  }

  kill(side: 'primary' | 'backup'): void {
    const { status, stderr } = twinhart('kill', 'vm', `--${side}`, '--state', this.dir);
    if (status !== 0) throw new Error(`twinhart kill --${side} ended with ${status}: ${stderr}`);
  }

  /** What `twinhart ps --json` says of this run. */
  async status(): Promise<Status> {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN, 'ps', '--json', '--state', this.dir]);
    const [run] = JSON.parse(stdout) as Status[];
    if (run === undefined) throw new Error(`ps shows no run: ${stderr}`);
    return run;
  }

  dispose(): void {
    if (!this.#closed) this.child.kill('SIGTERM');
    void this.ended.then(() => rmSync(this.dir, { recursive: true, force: true }));
  }

  async #more(wanted: string): Promise<void> {
    if (this.#closed) throw new Error(`ended before ${wanted}\n--- console\n${this.console}\n--- notes\n${this.notes}`);
    await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  #ring(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
