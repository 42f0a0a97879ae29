/** A command on a terminal: a pseudo-terminal made by script(1) of util-linux, whose keyboard and screen are these. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { built } from './dist.ts';

/** Why there can be no terminal here, or undefined. */
export const noPty: string | undefined =
  spawnSync('script', ['--version']).error === undefined ? undefined : 'no script(1) here, it is in util-linux';

/** `twinhart` with these arguments, as a shell takes it. */
export const twinhartCommand = (...args: string[]): string =>
  [process.execPath, fileURLToPath(built('src/cli/main.ts')), ...args].map((word) => `'${word}'`).join(' ');

export class Pty {
  readonly child: ChildProcess;
  /** Every byte that the terminal was sent, so far. */
  screen = '';
  /** What the command wrote to its descriptor 3, which is no terminal. */
  notes = '';
  readonly ended: Promise<void>;
  #mark = 0;
  #closed = false;
  #wake: (() => void)[] = [];

  /** `command` is a shell's. */
  constructor(command: string) {
    this.child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit', 'pipe'] });
    this.child.stdin?.on('error', () => undefined);
    this.child.stdout?.setEncoding('latin1').on('data', (text: string) => {
      this.screen += text;
      this.#ring();
    });
    (this.child.stdio[3] as Readable).setEncoding('utf8').on('data', (text: string) => {
      this.notes += text;
      this.#ring();
    });
    this.ended = new Promise((resolve) =>
      this.child.on('close', () => {
        this.#closed = true;
        this.#ring();
        resolve();
      }),
    );
  }

  type(text: string): void {
    this.child.stdin?.write(text, 'latin1');
  }

  /** Resolves when the screen has had `text` after what was last found, with what came before it; throws when the command ends first. */
  async see(text: string): Promise<string> {
    for (;;) {
      const at = this.screen.indexOf(text, this.#mark);
      if (at >= 0) {
        const before = this.screen.slice(this.#mark, at);
        this.#mark = at + text.length;
        return before;
      }
      await this.#more(text);
    }
  }

  /** Resolves when `met` holds of the screen and the notes; throws when the command ends first. */
  async until(met: () => boolean): Promise<void> {
    while (!met()) await this.#more(String(met));
  }

  note(text: string): Promise<void> {
    return this.until(() => this.notes.includes(text));
  }

  /** The screen has not been read for a while, or is again. */
  listen(on: boolean): void {
    if (on) this.child.stdout?.resume();
    else this.child.stdout?.pause();
  }

  /** Takes the keyboard away: script(1) hangs up, and what it ran with it. */
  dispose(): void {
    if (!this.#closed) this.child.kill('SIGTERM');
  }

  async #more(wanted: string): Promise<void> {
    if (this.#closed) throw new Error(`ended before ${JSON.stringify(wanted)}\n--- screen\n${this.screen}\n--- notes\n${this.notes}`);
    await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  #ring(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
