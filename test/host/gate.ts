/**
 * Words behind `Shared` by which a test stops a machine thread: at its next slice, or at the moment when it has made its n-th output and
 * nobody knows yet. The replica never sees them; `gated-machine-worker.ts` heeds them.
 */
import type { Input, Machine, Output } from '../../emulator/index.ts';
import { Shared } from '../../src/host/shared.ts';

const CLOSED = 0;
const STOP_AT = 1;
const REACHED = 2;
const COMPLETIONS = 3;
const WORDS = 4;

/** `Shared`'s words with a gate behind them. */
export function gatedShared(): Shared {
  const { byteLength } = new Shared().buffer;
  return new Shared(new SharedArrayBuffer(byteLength + WORDS * 4));
}

export class Gate {
  private readonly words: Int32Array;
  private made = 0;

  /** `shared`: the buffer of `gatedShared`. */
  constructor(shared: SharedArrayBuffer) {
    this.words = new Int32Array(shared, shared.byteLength - WORDS * 4, WORDS);
  }

  get closed(): boolean {
    return Atomics.load(this.words, CLOSED) === 1;
  }

  /** Test: the machine thread stops before its next slice. */
  close(): void {
    Atomics.store(this.words, CLOSED, 1);
  }

  open(): void {
    Atomics.store(this.words, CLOSED, 0);
    Atomics.notify(this.words, CLOSED);
  }

  /** Test, before the start: closes by itself when the machine has made something for the `n`-th time, before that is logged. Resolves then. */
  async closeWhenMade(n: number): Promise<void> {
    Atomics.store(this.words, STOP_AT, n);
    await waitAsync(this.words, REACHED, 0).value;
  }

  /** Disk completions that were delivered to the machine. */
  get completions(): number {
    return Atomics.load(this.words, COMPLETIONS);
  }

  /** Machine thread: puts the gate in front of `machine`. */
  guard(machine: Machine): Machine {
    const run = machine.run.bind(machine);
    const take = machine.takeOutputs.bind(machine);
    const deliver = machine.deliver.bind(machine);
    machine.run = (limit) => {
      this.pass();
      return run(limit);
    };
    machine.takeOutputs = () => {
      const outputs = take();
      if (outputs.some(numbered)) this.count();
      return outputs;
    };
    machine.deliver = (input: Input) => {
      if (input.kind === 'disk') Atomics.add(this.words, COMPLETIONS, 1);
      deliver(input);
    };
    return machine;
  }

  private count(): void {
    this.made++;
    if (Atomics.load(this.words, STOP_AT) !== this.made) return;
    this.close();
    Atomics.store(this.words, REACHED, 1);
    Atomics.notify(this.words, REACHED);
    this.pass();
  }

  private pass(): void {
    while (this.closed) Atomics.wait(this.words, CLOSED, 1);
  }
}

const numbered = (output: Output): boolean => output.kind !== 'diskRead';

/** ES2024: Node 20 has it, the types of es2023 do not. */
const { waitAsync } = Atomics as unknown as {
  waitAsync(words: Int32Array, index: number, value: number): { readonly value: Promise<string> | string };
};
