/** The two guests of the simulation: the toy for thousands of histories, the real board for the same with real devices. */
import type { Machine } from '../../emulator/index.ts';
import { busyGuest } from '../support/busy-guest.ts';
import { type Flaws, SECTOR_BYTES, ToyMachine } from '../support/toy-machine.ts';

export interface Guest {
  make(flaws: Flaws): Machine;
  readonly sectorBytes: number;
  /** Instructions of one slice, as a multiple of the toy's. */
  readonly scale: number;
}

export const TOY: Guest = { make: (flaws) => new ToyMachine(undefined, flaws), sectorBytes: SECTOR_BYTES, scale: 1 };

export const BOARD: Guest = { make: () => busyGuest(), sectorBytes: 512, scale: 12 };
