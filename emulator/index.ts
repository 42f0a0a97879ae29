/** The public face of the emulator: the machine, its two doors, its snapshot. Besides it only the tables of `isa/` are read from outside. */
import type { Checkpoint } from './checkpoint.ts';
import type { MachineConfig } from './config.ts';
import type { Anchor, Digest, DiskRequest, Exit, Icount, Input, Ordinals, Output } from './io.ts';
import type { Statistics } from './translator/statistics.ts';

export type { Checkpoint } from './checkpoint.ts';
export type * from './config.ts';
export { createMachine, restoreMachine } from './create.ts';
export * from './io.ts';
export { RAM_BYTES_MAX, RAM_BYTES_MIN } from './limits.ts';
export { LoadError } from './loader.ts';
export { InputRefused, type MachineOptions } from './machine.ts';
export { placeImages } from './placement.ts';
export { SnapshotError } from './snapshot.ts';
export { type CodeSymbol, codeSymbols } from './symbols.ts';
export type { Compiled, CompileJob, Compiler } from './translator/compiler.ts';
export { EXITS, type Statistics } from './translator/statistics.ts';
export type { TranslatorOptions } from './translator/translator.ts';

/** Why `run` came back: the limit; an output that wants to leave at once; a wfi that nothing pending ends; the machine is off. */
export type Pause = 'limit' | 'output' | 'idle' | 'off';

/** Bytes with named sections, a version and a checksum (`snapshot.ts`). */
export type Snapshot = Uint8Array;

/** A deterministic RV32IMAC board (`machine.ts`): one hart, RAM, devices. Never throws for anything that a guest does. */
export interface Machine {
  readonly config: MachineConfig;
  readonly icount: Icount;
  /** Runs until `limit` at the latest; never passes it. run(a); run(b) equals run(b) for every a < b. */
  run(limit: Icount): Pause;
  /** The only way in. Throws `InputRefused` when the machine cannot take it now (see `refuses`): the caller's fault. */
  deliver(input: Input): void;
  /** Why `deliver` would refuse this input now (no room, no descriptor, time backwards, unknown request kind); undefined: it would not. */
  refuses(input: Input): string | undefined;
  /** Console bytes that `deliver` would take now on this port. */
  consoleRoom(port: 0 | 1): number;
  /** The only way out: what was made since the last call, in the order made. */
  takeOutputs(): Output[];
  /** Ordinal of the last output made, for each sink. */
  readonly made: Ordinals;
  /** Disk requests whose completion has not been delivered and that were emitted, oldest first: what a new primary re-issues. */
  pendingDisk(): DiskRequest[];
  readonly anchor: Anchor;
  /** `time` at the present icount, in ticks. */
  readonly ticks: bigint;
  /** When idle: the ticks at which a timer will end the wait; undefined when no timer is armed and enabled. */
  deadline(): bigint | undefined;
  /** Set once `run` has returned 'off'. */
  readonly exit: Exit | undefined;
  /** Everything that is state: hart, devices, RAM (dirty pages rehashed only). Changes nothing that the guest can see. */
  digest(): Digest;
  /** pc, x1..x31 and CSRs only: cheap, for every output entry. */
  registersDigest(): Digest;
  save(): Snapshot;
  /** The same, made into bytes only when asked: pages are shared with the checkpoint before, so that it costs what was written since. */
  checkpoint(): Checkpoint;
  /** The hart as a debugger would show it. */
  inspect(): HartView;
  /** Physical memory, for signatures, symbols and debuggers; throws RangeError outside RAM. */
  readMemory(address: number, length: number): Uint8Array;
  /** Symbols of the ELF image, by name. Empty for raw images. */
  readonly symbols: ReadonlyMap<string, number>;
  /** What the engines did. Not state: two machines with the same digest may differ in it. */
  statistics(): Statistics;
  /** Test-only: drops derived data (TLB entries, decoded code, …) for which `choose` says so; nothing visible may change. */
  dropDerived(choose: () => boolean): void;
}

export interface HartView {
  readonly pc: number;
  readonly privilege: 0 | 1 | 3;
  readonly waiting: boolean;
  /** x0..x31, unsigned. */
  readonly x: readonly number[];
  /** By name, unsigned: the CSRs that hold state. */
  readonly csrs: Readonly<Record<string, number>>;
  /** The bits at pc (16 or 32), or undefined where the fetch would fault. */
  readonly instruction: number | undefined;
}
