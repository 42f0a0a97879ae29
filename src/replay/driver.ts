/**
 * Drives one machine in its role: records as primary, replays as backup, and turns the one into the other at go-live.
 * Pure: the caller (a machine thread, or the simulation) brings the host's time and the batches, and carries away what comes out.
 */
import type { Icount, Input, Ordinals, Output } from '../../emulator/index.ts';
import type { Seq } from './entry.ts';

/** What one turn did. `outputs` come in the order made; each is covered by the entry `seq` (requests may leave at once). */
export interface Turn {
  /**
   * ran      more to do now
   * idle     recording, and the guest waits: wake at `deadline` ticks (undefined: only an input wakes it)
   * starved  replaying, and everything up to the horizon is done: wait for a batch
   * drained  replaying after `drain()`, and every received entry is replayed
   * held     recording, but not allowed to run (`protect` not acked, or no role yet)
   * off      the machine is off
   * diverged replay does not agree with the log: `report` says where
   */
  readonly state: 'ran' | 'idle' | 'starved' | 'drained' | 'held' | 'off' | 'diverged';
  readonly deadline: bigint | undefined;
  readonly outputs: readonly Output[];
  readonly made: Ordinals;
  readonly icount: Icount;
  /** Last entry appended (recording) or replayed (replaying). */
  readonly seq: Seq;
  /** Recording: a whole encoded batch for the link and the record file, if there is anything to say. */
  readonly batch: Uint8Array | undefined;
  readonly report: string | undefined;
}

export interface Driver {
  /** Recording: appends `protect`; its batch comes with the next turn. The machine may be `held` meanwhile. */
  protect(): void;
  /** Recording: run (and log) under this epoch. */
  record(epoch: number): void;
  /** Replaying: a whole batch whose checksum was right (`openBatch`). */
  receive(batch: Uint8Array): void;
  /** Replaying: nothing more will be received; replay all there is and then say `drained`. */
  drain(): void;
  /** After `drained`: writes the `epoch` entry and the first anchor. Returns the pending disk requests, to be issued again. */
  goLive(epoch: number, hostTicks: bigint): readonly Output[];
  /** Recording: delivers an input here and logs it; false when the machine has no room (offer it again, or drop a frame). */
  offer(input: Input, origin: number): boolean;
  /** One slice: at most `budget` instructions. `hostTicks`: the host's clock in ticks since the run began. */
  turn(hostTicks: bigint, budget: number): Turn;
  /** Number of the last world input in the log so far. */
  readonly lastInput: number;
}
