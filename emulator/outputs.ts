/** The way out: numbers what devices make, sink by sink, and keeps it until it is taken (protocol.md, "Outputs"). */
import type { Unnumbered } from './devices/device.ts';
import { type Exit, type Output, SINK_OF, type Sink } from './io.ts';

/** Console bytes that end a run, so that a chatty guest is still heard. */
const CONSOLE_BYTES_URGENT = 256;

export class Outputs {
  /** Ordinal of the last output made, for each sink: state. */
  readonly made: Record<Sink, number> = { console: 0, disk: 0, net: 0, power: 0 };
  /** An output wants to leave at once. Cleared by whoever runs the machine. */
  urgent = false;
  #taken: Output[] = [];
  #console: number[] = [];
  #consoleBytes = 0;
  readonly #onUrgent: () => void;

  /** `onUrgent` is called when the run should end after the instruction in hand. */
  constructor(onUrgent: () => void) {
    this.#onUrgent = onUrgent;
  }

  /** Numbers an output; returns its ordinal, 0 for a disk read. */
  emit(output: Unnumbered<Output>): number {
    const sink = SINK_OF[output.kind];
    if (output.kind === 'console') {
      const ordinal = this.made.console + 1;
      this.made.console += output.bytes.length;
      for (const byte of output.bytes) this.#console.push(byte);
      this.#consoleBytes += output.bytes.length;
      if (this.#consoleBytes >= CONSOLE_BYTES_URGENT) this.hurry();
      return ordinal;
    }
    this.#closeConsole();
    const ordinal = sink === undefined ? 0 : ++this.made[sink];
    this.#taken.push((sink === undefined ? output : { ...output, ordinal }) as Output);
    this.hurry();
    return ordinal;
  }

  off(exit: Exit): void {
    this.emit({ kind: 'off', exit });
  }

  /** Ends the run after the instruction in hand: an output wants to leave, or the machine has done something that takes long. */
  hurry(): void {
    this.urgent = true;
    this.#onUrgent();
  }

  /** What was made since the last call, in order; console bytes that follow each other are one output. */
  take(): Output[] {
    this.#closeConsole();
    const taken = this.#taken;
    this.#taken = [];
    this.#consoleBytes = 0;
    return taken;
  }

  #closeConsole(): void {
    if (this.#console.length === 0) return;
    const bytes = Uint8Array.from(this.#console);
    this.#console = [];
    // Bytes are numbered as they come, so those still open are the last ones made.
    this.#taken.push({ kind: 'console', ordinal: this.made.console - bytes.length + 1, bytes });
  }
}
