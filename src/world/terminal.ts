/** The user's terminal as the guest's console: raw while the guest runs, given back on every path, with QEMU's Ctrl-A keys. */
import { spawnSync } from 'node:child_process';
import type { ReadStream } from 'node:tty';

export type TerminalKey = 'quit' | 'help' | 'status' | 'kill';

const CTRL_A = 0x01;
const KEYS: Readonly<Record<string, TerminalKey>> = { x: 'quit', h: 'help', '?': 'help', s: 'status', k: 'kill' };

export const KEY_HELP = [
  'Ctrl-A h    this help',
  'Ctrl-A s    status of the pair',
  'Ctrl-A k    kill -9 the primary',
  'Ctrl-A x    quit (the guest is not powered off)',
  'Ctrl-A a    send Ctrl-A to the guest',
];

export interface TerminalEvents {
  onBytes(bytes: Uint8Array): void;
  onKey(key: TerminalKey): void;
  /** The input has ended: nothing more will come. */
  onEnd(): void;
}

/** Splits what is typed into console bytes and keys. Ctrl-A twice, or Ctrl-A a, is one Ctrl-A for the guest; other keys are dropped. */
export class KeyFilter {
  #armed = false;

  feed(bytes: Uint8Array, events: Pick<TerminalEvents, 'onBytes' | 'onKey'>): void {
    let plain: number[] = [];
    for (const byte of bytes) {
      if (!this.#armed) {
        if (byte === CTRL_A) this.#armed = true;
        else plain.push(byte);
        continue;
      }
      this.#armed = false;
      const key = KEYS[String.fromCharCode(byte).toLowerCase()];
      if (byte === CTRL_A || byte === 0x61) plain.push(CTRL_A);
      else if (key !== undefined) {
        // What was typed before a key reaches the guest before the key acts.
        if (plain.length > 0) events.onBytes(Uint8Array.from(plain));
        plain = [];
        events.onKey(key);
      }
    }
    if (plain.length > 0) events.onBytes(Uint8Array.from(plain));
  }
}

/** A console source: a terminal, or any other standard input (its end is not a power-off). */
export class ConsoleSource {
  readonly #input: ReadStream | NodeJS.ReadStream;
  readonly #filter = new KeyFilter();
  readonly #restore = (): void => this.#raw(false);
  readonly #rawAgain = (): void => this.#raw(true);

  constructor(input: NodeJS.ReadStream) {
    this.#input = input;
  }

  get isTerminal(): boolean {
    return this.#input.isTTY === true;
  }

  start(events: TerminalEvents): void {
    if (this.isTerminal) {
      // `exit` covers every end that runs any code at all; after Ctrl-Z and fg the mode has to be set again.
      process.on('exit', this.#restore);
      process.on('SIGCONT', this.#rawAgain);
      this.#raw(true);
    }
    this.#input.on('data', (chunk: Buffer) => {
      if (this.isTerminal) this.#filter.feed(chunk, events);
      else events.onBytes(new Uint8Array(chunk));
    });
    this.#input.on('end', () => events.onEnd());
    // A closed or broken input is an input that says nothing more.
    this.#input.on('error', () => undefined);
  }

  /** `room` false: the guest does not keep up. */
  flow(room: boolean): void {
    if (room) this.#input.resume();
    else this.#input.pause();
  }

  stop(): void {
    this.#input.removeAllListeners('data');
    this.#input.pause();
    this.#input.unref?.();
    this.#raw(false);
    process.off('exit', this.#restore);
    process.off('SIGCONT', this.#rawAgain);
  }

  #raw(on: boolean): void {
    if (!this.isTerminal) return;
    const terminal = this.#input as ReadStream;
    try {
      // Where Node believes that it is raw already (a shell has changed it behind our back), it would do nothing.
      terminal.setRawMode(false);
      if (!on) return;
      terminal.setRawMode(true);
      // Node's raw mode leaves the output alone, which turns \n into \r\n: the guest's own terminal driver has done that, where it should.
      spawnSync('stty', ['-opost'], { stdio: [terminal, 'ignore', 'ignore'] });
    } catch {
      // The terminal is gone (hang-up): there is nothing to restore.
    }
  }
}
