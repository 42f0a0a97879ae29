/**
 * The event loop's end of the replica's own threads: two rings to and from the machine thread, and what waits outside them when the ring
 * to it is full (protocol.md, "Bounds and liveness"). `records.ts` says what goes through, `machine-thread.ts` is the other end.
 */
import { type TransferListItem, Worker } from 'node:worker_threads';
import { decodeFromMachine, encodeToMachine, type FromMachine, type ToMachine } from './records.ts';
import { Ring } from './ring.ts';
import type { Shared } from './shared.ts';

/** Records taken from the machine in one turn of the event loop. */
const BURST = 2000;

export interface MachineEvents {
  /** One record; false: take no more. */
  said(record: FromMachine): boolean;
  /** Something waits outside the ring (true), or nothing does any more. */
  full(full: boolean): void;
  /** Any thread's death is the replica's: half a replica must not go on (protocol.md, "Roles, claims, fences"). */
  died(why: string): void;
}

export class MachinePort {
  private readonly shared: Shared;
  private readonly events: MachineEvents;
  private readonly toMachine: Ring;
  private readonly fromMachine: Ring;
  private readonly workers: Worker[] = [];
  /** What did not fit the ring to the machine, oldest first. */
  private readonly backlog: ToMachine[] = [];

  /** `ringBytes`: see `Limits`. */
  constructor(shared: Shared, ringBytes: number, events: MachineEvents) {
    this.shared = shared;
    this.events = events;
    // Twice the named size: a record is a batch and a few bytes, and a batch may have a quarter of what is named.
    this.toMachine = Ring.create(ringBytes * 2);
    this.fromMachine = Ring.create(ringBytes * 2);
  }

  /** For the machine thread's `MachineData`. */
  get rings(): { readonly toMachine: SharedArrayBuffer; readonly fromMachine: SharedArrayBuffer } {
    return { toMachine: this.toMachine.shared, fromMachine: this.fromMachine.shared };
  }

  /** Bytes in the two rings, and records that wait outside them. */
  get fill(): { readonly toMachine: number; readonly fromMachine: number; readonly backlog: number } {
    return { toMachine: this.toMachine.used(), fromMachine: this.fromMachine.used(), backlog: this.backlog.length };
  }

  /** Starts one of the replica's threads (`machine-worker`, `heartbeat-worker`, `compile-worker`), or `entry` in its place. */
  startWorker(name: string, workerData: unknown, transferList: readonly TransferListItem[] = [], entry = workerUrl(name)): Worker {
    const worker = new Worker(entry, { workerData, transferList: [...transferList] });
    worker.on('error', (error) => this.events.died(`${name} died: ${error.stack ?? error.message}`));
    worker.on('exit', (code) => this.events.died(`${name} ended with ${code}`));
    this.workers.push(worker);
    return worker;
  }

  async terminate(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  /** To the machine, in order; what does not fit waits. */
  tell(record: ToMachine): void {
    this.backlog.push(record);
    this.drain();
  }

  /** Hands on a burst of what the machine thread has said. True: there is more, which another turn of the loop should read. */
  look(): boolean {
    for (let i = 0; i < BURST; i++) {
      const record = this.fromMachine.read();
      if (record === undefined) break;
      if (!this.events.said(decodeFromMachine(record))) return false;
    }
    if (this.fromMachine.takeStalled()) this.shared.bell.ring();
    const more = this.fromMachine.used() > 0;
    this.drain();
    return more;
  }

  private drain(): void {
    let wrote = false;
    while (this.backlog.length > 0) {
      const { head, body } = encodeToMachine(this.backlog[0]!);
      if (!this.toMachine.writeOrMark(head, body)) break;
      this.backlog.shift();
      wrote = true;
    }
    if (wrote) this.shared.bell.ring();
    const full = this.backlog.length > 0;
    if (full === this.shared.full) return;
    this.shared.full = full;
    this.events.full(full);
  }
}

/** Workers run compiled code; this file may itself run from its source, under a test. */
export function workerUrl(name: string): URL {
  const compiled = import.meta.url.endsWith('.ts') ? `../../dist/src/host/${name}.js` : `./${name}.js`;
  return new URL(compiled, import.meta.url);
}
