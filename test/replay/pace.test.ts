/** Do slices keep their length in time while a guest goes from interpreted to translated code and back, and while its host stalls? */
import { describe, expect, it } from 'vitest';
import { REPLAY_LIMITS } from '../../src/replay/limits.ts';
import { Pace } from '../../src/replay/pace.ts';

const { sliceTicks, sliceInstructions } = REPLAY_LIMITS;

/** Runs slices for `ticks` of the host's time; returns how long each took. */
class Host {
  readonly pace = new Pace();
  host = 0;
  icount = 0;

  run(ticks: number, perTick: number, share = 1): number[] {
    const lengths: number[] = [];
    for (const end = this.host + ticks; this.host < end; ) {
      const budget = Math.ceil(this.pace.instructions(sliceTicks) * share);
      const length = budget / perTick + 30;
      lengths.push(length);
      this.icount += budget;
      this.host += length;
      this.pace.observe(BigInt(Math.round(this.host)), this.icount, true);
    }
    return lengths;
  }
}

describe('slices', () => {
  it.each([0.5, 3, 25, 200, 400, 1900])('take about their time at %d instructions in 100 ns', (perTick) => {
    const host = new Host();
    host.run(100_000, perTick);
    for (const length of host.run(100_000, perTick)) {
      // The shortest slice has a thousand instructions.
      expect(length).toBeLessThan(Math.max(sliceTicks, sliceInstructions / perTick) + 31);
      expect(length).toBeGreaterThan(sliceTicks * 0.8);
    }
  });

  it('are too long once when translated code goes over to interpreted code, not for a while', () => {
    const host = new Host();
    host.run(100_000, 400);
    const [first, second, ...rest] = host.run(200_000, 4);
    expect(first).toBeGreaterThan(10 * sliceTicks);
    expect(second).toBeLessThan(2 * sliceTicks);
    expect(Math.max(...rest)).toBeLessThan(2 * sliceTicks);
  });

  it('are soon as long as before when the host stalled', () => {
    const host = new Host();
    host.run(100_000, 400);
    host.host += 500_000;
    host.pace.observe(BigInt(Math.round(host.host)), host.icount + 1000, true);
    const lengths = host.run(20_000, 400);
    expect(lengths.findIndex((length) => length > sliceTicks * 0.8)).toBeLessThan(15);
  });

  it('grow step by step: one that seemed to take no time is no reason for one that takes a second', () => {
    const host = new Host();
    host.run(100_000, 4);
    const before = host.pace.instructions(sliceTicks);
    host.pace.observe(BigInt(Math.round(host.host)), host.icount + before, true);
    expect(host.pace.instructions(sliceTicks)).toBeLessThan(2.1 * before);
  });

  it('that outputs end early do not count: the guest is as fast as it was', () => {
    const host = new Host();
    host.run(100_000, 400);
    const before = host.pace.instructions(sliceTicks);
    host.run(10_000, 400, 0.01);
    expect(host.pace.instructions(sliceTicks)).toBe(before);
  });
});
