/**
 * Runs a machine again by what was written down. It never waits where it should fail: a pause before the mark, an icount beyond
 * it, a refused input, an output without its entry, an entry without its output are each a divergence, named (protocol.md, "The log").
 */
import { type Icount, type Machine, type Output, SINKS } from '../../emulator/index.ts';
import { decodeBatch } from './codec.ts';
import type { Batch, Entry, Seq } from './entry.ts';
import { OutputRange } from './range.ts';

/** Where replay and log disagree. `entry` is undefined when the log says only that the machine ran on. */
export interface Divergence {
  readonly entry: Entry | undefined;
  readonly seq: Seq;
  readonly icount: Icount;
  readonly expected: string;
  readonly actual: string;
}

export class Replayer {
  readonly machine: Machine;
  /** Last entry applied. */
  seq: Seq;
  lastInput = 0;
  /** Epoch of the last batch opened. */
  epoch = 0;
  divergence: Divergence | undefined;
  /** Called after each entry that was applied and agrees. */
  onEntry: (entry: Entry) => void = () => {};
  readonly range: OutputRange;
  private horizon: Icount;
  private readonly received: Uint8Array[] = [];
  private receivedBytes = 0;
  private batch: Batch | undefined;
  private position = 0;
  private made: Output[] = [];

  /** The machine stands where entry `seq` left it: 0 is reset. */
  constructor(machine: Machine, seq: Seq = 0) {
    this.machine = machine;
    this.seq = seq;
    this.horizon = machine.icount;
    this.range = new OutputRange(machine.made);
  }

  /** A whole batch, in order. Kept as bytes until it is needed: an ack does not wait for decoding. */
  receive(bytes: Uint8Array): void {
    this.received.push(bytes);
    this.receivedBytes += bytes.length;
  }

  /** Bytes received and not begun. */
  get backlog(): number {
    return this.receivedBytes;
  }

  takeOutputs(): Output[] {
    const taken = this.made;
    this.made = [];
    return taken;
  }

  /** Replays at most `budget` instructions. `starved`: all that was received is done, up to the horizon and no further. */
  advance(budget: number): 'ran' | 'starved' | 'diverged' {
    let left = budget;
    while (this.divergence === undefined) {
      const entry = this.next();
      if (this.divergence !== undefined) break;
      const goal = entry?.at ?? this.horizon;
      const { icount } = this.machine;
      if (icount < goal) {
        if (left <= 0) return 'ran';
        this.run(Math.min(goal, icount + left), goal, entry);
        left -= this.machine.icount - icount;
      } else if (entry === undefined) {
        if (!this.range.empty) this.disagree(undefined, 'no output without an entry up to the horizon', this.describeMade());
        else return 'starved';
      } else if (icount > goal) {
        this.disagree(entry, `icount ${goal}`, `the machine is past it, at ${icount}`);
      } else {
        this.apply(entry);
      }
    }
    return 'diverged';
  }

  private run(limit: Icount, goal: Icount, entry: Entry | undefined): void {
    const { machine } = this;
    const before = machine.icount;
    const pause = machine.run(limit);
    const outputs = this.collect();
    if (machine.icount > limit) this.disagree(entry, `icount ${limit} at the latest`, `the machine ran to ${machine.icount}`);
    else if (machine.icount === goal) return;
    else if (pause === 'idle' || pause === 'off')
      this.disagree(entry, `the machine to run to icount ${goal}`, `it is ${pause} at ${machine.icount}`);
    else if (machine.icount === before && outputs === 0) throw new Error(`the machine paused (${pause}) at ${before} without a step`);
  }

  private apply(entry: Entry): void {
    const { machine } = this;
    if (entry.kind !== 'output' && !this.range.empty) {
      this.disagree(entry, `entry ${entry.seq} (${entry.kind}) with no output before it`, this.describeMade());
      return;
    }
    switch (entry.kind) {
      case 'input': {
        const refusal = machine.refuses(entry.input);
        if (refusal !== undefined) {
          this.disagree(entry, `the machine to take a ${entry.input.kind} input`, `it refuses: ${refusal}`);
          return;
        }
        machine.deliver(entry.input);
        this.lastInput = Math.max(this.lastInput, entry.origin);
        this.collect();
        break;
      }
      case 'output': {
        for (const sink of SINKS)
          if (machine.made[sink] !== entry.made[sink]) {
            this.disagree(entry, `${sink} output ${entry.made[sink]}`, `${sink} output ${machine.made[sink]} is the last made`);
            return;
          }
        const registers = machine.registersDigest();
        if (registers !== entry.registers) {
          this.disagree(entry, `registers ${entry.registers}`, `registers ${registers}`);
          return;
        }
        const digest = this.range.close();
        if (digest !== entry.digest) {
          this.disagree(entry, `outputs with digest ${entry.digest}`, `outputs with digest ${digest}`);
          return;
        }
        break;
      }
      case 'off':
        if (machine.exit?.code !== entry.code) {
          this.disagree(entry, `the machine off with code ${entry.code}`, machine.exit ? `code ${machine.exit.code}` : 'it is not off');
          return;
        }
        break;
      case 'checkpoint': {
        const digest = machine.digest();
        if (digest !== entry.digest) {
          this.disagree(entry, `digest ${entry.digest}`, `digest ${digest}`);
          return;
        }
        break;
      }
      case 'protect':
      case 'epoch':
        break;
    }
    this.seq = entry.seq;
    this.position += 1;
    this.onEntry(entry);
  }

  /** The entry that comes next, or undefined when only the horizon is left. */
  private next(): Entry | undefined {
    for (;;) {
      const entry = this.batch?.entries[this.position];
      if (entry !== undefined) return entry;
      // Outputs up to a batch's horizon are covered inside it: look before the next batch makes that hard to see.
      if (this.received.length === 0 || (!this.range.empty && this.machine.icount >= this.horizon)) return undefined;
      this.open(this.received.shift()!);
      if (this.divergence !== undefined) return undefined;
    }
  }

  private open(bytes: Uint8Array): void {
    this.receivedBytes -= bytes.length;
    const batch = decodeBatch(bytes);
    if ('kind' in batch) {
      this.disagree(undefined, 'a batch that decodes', `${batch.code}: ${batch.detail}`);
      return;
    }
    // A replay that begins at a checkpoint skips what its snapshot already holds.
    const skipped = this.seq + 1 - batch.first;
    if (skipped < 0 || (skipped > batch.entries.length && batch.entries.length > 0)) {
      this.disagree(undefined, `a batch that holds entry ${this.seq + 1}`, `one that begins with ${batch.first}`);
      return;
    }
    if (batch.epoch < this.epoch) {
      this.disagree(undefined, `a batch of epoch ${this.epoch} or later`, `one of epoch ${batch.epoch}`);
      return;
    }
    this.batch = batch;
    this.position = skipped;
    this.epoch = batch.epoch;
    this.horizon = Math.max(this.horizon, batch.horizon);
  }

  /** Takes what the machine made. Returns how many outputs. */
  private collect(): number {
    const outputs = this.machine.takeOutputs();
    if (outputs.length > 0) {
      this.range.add(outputs);
      this.made.push(...outputs);
    }
    return outputs.length;
  }

  private describeMade(): string {
    return `outputs up to ${SINKS.map((sink) => `${sink} ${this.machine.made[sink]}`).join(', ')} are made`;
  }

  private disagree(entry: Entry | undefined, expected: string, actual: string): void {
    this.divergence ??= { entry, seq: entry?.seq ?? this.seq + 1, icount: this.machine.icount, expected, actual };
  }
}
