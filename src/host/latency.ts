/** A histogram of durations with a bounded relative error: where held time goes, without keeping samples. */

/** Buckets a doubling: 1/16 of an octave is about 4.4 % of error. */
const STEPS = 16;
const BUCKETS = 32 * STEPS;

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

export class Histogram {
  private readonly counts = new Uint32Array(BUCKETS);
  private total = 0;

  /** `value`: microseconds; below 1 counts as 1, above 2^32 as 2^32. */
  add(value: number): void {
    const bucket = value <= 1 ? 0 : Math.min(BUCKETS - 1, Math.floor(Math.log2(value) * STEPS));
    this.counts[bucket]!++;
    this.total++;
  }

  get count(): number {
    return this.total;
  }

  /** The value below which the share `q` (0 to 1) of what was added lies; undefined when nothing was. */
  quantile(q: number): number | undefined {
    if (this.total === 0) return undefined;
    let left = Math.max(1, Math.ceil(q * this.total));
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.counts[bucket]!;
      if (left <= 0) return Math.round(2 ** ((bucket + 0.5) / STEPS) * 10) / 10;
    }
    return undefined;
  }

  quantiles(): Quantiles | undefined {
    return this.total === 0 ? undefined : { p50: this.quantile(0.5)!, p99: this.quantile(0.99)! };
  }
}
