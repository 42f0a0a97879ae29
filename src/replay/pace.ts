/**
 * How many instructions take how long at present: slices should have a length in time, since inputs wait for their end. Translated code runs
 * a hundred times faster than what is interpreted, and a guest goes from one to the other and back within milliseconds.
 */
import type { Icount } from '../../emulator/index.ts';
import { REPLAY_LIMITS } from './limits.ts';

/** Instructions in a tick of the clock, 100 ns: 1 MIPS to 20,000. */
const SLOWEST = 0.1;
const FASTEST = 2000;
const AT_FIRST = 10;
/** Up by this factor at most, with each slice: a slice that was one stall of the host is made good in ten. Down at once. */
const GAIN = 2;

export class Pace {
  private perTick = AT_FIRST;
  private before: { readonly host: bigint; readonly icount: Icount } | undefined;

  /** Call before each slice; `ran`: the machine has done nothing but run since the last call. */
  observe(host: bigint, icount: Icount, ran: boolean): void {
    const { before } = this;
    this.before = { host, icount };
    if (before === undefined || !ran) return;
    const ticks = Number(host - before.host);
    const done = icount - before.icount;
    // A slice that an output ended early says what a stop costs, not how fast the guest is.
    if (ticks < REPLAY_LIMITS.sliceTicks && done < this.instructions(REPLAY_LIMITS.sliceTicks) / 2) return;
    const seen = ticks === 0 ? FASTEST : done / ticks;
    this.perTick = Math.max(SLOWEST, Math.min(seen, this.perTick * GAIN, FASTEST));
  }

  /** So many take about `ticks` of the host's time. */
  instructions(ticks: number): number {
    return Math.max(REPLAY_LIMITS.sliceInstructions, Math.floor(this.perTick * ticks));
  }
}
