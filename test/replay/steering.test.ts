/** Does the guest's clock keep near the host's while its machine warms up, slows down, sleeps and changes hosts, in few log entries? */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Anchor, TICKS_PER_SECOND } from '../../emulator/index.ts';
import { REPLAY_LIMITS } from '../../src/replay/limits.ts';
import { type ClockInput, Steering } from '../../src/replay/steering.ts';

/** A guest that only computes, on a host that runs it at `ips(seconds)` instructions a second, slice after slice. */
class Busy {
  readonly steering = new Steering();
  readonly entries: { at: number; clock: ClockInput }[] = [];
  icount = 0;
  anchor: Anchor = { icount: 0, ticks: 0n, num: 1, den: 10 };
  host = 0;
  worst = 0;

  get ticks(): bigint {
    return this.anchor.ticks + (BigInt(this.icount - this.anchor.icount) * BigInt(this.anchor.num)) / BigInt(this.anchor.den);
  }

  run(ticks: number, ips: (seconds: number) => number, settle = 0): void {
    const end = this.host + ticks;
    const from = this.host + settle;
    while (this.host < end) {
      const host = this.steering.now(BigInt(Math.floor(this.host)));
      this.steering.observe(host, this.icount, true);
      this.take(this.steering.steer(host, this));
      const budget = Math.max(1000, Math.floor((this.steering.speed * REPLAY_LIMITS.sliceTicks) / TICKS_PER_SECOND));
      this.icount += budget;
      // A slice costs its instructions, and 3 microseconds beside.
      this.host += (budget / ips(this.host / TICKS_PER_SECOND)) * TICKS_PER_SECOND + 30;
      if (this.host > from) this.worst = Math.max(this.worst, Math.abs(Number(this.ticks) - this.host));
    }
  }

  take(clock: ClockInput | undefined): void {
    if (clock === undefined) return;
    expect(clock.ticks).toBeGreaterThanOrEqual(this.ticks);
    expect(clock.num).toBeGreaterThan(0);
    expect(clock.den).toBeLessThan(2 ** 31);
    this.entries.push({ at: this.host, clock });
    this.anchor = { icount: this.icount, ...clock };
  }
}

const MILLISECOND = TICKS_PER_SECOND / 1000;

describe('steering', () => {
  it('keeps a steady guest within two milliseconds of the host, at most ten entries a second', () => {
    const guest = new Busy();
    guest.run(TICKS_PER_SECOND * 5, () => 180e6, TICKS_PER_SECOND / 5);
    expect(guest.worst).toBeLessThan(2 * MILLISECOND);
    expect(guest.entries.length).toBeLessThan(5 * 10 + 10);
  });

  it('follows a machine whose code warms from 5 to 4,000 MIPS and falls back, within a tenth of a second, never backwards', () => {
    const guest = new Busy();
    guest.run(TICKS_PER_SECOND / 2, () => 5e6);
    guest.run(TICKS_PER_SECOND / 2, (seconds) => 5e6 + (seconds - 0.5) * 8e9);
    guest.run(TICKS_PER_SECOND / 2, () => 30e6);
    expect(guest.worst).toBeLessThan(100 * MILLISECOND);
    expect(guest.entries.length).toBeLessThan(1.5 * 10 + 10);
  });

  it('writes at most ten entries a second in the long run and ten at once, whatever the speed does', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 5, maxLength: 20 }), (speeds) => {
        const guest = new Busy();
        for (const mips of speeds) guest.run(TICKS_PER_SECOND / 20, () => mips * 1e6);
        const times = guest.entries.map(({ at }) => at);
        times.forEach((from, i) => {
          const burst = times.slice(i).filter((at) => at < from + TICKS_PER_SECOND).length;
          expect(burst).toBeLessThanOrEqual(10 + 10 + 1);
        });
      }),
      { numRuns: 20 },
    );
  });

  it('jumps forward when the host stalled, and the guest never sees more than the host did', () => {
    const guest = new Busy();
    guest.run(TICKS_PER_SECOND / 2, () => 100e6);
    guest.host += 3 * TICKS_PER_SECOND;
    guest.run(TICKS_PER_SECOND, () => 100e6, TICKS_PER_SECOND / 5);
    expect(guest.worst).toBeLessThan(20 * MILLISECOND);
  });

  it("wakes at the deadline when the timer wakes, at the host's time when an input does, and never before its own time", () => {
    const steering = new Steering();
    const at = (ticks: bigint) => ({ icount: 7, ticks, anchor: { icount: 0, ticks: 0n, num: 1_000_000, den: 10_000_000 } });
    expect(steering.wake(5000n, at(100n), 5100n)).toMatchObject({ ticks: 5100n });
    expect(steering.wake(5000n, at(100n), undefined)).toMatchObject({ ticks: 5000n, num: 1_000_000, den: 10_000_000 });
    expect(steering.wake(5000n, at(6000n), undefined)).toMatchObject({ ticks: 6000n });
  });

  const hour = 3600 * TICKS_PER_SECOND;
  it.each([0, hour, -hour])(
    'after go-live makes up for the time without a host in at most ten seconds, on a clock that is %i ticks off',
    (off) => {
      for (const gap of [3, 0.2, 40]) {
        const steering = new Steering();
        const lost = 500n * BigInt(TICKS_PER_SECOND);
        const guest = lost - 1000n;
        // News of the guest's time takes a while to come, and once hardly any.
        for (let i = 0n; i < 300n; i += 1n) {
          const then = guest - (300n - i) * 100_000n;
          steering.follow(steering.now(then + BigInt(off) + (i === 170n ? 0n : 20_000n + 7n * i)), then);
        }
        const host = steering.now(guest + BigInt(gap * TICKS_PER_SECOND + off));
        steering.start(host, guest);
        expect(steering.target(host)).toBe(guest);
        let before = guest;
        for (let i = 1; i <= 100; i += 1) {
          const now = host + BigInt((i * TICKS_PER_SECOND) / 10);
          const target = steering.target(now);
          expect(target).toBeGreaterThan(before);
          expect(steering.hostTime(target, host) - now).toBeLessThan(BigInt(Math.ceil(Math.abs(gap)) + 1) * BigInt(TICKS_PER_SECOND));
          before = target;
        }
        expect(steering.target(host + 100_000_000n)).toBe(host + 100_000_000n - BigInt(off));
      }
    },
  );

  it('forgets how far the clocks were apart a while ago: they drift', () => {
    const steering = new Steering();
    for (let i = 0n; i < 600n; i += 1n) steering.follow(i * 1_000_000n, i * 1_000_000n - 50n * i);
    steering.start(600n * 1_000_000n, 599n * 1_000_000n);
    const later = 900n * 1_000_000n;
    expect(Number(later - steering.target(later)) / 50).toBeGreaterThan(600 - 201);
  });

  it.each([30, 3600])('does not take %i seconds for which the guest has slept for a difference of the clocks', (seconds) => {
    const steering = new Steering();
    const off = BigInt(hour);
    for (let guest = 0n; guest <= 5_000_000n; guest += 100_000n) steering.follow(steering.now(guest + off + 20_000n), guest);
    const slept = BigInt(seconds * TICKS_PER_SECOND);
    for (let passed = 0n; passed < slept; passed += 1_000_000n) steering.follow(steering.now(5_000_000n + off + passed), 5_000_000n);
    const host = steering.now(5_000_000n + off + slept);
    steering.start(host, 5_000_000n);
    expect(steering.target(host)).toBe(5_000_000n);
    const later = host + 200_000_000n;
    expect(later - off - steering.target(later)).toBe(20_000n);
  });

  it("goes on from the guest's own time when it has seen nothing of it, and begins at 0 on a host that is behind the beginning", () => {
    const fresh = new Steering();
    fresh.start(fresh.now(-7_000_000n), 5n);
    expect(fresh.target(fresh.now(-6_000_000n))).toBe(1_000_005n);
    const first = new Steering();
    expect(first.target(first.now(-7_000_000n))).toBe(0n);
    expect(first.target(first.now(-6_999_000n))).toBe(1000n);
  });

  it('suggests slices of about 150 microseconds', () => {
    const guest = new Busy();
    guest.run(TICKS_PER_SECOND, () => 40e6);
    expect((guest.steering.speed * REPLAY_LIMITS.sliceTicks) / TICKS_PER_SECOND / 40e6).toBeCloseTo(150e-6, 4);
  });
});
