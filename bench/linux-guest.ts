/**
 * A Linux guest in a child process, Twinhart's or QEMU's, with its console on pipes: lines are typed at its prompt, and times are taken here,
 * on the host, when marks come out around what a line does.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { complaint, type Work } from './linux-work.ts';
import { cpuSeconds, family } from './processes.ts';

/** Seconds since the child was started, and processor seconds of it and its children. */
export interface Mark {
  readonly wall: number;
  readonly cpu: number;
}

/** `twinhart:~# `, or another's (`/ # `): no line of the kernel's log begins like it. */
const PROMPT = /(?:^|\n)\r?[^\s[]\S* ?# /;
const PATIENCE_MS = 300_000;

export class LinuxGuest {
  readonly child: ChildProcess;
  /** All that the console has said. */
  console = '';
  notes = '';
  readonly ended: Promise<number | null>;
  readonly #begun = performance.now();
  #from = 0;
  #first: number | undefined;
  #look: (() => void) | undefined;
  #lines = 0;
  #closed = false;

  constructor(command: string, args: readonly string[]) {
    // Where the user has certificates of his own, Node reads them at its start (60 ms): no matter of ours.
    const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...env, NO_COLOR: '1' } });
    this.child.stdin?.on('error', () => undefined);
    this.child.stdout?.setEncoding('latin1').on('data', (text: string) => {
      this.#first ??= this.#wall();
      this.console += text;
      this.#look?.();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.notes += text;
    });
    this.ended = new Promise((resolve) => {
      this.child.on('close', (code) => {
        this.#closed = true;
        this.#look?.();
        resolve(code);
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Seconds from the start to the first byte on the console. */
  get firstByte(): number {
    return this.#first ?? Number.NaN;
  }

  /** When the shell asks for its first line. */
  async prompt(): Promise<Mark> {
    return this.#see(PROMPT);
  }

  /** Types the line and waits for its end; what passed between the word to go and the mark behind it. Throws when it says something else than it must. */
  async run(work: Work): Promise<Mark> {
    const number = this.#lines++;
    // The line as it is echoed has quotation marks in its marks, what it prints has none. It waits for an empty line: what the host does to
    // take the time is done by then.
    this.child.stdin?.write(`echo b@""${number}; read go; ${work.line}; echo e@""${number}\n`);
    await this.#see(new RegExp(`b@${number}\r?\n`));
    const begin = this.#now();
    this.child.stdin?.write('\n');
    const from = this.#from;
    const end = await this.#see(new RegExp(`e@${number}\r?\n`));
    const said = this.console.slice(from, this.#from).replaceAll('\r', '').replace(/^\n/, '');
    await this.prompt();
    const wrong = complaint(work, said.slice(0, said.lastIndexOf(`e@${number}`)).trimEnd());
    if (wrong !== undefined) throw new Error(`${this.child.spawnfile}: ${wrong}`);
    return { wall: end.wall - begin.wall, cpu: end.cpu - begin.cpu };
  }

  /** Powers it off; resolves when the process has gone. */
  async off(): Promise<void> {
    this.child.stdin?.write('poweroff -f\n');
    const timer = setTimeout(() => this.kill(), 10_000);
    await this.ended;
    clearTimeout(timer);
  }

  kill(): void {
    if (!this.#closed) this.child.kill('SIGTERM');
  }

  #wall(): number {
    return (performance.now() - this.#begun) / 1000;
  }

  #now(): Mark {
    const wall = this.#wall();
    return { wall, cpu: family(this.pid).reduce((sum, pid) => sum + cpuSeconds(pid), 0) };
  }

  #see(pattern: RegExp): Promise<Mark> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer);
        this.#look = undefined;
        act();
      };
      const fail = (why: string) =>
        settle(() => reject(new Error(`${why} ${pattern}\n--- console\n${this.console.slice(-2000)}\n--- notes\n${this.notes}`)));
      const timer = setTimeout(() => fail('waited too long for'), PATIENCE_MS);
      this.#look = () => {
        const found = pattern.exec(this.console.slice(this.#from));
        if (found !== null) {
          const now = this.#now();
          this.#from += found.index + found[0].length;
          settle(() => resolve(now));
        } else if (this.#closed) fail('ended before');
      };
      this.#look();
    });
  }
}
