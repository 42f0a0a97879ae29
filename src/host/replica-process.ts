/**
 * One replica: an event goes in, `step` decides, its effects are performed (protocol.md). No policy here: what this file owns is who
 * is told what, and in which order. `machine-port.ts` leads to the machine, `sinks.ts` to the world's sinks, `link.ts` to the peer.
 * Runs as a process (`replica-main.ts`) or embedded, in pairs.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SINKS, type Sink, type Statistics } from '../../emulator/index.ts';
import type { Effect, Event, SinkKind } from '../protocol/events.ts';
import { LIMITS, type Limits } from '../protocol/limits.ts';
import { createReplica, type Replica, step } from '../protocol/replica.ts';
import { openBatch } from '../replay/codec.ts';
import { claimEpoch } from '../world/arbiter-file.ts';
import type { Engine } from '../world/run-config.ts';
import type { FromWorld, ReplicaStatus } from '../world/wire.ts';
import { micros } from './clock.ts';
import { cpuProfile } from './cpu-profile.ts';
import { startCompiler } from './engine.ts';
import type { HeartbeatData } from './heartbeat.ts';
import { decodeEnvelope, encodeEnvelope, type Link, LinkError } from './link.ts';
import type { LoadedRun } from './load-run.ts';
import { MachinePort } from './machine-port.ts';
import type { MachineData } from './machine-thread.ts';
import { ProfileSamples } from './profile-samples.ts';
import type { FromMachine } from './records.ts';
import { LINK_CLOSED, LINK_CLOSING, LINK_OPEN, LINK_WRITING, type Shared } from './shared.ts';
import { Sinks } from './sinks.ts';
import { Stages } from './stages.ts';
import { statusOf, type TakeoverStamps } from './status.ts';
import type { WorldPort } from './world-port.ts';

export interface ReplicaSetup {
  readonly loaded: LoadedRun;
  readonly role: 'primary' | 'backup' | 'solo';
  /** Random, never reused (`newIdentity`). */
  readonly identity: string;
  readonly shared: Shared;
  readonly world: WorldPort;
  /** Undefined: solo. */
  readonly link: Link | undefined;
  /** The memory link's ring, for its primary. */
  readonly logRing?: SharedArrayBuffer;
  /** Undefined: no heartbeat thread (solo). */
  readonly heartbeat: { readonly ownPort: number; readonly peerPort: number } | undefined;
  /** For tests: other limits than the named ones. */
  readonly limits?: Partial<Limits>;
  /** The machine thread's entry, when it is not the board's (tests). */
  readonly machineWorker?: URL;
  readonly observer?: Observer;
  /** The replica has ended: its process must, at once. */
  ended(code: number, why: string): void;
}

/** Sees what a replica hears and does, in the order in which it does. Must not call back; it may kill. */
export interface Observer {
  /** The machine thread has said this: before anything is done about it. */
  said(record: FromMachine): void;
  /** Before `step`. */
  event(event: Event): void;
  /** When it has been performed. */
  effect(effect: Effect): void;
}

/** How each sink's outputs survive a takeover. */
const SINK_KINDS: Readonly<Record<Sink, SinkKind>> = { console: 'ordinal', disk: 'request', net: 'ordinal', power: 'last' };

const STATUS_MS = 250;
/** A backup that is told `off` leaves at once; one that does not hear it any more is not waited for. */
const FAREWELL_MS = 1000;
/** A thread of ours died, or an assertion failed: EX_SOFTWARE. */
const BROKEN = 70;
/** The world is gone: EX_UNAVAILABLE. */
const ORPHANED = 69;

/** Starts the replica's threads and connects it; returns at once. */
export function startReplica(setup: ReplicaSetup): RunningReplica {
  return new RunningReplica(setup);
}

export class RunningReplica {
  private readonly setup: ReplicaSetup;
  private readonly shared: Shared;
  private readonly limits: Limits;
  private readonly machine: MachinePort;
  private readonly sinks: Sinks;
  private readonly timers: NodeJS.Timeout[] = [];
  private replica: Replica;
  private readonly events: Event[] = [];
  private stepping = false;
  private finished = false;

  private readonly stages = new Stages();
  private readonly takeover: Partial<TakeoverStamps> = {};
  /** Starts the thread that the machine's has no use for before it runs. */
  private startLater: (() => void) | undefined;
  private live = false;
  private linkOpen = false;
  /** `closeLink` was decided while the machine thread was writing: closed when it has let go. */
  private linkClosing = false;
  private onLinkClosed = (): void => {};
  private off = false;
  /** Why the machine has run to an end that is not the guest's: told when everything that was made has been taken. */
  private stopped: string | undefined;
  private digest: string | undefined;
  private statistics: Statistics | undefined;
  private readonly samples: ProfileSamples | undefined;
  private recordLost: string | undefined;
  /** Of the log received, as a backup. */
  private receivedBytes = 0;
  private outputs = 0;

  constructor(setup: ReplicaSetup) {
    this.setup = setup;
    this.shared = setup.shared;
    this.limits = { ...LIMITS, ...setup.limits };
    const { loaded, role, identity } = setup;
    const { vm, run, profile } = loaded.run;
    if (profile !== undefined) this.samples = new ProfileSamples();
    this.replica = createReplica({ vm, run, identity, config: loaded.config, role, sinks: SINK_KINDS, limits: this.limits });
    this.sinks = new Sinks(setup.world, () => this.replica.epoch);
    this.machine = new MachinePort(this.shared, this.limits.ringBytes, {
      said: (record) => {
        this.fromMachine(record);
        return !this.finished;
      },
      full: (full) => (full ? setup.link?.pause() : setup.link?.resume()),
      died: (why) => this.finish(BROKEN, why),
    });
    setup.world.onDrain = () => this.weigh();
    setup.world.start({
      opened: () => this.begin(),
      message: (message) => this.fromWorld(message),
      closed: (why) => this.finish(ORPHANED, why),
    });
  }

  /** The state of `step`, for tests and embedding. */
  get state(): Replica {
    return this.replica;
  }

  /** Bytes in the two rings, and what waits outside them: where a replica that is stuck is stuck. */
  get fill(): { readonly toMachine: number; readonly fromMachine: number; readonly backlog: number; readonly held: number } {
    return { ...this.machine.fill, held: this.sinks.held.size };
  }

  private get engine(): Engine {
    const { engines } = this.setup.loaded.run;
    return this.setup.role === 'backup' ? engines.backup : engines.primary;
  }

  /** As `kill -9`: nothing is said, nothing is flushed; threads end in the middle of what they do. */
  async kill(): Promise<void> {
    this.finished = true;
    this.stopTimers();
    await this.machine.terminate();
    this.setup.world.destroy();
    this.setup.link?.close();
  }

  // Start.

  private begin(): void {
    const { loaded, role, identity, world } = this.setup;
    world.send({ kind: 'attach', run: loaded.run.run, identity, role, pid: process.pid });
    this.startMachine();
    this.startHeartbeat();
  }

  /** The machine is built: from here on we may be counted on. */
  private ready(): void {
    this.startLater?.();
    // After the poll phase: what the sockets and the machine have queued is dealt with before a tick that came late is counted.
    const { tickMs, ticksAtOnce } = this.limits;
    this.timers.push(setInterval(() => setImmediate(() => this.tick(ticksAtOnce)), tickMs * ticksAtOnce));
    this.timers.push(setInterval(() => this.show(), STATUS_MS));
    this.handle({ kind: 'start' });
    this.setup.link?.start({
      opened: (fd) => this.linkOpened(fd),
      closed: (why) => this.breakLink(why),
      control: (body) => this.control(body),
      batches: (batches) => this.received(batches),
    });
  }

  private startMachine(): void {
    const { loaded, role, logRing } = this.setup;
    const { run } = loaded;
    const engine = this.engine;
    // After the machine's own thread, which has the longer way to its first instruction; jobs wait in the port.
    const compiler = startCompiler(engine, (...compilation) => {
      this.startLater = () => this.machine.startWorker(...compilation);
    });
    const data: MachineData = {
      shared: this.shared.buffer,
      ...this.machine.rings,
      logRing,
      config: loaded.machine,
      description: loaded.description,
      run: run.run,
      configHash: loaded.config,
      role,
      recordFile: run.record === undefined ? undefined : role === 'solo' ? `${run.record}.primary` : `${run.record}.${role}`,
      evidenceFile: join(run.dir, `divergence.${role}`),
      maxInstructions: run.maxInstructions ?? undefined,
      clockOffsetMs: role === 'backup' ? run.backupClockOffsetMs : 0,
      engine,
      compiler,
      profile: this.samples?.buffer,
    };
    const transfer = compiler === undefined ? [] : [compiler];
    this.machine.startWorker('machine-worker', data, transfer, this.setup.machineWorker).on('message', () => this.look());
  }

  private startHeartbeat(): void {
    const { heartbeat, loaded, identity } = this.setup;
    if (heartbeat === undefined) return;
    const { run } = loaded.run;
    const { tickMs, heartbeatSilenceTicks } = this.limits;
    // Ten in the time after which silence is suspicious; more would only cost an idle pair its sleep.
    const intervalMs = Math.max(1, (tickMs * heartbeatSilenceTicks) / 10);
    const data: HeartbeatData = { shared: this.shared.buffer, run, identity, ...heartbeat, intervalMs };
    this.machine.startWorker('heartbeat-worker', data);
  }

  // Events.

  /** Runs `step` and performs what it wants. Events that effects cause wait their turn. */
  private handle(event: Event): void {
    this.events.push(event);
    if (this.stepping) return;
    this.stepping = true;
    const { observer } = this.setup;
    for (let next = this.events.shift(); next !== undefined && !this.finished; next = this.events.shift()) {
      observer?.event(next);
      if (this.finished) break;
      const [replica, effects] = step(this.replica, next);
      this.replica = replica;
      this.shared.epoch = replica.epoch;
      for (const effect of effects) {
        if (this.finished) break;
        this.perform(effect);
        observer?.effect(effect);
      }
    }
    this.stepping = false;
  }

  private tick(ticks: number): void {
    if (this.finished) return;
    this.look();
    for (let n = 0; n < ticks; n++) this.handle({ kind: 'tick', heartbeat: this.shared.heard(), full: this.shared.full });
  }

  private linkOpened(fd: number): void {
    this.linkOpen = true;
    if (this.setup.role === 'primary') {
      this.shared.link = LINK_OPEN;
      this.machine.tell({ kind: 'link', fd });
    }
    this.handle({ kind: 'linkOpened' });
  }

  private control(body: Uint8Array): void {
    if (this.finished || !this.linkOpen) return;
    // What was appended before this was said must be here before it is heard.
    this.look();
    try {
      const { run, epoch, message } = decodeEnvelope(body);
      const acked = message.kind === 'ack' ? micros() : 0;
      if (message.kind === 'replayed') this.machine.tell({ kind: 'agreed', seq: message.seq });
      if (message.kind === 'diverged') this.machine.tell({ kind: 'evidence' });
      this.handle({ kind: 'message', run, epoch, message });
      if (message.kind === 'ack') this.stages.acked(message.seq, acked, micros());
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      this.breakLink(error.message);
    }
  }

  /** Checksum, ack, and only then to the machine, which decodes (protocol.md, "The fast path"). */
  private received(batches: readonly Uint8Array[]): void {
    const whole: Uint8Array[] = [];
    let range: Extract<Event, { kind: 'received' }> | undefined;
    for (const batch of batches) {
      if (this.finished || !this.linkOpen) return;
      const header = openBatch(batch, this.setup.loaded.config);
      if (header.kind === 'fault') {
        this.accept(range, whole);
        this.breakLink(`a batch was refused: ${header.detail}`);
        return;
      }
      const { run, epoch, first, last, horizon, protects } = header;
      // One event for each wake-up, as long as the batches follow one another.
      if (range !== undefined && (range.run !== run || range.epoch !== epoch || first !== range.last + 1)) {
        this.accept(range, whole.splice(0));
        range = undefined;
      }
      range = {
        kind: 'received',
        run,
        epoch,
        first: range?.first ?? first,
        last,
        horizon,
        protects: protects || (range?.protects ?? false),
      };
      whole.push(batch);
    }
    this.accept(range, whole);
  }

  private accept(range: Extract<Event, { kind: 'received' }> | undefined, whole: readonly Uint8Array[]): void {
    if (range === undefined) return;
    const before = this.replica;
    this.handle(range);
    const after = this.replica;
    // Refused (another epoch's, or with a gap): the machine must not see it. What `step` has received is what is replayed.
    if (after.phase !== 'backup' || before.phase !== 'backup' || after.received !== range.last || range.first !== before.received + 1)
      return;
    if (range.run !== after.self.run || range.epoch !== after.epoch) return;
    for (const bytes of whole) this.machine.tell({ kind: 'batch', bytes });
    this.receivedBytes += whole.reduce((sum, bytes) => sum + bytes.length, 0);
    this.weigh();
  }

  /** The link has closed, or said something that no peer says. */
  private breakLink(why: string): void {
    if (!this.linkOpen) return;
    this.closeLink();
    this.onLinkClosed();
    this.handle({ kind: 'linkClosed', why });
  }

  private fromWorld(message: FromWorld): void {
    if (this.finished) return;
    switch (message.kind) {
      case 'answer':
        this.handle({ kind: 'answered', sink: message.sink, epoch: message.epoch, accepted: message.accepted });
        return;
      case 'refuse':
        this.handle({ kind: 'refused', sink: message.sink, epoch: message.epoch });
        return;
      case 'accepted':
        this.look();
        if (this.live) this.sinks.held.forgetOne(message.sink, message.ordinal);
        this.handle({ kind: 'accepted', sink: message.sink, ordinal: message.ordinal });
        this.weigh();
        this.endEarly();
        return;
      case 'completion':
        this.sinks.completed(message.request);
        this.machine.tell({ kind: 'disk', request: message.request, status: message.status, data: message.data });
        if (this.off) this.handle({ kind: 'pending', requests: this.sinks.pending });
        return;
      case 'input':
        // Once the console has answered our hello, also before we run: the world sends each byte of a log's continuation only once.
        this.machine.tell({ kind: 'console', port: message.port, number: message.number, bytes: message.bytes });
        return;
      case 'frameIn':
        if (this.live && this.machine.fill.backlog === 0) this.machine.tell({ kind: 'frame', bytes: message.bytes });
        return;
      case 'inputEnded':
        this.machine.tell({ kind: 'inputEnded' });
        return;
      case 'quit':
        this.finish(0, 'the user has quit');
        return;
    }
  }

  /** What the machine thread has said. */
  private look(): void {
    this.shared.clearWake();
    this.setup.link?.wake();
    const more = this.machine.look();
    if (this.finished) return;
    if (more) setImmediate(() => this.finished || this.look());
    this.weigh();
  }

  private fromMachine(record: FromMachine): void {
    this.setup.observer?.said(record);
    if (this.finished) return;
    switch (record.kind) {
      case 'ready':
        this.ready();
        return;
      case 'output':
        this.sinks.made(record.output);
        return;
      case 'request':
        this.sinks.issue(record.output);
        return;
      case 'appended': {
        const { seq, icount, made, lastInput } = record;
        this.outputs = total(made);
        this.stages.appended(seq, record.madeAt);
        this.handle({ kind: 'appended', seq, icount, made, lastInput });
        if (this.replica.phase === 'live' && this.replica.protection === 'solo') this.stages.acked(seq, 0, micros());
        return;
      }
      case 'sent':
        this.stages.sent(record.seq, record.at);
        this.handle({ kind: 'sent', seq: record.seq });
        return;
      case 'replayed':
        this.outputs = total(record.made);
        this.handle({ kind: 'replayed', seq: record.seq, icount: record.icount, made: record.made });
        return;
      case 'drained':
        this.takeover.drainedAt = Date.now();
        this.handle({ kind: 'drained', seq: record.seq, made: record.made, lastInput: record.lastInput });
        return;
      case 'live':
        if (this.off) this.handle({ kind: 'pending', requests: this.sinks.pending });
        return;
      case 'diverged':
        this.handle({ kind: 'diverged', report: record.report });
        return;
      case 'statistics':
        this.statistics = record.statistics;
        return;
      case 'signature':
        this.sinks.sign(record.bytes, this.live);
        return;
      case 'off':
        this.off = true;
        this.digest = record.digest;
        this.handle({ kind: 'off', code: record.code, pending: this.live ? this.sinks.pending : record.pending });
        return;
      case 'limit':
        this.stopped = record.idle
          ? 'the guest waits, and nothing can come that it waits for'
          : `the limit of ${this.setup.loaded.run.maxInstructions} instructions is reached`;
        this.digest = record.digest;
        this.endEarly();
        return;
      case 'linkReleased':
        if (this.linkClosing) this.setup.link?.close();
        this.linkClosing = false;
        return;
      case 'linkBroken':
        this.breakLink(record.why);
        return;
      case 'recordLost':
        this.recordLost = record.why;
        this.show();
        return;
    }
  }

  // Effects.

  private perform(effect: Effect): void {
    const { world, link, loaded, identity } = this.setup;
    switch (effect.kind) {
      case 'send':
        if (this.linkOpen) link?.send(encodeEnvelope({ run: loaded.run.run, epoch: effect.epoch, message: effect.message }));
        return;
      case 'closeLink':
        this.closeLink();
        return;
      case 'claim':
        if (this.replica.phase === 'backup') this.takeover.suspectedAt ??= Date.now();
        claimEpoch(loaded.run.arbiterDir, effect.epoch, identity).then(({ result, by }) => {
          if (result === 'won') this.takeover.wonAt = Date.now();
          this.handle({ kind: 'claimed', epoch: effect.epoch, result, by });
        });
        return;
      case 'hello':
        this.sinks.hello(effect.sink as Sink, effect.epoch, effect.lastInput);
        return;
      case 'protect':
        this.live = true;
        this.machine.tell({ kind: 'protect', epoch: effect.epoch });
        return;
      case 'run':
        this.live = true;
        this.machine.tell({ kind: 'run', epoch: effect.epoch, logging: effect.logging });
        return;
      case 'drain':
        this.weigh();
        this.machine.tell({ kind: 'drain' });
        return;
      case 'goLive':
        this.takeover.liveAt = Date.now();
        this.live = true;
        this.sinks.tellSignature();
        this.machine.tell({ kind: 'goLive', epoch: effect.epoch });
        return;
      case 'release':
        this.sinks.release(effect.upTo);
        return;
      case 'forget':
        this.sinks.held.forget(effect.upTo);
        this.weigh();
        return;
      case 'inputAcked':
        this.sinks.inputAcked(effect.number);
        return;
      case 'slow':
        this.shared.slow = effect.share;
        return;
      case 'status':
        this.show();
        return;
      case 'halt':
        this.show();
        world.send({ kind: 'halted', reason: effect.reason, code: effect.code, detail: effect.detail });
        if (effect.reason === 'off') this.leave(effect.code, effect.detail);
        else this.finish(effect.code, effect.detail);
        return;
    }
  }

  private closeLink(): void {
    if (!this.linkOpen) return;
    this.linkOpen = false;
    const { shared } = this;
    const idle = shared.moveLink(LINK_OPEN, LINK_CLOSED) || shared.link === LINK_CLOSED;
    if (!idle && (shared.moveLink(LINK_WRITING, LINK_CLOSING) || !shared.moveLink(LINK_OPEN, LINK_CLOSED))) {
      this.linkClosing = true;
      shared.bell.ring();
      return;
    }
    this.setup.link?.close();
  }

  /** An end by `--max-instructions`, or of a guest that waits for ever: when everything that was made has been taken. */
  private endEarly(): void {
    if (this.stopped === undefined || this.sinks.held.size > 0 || !this.live) return;
    const why = this.stopped;
    this.stopped = undefined;
    const { world, link, loaded } = this.setup;
    this.show();
    if (this.linkOpen) link?.send(encodeEnvelope({ run: loaded.run.run, epoch: this.replica.epoch, message: { kind: 'off', code: 0 } }));
    world.send({ kind: 'halted', reason: 'off', code: 0, detail: why });
    this.leave(0, why);
  }

  // Bounds.

  /** Held outputs and what the world has not taken, against their limits: above, the machine waits; at half, it goes on. */
  private weigh(): void {
    const bytes = this.sinks.held.bytes + this.setup.world.unsent;
    const { stall } = this.shared;
    // A backup that has won must replay all that it received, or nobody would ever take what it keeps.
    if (this.replica.phase === 'takeover') {
      if (stall) this.stallMachine(false);
      return;
    }
    const { heldBytes, heldOutputs } = this.limits;
    if (!stall && (bytes > heldBytes || this.sinks.held.size > heldOutputs)) this.stallMachine(true);
    else if (stall && bytes < heldBytes / 2 && this.sinks.held.size < heldOutputs / 2) this.stallMachine(false);
  }

  private stallMachine(on: boolean): void {
    this.shared.stall = on;
    this.shared.bell.ring();
    this.show();
  }

  // Status and the end.

  private show(): void {
    if (!this.finished) this.setup.world.send({ kind: 'status', status: this.status() });
  }

  status(): ReplicaStatus {
    return statusOf(this.replica, {
      icount: this.shared.icount,
      logBytes: this.receivedBytes + this.shared.logBytes,
      outputs: this.outputs,
      held: this.sinks.held.held,
      stalled: this.shared.stall,
      takeover: this.takeover,
      stages: this.stages,
      engine: this.statistics && { name: this.engine, ...this.statistics },
      digest: this.digest,
      recordLost: this.recordLost,
    });
  }

  private stopTimers(): void {
    for (const timer of this.timers) clearInterval(timer);
  }

  /**
   * After `off`. A live replica stays until its backup has heard it and closed the link: were it gone at once, the backup might find
   * the link broken (a failed ack, the log's end) before it reads the word, and take over a guest that has ended.
   */
  private leave(code: number, why: string): void {
    if (!this.live || !this.linkOpen) {
      this.finish(code, why);
      return;
    }
    this.onLinkClosed = () => this.finish(code, why);
    this.timers.push(setTimeout(this.onLinkClosed, FAREWELL_MS));
  }

  /** Of the machine's whole time as a live one; a backup that never was has none. */
  private writeProfile(): void {
    const { profile, machine } = this.setup.loaded.run;
    const { firmware, main } = machine.images;
    const { images } = this.setup.loaded.machine;
    if (profile === undefined || !this.live || this.samples === undefined) return;
    const files = [
      ...(firmware && images.firmware ? [{ name: firmware.path, bytes: images.firmware }] : []),
      { name: main.path, bytes: images.main },
    ];
    try {
      writeFileSync(profile, JSON.stringify(cpuProfile(this.samples, files)));
    } catch (error) {
      // The guest was not hurt; whoever asked finds no profile there, and is told so.
      process.stderr.write(`no profile: ${(error as Error).message}\n`);
    }
  }

  private finish(code: number, why: string): void {
    if (this.finished) return;
    this.finished = true;
    this.stopTimers();
    this.writeProfile();
    this.setup.world.end(() => this.setup.ended(code, why));
  }
}

const total = (made: Readonly<Record<string, number>>): number => SINKS.reduce((sum, sink) => sum + (made[sink] ?? 0), 0);
