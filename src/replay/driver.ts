/**
 * The face of a driver (`create-driver.ts`), which drives one machine in its role: records as primary, replays as backup, and turns
 * the one into the other at go-live. The caller (a machine thread, or the simulation) brings the host's time and the batches, and
 * carries away what comes out.
 */
import type { ConsolePort, Icount, Input, Ordinals, Output, Snapshot } from '../../emulator/index.ts';
import type { Seq } from './entry.ts';

/** What one turn did. `outputs` come in the order made; each is covered by the entry `seq` (requests may leave at once). */
export interface Turn {
  /**
   * ran      more to do now
   * idle     recording, and the guest waits: call `turn` again at `deadline` (undefined: only an input wakes it)
   * starved  replaying, and everything up to the horizon is done: wait for a batch
   * drained  replaying after `drain()`, and every received entry is replayed
   * held     recording, but not allowed to run (`protect` not acked, or no role yet)
   * off      recording, and the machine is off (a replica whose machine is off is `starved`, then `drained`, as ever)
   * diverged replay does not agree with the log: `report` says where
   */
  readonly state: 'ran' | 'idle' | 'starved' | 'drained' | 'held' | 'off' | 'diverged';
  /** In ticks of the host's clock (as `hostTicks`): when the next turn is wanted, for the guest's timer or for a batch that waits. */
  readonly deadline: bigint | undefined;
  readonly outputs: readonly Output[];
  readonly made: Ordinals;
  readonly icount: Icount;
  /** Last entry that is in a batch (recording) or that was replayed (replaying). */
  readonly seq: Seq;
  /** Recording: a whole encoded batch for the link and the record file, if there is anything to say. */
  readonly batch: Uint8Array | undefined;
  readonly report: string | undefined;
}

/** The last checkpoint on which both sides agreed, and whole batches since: what a crash report holds, and bisect reads. */
export interface Evidence {
  readonly seq: Seq;
  /** Undefined: from reset. */
  readonly snapshot: Snapshot | undefined;
  /** The first may begin before `seq`: skip what the snapshot already holds. */
  readonly batches: readonly Uint8Array[];
}

export interface Driver {
  /** Recording: appends `protect` under this epoch; its batch comes with the next turn. The machine may be `held` meanwhile. */
  protect(epoch: number): void;
  /** Recording: run (and log) under this epoch. A higher one than before begins with an `epoch` entry. */
  record(epoch: number): void;
  /** Replaying: a whole batch whose checksum was right (`openBatch`). Batches follow one another without a gap. */
  receive(batch: Uint8Array): void;
  /** Replaying: nothing more will be received; replay all there is and then say `drained`. */
  drain(): void;
  /** After `drained`: writes the `epoch` entry and the first anchor. Returns the pending disk requests, to be issued again. */
  goLive(epoch: number, hostTicks: bigint): readonly Output[];
  /**
   * Recording: delivers an input here and logs it, after a `clock` entry when the guest waits; false when the machine has no
   * room, is off, or the batch is full (offer it again, or drop a frame). Outputs that it makes come with the next turn.
   */
  offer(input: Input, origin: number, hostTicks: bigint): boolean;
  /** Console bytes that `offer` would take now on this port. */
  consoleRoom(port: ConsolePort): number;
  /** One slice: at most `budget` instructions. `hostTicks`: the host's clock in ticks since boot (it never goes back). */
  turn(hostTicks: bigint, budget: number): Turn;
  /** Instructions that take so long at the present speed that inputs get in quickly (recording), or commands are heard (replaying). */
  readonly budget: number;
  /** Recording: no more turns. Writes a last checkpoint and gives up everything not yet in a batch. */
  end(hostTicks: bigint): Turn;
  /** Recording: the backup has replayed up to here, so it agrees with every checkpoint up to here. */
  agreed(seq: Seq): void;
  /** Undefined when the log since has outgrown its limit, or the driver was made without evidence. */
  evidence(): Evidence | undefined;
  /** Replaying: bytes received and not replayed yet; the host stops reading when they are too many. */
  readonly backlog: number;
  /** Number of the last world input in the log so far. */
  readonly lastInput: number;
}
