/**
 * The machine's thread: it runs the guest through the Driver (`src/replay`) and blocks here, on its doorbell, when there is nothing
 * to run. It makes the log's batches and flushes them itself (protocol.md, "The fast path"); all else goes through its two rings.
 */
import { type MessagePort, parentPort } from 'node:worker_threads';
import type { Input, Machine, MachineConfig, MachineOptions } from '../../emulator/index.ts';
import { createDriver } from '../replay/create-driver.ts';
import type { Description } from '../replay/description.ts';
import type { Driver, Turn } from '../replay/driver.ts';
import { recordingHeader } from '../replay/recording.ts';
import type { Engine } from '../world/run-config.ts';
import { hostTicks, micros } from './clock.ts';
import { sleepThread } from './doorbell.ts';
import { engineOptions } from './engine.ts';
import { writeEvidence } from './evidence-files.ts';
import { LogWriter } from './log-writer.ts';
import { ProfileSamples, Sampler } from './profile-samples.ts';
import { RecordFile } from './record-file.ts';
import { decodeToMachine, encodeFromMachine, type FromMachine, type ToMachine } from './records.ts';
import { Ring } from './ring.ts';
import { LINK_CLOSED, Shared } from './shared.ts';

/** What the thread is started with. */
export interface MachineData {
  readonly shared: SharedArrayBuffer;
  readonly toMachine: SharedArrayBuffer;
  readonly fromMachine: SharedArrayBuffer;
  /** The memory link's ring, when there is one. */
  readonly logRing: SharedArrayBuffer | undefined;
  readonly config: MachineConfig;
  readonly description: Description;
  readonly run: string;
  readonly configHash: string;
  readonly role: 'primary' | 'backup' | 'solo';
  /** Where this replica records, if it does. */
  readonly recordFile: string | undefined;
  /** Where the evidence of a divergence goes: see `writeEvidence`. */
  readonly evidenceFile: string;
  readonly maxInstructions: number | undefined;
  /** How wrong this host's clock is to be taken for. */
  readonly clockOffsetMs: number;
  readonly engine: Engine;
  /** Leads to the compiler's thread; in the transfer list. Undefined: this engine has none. */
  readonly compiler: MessagePort | undefined;
  /** Of `ProfileSamples`, when there is to be a profile. */
  readonly profile: SharedArrayBuffer | undefined;
}

/** Frames that wait for a turn of the machine; beyond it they are dropped, as a network card would. */
const FRAMES_MAX = 256;
/** Console bytes that wait for the guest. The world sends fewer than this without an acknowledgement. */
const CONSOLE_BYTES_MAX = 1 << 20;
/** A bell that is never rung would stop the machine for ever: look again now and then. */
const LONGEST_WAIT_MS = 1000;
/** Lag control: the machine sleeps a share of each such period. */
const PERIOD_MS = 10;
const SIGNATURE_BYTES_MAX = 1 << 20;
/** What the engines have done is told this often. */
const STATISTICS_MS = 100;

export class MachineThread {
  private readonly data: MachineData;
  private readonly shared: Shared;
  private readonly inbox: Ring;
  private readonly outbox: Ring;
  private readonly writer: LogWriter;
  private readonly machine: Machine;
  private readonly driver: Driver;
  private readonly now: () => bigint;
  private readonly record: RecordFile | undefined;

  /** `none`: no turn yet. */
  private mode: 'none' | 'recording' | 'replaying';
  private logging = false;
  /** Replaying: the last turn used up what was received. */
  private starved = true;
  /** `off`, `diverged`, or the limit of instructions: told once, no more turns. */
  private ended = false;
  private offTold = false;
  private replayed = -1;
  private appended = -1;
  private consoleWaits: { port: 0 | 1; number: number; bytes: Uint8Array }[] = [];
  private consoleBytes = 0;
  private inputEnded = false;
  private frames: Uint8Array[] = [];
  private completions: Input[] = [];
  private periodFrom = performance.now();
  private readonly sampler: Sampler | undefined;
  private statisticsAt = { time: 0, icount: -1 };

  /** `createMachine`: the board's, or a test's small machine. */
  constructor(data: MachineData, createMachine: (config: MachineConfig, options: MachineOptions) => Machine) {
    this.data = data;
    this.shared = new Shared(data.shared);
    this.inbox = new Ring(data.toMachine);
    this.outbox = new Ring(data.fromMachine);
    this.writer = new LogWriter(this.shared, data.logRing === undefined ? undefined : new Ring(data.logRing));
    this.machine = createMachine(data.config, engineOptions(data.engine, data.compiler));
    if (data.profile !== undefined) this.sampler = new Sampler(new ProfileSamples(data.profile));
    this.driver = createDriver({
      machine: this.machine,
      run: data.run,
      config: data.configHash,
      role: data.role === 'backup' ? 'backup' : 'primary',
    });
    this.now = hostTicks(data.config.bootTimeNs, data.clockOffsetMs);
    this.mode = data.role === 'backup' ? 'replaying' : 'none';
    if (data.recordFile !== undefined) this.record = new RecordFile(data.recordFile, recordingHeader(data.description));
  }

  /** Never returns. */
  loop(): never {
    this.tell({ kind: 'ready' });
    this.wake();
    for (;;) {
      const seen = this.shared.bell.value();
      this.readInbox();
      const wait = this.shared.stall ? LONGEST_WAIT_MS : this.turn();
      const from = this.sampler === undefined ? 0 : micros();
      if (wait > 0) this.shared.bell.wait(seen, Math.min(wait, LONGEST_WAIT_MS));
      else if (!this.slowDown()) continue;
      this.sampler?.sleptSince(from);
    }
  }

  /** Everything that was sent, except that a replay takes a batch only when it needs one: the ring is the receive buffer. */
  private readInbox(): void {
    while (this.mode !== 'replaying' || this.starved || this.ended) {
      const record = this.inbox.read();
      if (record === undefined) break;
      this.obey(decodeToMachine(record));
    }
    if (this.inbox.takeStalled()) this.wake();
  }

  private obey(record: ToMachine): void {
    switch (record.kind) {
      case 'protect':
        if (this.ended) return;
        this.driver.protect(record.epoch);
        this.mode = 'recording';
        this.logging = true;
        return;
      case 'run':
        // A machine at its limit, or off, has nothing to run, whoever holds the epoch.
        if (this.ended) return;
        this.driver.record(record.epoch);
        this.mode = 'recording';
        this.logging = record.logging;
        return;
      case 'link':
        this.writer.open(record.fd);
        return;
      case 'evidence':
        this.saveEvidence();
        return;
      case 'agreed':
        this.driver.agreed(record.seq);
        return;
      case 'batch':
        this.driver.receive(record.bytes);
        this.keep(record.bytes);
        this.starved = false;
        return;
      case 'drain':
        this.driver.drain();
        this.starved = false;
        return;
      case 'goLive':
        this.goLive(record.epoch);
        return;
      case 'console':
        this.consoleBytes += record.bytes.length;
        if (this.consoleBytes > CONSOLE_BYTES_MAX)
          throw new Error(`${this.consoleBytes} bytes of console input wait: the world sends without asking`);
        this.consoleWaits.push({ port: record.port, number: record.number, bytes: record.bytes });
        return;
      case 'frame':
        if (this.frames.length < FRAMES_MAX) this.frames.push(record.bytes);
        return;
      case 'inputEnded':
        this.inputEnded = true;
        return;
      case 'disk':
        this.completions.push({ kind: 'disk', request: record.request, status: record.status, data: record.data });
        return;
    }
  }

  private goLive(epoch: number): void {
    const requests = this.driver.goLive(epoch, this.now());
    this.mode = 'recording';
    this.logging = false;
    this.ended = false;
    for (const output of requests) this.tell({ kind: 'request', output });
    this.tell({ kind: 'live' });
    this.wake();
  }

  /** One turn of the machine. Returns how long to wait for the bell, ms: 0 when there is more to do now. */
  private turn(): number {
    if (this.mode === 'none' || this.ended) return LONGEST_WAIT_MS;
    if (this.mode === 'replaying' && this.starved) return LONGEST_WAIT_MS;
    if (this.mode === 'recording') this.offerInputs();
    // A replay needs no limit of its own: the log ends where the primary stopped.
    if (this.mode === 'replaying') return this.told(this.driver.turn(this.now(), this.driver.budget));
    const left = (this.data.maxInstructions ?? Number.POSITIVE_INFINITY) - this.machine.icount;
    if (left <= 0) return this.stopEarly(false);
    const { driver, machine, sampler } = this;
    const budget = Math.min(driver.budget, left);
    if (sampler === undefined) return this.told(driver.turn(this.now(), budget));
    const turn = driver.turn(this.now(), Math.min(budget, sampler.left(machine.icount, budget)));
    sampler.look(turn.icount, () => machine.inspect());
    return this.told(turn);
  }

  private told(turn: Turn): number {
    this.shared.icount = turn.icount;
    this.tellStatistics(STATISTICS_MS);
    if (this.mode === 'recording') this.tellRecorded(turn);
    else this.tellReplayed(turn);
    switch (turn.state) {
      case 'ran':
        return 0;
      case 'idle':
      case 'held': {
        // What the guest has just made room for comes before the wait.
        if (this.mayOffer()) return 0;
        if (turn.state === 'idle' && turn.deadline === undefined && this.waitsForEver()) return this.stopEarly(true);
        if (turn.deadline === undefined) return LONGEST_WAIT_MS;
        return Math.max(0, Number(turn.deadline - this.now()) / 10_000);
      }
      case 'starved':
        this.starved = true;
        return 0;
      case 'drained':
        this.starved = true;
        this.tell({ kind: 'drained', seq: turn.seq, lastInput: this.driver.lastInput, made: turn.made });
        this.wake();
        return 0;
      case 'off':
        return this.endWith(() => this.tellOff());
      case 'diverged':
        this.saveEvidence();
        return this.endWith(() => this.tell({ kind: 'diverged', report: turn.report ?? 'replay does not agree with the log' }));
    }
  }

  /** Outputs and their entry first, then the batch: what an ack may release is always there when the ack comes. */
  private tellRecorded(turn: Turn): void {
    const numbered = turn.outputs.some((output) => output.kind !== 'diskRead');
    const madeAt = numbered ? micros() : 0;
    for (const output of turn.outputs) this.tell({ kind: output.kind === 'diskRead' ? 'request' : 'output', output });
    const { batch } = turn;
    if (batch !== undefined) {
      this.shared.addLogBytes(batch.length);
      // A batch that only moves the horizon is no news to the event loop, some hundred times a second.
      const news = turn.seq !== this.appended;
      if (news) {
        this.appended = turn.seq;
        const { seq, icount, made } = turn;
        this.tell({ kind: 'appended', seq, icount, lastInput: this.driver.lastInput, madeAt, made });
      }
      if (this.logging) this.send(batch, turn.seq);
      this.keep(batch);
      if (news) this.wake();
    }
    if (turn.outputs.length > 0) this.wake();
  }

  private send(batch: Uint8Array, seq: number): void {
    const written = this.writer.write(batch);
    switch (written.kind) {
      case 'sent':
        this.tell({ kind: 'sent', seq, at: micros() });
        return;
      case 'closed':
        // The log that nobody will read goes no further; whether to run on is not for this thread to say.
        this.logging = false;
        if (this.shared.link === LINK_CLOSED) this.tell({ kind: 'linkReleased' });
        this.wake();
        return;
      case 'broken':
        this.logging = false;
        this.tell({ kind: 'linkBroken', why: written.why });
        this.wake();
        return;
    }
  }

  private tellReplayed(turn: Turn): void {
    // Disk requests are not kept: what is pending at go-live is issued again by the machine's own list.
    for (const output of turn.outputs) {
      if (output.kind === 'console' || output.kind === 'frame' || output.kind === 'off') this.tell({ kind: 'output', output });
    }
    if (this.machine.exit !== undefined && !this.offTold) this.tellOff();
    if (turn.seq === this.replayed) return;
    this.replayed = turn.seq;
    // Not worth waking anyone: it is told to the primary once in a tick.
    this.tell({ kind: 'replayed', seq: turn.seq, icount: turn.icount, made: turn.made });
  }

  /** Inputs enter between slices: completions first (they free descriptors and never wait), then console bytes as there is room, then frames. */
  private offerInputs(): void {
    const { driver } = this;
    while (this.completions.length > 0) {
      const completion = this.completions[0]!;
      // Not taken: the batch is full, and the next turn empties it; or it is one that no machine takes, and is the world's mistake.
      if (!driver.offer(completion, 0, this.now()) && this.machine.refuses(completion) === undefined) break;
      this.completions.shift();
    }
    while (this.consoleWaits.length > 0) {
      const piece = this.consoleWaits[0]!;
      const room = Math.min(driver.consoleRoom(piece.port), piece.bytes.length);
      if (room === 0) break;
      const left = piece.bytes.length - room;
      const input: Input = { kind: 'console', port: piece.port, bytes: piece.bytes.subarray(0, room) };
      if (!driver.offer(input, piece.number - left, this.now())) break;
      this.consoleBytes -= room;
      if (left === 0) this.consoleWaits.shift();
      else piece.bytes = piece.bytes.subarray(room);
    }
    for (const bytes of this.frames.splice(0)) driver.offer({ kind: 'frame', bytes }, 0, this.now());
  }

  /** With the clock on icount a guest without a timer waits for input alone: when none can come any more, that is the end of the run. */
  private waitsForEver(): boolean {
    return (
      this.inputEnded &&
      this.mode === 'recording' &&
      this.machine.config.clock === 'icount' &&
      this.consoleWaits.length === 0 &&
      this.machine.pendingDisk().length === 0
    );
  }

  private mayOffer(): boolean {
    if (this.mode !== 'recording' || this.ended) return false;
    const first = this.consoleWaits[0];
    return this.completions.length > 0 || (first !== undefined && this.driver.consoleRoom(first.port) > 0);
  }

  /** `idle`: nothing will ever end the guest's wait; else the limit of instructions is reached. */
  private stopEarly(idle: boolean): number {
    return this.endWith(() => {
      this.tellRecorded(this.driver.end(this.now()));
      this.tellSignature();
      this.tell({ kind: 'limit', idle, digest: this.machine.digest() });
    });
  }

  private endWith(say: () => void): number {
    this.ended = true;
    this.tellStatistics(0);
    say();
    this.wake();
    return LONGEST_WAIT_MS;
  }

  private tellOff(): void {
    this.offTold = true;
    this.tellSignature();
    const { code } = this.machine.exit!;
    this.tell({ kind: 'off', code, pending: this.machine.pendingDisk().length, digest: this.machine.digest() });
  }

  private tellSignature(): void {
    const begin = this.machine.symbols.get('begin_signature');
    const end = this.machine.symbols.get('end_signature');
    if (begin === undefined || end === undefined || end < begin || end - begin > SIGNATURE_BYTES_MAX) return;
    try {
      this.tell({ kind: 'signature', bytes: this.machine.readMemory(begin, end - begin) });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }

  /** When the machine has run on and the last time is this long ago. Not worth waking anyone. */
  private tellStatistics(everyMs: number): void {
    const { icount } = this.machine;
    const time = performance.now();
    if (icount === this.statisticsAt.icount || time - this.statisticsAt.time < everyMs) return;
    this.statisticsAt = { time, icount };
    this.tell({ kind: 'statistics', statistics: this.machine.statistics() });
  }

  private saveEvidence(): void {
    const evidence = this.driver.evidence();
    if (evidence === undefined) return;
    try {
      writeEvidence(this.data.evidenceFile, evidence);
    } catch (error) {
      // A full file system costs the report, not the primary that goes on without its backup.
      process.stderr.write(`no evidence of the divergence: ${(error as Error).message}\n`);
    }
  }

  private keep(batch: Uint8Array): void {
    const why = this.record?.add(batch);
    if (why !== undefined) this.tell({ kind: 'recordLost', why });
  }

  /** True when it slept. */
  private slowDown(): boolean {
    const share = this.shared.slow;
    const now = performance.now();
    if (share <= 0) {
      this.periodFrom = now;
      return false;
    }
    if (now - this.periodFrom < PERIOD_MS * (1 - share)) return false;
    sleepThread(PERIOD_MS * share);
    this.periodFrom = performance.now();
    return true;
  }

  private tell(record: FromMachine): void {
    const { head, body } = encodeFromMachine(record);
    if (this.outbox.write(head, body)) return;
    // The event loop has to be awake to make room.
    this.wake();
    this.outbox.writeOrWait(this.shared.bell, () => true, head, body);
  }

  private wake(): void {
    if (this.shared.claimWake()) parentPort!.postMessage(null);
  }
}
