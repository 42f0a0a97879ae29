/** Where held time goes (src/host/latency.ts, stages.ts): quantiles within their error, and each range counted once. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from '../../src/host/latency.ts';
import { Stages } from '../../src/host/stages.ts';

describe('the histogram', () => {
  it('gives quantiles within five percent of the sorted values', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 1, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 300 }), (values) => {
        const histogram = new Histogram();
        for (const value of values) histogram.add(value);
        const sorted = values.toSorted((a, b) => a - b);
        for (const q of [0.5, 0.99]) {
          const exact = sorted[Math.ceil(q * sorted.length) - 1]!;
          // A tenth of a microsecond is the grain of what is told.
          expect(Math.abs(histogram.quantile(q)! - exact)).toBeLessThanOrEqual(exact * 0.05 + 0.06);
        }
      }),
    );
  });

  it('has no quantile before it has a value', () => {
    expect(new Histogram().quantiles()).toBeUndefined();
  });
});

describe('the stages of a released range', () => {
  it('add up: made, on the link, acked, given', () => {
    const stages = new Stages();
    stages.appended(1, 0);
    stages.appended(3, 1000);
    stages.appended(5, 2000);
    stages.sent(3, 1100);
    stages.sent(5, 2200);
    stages.acked(4, 1500, 1550);
    expect(stages.held()!.p50).toBeCloseTo(550, -2);
    const { flush, ack, release } = stages.byStage()!;
    expect([flush.p50, ack.p50, release.p50].map((value) => Math.round(value / 25) * 25)).toEqual([100, 400, 50]);
    stages.acked(5, 2600, 2700);
    stages.acked(5, 9000, 9000);
    expect(stages.held()!.p99).toBeLessThan(750);
  });

  it('without a backup have only a total', () => {
    const stages = new Stages();
    stages.appended(1, 100);
    stages.acked(1, 0, 130);
    expect(stages.held()!.p50).toBeCloseTo(30, -1);
    expect(stages.byStage()).toBeUndefined();
  });
});
