/**
 * The world's side of the wire: takes the replicas' connections, obeys exactly one of them, and fences the others at every sink
 * (protocol.md, "Outputs", "Inputs", "The fence"). The sinks themselves are the console, the disk, the network and the power.
 */
import { createServer, type Server } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { type DiskRequest, type Exit, SINKS, type Sink } from '../../emulator/index.ts';
import { ReplicaConnection } from './connection.ts';
import { ConsoleIn, ConsoleOut, INPUT_LIMIT_BYTES, type WriteConsole } from './console.ts';
import type { DiskFile } from './disk-server.ts';
import { Begun, Fence } from './fence.ts';
import type { Nic } from './nic-stream.ts';
import type { ReplicaStatus, ToWorld } from './wire.ts';

/** At the end of a run, for the console to take what was written to it. A guest's power-off has waited for that before. */
const CONSOLE_LEAVE_MS = 1000;

export interface ServerOptions {
  readonly run: string;
  readonly socket: string;
  /** Where the fence records its epoch. */
  readonly fenceFile: string;
  readonly writeConsole: WriteConsole;
  readonly disk: DiskFile | undefined;
  /** Asked for each frame, since the network may come later. */
  readonly nic: () => Nic | undefined;
  readonly events: ServerEvents;
  /** Is it one of ours that has not come yet? Whoever else connects is no replica, whatever it says. Absent: all are ours. */
  readonly admits?: (pid: number) => boolean;
}

export interface ServerEvents {
  onAttached(replica: ReplicaConnection): void;
  /** This replica's epoch was raised and every sink has answered it: it is live. */
  onLive(replica: ReplicaConnection, epoch: number): void;
  onStatus(replica: ReplicaConnection, status: ReplicaStatus): void;
  onHalted(replica: ReplicaConnection, halted: { reason: string; code: number; detail: string }): void;
  onDetached(replica: ReplicaConnection): void;
  /** A request of a fenced replica was refused. */
  onRefused(replica: ReplicaConnection, sink: Sink): void;
  onOff(exit: Exit, signature: Uint8Array | undefined): void;
  /** The input source may go on (true) or has to pause. */
  onInputRoom(room: boolean): void;
  /** The world can no longer keep its promises: the run has to end. */
  onFatal(error: Error): void;
}

export class WorldServer {
  readonly #options: ServerOptions;
  readonly #server: Server;
  readonly #fence: Fence;
  readonly #replicas = new Set<ReplicaConnection>();
  readonly #begun: Record<Sink, Begun> = { console: new Begun(), disk: new Begun(), net: new Begun(), power: new Begun() };
  readonly #out: ConsoleOut;
  readonly #in = new ConsoleIn();
  #inputEnded = false;
  readonly #accepted = { disk: 0, net: 0, power: 0 };
  /** Ordinals of disk operations that have not ended, oldest first, and the highest that ever came. */
  readonly #diskOpen = new Set<number>();
  #diskLast = 0;
  #consoleQueue: Promise<void> = Promise.resolve();
  #waiting: (() => void)[] = [];
  #inputRoom = true;
  #off = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#fence = new Fence(options.fenceFile);
    this.#out = new ConsoleOut(options.writeConsole);
    this.#server = createServer((socket) => {
      const replica = new ReplicaConnection(socket, {
        onMessage: (message) => this.#take(replica, message),
        onClosed: () => {
          this.#replicas.delete(replica);
          options.events.onDetached(replica);
          if (this.#replicas.size === 0) for (const resolve of this.#waiting.splice(0)) resolve();
        },
      });
      this.#replicas.add(replica);
    });
  }

  get epoch(): number {
    return this.#fence.epoch;
  }

  /** The replica that the sinks obey, while it is connected. */
  get live(): ReplicaConnection | undefined {
    return [...this.#replicas].find((replica) => this.#isHolder(replica));
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.socket, () => {
        this.#server.off('error', reject);
        this.#server.on('error', (error) => this.#options.events.onFatal(error));
        resolve();
      });
    });
  }

  /** Console input from the user. */
  input(bytes: Uint8Array): void {
    for (const piece of this.#in.push(bytes)) {
      this.#holderOf('console')?.send({ kind: 'input', port: 0, number: piece.number, bytes: piece.bytes });
    }
    this.#tellRoom();
  }

  /** Nothing will come in any more, neither bytes nor frames. */
  inputEnded(): void {
    this.#inputEnded = true;
    this.#holderOf('console')?.send({ kind: 'inputEnded' });
  }

  frameIn(bytes: Uint8Array): void {
    const replica = this.#holderOf('net');
    if (replica !== undefined && !replica.congested) replica.send({ kind: 'frameIn', bytes });
  }

  /** When no replica is connected and all that they sent was read. */
  allDetached(): Promise<void> {
    return this.#replicas.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  quit(): void {
    for (const replica of this.#replicas) replica.send({ kind: 'quit' });
  }

  /** Closes every connection, waits for what was begun; for a console that takes nothing (a pipe that nobody reads) only so long. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const replica of this.#replicas) replica.destroy();
    const patience = new AbortController();
    const shown = Promise.all([this.#consoleQueue, this.#begun.console.ended()]).finally(() => patience.abort());
    const enough = setTimeout(CONSOLE_LEAVE_MS, undefined, { signal: patience.signal }).catch(() => undefined);
    const others = SINKS.filter((sink) => sink !== 'console').map((sink) => this.#begun[sink].ended());
    // The epoch too is put away before the caller may remove the folder.
    const recorded = this.#fence.recorded.catch(() => undefined);
    await Promise.all([closed, Promise.race([shown, enough]), recorded, ...others]);
  }

  #take(replica: ReplicaConnection, message: ToWorld): void {
    const { events } = this.#options;
    if (replica.identity === '' && message.kind !== 'attach') {
      replica.fail(`${message.kind} came before attach`);
      return;
    }
    switch (message.kind) {
      case 'attach':
        this.#attach(replica, message);
        return;
      case 'hello':
        this.#hello(replica, message).catch((error) => events.onFatal(error));
        return;
      case 'console':
        if (this.#mayStart(replica, 'console', message.epoch)) this.#console(replica, message);
        return;
      case 'disk':
        if (this.#mayStart(replica, 'disk', message.epoch)) this.#disk(replica, message.epoch, message.request);
        return;
      case 'frame':
        if (this.#mayStart(replica, 'net', message.epoch)) this.#frame(message);
        return;
      case 'signature':
        if (this.#mayStart(replica, 'power', message.epoch)) replica.signature = message.bytes;
        return;
      case 'off':
        if (this.#mayStart(replica, 'power', message.epoch)) this.#powerOff(replica, message);
        return;
      case 'inputAcked':
        if (!this.#fence.obeys(message.epoch, replica.identity)) return;
        this.#guard(replica, () => this.#in.acked(message.number));
        this.#tellRoom();
        return;
      case 'status':
        replica.status = message.status;
        events.onStatus(replica, message.status);
        return;
      case 'halted':
        replica.halted = message;
        events.onHalted(replica, message);
        return;
    }
  }

  #attach(replica: ReplicaConnection, message: Extract<ToWorld, { kind: 'attach' }>): void {
    if (replica.identity !== '') replica.fail('a second attach');
    else if (message.run !== this.#options.run) replica.fail(`attach to run ${message.run}, this is ${this.#options.run}`);
    else if (message.identity === '') replica.fail('attach without an identity');
    else if (this.#options.admits?.(message.pid) === false)
      replica.fail(`attach of process ${message.pid}, which is no replica of this run`);
    else {
      replica.attach(message.identity, message.role, message.pid);
      this.#options.events.onAttached(replica);
    }
  }

  /** The fence, in the order of protocol.md: record, refuse the old, wait for what was begun, answer. */
  async #hello(replica: ReplicaConnection, { sink, epoch, lastInput }: Extract<ToWorld, { kind: 'hello' }>): Promise<void> {
    const before = this.#fence.epoch;
    if (!this.#fence.raise(epoch, replica.identity)) {
      replica.refuse(sink, this.#fence.epoch);
      return;
    }
    if (epoch > before) {
      for (const other of this.#replicas) if (!this.#isHolder(other)) for (const each of other.answered) other.refuse(each, epoch);
    }
    await this.#fence.recorded;
    await this.#begun[sink].ended();
    if (!this.#fence.obeys(epoch, replica.identity)) {
      replica.refuse(sink, this.#fence.epoch);
      return;
    }
    if (sink === 'disk') this.#forgetRefusedDisk();
    const accepted = sink === 'console' ? this.#out.accepted : this.#accepted[sink];
    replica.send({ kind: 'answer', sink, epoch, accepted });
    replica.answer(sink, epoch);
    if (sink === 'console') {
      this.#guard(replica, () => {
        for (const piece of this.#in.after(lastInput)) replica.send({ kind: 'input', port: 0, number: piece.number, bytes: piece.bytes });
        if (this.#inputEnded) replica.send({ kind: 'inputEnded' });
      });
    }
    if (replica.answeredAll(epoch)) this.#options.events.onLive(replica, epoch);
  }

  #console(replica: ReplicaConnection, { epoch, ordinal, bytes }: Extract<ToWorld, { kind: 'console' }>): void {
    const begun = this.#begun.console;
    begun.begin();
    replica.hold(bytes.length);
    this.#consoleQueue = this.#consoleQueue.then(async () => {
      try {
        if (!this.#mayStart(replica, 'console', epoch)) return;
        await this.#out.take(ordinal, bytes);
        this.#tellAccepted('console', this.#out.accepted);
      } catch (error) {
        // A gap is the replica's fault; anything else means that the console itself is gone.
        if (error instanceof RangeError) replica.fail(error.message);
        else this.#options.events.onFatal(error as Error);
      } finally {
        replica.release(bytes.length);
        begun.end();
      }
    });
  }

  async #disk(replica: ReplicaConnection, epoch: number, request: DiskRequest): Promise<void> {
    const { disk } = this.#options;
    if (disk === undefined) {
      replica.fail('a disk request, but this run has no disk');
      return;
    }
    const begun = this.#begun.disk;
    const size = request.kind === 'diskWrite' ? request.data.length : 0;
    begun.begin();
    replica.hold(size);
    if (request.kind !== 'diskRead') {
      this.#diskOpen.add(request.ordinal);
      this.#diskLast = Math.max(this.#diskLast, request.ordinal);
    }
    const result = await disk.perform(request, () => this.#mayStart(replica, 'disk', epoch));
    replica.release(size);
    if (result !== undefined) {
      if (request.kind !== 'diskRead') this.#diskEnded(request.ordinal);
      if (this.#fence.obeys(epoch, replica.identity)) replica.send({ kind: 'completion', request: request.request, ...result });
    }
    begun.end();
  }

  /** Accepted is whatever comes before the oldest operation that has not ended: a replica sends them by ordinal, they end in any order. */
  #diskEnded(ordinal: number): void {
    this.#diskOpen.delete(ordinal);
    const [oldest] = this.#diskOpen;
    this.#accepted.disk = Math.max(this.#accepted.disk, oldest === undefined ? this.#diskLast : oldest - 1);
    this.#tellAccepted('disk', this.#accepted.disk);
  }

  /** Nothing is under way at the disk: what is still open was refused, and comes again if it is still wanted. */
  #forgetRefusedDisk(): void {
    this.#diskOpen.clear();
    this.#diskLast = this.#accepted.disk;
  }

  #frame({ ordinal, bytes }: Extract<ToWorld, { kind: 'frame' }>): void {
    if (ordinal <= this.#accepted.net) return;
    this.#options.nic()?.send(bytes);
    this.#accepted.net = ordinal;
    this.#tellAccepted('net', ordinal);
  }

  #powerOff(replica: ReplicaConnection, { ordinal, exit }: Extract<ToWorld, { kind: 'off' }>): void {
    this.#accepted.power = Math.max(this.#accepted.power, ordinal);
    this.#tellAccepted('power', this.#accepted.power);
    if (this.#off) return;
    this.#off = true;
    this.#options.events.onOff(exit, replica.signature);
  }

  /** Checked when a request starts, and again for one that had to wait: refuses it when its replica has been fenced meanwhile. */
  #mayStart(replica: ReplicaConnection, sink: Sink, epoch: number): boolean {
    if (this.#fence.obeys(epoch, replica.identity) && replica.hasAnswer(sink)) return true;
    replica.refuse(sink, this.#fence.epoch);
    this.#options.events.onRefused(replica, sink);
    return false;
  }

  #isHolder(replica: ReplicaConnection): boolean {
    return replica.identity !== '' && replica.identity === this.#fence.holder;
  }

  #holderOf(sink: Sink): ReplicaConnection | undefined {
    const replica = this.live;
    return replica?.hasAnswer(sink) ? replica : undefined;
  }

  #tellAccepted(sink: Sink, ordinal: number): void {
    this.#holderOf(sink)?.send({ kind: 'accepted', sink, ordinal });
  }

  #tellRoom(): void {
    const room = this.#in.keptBytes < INPUT_LIMIT_BYTES;
    if (room === this.#inputRoom) return;
    this.#inputRoom = room;
    this.#options.events.onInputRoom(room);
  }

  #guard(replica: ReplicaConnection, work: () => void): void {
    try {
      work();
    } catch (error) {
      replica.fail((error as Error).message);
    }
  }
}
