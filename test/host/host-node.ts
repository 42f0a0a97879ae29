/**
 * One real replica in a threaded pair (`threads.ts`): its connection to the simulation's world, its end of the link, and the names of the
 * points that it passes. It can be stopped, and when it dies its last words arrive, are late, or are lost.
 */
import { sleepThread } from '../../src/host/doorbell.ts';
import type { Link, LinkEvents } from '../../src/host/link.ts';
import type { LoadedRun } from '../../src/host/load-run.ts';
import type { FromMachine } from '../../src/host/records.ts';
import { type Observer, type RunningReplica, startReplica } from '../../src/host/replica-process.ts';
import type { Shared } from '../../src/host/shared.ts';
import type { WorldEvents, WorldPort } from '../../src/host/world-port.ts';
import type { Effect, Event } from '../../src/protocol/events.ts';
import type { Limits } from '../../src/protocol/limits.ts';
import { newIdentity } from '../../src/world/arbiter-file.ts';
import type { FromWorld, ToWorld } from '../../src/world/wire.ts';
import type { Side } from '../simulation/oracle.ts';
import type { Name } from '../simulation/simulation.ts';
import { type Connection, type ToWorld as Said, sinkOf, type FromWorld as Told } from '../simulation/world.ts';
import { built } from '../support/dist.ts';
import { Gate } from './gate.ts';

/** What a node tells the pair that it is part of. */
export interface Around {
  point(label: string): void;
  tick(): void;
  claimed(name: Name, result: 'won' | 'lost' | 'unknown'): void;
  hear(node: HostNode, message: Said): void;
  /** The replica has ended by itself: its process is to go. */
  end(name: Name): void;
  violation(what: string): void;
}

export interface NodeSetup {
  readonly name: Name;
  readonly loaded: LoadedRun;
  readonly shared: Shared;
  readonly link: Link;
  readonly logRing: SharedArrayBuffer | undefined;
  readonly limits: Partial<Limits>;
}

/** What can be stopped, as SIGSTOP stops it; the event loop until the machine thread has filled its ring, or has nothing to say. */
export type Part = 'machine thread' | 'reading of the link' | 'replica' | 'event loop';

/** What is read from the link in one go, and some. */
const BACKLOG_MAX = 64;

/** No room for one more of the usual records. */
export const NEARLY = 0.9;
/** `late`: when the next epoch's console has been fenced. */
export interface Fate {
  readonly link: 'arrives' | 'lost';
  readonly world: 'arrives' | 'lost' | 'late';
}

export class HostNode implements Observer {
  readonly name: Name;
  readonly identity = newIdentity();
  readonly gate: Gate;
  readonly connection: Connection;
  running!: RunningReplica;
  /** Its process is no more: killed, or ended by itself. */
  gone = false;
  /** Killed. */
  fate: Fate | undefined;
  runs = false;
  sinkEpoch = 0;
  private readonly setup: NodeSetup;
  private readonly around: Around;
  private readonly inbox: (() => void)[] = [];
  private readonly outbox: ToWorld[] = [];
  private late: ToWorld[] = [];
  private stopped: { readonly part: Part; readonly atTick: number; readonly until: string | undefined } | undefined;
  private wentLive = false;
  private halt: Extract<Effect, { kind: 'halt' }> | undefined;
  private completions = 0;
  /** Entries that it is known to have appended. */
  appended = 0;
  /** Batches that reached its event loop: more than its record has, when it dies. */
  readonly heard: Uint8Array[] = [];
  private worldEvents: WorldEvents | undefined;
  private readonly port: WorldPort;

  constructor(setup: NodeSetup, around: Around) {
    this.name = setup.name;
    this.setup = setup;
    this.around = around;
    this.gate = new Gate(setup.shared.buffer);
    this.connection = { name: setup.name, tell: (message) => this.down(message) };
    this.port = this.worldPort();
  }

  /** `peer`: whose last words may be lost on the way to us. */
  start(peer: HostNode): void {
    const { loaded, shared, link, logRing, limits, name } = this.setup;
    this.running = startReplica({
      loaded,
      role: name === 'A' ? 'primary' : 'backup',
      identity: this.identity,
      shared,
      world: this.port,
      link: this.ownEnd(link, peer),
      ...(logRing === undefined ? {} : { logRing }),
      heartbeat: undefined,
      limits,
      machineWorker: built('test/host/gated-machine-worker.ts'),
      observer: this,
      ended: (code, why) => {
        if (this.gone) return;
        if (this.halt === undefined) this.around.violation(`replica ${name} broke with ${code}: ${why}`);
        this.around.end(name);
      },
    });
  }

  die(fate: Fate): void {
    this.fate = fate;
    this.runs = false;
    if (fate.world === 'late') this.late = [...this.outbox];
    if (fate.world !== 'arrives') this.outbox.length = 0;
  }

  stop(part: Part, atTick: number, until: string | undefined): void {
    if (this.gone || this.stopped !== undefined) return;
    if (part === 'event loop') {
      for (let looks = 0; looks < 20 && !this.full.includes(`full ring from machine @${this.name}`); looks++) sleepThread(1);
      return;
    }
    this.stopped = { part, atTick, until };
    if (part !== 'reading of the link') this.gate.close();
    else this.setup.link.pause();
  }

  /** A point was passed, somewhere: perhaps the one for which we wait. */
  passed(label: string, ticks: number): void {
    const { stopped } = this;
    // Not from within: this may be a point inside our own step.
    if (stopped !== undefined && (label === stopped.until || ticks >= stopped.atTick))
      setImmediate(() => this.stopped === stopped && this.go());
    if (label === 'fenced console' && this.late.length > 0) {
      const words = this.late.splice(0);
      afterTurns(3, () => {
        for (const message of words) this.hear(message);
      });
    }
  }

  /** For the oracle, with the log that it left. */
  told(log: Uint8Array[]): Side {
    const { name, halt, wentLive, fate } = this;
    const halted = this.gone && fate === undefined;
    const haltDetail = halt?.detail ?? '';
    return { name, log, wentLive, halted, replica: this.running.state, haltCode: halt?.code, haltReason: halt?.reason, haltDetail };
  }

  dump(): string {
    const { state, fill } = this.running;
    const { shared } = this.setup;
    const phase = state.phase === 'live' ? `live (${state.protection})` : state.phase;
    const words = { bell: shared.bell.value(), link: shared.link, stall: shared.stall, full: shared.full, icount: shared.icount };
    const how = this.fate !== undefined ? 'killed' : this.gone ? 'gone' : (this.stopped?.part ?? 'up');
    return `${this.name} ${how}, ${phase}, epoch ${state.epoch}, ${JSON.stringify({ ...fill, ...words, gate: this.gate.closed })}`;
  }

  /** Names of what is full here. */
  get full(): string[] {
    if (this.gone) return [];
    const { shared, limits } = this.setup;
    const { toMachine, fromMachine, backlog } = this.running.fill;
    if (backlog > BACKLOG_MAX)
      this.around.violation(`${backlog} records wait outside the ring to ${this.name}'s machine: the link goes on being read`);
    const nearly = limits.ringBytes! * 2 * NEARLY;
    const found = {
      'ring to machine': toMachine > nearly,
      'ring from machine': fromMachine > nearly,
      backlog: backlog > 0,
      'held outputs': shared.stall,
    };
    return Object.entries(found).flatMap(([what, full]) => (full ? [`full ${what} @${this.name}`] : []));
  }

  // Observer: names for what it does.

  said(record: FromMachine): void {
    if (this.gone) return;
    if (record.kind === 'output') this.point('made');
    else if (record.kind === 'request' || record.kind === 'linkReleased' || record.kind === 'live') this.point(`told ${record.kind}`);
  }

  event(event: Event): void {
    if (this.gone) return;
    switch (event.kind) {
      case 'tick':
        this.around.tick();
        return;
      case 'appended': {
        this.appended = event.seq;
        const { completions } = this.gate;
        this.point(completions > this.completions ? 'completion logged' : this.wentLive ? 'new entry' : 'appended');
        this.completions = completions;
        return;
      }
      case 'claimed':
        this.around.claimed(this.name, event.result);
        return;
      case 'answered':
      case 'refused':
      case 'accepted':
        this.point(`heard ${event.kind} ${event.sink}`);
        return;
      case 'message':
        this.point(`heard ${event.message.kind}`);
        return;
      default:
        this.point(event.kind);
    }
  }

  effect(effect: Effect): void {
    if (this.gone) return;
    switch (effect.kind) {
      case 'send':
        this.point(effect.message.kind === 'ack' ? 'acked' : `said ${effect.message.kind}`);
        return;
      case 'hello':
        this.sinkEpoch = effect.epoch;
        this.point(`hello ${effect.sink}`);
        return;
      case 'run':
        this.runs = true;
        this.point('run');
        return;
      case 'goLive':
        this.runs = true;
        this.wentLive = true;
        this.point('live');
        return;
      case 'halt':
        this.runs = false;
        this.halt = effect;
        return;
      case 'claim':
        this.point('claim sent');
        return;
      case 'protect':
      case 'drain':
      case 'closeLink':
        this.point(`performed ${effect.kind}`);
        return;
      case 'release':
      case 'forget':
      case 'inputAcked':
      case 'slow':
      case 'status':
        return;
    }
  }

  private point(label: string): void {
    this.around.point(`${label} @${this.name}`);
  }

  // The world.

  private worldPort(): WorldPort {
    const { outbox } = this;
    return {
      get unsent() {
        return outbox.reduce((sum, message) => sum + ('bytes' in message ? message.bytes.length : 0), 0);
      },
      onDrain: () => {},
      start: (events) => {
        this.worldEvents = events;
        setImmediate(() => this.gone || events.opened());
      },
      send: (message) => this.up(message),
      end: (ended) => afterTurns(3, ended),
      destroy: () => {},
    };
  }

  private up(message: ToWorld): void {
    if (this.gone) return;
    this.outbox.push(message);
    if (message.kind === 'console' || message.kind === 'frame' || message.kind === 'disk' || message.kind === 'off') {
      const output = outputOf(message);
      this.point(`${output.kind === 'diskRead' ? 'asked' : 'released'} ${sinkOf(output)}`);
    }
    afterTurns(2, () => {
      if (this.outbox[0] !== message) return;
      this.outbox.shift();
      this.hear(message);
      if (this.outbox.length === 0 && !this.gone) this.port.onDrain();
    });
  }

  private hear(message: ToWorld): void {
    switch (message.kind) {
      case 'hello':
      case 'inputAcked':
        this.around.hear(this, message);
        return;
      case 'console':
      case 'frame':
      case 'disk':
      case 'off':
        this.around.hear(this, { kind: 'output', epoch: message.epoch, output: outputOf(message) });
        return;
      case 'attach':
      case 'signature':
      case 'status':
      case 'halted':
        return;
    }
  }

  private down(message: Told): void {
    afterTurns(2, () => this.inbound(() => this.worldEvents!.message(fromWorld(message))));
  }

  // The link, and what is read while we are stopped.

  private inbound(act: () => void): void {
    if (this.gone) return;
    if (this.stopped?.part === 'replica') this.inbox.push(act);
    else act();
  }

  private go(): void {
    const part = this.stopped?.part;
    this.stopped = undefined;
    if (part === 'reading of the link') this.setup.link.resume();
    else this.gate.open();
    for (const act of this.inbox.splice(0)) this.inbound(act);
  }

  private ownEnd(link: Link, peer: HostNode): Link {
    const heard = (act: () => void): void => {
      if (peer.fate?.link !== 'lost') this.inbound(act);
    };
    return {
      get unsent() {
        return link.unsent;
      },
      start: (events: LinkEvents) =>
        link.start({
          opened: (fd) => this.inbound(() => events.opened(fd)),
          closed: (why) => this.inbound(() => events.closed(why)),
          control: (body) => heard(() => events.control(body)),
          batches: (batches) =>
            heard(() => {
              this.heard.push(...batches);
              events.batches(batches);
            }),
        }),
      send: (body) => link.send(body),
      close: () => link.close(),
      pause: () => link.pause(),
      resume: () => {
        if (this.stopped?.part !== 'reading of the link') link.resume();
      },
      wake: () => link.wake(),
    };
  }
}

/** In turns of the event loop, not in time: the same on a fast machine and on a crowded one. */
export function afterTurns(turns: number, act: () => void): void {
  setImmediate(() => (turns <= 1 ? act() : afterTurns(turns - 1, act)));
}

function outputOf(message: Extract<ToWorld, { kind: 'console' | 'frame' | 'disk' | 'off' }>) {
  switch (message.kind) {
    case 'console':
    case 'frame':
      return { kind: message.kind, ordinal: message.ordinal, bytes: message.bytes } as const;
    case 'disk':
      return message.request;
    case 'off':
      return { kind: 'off', ordinal: message.ordinal, exit: message.exit } as const;
  }
}

function fromWorld(message: Told): FromWorld {
  switch (message.kind) {
    case 'completion':
      return { ...message, status: 0 };
    case 'input':
      return { kind: 'input', port: 0, number: message.number, bytes: Uint8Array.of(message.byte) };
    case 'answer':
    case 'refuse':
    case 'accepted':
      return message;
  }
}
