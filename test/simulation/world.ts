/**
 * The fake world: four sinks with fences, the typist, the disk. It follows protocol.md "Roles, claims, fences" to the letter, and each of its
 * rules can be switched off for the mutation table.
 */
import type { DiskRequest, Output, Sink } from '../../emulator/index.ts';
import { SINKS } from '../../emulator/index.ts';
import type { Schedule } from './schedule.ts';

export interface WorldRules {
  /** A hello is answered only when every operation begun under an older epoch has ended. */
  readonly fenceWaits: boolean;
  /** A request is checked against the epoch when it is started, not when it was read; the unread is refused. */
  readonly fenceChecks: boolean;
  /** Inputs are kept until their entry is acked, and sent on from where a new primary's log ends. */
  readonly keepsInputs: boolean;
}

export const WORLD_RULES: WorldRules = { fenceWaits: true, fenceChecks: true, keepsInputs: true };

export type ToWorld =
  | { readonly kind: 'hello'; readonly sink: Sink; readonly epoch: number; readonly lastInput: number }
  | { readonly kind: 'output'; readonly epoch: number; readonly output: Output }
  | { readonly kind: 'inputAcked'; readonly number: number };

export type FromWorld =
  | { readonly kind: 'answer'; readonly sink: Sink; readonly epoch: number; readonly accepted: number }
  | { readonly kind: 'refuse'; readonly sink: Sink; readonly epoch: number }
  | { readonly kind: 'accepted'; readonly sink: Sink; readonly ordinal: number }
  | { readonly kind: 'completion'; readonly request: number; readonly data: Uint8Array }
  | { readonly kind: 'input'; readonly number: number; readonly byte: number };

/** One replica's connection, as the world sees it. */
export interface Connection {
  readonly name: string;
  tell(message: FromWorld): void;
}

const DISK_SECTORS = 8;

interface Operation {
  readonly connection: Connection;
  readonly epoch: number;
  readonly sink: Sink;
  readonly output: Output;
}

interface SinkState {
  epoch: number;
  accepted: number;
  begun: Set<Operation>;
  /** Read and not begun: the console, the net and the power switch take one thing at a time. */
  waiting: Operation[];
  /** A hello that waits for begun operations. */
  fencing: (() => void) | undefined;
}

export type Point = (label: string) => void;

export class World {
  readonly console: { readonly ordinal: number; readonly byte: number }[] = [];
  readonly frames: { readonly ordinal: number; readonly bytes: Uint8Array }[] = [];
  readonly exits: number[] = [];
  /** What had ended when the guest went off. */
  atExit: { readonly console: number; readonly frames: number; readonly disk: number; readonly begun: number } | undefined;
  /** Every disk write that was ended, by ordinal. */
  readonly writes: { readonly ordinal: number; readonly data: Uint8Array }[] = [];
  readonly disk: Uint8Array;
  readonly sinks: Record<Sink, SinkState>;
  private ended = new Set<number>();
  private readonly typed: { readonly number: number; readonly byte: number }[] = [];
  private forgotten = 0;
  private typist: Connection | undefined;
  private operations = 0;
  private readonly schedule: Pick<Schedule, 'after'>;
  private readonly sectorBytes: number;
  private readonly rules: WorldRules;
  private readonly point: Point;
  /** How long the n-th operation of the run takes, from begun to ended. */
  private readonly takes: (n: number, output: Output) => number;
  /** Inputs that a new primary asked for and that were already forgotten. */
  lostInput: string | undefined;

  constructor(
    schedule: Pick<Schedule, 'after'>,
    sectorBytes: number,
    rules: WorldRules,
    point: Point,
    takes: (n: number, output: Output) => number,
  ) {
    this.schedule = schedule;
    this.sectorBytes = sectorBytes;
    this.disk = new Uint8Array(DISK_SECTORS * sectorBytes);
    this.rules = rules;
    this.point = point;
    this.takes = takes;
    const sink = (): SinkState => ({ epoch: 0, accepted: 0, begun: new Set(), waiting: [], fencing: undefined });
    this.sinks = { console: sink(), disk: sink(), net: sink(), power: sink() };
  }

  /** The user types a byte. */
  type(byte: number): void {
    const number = this.typed.length + 1;
    this.typed.push({ number, byte });
    if (!this.rules.keepsInputs) this.forgotten = number;
    this.typist?.tell({ kind: 'input', number, byte });
  }

  get input(): readonly { readonly number: number; readonly byte: number }[] {
    return this.typed;
  }

  hear(connection: Connection, message: ToWorld): void {
    switch (message.kind) {
      case 'hello':
        this.hello(connection, message.sink, message.epoch, message.lastInput);
        return;
      case 'inputAcked':
        if (connection === this.typist) this.forgotten = Math.max(this.forgotten, message.number);
        return;
      case 'output': {
        const sink = sinkOf(message.output);
        const state = this.sinks[sink];
        if (message.epoch !== state.epoch && this.rules.fenceChecks) {
          connection.tell({ kind: 'refuse', sink, epoch: state.epoch });
          return;
        }
        state.waiting.push({ connection, epoch: message.epoch, sink, output: message.output });
        this.begin(sink);
        return;
      }
    }
  }

  private hello(connection: Connection, sink: Sink, epoch: number, lastInput: number): void {
    const state = this.sinks[sink];
    if (epoch < state.epoch) {
      connection.tell({ kind: 'refuse', sink, epoch: state.epoch });
      return;
    }
    state.epoch = epoch;
    if (this.rules.fenceChecks) state.waiting = [];
    const answer = (): void => {
      this.point(`fenced ${sink}`);
      connection.tell({ kind: 'answer', sink, epoch, accepted: state.accepted });
      if (sink === 'console') this.resume(connection, lastInput);
    };
    if (state.begun.size === 0 || !this.rules.fenceWaits) answer();
    else state.fencing = answer;
  }

  /** A new primary's log ends with input `last`: send on from there. */
  private resume(connection: Connection, last: number): void {
    this.typist = connection;
    if (this.forgotten > last)
      this.lostInput ??= `input ${last + 1} was forgotten at ${this.forgotten}, and the new primary's log ends with ${last}`;
    for (const each of this.typed) if (each.number > Math.max(last, this.forgotten)) connection.tell({ kind: 'input', ...each });
  }

  private begin(sink: Sink): void {
    const state = this.sinks[sink];
    while (state.waiting.length > 0 && (sink === 'disk' || state.begun.size === 0)) {
      const operation = state.waiting.shift()!;
      if (operation.epoch !== state.epoch && this.rules.fenceChecks) continue;
      state.begun.add(operation);
      // A torn write is possible at every moment between begun and ended.
      if (operation.output.kind === 'diskWrite')
        this.disk.set(operation.output.data.subarray(0, this.sectorBytes), operation.output.sector * this.sectorBytes);
      const duration = this.takes(this.operations++, operation.output);
      this.schedule.after(duration, () => this.end(operation));
      this.point(`begun ${sink}`);
    }
  }

  private end(operation: Operation): void {
    const { sink, output, connection } = operation;
    const state = this.sinks[sink];
    state.begun.delete(operation);
    switch (output.kind) {
      case 'console':
        output.bytes.forEach((byte, i) => void this.console.push({ ordinal: output.ordinal + i, byte }));
        state.accepted = Math.max(state.accepted, output.ordinal + output.bytes.length - 1);
        break;
      case 'frame':
        this.frames.push({ ordinal: output.ordinal, bytes: output.bytes });
        state.accepted = Math.max(state.accepted, output.ordinal);
        break;
      case 'off':
        this.exits.push(output.exit.code);
        this.atExit ??= {
          console: this.console.length,
          frames: this.frames.length,
          disk: this.sinks.disk.accepted,
          begun: this.sinks.disk.begun.size,
        };
        state.accepted = Math.max(state.accepted, output.ordinal);
        break;
      case 'diskRead':
      case 'diskWrite':
      case 'diskFlush':
        this.endDisk(output, connection);
        break;
    }
    this.point(`ended ${sink}`);
    if (output.kind !== 'diskRead') connection.tell({ kind: 'accepted', sink, ordinal: state.accepted });
    this.point(`accepted ${sink}`);
    if (state.begun.size === 0 && state.fencing !== undefined) {
      const answer = state.fencing;
      state.fencing = undefined;
      answer();
    }
    this.begin(sink);
  }

  private endDisk(output: DiskRequest, connection: Connection): void {
    const state = this.sinks.disk;
    let data = new Uint8Array(0);
    if (output.kind === 'diskRead')
      data = this.disk.slice(output.sector * this.sectorBytes, (output.sector + output.sectors) * this.sectorBytes);
    else {
      if (output.kind === 'diskWrite') {
        this.disk.set(output.data, output.sector * this.sectorBytes);
        this.writes.push({ ordinal: output.ordinal, data: output.data });
      }
      this.ended.add(output.ordinal);
      while (this.ended.has(state.accepted + 1)) state.accepted += 1;
    }
    connection.tell({ kind: 'completion', request: output.request, data });
  }

  /** Sinks that would obey an output under this epoch. */
  obeys(epoch: number): boolean {
    return SINKS.some((sink) => this.sinks[sink].epoch === epoch);
  }
}

export function sinkOf(output: Output): Sink {
  switch (output.kind) {
    case 'console':
      return 'console';
    case 'frame':
      return 'net';
    case 'diskRead':
    case 'diskWrite':
    case 'diskFlush':
      return 'disk';
    case 'off':
      return 'power';
  }
}
