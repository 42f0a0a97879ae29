/**
 * The driver: recorder, replayer, clock steering and the keeper of evidence around one machine (protocol.md, "The log" and "Inputs").
 * Pure, so that the simulation plays the very code that a machine's thread runs.
 */
import type { ConsolePort, Input, Machine, Output } from '../../emulator/index.ts';
import { readHeader } from './codec.ts';
import { divergenceReport } from './divergence.ts';
import type { Driver, Evidence, Turn } from './driver.ts';
import type { Seq } from './entry.ts';
import { Keeper } from './keeper.ts';
import { REPLAY_LIMITS } from './limits.ts';
import { Pace } from './pace.ts';
import { Recorder } from './recorder.ts';
import { Replayer } from './replayer.ts';
import { Steering } from './steering.ts';

export interface DriverOptions {
  readonly machine: Machine;
  /** 16 hex digits: this start of the pair. */
  readonly run: string;
  /** Configuration hash (`configHash`). */
  readonly config: string;
  /** What the replica starts as; a solo machine records too. */
  readonly role: 'primary' | 'backup';
  /** Keep snapshots and log for a crash report while there is a backup (default). */
  readonly evidence?: boolean;
}

export function createDriver(options: DriverOptions): Driver {
  return new MachineDriver(options);
}

class MachineDriver implements Driver {
  private readonly options: DriverOptions;
  private readonly machine: Machine;
  private readonly steering = new Steering();
  private readonly pace = new Pace();
  private readonly keeper: Keeper | undefined;
  private mode: 'held' | 'recording' | 'replaying' | 'draining' | 'drained' | 'ended';
  private epoch = 0;
  private recorder: Recorder;
  private replayer: Replayer | undefined;
  /** The last slice ended in a wait that nothing has ended since. */
  private waiting = false;
  /** The last turn ran and did not wait: host time until the next turn is the machine's. */
  private ran = false;
  private offLogged = false;
  /** Clock on icount: completions of pending requests, until the rest have ended too. */
  private readonly ended = new Map<number, Input>();
  /** Requests whose completions are being delivered, in order. */
  private settling: number[] = [];
  /** There is a backup that may come to disagree. */
  private guarded = false;
  private lastTurn: bigint | undefined;
  private lastFlush: bigint | undefined;
  private wokenAt = 0n;
  private busyTicks = 0n;

  constructor(options: DriverOptions) {
    for (const name of ['run', 'config'] as const)
      if (!/^[0-9a-f]{16}$/.test(options[name])) throw new Error(`${name} is "${options[name]}", want 16 lower-case hex digits`);
    this.options = options;
    this.machine = options.machine;
    this.recorder = new Recorder(this.machine, options.run, options.config);
    this.mode = options.role === 'backup' ? 'replaying' : 'held';
    if (options.role === 'backup') this.replayer = this.createReplayer();
    if (options.evidence !== false) this.keeper = new Keeper();
  }

  get lastInput(): number {
    return this.replayer?.lastInput ?? this.recorder.lastInput;
  }

  get backlog(): number {
    return this.replayer?.backlog ?? 0;
  }

  get budget(): number {
    return this.pace.instructions(this.mode === 'recording' ? REPLAY_LIMITS.sliceTicks : REPLAY_LIMITS.replaySliceTicks);
  }

  protect(epoch: number): void {
    this.want('protect', 'held', 'recording');
    this.under(epoch);
    this.recorder.append({ kind: 'protect' });
    this.guarded = true;
  }

  record(epoch: number): void {
    this.want('record', 'held', 'recording');
    this.under(epoch);
    this.mode = 'recording';
  }

  receive(batch: Uint8Array): void {
    this.want('receive', 'replaying');
    this.replayer!.receive(batch);
    const header = readHeader(batch, 0);
    if (header?.kind === 'batch') this.keeper?.add(batch, header.last);
  }

  drain(): void {
    this.want('drain', 'replaying');
    this.mode = 'draining';
  }

  goLive(epoch: number, hostTicks: bigint): readonly Output[] {
    this.want('goLive', 'drained');
    const { machine, replayer } = this;
    const host = this.steering.now(hostTicks);
    this.epoch = epoch;
    this.recorder = new Recorder(machine, this.options.run, this.options.config, replayer);
    this.replayer = undefined;
    this.mode = 'recording';
    this.guarded = false;
    this.ran = false;
    this.lastFlush = host;
    this.recorder.append({ kind: 'epoch', epoch });
    if (machine.config.clock === 'host' && machine.exit === undefined) {
      const { num, den } = machine.anchor;
      this.steering.start(host, machine.ticks);
      this.recorder.deliver({ kind: 'clock', ticks: machine.ticks, num, den });
    }
    return machine.pendingDisk();
  }

  offer(input: Input, origin: number, hostTicks: bigint): boolean {
    const { machine, recorder } = this;
    if (this.mode !== 'recording' || machine.exit !== undefined) return false;
    if (!this.hasRoom(input) || machine.refuses(input) !== undefined) return false;
    if (input.kind === 'disk' && machine.config.clock === 'icount') {
      this.ended.set(input.request, input);
      this.settleDisk();
      return true;
    }
    if (this.waiting) this.wake(this.steering.now(hostTicks), undefined);
    recorder.deliver(input, origin);
    return true;
  }

  /**
   * With the clock on icount the run is a function of the image, so the disk may add neither its pace nor its order: the machine stands
   * still until every pending request has ended, and the completions go in by request number. True: the disk is settled.
   */
  private settleDisk(): boolean {
    const { machine, recorder, ended } = this;
    for (;;) {
      if (this.settling.length === 0) {
        const pending = machine.pendingDisk();
        if (pending.length === 0) ended.clear();
        if (pending.length === 0 || pending.some(({ request }) => !ended.has(request))) return pending.length === 0;
        this.settling = pending.map(({ request }) => request);
      }
      for (let next = this.settling[0]; next !== undefined; next = this.settling[0]) {
        const input = ended.get(next)!;
        // A batch holds only so much; the rest follows when this one is flushed.
        if (!this.hasRoom(input)) return false;
        this.waiting = false;
        recorder.deliver(input);
        ended.delete(next);
        this.settling.shift();
      }
    }
  }

  private hasRoom(input: Input): boolean {
    const { bytes, entries } = this.recorder.waiting;
    return (entries === 0 || bytes + inputBytes(input) <= REPLAY_LIMITS.offerBytes) && entries <= REPLAY_LIMITS.offerEntries;
  }

  consoleRoom(port: ConsolePort): number {
    return this.mode === 'recording' ? this.machine.consoleRoom(port) : 0;
  }

  turn(hostTicks: bigint, budget: number): Turn {
    const host = this.steering.now(hostTicks);
    if (this.ran && this.lastTurn !== undefined) this.busyTicks += host - this.lastTurn;
    this.steering.observe(host, this.machine.icount, this.ran);
    this.pace.observe(host, this.machine.icount, this.ran);
    this.lastTurn = host;
    this.lastFlush ??= host;
    this.ran = false;
    switch (this.mode) {
      case 'held':
      case 'ended':
        return this.finish('held', host);
      case 'recording':
        return this.finish(this.recordSlice(host, Math.max(1, budget)), host);
      case 'replaying':
      case 'draining':
      case 'drained':
        return this.replaySlice(this.replayer!, host, Math.max(1, budget));
    }
  }

  end(hostTicks: bigint): Turn {
    this.want('end', 'recording');
    const host = this.steering.now(hostTicks);
    if (this.machine.exit === undefined) this.checkpoint();
    this.mode = 'ended';
    return this.finish('held', host);
  }

  agreed(seq: Seq): void {
    this.keeper?.agreed(seq);
  }

  evidence(): Evidence | undefined {
    return this.keeper?.evidence();
  }

  private recordSlice(host: bigint, budget: number): Turn['state'] {
    const { machine, recorder, steering } = this;
    const steered = machine.config.clock === 'host';
    if (machine.exit !== undefined) return this.powerOff();
    if (!steered && !this.settleDisk()) return 'idle';
    if (this.waiting) {
      const deadline = this.deadline();
      if (deadline === undefined || steering.target(host) < deadline) return 'idle';
      this.wake(host, deadline);
    } else if (steered) {
      const anchor = steering.steer(host, machine);
      if (anchor !== undefined) recorder.deliver(anchor);
    }
    const pause = recorder.run(Math.min(machine.icount + budget, Number.MAX_SAFE_INTEGER));
    if (pause === 'off') return this.powerOff();
    this.waiting = pause === 'idle';
    this.ran = !this.waiting;
    if (this.busyTicks >= REPLAY_LIMITS.checkpointTicks || (this.guarded && this.keeper?.crowded)) this.checkpoint();
    return this.waiting ? 'idle' : 'ran';
  }

  /** The wait ends: whatever ends it comes after an anchor, so that the guest never sees time stand still while it slept. */
  private wake(host: bigint, deadline: bigint | undefined): void {
    this.waiting = false;
    this.wokenAt = host;
    if (this.machine.config.clock === 'host') this.recorder.deliver(this.steering.wake(host, this.machine, deadline));
  }

  private powerOff(): 'off' {
    if (!this.offLogged) {
      this.recorder.append({ kind: 'off', code: this.machine.exit!.code });
      this.checkpoint();
    }
    this.offLogged = true;
    return 'off';
  }

  /** The last entry of its batch: every turn that checkpoints also flushes. */
  private checkpoint(): void {
    this.busyTicks = 0n;
    this.recorder.checkpoint();
    // It costs a copy of each page written since the last one: only where somebody may disagree.
    if (this.guarded) this.keeper?.checkpoint(this.recorder.seq, this.machine.checkpoint());
  }

  private finish(state: Turn['state'], host: bigint): Turn {
    const { recorder, machine } = this;
    let batch: Uint8Array | undefined;
    if (this.batchDue(state, host)) {
      batch = recorder.flush(this.epoch);
      this.lastFlush = host;
      if (this.guarded) this.keeper?.add(batch, recorder.seq);
    }
    return {
      state,
      deadline: state === 'idle' ? this.wakeUp(host) : undefined,
      outputs: recorder.takeOutputs(),
      made: { ...machine.made },
      icount: machine.icount,
      seq: recorder.flushed,
      batch,
      report: undefined,
    };
  }

  private batchDue(state: Turn['state'], host: bigint): boolean {
    const { recorder } = this;
    if (recorder.urgent || (this.mode === 'ended' && recorder.unsaid)) return true;
    if (!recorder.unsaid || state === 'held') return false;
    const silent = host - this.lastFlush!;
    if (silent >= REPLAY_LIMITS.quietTicks) return true;
    const { horizonTicks } = REPLAY_LIMITS;
    return state === 'ran' && silent >= horizonTicks && host - this.wokenAt >= horizonTicks;
  }

  /** Guest ticks at which a timer ends the wait. One that has passed and did not end it will not. */
  private deadline(): bigint | undefined {
    const { machine } = this;
    const ticks = machine.config.clock === 'host' ? machine.deadline() : undefined;
    return ticks !== undefined && ticks > machine.ticks ? ticks : undefined;
  }

  /** When the guest's timer is due, or a batch that waits for company has waited long enough. */
  private wakeUp(host: bigint): bigint | undefined {
    const timer = this.deadline();
    const due = timer === undefined ? undefined : this.steering.hostTime(timer, host);
    if (!this.recorder.unsaid) return due;
    const flush = this.lastFlush! + REPLAY_LIMITS.quietTicks;
    return due === undefined || flush < due ? flush : due;
  }

  private replaySlice(replayer: Replayer, host: bigint, budget: number): Turn {
    const { machine } = this;
    let state: Turn['state'] = replayer.advance(budget);
    this.steering.follow(host, machine.ticks);
    this.ran = state === 'ran';
    if (state === 'starved' && this.mode !== 'replaying') {
      this.mode = 'drained';
      state = 'drained';
    }
    return {
      state,
      deadline: undefined,
      outputs: replayer.takeOutputs(),
      made: { ...machine.made },
      icount: machine.icount,
      seq: replayer.seq,
      batch: undefined,
      report: replayer.divergence && divergenceReport(machine, replayer.divergence),
    };
  }

  private createReplayer(): Replayer {
    const replayer = new Replayer(this.machine);
    replayer.onEntry = (entry) => {
      if (entry.kind === 'off') this.offLogged = true;
      if (entry.kind !== 'checkpoint' || this.keeper === undefined) return;
      this.keeper.checkpoint(entry.seq, this.machine.checkpoint());
      this.keeper.agreed(entry.seq);
    };
    return replayer;
  }

  /** A recorder's epoch only rises: a primary that won another one before it runs solo says so in its log. */
  private under(epoch: number): void {
    if (epoch < this.epoch) throw new Error(`epoch ${epoch} is named to a recorder of epoch ${this.epoch}`);
    if (this.epoch !== 0 && epoch > this.epoch) {
      this.recorder.append({ kind: 'epoch', epoch });
      this.guarded = false;
    }
    this.epoch = epoch;
  }

  private want(what: string, ...modes: readonly MachineDriver['mode'][]): void {
    if (!modes.includes(this.mode)) throw new Error(`${what}: the driver is ${this.mode}, want ${modes.join(' or ')}`);
  }
}

function inputBytes(input: Input): number {
  switch (input.kind) {
    case 'clock':
      return 0;
    case 'console':
    case 'frame':
      return input.bytes.length;
    case 'disk':
      return input.data.length;
  }
}
