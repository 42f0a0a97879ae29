/**
 * The world: the process that the user started. It owns console, disk and network, starts the replicas as its children, obeys one of them
 * (`server.ts`), and says once, at the end, how the guest ended. Whoever embeds it brings the console and hears of events.
 */
import type { Server } from 'node:net';
import type { Exit } from '../../emulator/index.ts';
import type { ReplicaConnection } from './connection.ts';
import type { WriteConsole } from './console.ts';
import { type Answer, type Ask, serveControl, type WorldStatus } from './control.ts';
import type { DiskFile } from './disk-server.ts';
import { connectNic, type Nic } from './nic-stream.ts';
import type { RunConfig } from './run-config.ts';
import { WorldServer } from './server.ts';
import { type ReplicaExit, type StartRole, Supervisor } from './supervisor.ts';
import type { ReplicaStatus, Takeover } from './wire.ts';

export interface WorldOptions {
  readonly config: RunConfig;
  readonly runFile: string;
  readonly disk: DiskFile | undefined;
  /** `--net stream=`: a path or HOST:PORT. */
  readonly netStream: string | undefined;
  /** Said in the status; `file` or the folder. */
  readonly arbiter: string;
  readonly writeConsole: WriteConsole;
  readonly onEvent: (event: WorldEvent) => void;
  /** The console's source has to pause (false) or may go on (true). */
  readonly onInputRoom: (room: boolean) => void;
  /** Another replica entry than the built one, for tests. */
  readonly replicaEntry?: string;
}

export type WorldEvent =
  | { readonly kind: 'started'; readonly role: StartRole; readonly pid: number }
  | { readonly kind: 'live'; readonly pid: number; readonly epoch: number }
  | { readonly kind: 'status'; readonly status: ReplicaStatus; readonly pid: number; readonly live: boolean }
  | { readonly kind: 'died'; readonly exit: ReplicaExit; readonly wasLive: boolean; readonly explained: boolean }
  | { readonly kind: 'takeover'; readonly times: TakeoverTimes; readonly epoch: number }
  | { readonly kind: 'halted'; readonly pid: number; readonly reason: string; readonly code: number; readonly detail: string }
  | { readonly kind: 'refused'; readonly pid: number; readonly sink: string }
  | { readonly kind: 'netLost'; readonly why: string }
  | { readonly kind: 'recordLost'; readonly pid: number; readonly why: string }
  | { readonly kind: 'off'; readonly exit: Exit };

/** Milliseconds. `detect`: death to suspicion; `total`: death (or suspicion, when nothing died) to live. */
export interface TakeoverTimes {
  readonly total: number;
  readonly detect: number;
  readonly claim: number;
  readonly drain: number;
  readonly fence: number;
}

export interface WorldResult {
  /** Exit status: the guest's own code, or 69, 70, 75, as cli.md has them. */
  readonly exit: number;
  /** How the guest itself ended, if it did. */
  readonly guest: Exit | undefined;
  /** Why there is no guest exit, or what went wrong besides. */
  readonly problem: string | undefined;
  readonly signature: Uint8Array | undefined;
  readonly seconds: number;
  readonly epoch: number;
  readonly takeovers: readonly TakeoverTimes[];
  readonly divergences: number;
  /** The last status of the replica that was live last. */
  readonly last: ReplicaStatus | undefined;
  /** Of the whole run's log, across takeovers. */
  readonly logBytes: number;
  /** Its role before it halted. */
  readonly role: ReplicaStatus['role'];
  /** What that replica was started as: whose record file is whole. */
  readonly survivor: StartRole | undefined;
}

/** A replica that has nothing more to do gets this long to leave by itself. */
const LEAVE_MS = 3000;

export class World {
  readonly done: Promise<WorldResult>;
  readonly #options: WorldOptions;
  readonly #server: WorldServer;
  readonly #supervisor: Supervisor;
  #control: Server | undefined;
  #nic: Nic | undefined;
  readonly #roles = new Map<number, StartRole>();
  readonly #statuses = new Map<number, ReplicaStatus>();
  /** Replicas that have come, by pid: each comes once. */
  readonly #attached = new Set<number>();
  /** Replicas that said why they end. */
  readonly #explained = new Set<number>();
  readonly #halts: { reason: string; code: number; detail: string }[] = [];
  readonly #takeovers: TakeoverTimes[] = [];
  #livePid: number | undefined;
  #liveSince = 0;
  #offAt = 0;
  #diedAt: number | undefined;
  /** The live replica that died without a word, the last one. */
  #liveLost: ReplicaExit | undefined;
  #guest: Exit | undefined;
  #signature: Uint8Array | undefined;
  #problem: { readonly exit: number; readonly why: string } | undefined;
  #survivor: StartRole | undefined;
  #role: ReplicaStatus['role'] = 'solo';
  /** The live replica left in order without the guest's end: the limit of instructions. */
  #stopped: string | undefined;
  #logReceived = 0;
  #quitting = false;
  #ending = false;
  #resolve: (result: WorldResult) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  constructor(options: WorldOptions) {
    this.#options = options;
    const { config } = options;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#server = new WorldServer({
      run: config.run,
      socket: config.worldSocket,
      fenceFile: `${config.dir}/fence`,
      writeConsole: options.writeConsole,
      disk: options.disk,
      nic: () => this.#nic,
      admits: (pid) => this.#roles.has(pid) && !this.#attached.has(pid),
      events: {
        onAttached: (replica) => this.#attached.add(replica.pid),
        onLive: (replica, epoch) => this.#live(replica, epoch),
        onStatus: (replica, status) => this.#status(replica, status),
        onHalted: (replica, halted) => this.#halted(replica, halted),
        onDetached: (replica) => this.#detached(replica),
        onRefused: (replica, sink) => options.onEvent({ kind: 'refused', pid: replica.pid, sink }),
        onOff: (exit, signature) => this.#off(exit, signature),
        onInputRoom: options.onInputRoom,
        onFatal: (error) => this.#fail(69, error.message),
      },
    });
    this.#supervisor = new Supervisor({
      runFile: options.runFile,
      dir: config.dir,
      onExit: (exit) => this.#died(exit),
      ...(options.replicaEntry === undefined ? {} : { entry: options.replicaEntry }),
    });
  }

  /** Sockets first, then the replicas. Rejects when a socket or the network cannot be had; nothing is left running then. */
  async start(): Promise<void> {
    const { config, netStream, onEvent } = this.#options;
    try {
      await this.#server.listen();
      this.#control = await serveControl(config.world.controlSocket, (ask) => this.#answer(ask));
      if (netStream !== undefined) {
        this.#nic = await connectNic(netStream, {
          onFrame: (frame) => this.#server.frameIn(frame),
          onLost: (why) => onEvent({ kind: 'netLost', why }),
        });
      }
    } catch (error) {
      await this.#close();
      throw error;
    }
    for (const role of config.protection === 'solo' ? (['solo'] as const) : (['primary', 'backup'] as const)) {
      const pid = this.#supervisor.start(role);
      this.#roles.set(pid, role);
      onEvent({ kind: 'started', role, pid });
    }
  }

  input(bytes: Uint8Array): void {
    this.#server.input(bytes);
  }

  /** No more console input; without a network, that is the end of all input. */
  inputEnded(): void {
    if (this.#options.netStream === undefined) this.#server.inputEnded();
  }

  /** SIGKILL to the live replica (`primary`) or to the other one. Returns its pid, or undefined when there is none. */
  kill(who: 'primary' | 'backup'): number | undefined {
    const running = [...this.#roles.keys()];
    // Before anyone is live, the roles are those that they were started in.
    const primary = this.#livePid ?? running.find((pid) => this.#roles.get(pid) !== 'backup');
    const pid = who === 'primary' ? primary : running.find((other) => other !== primary);
    return pid !== undefined && this.#supervisor.kill(pid) ? pid : undefined;
  }

  /** Leaves without powering the guest off. */
  quit(): void {
    if (this.#quitting) return;
    this.#quitting = true;
    this.#server.quit();
    void this.#end();
  }

  status(): WorldStatus {
    const { config, arbiter } = this.#options;
    // While nobody is live (the primary has died, the backup not yet won), what the other says is the state.
    const running = [...this.#roles.keys()];
    const speaker = running.find((pid) => pid === this.#livePid) ?? running[0];
    const live = this.#statuses.get(speaker);
    return {
      name: config.vm,
      run: config.run,
      pid: process.pid,
      state: live?.state ?? 'unprotected',
      reason: live === undefined ? 'starting' : live.reason,
      epoch: this.#server.epoch,
      seconds: this.#seconds(),
      arbiter,
      takeovers: this.#takeovers.length,
      replicas: running.map((pid) => ({ pid, live: pid === this.#livePid, status: this.#statuses.get(pid) })),
    };
  }

  #live(replica: ReplicaConnection, epoch: number): void {
    if (this.#liveSince === 0) this.#liveSince = performance.now();
    // What it received as a backup; from here on it counts what it appends.
    if (this.#livePid !== undefined && this.#livePid !== replica.pid) this.#logReceived = this.#statuses.get(replica.pid)?.logBytes ?? 0;
    this.#livePid = replica.pid;
    this.#options.onEvent({ kind: 'live', pid: replica.pid, epoch });
  }

  #status(replica: ReplicaConnection, status: ReplicaStatus): void {
    const before = this.#statuses.get(replica.pid);
    this.#statuses.set(replica.pid, status);
    if (replica.pid === this.#livePid && status.role !== 'halted') this.#role = status.role;
    if (status.takeover !== undefined && before?.takeover?.liveAt !== status.takeover.liveAt && status.takeover.liveAt > 0) {
      const times = takeoverTimes(status.takeover, this.#diedAt);
      this.#diedAt = undefined;
      this.#takeovers.push(times);
      this.#options.onEvent({ kind: 'takeover', times, epoch: status.epoch });
    }
    if (status.recordLost !== undefined && before?.recordLost === undefined)
      this.#options.onEvent({ kind: 'recordLost', pid: replica.pid, why: status.recordLost });
    if (before?.state !== status.state || before?.reason !== status.reason || before?.role !== status.role) {
      this.#options.onEvent({ kind: 'status', status, pid: replica.pid, live: replica.pid === this.#livePid });
    }
  }

  #halted(replica: ReplicaConnection, halted: { reason: string; code: number; detail: string }): void {
    if (halted.reason !== 'off') this.#halts.push(halted);
    else if (replica.pid === this.#livePid) this.#stopped = halted.detail;
    this.#explained.add(replica.pid);
    this.#options.onEvent({ kind: 'halted', pid: replica.pid, reason: halted.reason, code: halted.code, detail: halted.detail });
  }

  #detached(replica: ReplicaConnection): void {
    // Whoever never was one of ours says nothing about this run.
    if (replica.failed !== undefined && this.#attached.has(replica.pid) && !this.#ending) {
      // It broke the wire's rules, so nothing it says counts any more: the process goes too (fail-stop).
      this.#halts.push({ reason: 'divergence', code: 70, detail: `refused by the world: ${replica.failed}` });
      this.#options.onEvent({
        kind: 'halted',
        pid: replica.pid,
        reason: 'divergence',
        code: 70,
        detail: `refused by the world: ${replica.failed}`,
      });
      this.#supervisor.kill(replica.pid);
    }
  }

  #died(exit: ReplicaExit): void {
    const wasLive = exit.pid === this.#livePid;
    if (wasLive) this.#diedAt = exit.at;
    if (wasLive && !this.#explained.has(exit.pid)) this.#liveLost = exit;
    this.#survivor = this.#roles.get(this.#livePid ?? exit.pid) ?? this.#survivor;
    this.#roles.delete(exit.pid);
    this.#options.onEvent({ kind: 'died', exit, wasLive, explained: this.#explained.has(exit.pid) || this.#ending });
    if (this.#roles.size > 0 || this.#ending) return;
    // Its last words may still be in the socket when the process is gone.
    void this.#server.allDetached().then(() => {
      if (this.#guest === undefined) this.#allGone(exit);
      return this.#end();
    });
  }

  /** No replica is left and the guest did not end: the worst that was said is the reason. */
  #allGone(exit: ReplicaExit): void {
    if (this.#stopped !== undefined) return;
    const worst = this.#halts.toSorted((a, b) => b.code - a.code).find((halted) => halted.code !== 0);
    // Fenced by one that has died since: nobody carries on.
    if (worst?.code === 75 && this.#liveLost !== undefined)
      this.#fail(69, `no replica is left: the live one (pid ${this.#liveLost.pid}) died, and ${worst.detail}`);
    else if (worst !== undefined) this.#fail(worst.code, worst.detail);
    // Before it could say anything to us: its configuration or its images were not what they should be.
    else if (exit.code === 65) this.#fail(65, exit.said);
    else {
      const how = exit.signal ?? `status ${exit.code}`;
      this.#fail(69, `no replica is left: the last one (pid ${exit.pid}) ended with ${how}${exit.said === '' ? '' : `: ${exit.said}`}`);
    }
  }

  #off(exit: Exit, signature: Uint8Array | undefined): void {
    this.#guest = exit;
    this.#signature = signature;
    this.#offAt = performance.now();
    this.#options.onEvent({ kind: 'off', exit });
    void this.#end();
  }

  #fail(exit: number, why: string): void {
    this.#problem ??= { exit, why };
    void this.#end();
  }

  async #end(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    try {
      await this.#supervisor.ended(this.#problem === undefined ? LEAVE_MS : 0);
      await this.#close();
      this.#resolve(this.#result());
    } catch (error) {
      this.#reject(error as Error);
    }
  }

  async #close(): Promise<void> {
    this.#control?.close();
    this.#nic?.close();
    await this.#server.close();
    await this.#options.disk?.close();
  }

  #result(): WorldResult {
    const divergences = this.#halts.filter((halted) => halted.reason === 'divergence').length;
    const last = this.#livePid === undefined ? undefined : this.#statuses.get(this.#livePid);
    return {
      exit: this.#guest?.code ?? this.#problem?.exit ?? 0,
      guest: this.#guest,
      problem: this.#problem?.why ?? (this.#guest === undefined ? this.#stopped : undefined),
      signature: this.#signature,
      seconds: this.#seconds(),
      epoch: this.#server.epoch,
      takeovers: this.#takeovers,
      divergences,
      last,
      logBytes: this.#logReceived + (last?.logBytes ?? 0),
      role: this.#role,
      survivor: this.#survivor,
    };
  }

  #seconds(): number {
    if (this.#liveSince === 0) return 0;
    return ((this.#offAt === 0 ? performance.now() : this.#offAt) - this.#liveSince) / 1000;
  }

  #answer(ask: Ask): Answer {
    switch (ask.do) {
      case 'status':
        return { ok: true, status: this.status() };
      case 'kill': {
        const pid = this.kill(ask.who);
        return pid === undefined ? { ok: false, why: `${this.#options.config.vm} has no ${ask.who} now` } : { ok: true, pid };
      }
      case 'quit':
        this.quit();
        return { ok: true };
    }
  }
}

function takeoverTimes({ suspectedAt, wonAt, drainedAt, liveAt }: Takeover, diedAt: number | undefined): TakeoverTimes {
  // Nothing may have died (a stopped primary); or it is suspected before its parent hears of its death.
  const from = Math.min(diedAt ?? suspectedAt, suspectedAt);
  return {
    total: liveAt - from,
    detect: suspectedAt - from,
    claim: wonAt - suspectedAt,
    drain: drainedAt - wonAt,
    fence: liveAt - drainedAt,
  };
}
