/** What one-guest-main hands to the benchmark: three looks at the machine and the clocks. */
import type { Statistics } from '../emulator/index.ts';

export interface Look {
  readonly icount: number;
  /** Seconds since the process began: processor time of all its threads, and by the clock on the wall. */
  readonly cpu: number;
  readonly wall: number;
  readonly statistics: Statistics;
}

export interface Measured {
  /** Before the first instruction, once warm, at the end. */
  readonly begun: Look;
  readonly warmed: Look;
  readonly ended: Look;
}

/** Share of the instructions between two looks that translated code executed; NaN for none. */
export function translatedShare(from: Look, to: Look): number {
  const ran = (engine: 'interpreter' | 'translator') => to.statistics.instructions[engine] - from.statistics.instructions[engine];
  return ran('translator') / (ran('translator') + ran('interpreter'));
}
