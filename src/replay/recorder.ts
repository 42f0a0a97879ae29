/**
 * Runs a machine for real and writes down what goes in. Deterministic replay is the two lines of `deliver`; the rest is output
 * entries, which say at which icount and with which digest outputs came out (protocol.md, "Outputs").
 */
import type { Icount, Input, Machine, Output, Pause } from '../../emulator/index.ts';
import { BatchEncoder } from './codec.ts';
import type { Entry, Seq } from './entry.ts';
import { OutputRange } from './range.ts';

type Unnumbered = Entry extends infer E ? (E extends Entry ? Omit<E, 'seq' | 'at'> : never) : never;

export class Recorder {
  readonly machine: Machine;
  /** Last entry appended. */
  seq: Seq;
  /** Last entry that is in a batch. */
  flushed: Seq;
  /** The horizon of the last batch: what the backup knows of. */
  horizon: Icount;
  lastInput: number;
  private readonly encoder: BatchEncoder;
  private readonly range: OutputRange;
  private made: Output[] = [];
  /** Something other than a clock entry waits: the next batch should not. */
  urgent = false;

  /** `after`: what a replayer left behind, at go-live. */
  constructor(machine: Machine, run: string, config: string, after?: { seq: Seq; lastInput: number; range: OutputRange }) {
    this.machine = machine;
    this.encoder = new BatchEncoder(run, config);
    this.range = after?.range ?? new OutputRange(machine.made);
    this.seq = this.flushed = after?.seq ?? 0;
    this.lastInput = after?.lastInput ?? 0;
    this.horizon = machine.icount;
  }

  /** The input is one that the machine does not refuse. */
  deliver(input: Input, origin = 0): void {
    this.append({ kind: 'input', input, origin });
    this.machine.deliver(input);
    this.lastInput = Math.max(this.lastInput, origin);
    this.cover();
  }

  run(limit: Icount): Pause {
    const pause = this.machine.run(limit);
    this.cover();
    return pause;
  }

  /** Appends at the present icount. */
  append(entry: Unnumbered): void {
    this.seq += 1;
    if (entry.kind !== 'input' || entry.input.kind !== 'clock') this.urgent = true;
    this.encoder.add({ ...entry, seq: this.seq, at: this.machine.icount } as Entry);
  }

  /** A checkpoint closes the range, requests too, so that a replay can begin here with nothing to remember. */
  checkpoint(): void {
    if (!this.range.untouched) this.mark();
    this.append({ kind: 'checkpoint', digest: this.machine.digest() });
  }

  takeOutputs(): Output[] {
    const taken = this.made;
    this.made = [];
    return taken;
  }

  /** Bytes and entries that wait for a batch. */
  get waiting(): { bytes: number; entries: number } {
    return { bytes: this.encoder.size, entries: this.encoder.entries };
  }

  /** Entries or progress that no batch has told of. */
  get unsaid(): boolean {
    return this.seq > this.flushed || this.machine.icount > this.horizon;
  }

  /** Everything appended since the last batch, and a new horizon: whatever happened up to here is in the log. */
  flush(epoch: number): Uint8Array {
    const batch = this.encoder.flush(epoch, this.flushed + 1, this.machine.icount);
    this.flushed = this.seq;
    this.horizon = this.machine.icount;
    this.urgent = false;
    return batch;
  }

  /** Outputs made since the last stop get their entry before anything else is logged or done. */
  private cover(): void {
    const outputs = this.machine.takeOutputs();
    if (outputs.length === 0) return;
    this.range.add(outputs);
    this.made.push(...outputs);
    if (!this.range.empty) this.mark();
  }

  private mark(): void {
    const { made } = this.machine;
    this.append({ kind: 'output', made: { ...made }, digest: this.range.close(), registers: this.machine.registersDigest() });
  }
}
