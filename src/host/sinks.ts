/**
 * A replica's outputs on the way to the world: what is held or kept, which disk requests are pending, and the epoch under which each sink
 * knows us (protocol.md, "Outputs", "Disk"). `step` says when; this says it to the world.
 */
import { type Ordinals, type Output, SINK_OF, type Sink } from '../../emulator/index.ts';
import { HeldOutputs, type Numbered } from './held.ts';
import type { WorldPort } from './world-port.ts';

export class Sinks {
  readonly held = new HeldOutputs();
  private readonly world: WorldPort;
  /** The epoch of whoever has said no hello yet. */
  private readonly epoch: () => number;
  /** Epoch under which each sink knows us: outputs carry it. */
  private readonly epochs = new Map<Sink, number>();
  /** Disk requests made and not completed. */
  private readonly requests = new Set<number>();
  /** Kept by a backup, to be told when it is live. */
  private signature: Uint8Array | undefined;

  constructor(world: WorldPort, epoch: () => number) {
    this.world = world;
    this.epoch = epoch;
  }

  /** Disk requests made and not completed. */
  get pending(): number {
    return this.requests.size;
  }

  hello(sink: Sink, epoch: number, lastInput: number): void {
    this.epochs.set(sink, epoch);
    this.world.send({ kind: 'hello', sink, epoch, lastInput });
  }

  /** The machine has made it: held until it is released, kept until it is accepted. */
  made(output: Output): void {
    if (output.kind === 'diskWrite' || output.kind === 'diskFlush') this.requests.add(output.request);
    this.held.add(output as Numbered);
  }

  /** A request that waits for no ack: a disk read, or one that go-live issues again. */
  issue(output: Output): void {
    if (output.kind !== 'diskRead' && output.kind !== 'diskWrite' && output.kind !== 'diskFlush')
      throw new Error(`${output.kind} is no disk request`);
    this.requests.add(output.request);
    this.world.send({ kind: 'disk', epoch: this.epochOf('disk'), request: output });
  }

  completed(request: number): void {
    this.requests.delete(request);
  }

  release(upTo: Ordinals | Readonly<Record<string, number>>): void {
    for (const output of this.held.release(upTo)) this.give(output);
  }

  inputAcked(number: number): void {
    this.world.send({ kind: 'inputAcked', epoch: this.epochOf('console'), number });
  }

  /** `live`: now; else it is kept for go-live (`tellSignature`). */
  sign(bytes: Uint8Array, live: boolean): void {
    this.signature = bytes;
    if (live) this.tellSignature();
  }

  /** Says the signature that was kept, if there is one. */
  tellSignature(): void {
    if (this.signature !== undefined) this.world.send({ kind: 'signature', epoch: this.epochOf('power'), bytes: this.signature });
  }

  private give(output: Numbered): void {
    const epoch = this.epochOf(SINK_OF[output.kind]);
    switch (output.kind) {
      case 'console':
      case 'frame':
        this.world.send({ kind: output.kind, epoch, ordinal: output.ordinal, bytes: output.bytes });
        return;
      case 'diskWrite':
      case 'diskFlush':
        this.world.send({ kind: 'disk', epoch, request: output });
        return;
      case 'off':
        this.world.send({ kind: 'off', epoch, ordinal: output.ordinal, exit: output.exit });
        return;
    }
  }

  private epochOf(sink: Sink): number {
    return this.epochs.get(sink) ?? this.epoch();
  }
}
