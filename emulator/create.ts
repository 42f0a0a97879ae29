/** How a machine comes to be: at reset, or from a snapshot. */
import type { MachineConfig } from './config.ts';
import type { Machine, Snapshot } from './index.ts';
import { Board, type MachineOptions } from './machine.ts';

/** A machine at reset, its images loaded. Throws `LoadError` for images that cannot be, RangeError for a RAM size that cannot be. */
export const createMachine = (config: MachineConfig, options: MachineOptions = {}): Machine => new Board(config, options, undefined);

/** The machine that was saved, for the same configuration. Throws `SnapshotError`. */
export const restoreMachine = (config: MachineConfig, snapshot: Snapshot, options: MachineOptions = {}): Machine =>
  new Board(config, options, snapshot);
