/**
 * One simulated replica process: the real `step`, the real `Driver`, and in place of the host the fewest lines that perform effects in order.
 * Every place where a real process could die is a named point.
 */
import type { Anchor, Machine, Ordinals, Output, Sink } from '../../emulator/index.ts';
import { SINKS } from '../../emulator/index.ts';
import type { Effect, Event, Heartbeat } from '../../src/protocol/events.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { type Replica, step } from '../../src/protocol/replica.ts';
import { openBatch } from '../../src/replay/codec.ts';
import type { Driver, Turn } from '../../src/replay/driver.ts';
import type { FromWorld, ToWorld } from './world.ts';
import { sinkOf } from './world.ts';

export interface HostRules {
  /** A read's data reaches guest RAM when its completion is delivered, not when the bytes come. */
  readonly bounce: boolean;
  /** Pending requests are issued again at go-live. */
  readonly reissue: boolean;
  /** At go-live time goes on from the guest's own, not from this host's. */
  readonly guestTime: boolean;
  /** A backup that has stopped reading says so in its heartbeats. */
  readonly saysFull: boolean;
}

export const HOST_RULES: HostRules = { bounce: true, reissue: true, guestTime: true, saysFull: true };

/** Between the arrival of an input and its delivery: the ring to the machine thread. */
const INPUT_MS = 2;

/** What a node asks of the simulation around it. */
export interface Surroundings {
  readonly run: string;
  now(): number;
  /** The host's clock in guest ticks, each replica with its own idea of it. */
  clock(): bigint;
  /** Instructions of the next slice. */
  budget(): number;
  /** Bytes received and not replayed, above which it stops reading the link. */
  readonly bufferBytes: number;
  point(label: string): void;
  toPeer(item: LinkItem): void;
  closeLink(): void;
  toWorld(message: ToWorld): void;
  claim(epoch: number): void;
  beat(heartbeat: Heartbeat): void;
  halted(): void;
}

export type LinkItem =
  | { readonly kind: 'message'; readonly run: string; readonly epoch: number; readonly message: Message }
  | { readonly kind: 'batch'; readonly bytes: Uint8Array }
  /** The end of the stream: seen after everything before it was read. */
  | { readonly kind: 'closed'; readonly why: string };

/** A machine whose DMA and clock can be reached past the log: only mutations do. */
interface Pokeable {
  poke?(data: Uint8Array): void;
  anchor: Anchor;
}

export class Node {
  readonly name: string;
  replica: Replica;
  readonly machine: Omit<Machine, 'anchor'> & Pokeable;
  readonly driver: Driver;
  /** Every batch that this replica's record file would hold. */
  readonly log: Uint8Array[] = [];
  /** The epoch under which its outputs reach the sinks; 0 before a hello. */
  sinkEpoch = 0;
  running = false;
  /** It has taken over. */
  wentLive = false;
  haltCode: number | undefined;
  haltReason: string | undefined;
  haltDetail = '';
  /** The highest entry that it has acked. */
  acked = 0;
  private logging = false;
  private draining = false;
  private recording: boolean;
  /** Outputs that a sink may still need: held by a primary, kept by a backup. */
  private held: Output[] = [];
  private given: Record<Sink, number> = { console: 0, disk: 0, net: 0, power: 0 };
  private inputs: { readonly ready: number; readonly origin: number; readonly message: FromWorld }[] = [];
  private unread: LinkItem[] = [];
  private outstanding: Set<number> | undefined;
  private reported = { seq: 0, icount: 0 };
  private beats = 0;
  private heard: Heartbeat | undefined;
  private readonly around: Surroundings;
  private readonly rules: HostRules;

  constructor(name: string, replica: Replica, machine: Machine & Pokeable, driver: Driver, around: Surroundings, rules: HostRules) {
    this.name = name;
    this.replica = replica;
    this.machine = machine;
    this.driver = driver;
    this.around = around;
    this.rules = rules;
    this.recording = replica.phase !== 'backup';
  }

  get halted(): boolean {
    return this.replica.phase === 'halted';
  }

  /** One event into `step`, and every effect performed. */
  act(event: Event): void {
    if (this.halted) return;
    const [next, effects] = step(this.replica, event);
    this.replica = next;
    for (const effect of effects) this.perform(effect);
  }

  tick(): void {
    if (this.halted) return;
    const full = this.full && this.rules.saysFull;
    this.around.beat({ count: ++this.beats, icount: this.machine.icount, full });
    this.act({ kind: 'tick', heartbeat: this.heard, full });
  }

  hearBeat(heartbeat: Heartbeat): void {
    this.heard = heartbeat;
  }

  private get full(): boolean {
    return !this.recording && this.driver.backlog > this.around.bufferBytes;
  }

  /** The link has brought something; it is read at once, unless the buffer is full. */
  hearPeer(item: LinkItem): void {
    this.unread.push(item);
    this.readLink();
  }

  private readLink(): void {
    while (!this.halted && !this.full) {
      const item = this.unread.shift();
      if (item === undefined) return;
      this.read(item);
    }
  }

  private read(item: LinkItem): void {
    if (item.kind === 'message') {
      this.act(item);
      return;
    }
    if (item.kind === 'closed') {
      this.unread = [];
      this.act({ kind: 'linkClosed', why: item.why });
      return;
    }
    const header = openBatch(item.bytes);
    if (header.kind === 'fault') throw new Error(`a batch was damaged on the way: ${header.detail}`);
    this.around.point('received');
    const frozen = this.replica.phase !== 'backup';
    const { run, epoch, first, last, horizon, protects } = header;
    this.act({ kind: 'received', run, epoch, first, last, horizon, protects });
    // What step did not take is not part of the log: neither is it replayed.
    if (frozen || this.recording || this.halted) return;
    this.log.push(item.bytes);
    this.driver.receive(item.bytes);
  }

  hearWorld(message: FromWorld): void {
    if (this.halted) return;
    switch (message.kind) {
      case 'answer':
        this.act({ kind: 'answered', sink: message.sink, epoch: message.epoch, accepted: message.accepted });
        return;
      case 'refuse':
        this.act({ kind: 'refused', sink: message.sink, epoch: message.epoch });
        return;
      case 'accepted':
        this.act({ kind: 'accepted', sink: message.sink, ordinal: message.ordinal });
        return;
      case 'completion':
        if (!this.rules.bounce) this.machine.poke?.(message.data);
        if (this.outstanding?.delete(message.request)) {
          this.act({ kind: 'pending', requests: this.outstanding.size });
          return;
        }
        this.inputs.push({ ready: this.around.now() + INPUT_MS, origin: 0, message });
        return;
      case 'input':
        this.inputs.push({ ready: this.around.now() + INPUT_MS, origin: message.number, message });
        return;
    }
  }

  /** One slice of the machine, and what comes of it. */
  turn(): void {
    if (this.halted) return;
    if (this.recording && this.running) this.offerInputs();
    if (this.halted) return;
    const turn = this.driver.turn(this.around.clock(), this.around.budget());
    if (turn.outputs.length > 0) this.around.point('made');
    if (this.recording) this.recorded(turn);
    else this.replayed(turn);
    this.readLink();
  }

  private offerInputs(): void {
    while (this.inputs.length > 0) {
      const { ready, origin, message } = this.inputs[0];
      if (ready > this.around.now()) return;
      if (message.kind === 'completion') {
        const input = { kind: 'disk', request: message.request, status: 0, data: message.data } as const;
        if (!this.driver.offer(input, 0, this.around.clock())) return;
        this.around.point('completion logged');
      } else if (message.kind === 'input') {
        if (this.driver.consoleRoom(0) < 1) return;
        const input = { kind: 'console', port: 0, bytes: Uint8Array.of(message.byte) } as const;
        if (!this.driver.offer(input, origin, this.around.clock())) return;
      }
      this.inputs.shift();
    }
  }

  private recorded(turn: Turn): void {
    for (const output of turn.outputs) {
      // Reads are requests: issued at once, unnumbered. All else waits for its entry.
      if (output.kind === 'diskRead') this.around.toWorld({ kind: 'output', epoch: this.sinkEpoch, output });
      else this.held.push(output);
    }
    if (turn.batch !== undefined) {
      this.log.push(turn.batch);
      this.around.point('appended');
      if (this.logging) {
        this.around.toPeer({ kind: 'batch', bytes: turn.batch });
        this.around.point('sent');
      }
      this.act({ kind: 'appended', seq: turn.seq, icount: turn.icount, made: turn.made, lastInput: this.driver.lastInput });
      if (this.wentLive) this.around.point('new entry');
    }
    if (turn.state === 'off') this.off();
  }

  private replayed(turn: Turn): void {
    for (const output of turn.outputs) if (output.kind !== 'diskRead') this.held.push(output);
    if (turn.seq > this.reported.seq || turn.icount > this.reported.icount) {
      this.reported = { seq: turn.seq, icount: turn.icount };
      this.act({ kind: 'replayed', seq: turn.seq, icount: turn.icount, made: turn.made });
    }
    if (turn.state === 'diverged') {
      this.act({ kind: 'diverged', report: turn.report ?? 'no report' });
      return;
    }
    if (this.machine.exit !== undefined) this.off();
    if (turn.state === 'drained' && this.draining) {
      this.draining = false;
      this.around.point('drained');
      this.act({ kind: 'drained', seq: turn.seq, made: turn.made, lastInput: this.driver.lastInput });
    }
  }

  private off(): void {
    if (this.outstanding !== undefined || this.machine.exit === undefined) return;
    const waiting = this.inputs.map(({ message }) => (message.kind === 'completion' ? message.request : 0));
    this.outstanding = new Set(this.machine.pendingDisk().map((each) => each.request));
    for (const request of waiting) this.outstanding.delete(request);
    this.act({ kind: 'off', code: this.machine.exit.code, pending: this.outstanding.size });
  }

  private perform(effect: Effect): void {
    switch (effect.kind) {
      case 'send':
        this.around.toPeer({ kind: 'message', run: this.around.run, epoch: effect.epoch, message: effect.message });
        if (effect.message.kind === 'ack') {
          this.acked = Math.max(this.acked, effect.message.seq);
          this.around.point('acked');
        } else this.around.point(`said ${effect.message.kind}`);
        return;
      case 'closeLink':
        this.unread = [];
        this.around.closeLink();
        return;
      case 'claim':
        this.around.claim(effect.epoch);
        this.around.point('claim sent');
        return;
      case 'hello':
        this.sinkEpoch = effect.epoch;
        this.around.toWorld({ kind: 'hello', sink: effect.sink as Sink, epoch: effect.epoch, lastInput: effect.lastInput });
        this.around.point(`hello ${effect.sink}`);
        return;
      case 'protect':
        this.logging = true;
        this.driver.protect(effect.epoch);
        return;
      case 'run':
        this.running = true;
        this.logging = effect.logging;
        this.driver.record(effect.epoch);
        return;
      case 'drain':
        this.draining = true;
        this.driver.drain();
        return;
      case 'goLive': {
        if (!this.rules.guestTime)
          this.machine.anchor = { ...this.machine.anchor, icount: this.machine.icount, ticks: this.around.clock() };
        const pending = this.driver.goLive(effect.epoch, this.around.clock());
        this.recording = true;
        this.running = true;
        this.wentLive = true;
        this.inputs = this.inputs.filter((each) => each.origin > 0);
        if (this.rules.reissue) for (const output of pending) this.around.toWorld({ kind: 'output', epoch: this.sinkEpoch, output });
        this.around.point('live');
        return;
      }
      case 'release':
        this.release(effect.upTo as Ordinals);
        return;
      case 'inputAcked':
        this.around.toWorld({ kind: 'inputAcked', number: effect.number });
        return;
      case 'forget':
        this.forget(effect.upTo as Ordinals);
        return;
      case 'slow':
      case 'status':
        return;
      case 'halt':
        this.running = false;
        this.haltCode = effect.code;
        this.haltReason = effect.reason;
        this.haltDetail = effect.detail;
        this.around.halted();
        return;
    }
  }

  private release(upTo: Ordinals): void {
    const still: Output[] = [];
    for (const output of this.held) {
      const { free, rest } = cut(output, this.given[sinkOf(output)], upTo[sinkOf(output)]);
      if (rest !== undefined) still.push(rest);
      if (free === undefined) continue;
      this.around.toWorld({ kind: 'output', epoch: this.sinkEpoch, output: free });
      this.around.point(`released ${sinkOf(output)}`);
    }
    this.held = still;
    this.raise(upTo);
  }

  private forget(upTo: Ordinals): void {
    this.held = this.held.flatMap((output) => cut(output, 0, upTo[sinkOf(output)]).rest ?? []);
    this.raise(upTo);
  }

  private raise(upTo: Ordinals): void {
    for (const sink of SINKS) this.given[sink] = Math.max(this.given[sink], upTo[sink]);
  }
}

/** The part of an output with ordinals in (given, upTo], and the part beyond. Console outputs are cut by the byte. */
function cut(output: Output, given: number, upTo: number): { free: Output | undefined; rest: Output | undefined } {
  if (output.kind === 'diskRead') return { free: output, rest: undefined };
  if (output.kind !== 'console') {
    if (output.ordinal > upTo) return { free: undefined, rest: output };
    return { free: output.ordinal > given ? output : undefined, rest: undefined };
  }
  const part = (from: number, to: number): Output | undefined => {
    const first = Math.max(from, output.ordinal);
    const last = Math.min(to, output.ordinal + output.bytes.length - 1);
    if (first > last) return undefined;
    return { kind: 'console', ordinal: first, bytes: output.bytes.subarray(first - output.ordinal, last - output.ordinal + 1) };
  };
  return { free: part(given + 1, upTo), rest: part(upTo + 1, Number.MAX_SAFE_INTEGER) };
}
