/** One share of `npm run fuzz`, on a thread of its own. */
import { createMachine } from '../../../emulator/index.ts';
import { fuzz, newTally, type Tally } from './fuzz.ts';

export interface Share {
  readonly seed: number;
  /** Number of the first image; the next share's first is far enough. */
  readonly first: number;
  readonly programs: number;
}

export interface Found {
  readonly tally: Tally;
  readonly failure: string | undefined;
}

export default function play({ seed, first, programs }: Share): Found {
  const tally = newTally();
  const failure = fuzz(createMachine, seed, first, programs, tally);
  return { tally, failure };
}
