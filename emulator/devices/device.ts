/** What a device is, and the few things the board hands to one. A device never sees the machine. */
import type { Icount, Output } from '../io.ts';

/** Saved by name, never by position. Nested plain data only. */
export type State = { readonly [name: string]: StateValue };
export type StateValue = number | bigint | boolean | string | Uint8Array | readonly StateValue[] | State | null;

export interface Device {
  /** Its section in snapshots, and its name in errors. */
  readonly name: string;
  /** Bytes a load or store may have; any other width is an access fault. Alignment is the bus's to check. */
  readonly widths: readonly (1 | 2 | 4)[];
  /** `offset` from the device's base, aligned to `width`. Returns an unsigned value; undefined is an access fault. */
  load(offset: number, width: 1 | 2 | 4): number | undefined;
  /** False is an access fault. */
  store(offset: number, width: 1 | 2 | 4, value: number): boolean;
  /** As after power-on, but for what outlives a reset of the machine (machine.md, "Reset"). */
  reset(): void;
  save(): State;
  /** Throws `SnapshotError` when the state does not fit. */
  restore(state: State): void;
}

/** An interrupt line: level, not edge. */
export type Line = (high: boolean) => void;

/** Guest RAM as a device sees it, by physical address. Out-of-range access is refused, never wrapped. */
export interface Dma {
  /** A copy of `length` bytes, or undefined when any of them is outside RAM. */
  read(address: number, length: number): Uint8Array | undefined;
  /** False, with nothing written, when any byte is outside RAM. Drops whatever was derived from those bytes, and a reservation on them. */
  write(address: number, bytes: Uint8Array): boolean;
  readonly base: number;
  readonly size: number;
}

/**
 * `Emit` numbers what it is given: devices make outputs without ordinals, the board adds them. Returns the ordinal that it gave
 * (a console output's is that of its first byte), 0 for a disk read: the disk keeps it, to list what must be issued again.
 */
export type Emit = (output: Unnumbered<Output>) => number;
export type Unnumbered<T> = T extends { ordinal: number } ? Omit<T, 'ordinal'> : T;

export interface Time {
  /** `time` at the present icount. */
  now(): bigint;
  /** A write to mtime: a new anchor at the present icount, same rate. */
  set(ticks: bigint): void;
  /** The comparators changed: the next timer's icount must be computed again. */
  changed(): void;
  readonly icount: Icount;
}
