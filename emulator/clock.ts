/**
 * Guest time as a pure function of icount and the last anchor: time(i) = ticks + floor((i - icount) * num / den), in exact integers
 * (machine.md, "Time"). Nothing here reads a clock.
 */
import type { Anchor, Icount } from './io.ts';

/** At reset: 10 instructions a tick, 100 MIPS. With `--clock icount` this is the rate of the whole run. */
export const FIRST_ANCHOR: Anchor = { icount: 0, ticks: 0n, num: 1, den: 10 };

export class Clock {
  #anchor: Anchor = FIRST_ANCHOR;

  get anchor(): Anchor {
    return this.#anchor;
  }

  set anchor(anchor: Anchor) {
    this.#anchor = anchor;
  }

  /** Ticks at `icount`, which is not before the anchor. Wraps at 2^64, as mtime does. */
  at(icount: Icount): bigint {
    const { icount: origin, ticks, num, den } = this.#anchor;
    return BigInt.asUintN(64, ticks + elapsed(icount - origin, num, den));
  }

  /** The first icount at which ticks >= `ticks`; Infinity when no safe integer is one. */
  reaches(ticks: bigint): Icount {
    const { icount: origin, ticks: first, num, den } = this.#anchor;
    const wait = ticks - first;
    if (wait <= 0n) return origin;
    if (num === 0) return Number.POSITIVE_INFINITY;
    // floor(d * num / den) >= wait exactly when d >= wait * den / num.
    const steps = (wait * BigInt(den) + BigInt(num) - 1n) / BigInt(num);
    const icount = steps + BigInt(origin);
    return icount <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(icount) : Number.POSITIVE_INFINITY;
  }
}

/** floor(steps * num / den), exactly. */
function elapsed(steps: number, num: number, den: number): bigint {
  const product = steps * num;
  if (product > 2 ** 52) return (BigInt(steps) * BigInt(num)) / BigInt(den);
  // The product is exact below 2^53. So is the remainder, which corrects a quotient that rounding put one too high.
  const quotient = Math.floor(product / den);
  return BigInt(product - quotient * den < 0 ? quotient - 1 : quotient);
}
