/**
 * How the primary keeps the guest's time near the host's (machine.md, "Time"): new anchors that jump forward when the guest is
 * behind, and only lower the rate when it is ahead. Host ticks are passed in; what comes out is logged, so the backup needs none of this
 * but to watch how far its own clock is from the guest's: it may have to go on, and its host's clock may be an hour off.
 */
import type { Icount, Machine } from '../../emulator/index.ts';
import { TICKS_PER_SECOND } from '../../emulator/index.ts';
import { REPLAY_LIMITS } from './limits.ts';

export interface ClockInput {
  readonly kind: 'clock';
  readonly ticks: bigint;
  readonly num: number;
  readonly den: number;
}

type Clocked = Pick<Machine, 'icount' | 'anchor' | 'ticks'>;

export class Steering {
  /** Instructions a second, from what recent turns took. */
  speed = 100_000_000;
  private host: bigint | undefined;
  /** Host ticks when the guest's are 0: what this host's clock and that of the host on which the run began differ by. */
  private apart = 0n;
  /** The guest's time when it was last seen to have gone on. */
  private followed: bigint | undefined;
  private watched: { readonly from: bigint; readonly least: bigint; readonly before: bigint } | undefined;
  /** Host time and icount where the measured stretch began; undefined when the machine has not run without a pause since. */
  private stretch: { host: bigint; icount: Icount } | undefined;
  private lastEntry: bigint | undefined;
  private tokens: number = REPLAY_LIMITS.clockEntries;
  private slew = { gap: 0n, from: 0n, until: 0n };

  /** The host's clock, made monotonic. One that is behind the run's own beginning starts with it. */
  now(hostTicks: bigint): bigint {
    if (this.host === undefined) this.apart = min(hostTicks, 0n);
    if (this.host === undefined || hostTicks > this.host) this.host = hostTicks;
    return this.host;
  }

  /**
   * Replaying: the primary's guest had come to `guest` before our clock said `host`. What lies between the two is how far the hosts' clocks
   * are apart, and how long the news took: the least of late is the best measure of the first. A guest that sleeps makes no news, however
   * often its backup looks: what was seen before its sleep stands.
   */
  follow(host: bigint, guest: bigint): void {
    if (guest === this.followed) return;
    this.followed = guest;
    const seen = host - guest;
    const { watched } = this;
    if (watched === undefined) this.watched = { from: host, least: seen, before: seen };
    else if (host - watched.from >= WATCHED_TICKS) this.watched = { from: host, least: seen, before: watched.least };
    else if (seen < watched.least) this.watched = { ...watched, least: seen };
  }

  /**
   * At go-live: guest time goes on from `guest`, and has made up for the time that the takeover took within ten times that time, at most
   * ten seconds. What the two hosts' clocks differ by is none of it: the guest keeps the time with which it began.
   */
  start(host: bigint, guest: bigint): void {
    const { watched } = this;
    this.apart = watched === undefined ? host - guest : min(watched.least, watched.before);
    const gap = host - this.apart - guest;
    const length = min(10n * gap, 10n * SECOND);
    this.slew = { gap, from: host, until: host + length };
    this.lastEntry = host;
  }

  /** What guest time should be. */
  target(host: bigint): bigint {
    return host - this.apart - this.offset(host);
  }

  /** The host time at which guest time should be `ticks`, or a little later. */
  hostTime(ticks: bigint, host: bigint): bigint {
    const at = ticks + this.apart + this.offset(host);
    return at > host ? at : host;
  }

  /** Call before each slice; `ran`: the machine has not waited since the last call. Measures speed over stretches of 1 ms. */
  observe(host: bigint, icount: Icount, ran: boolean): void {
    if (!ran || this.stretch === undefined) {
      this.stretch = { host, icount };
      return;
    }
    const elapsed = host - this.stretch.host;
    if (elapsed < MEASURE_TICKS) return;
    const seen = ((icount - this.stretch.icount) * TICKS_PER_SECOND) / Number(elapsed);
    // A stalled host must not look like a slow machine for long, nor one fast stretch like a fast one.
    const bounded = Math.max(this.speed / 4, Math.min(this.speed * 4, seen, 20e9), 100_000);
    this.speed += (bounded - this.speed) / 2;
    this.stretch = { host, icount };
  }

  /** A new anchor for a busy guest, when one is worth an entry. */
  steer(host: bigint, machine: Clocked): ClockInput | undefined {
    const drift = machine.ticks - this.target(host);
    // Far ahead means that the machine is getting faster: leave room, since falling behind costs one jump and running ahead cannot be undone.
    const rate = this.rate(drift, drift > FAR_TICKS ? HEADROOM : 1);
    if (this.lastEntry === undefined) return this.entry(host, machine.ticks - min(drift, 0n), rate);
    const since = host - this.lastEntry;
    const allowed = this.tokens + Number(since) / ENTRY_TICKS;
    if (allowed < 1) return undefined;
    const far = drift > FAR_TICKS || drift < -FAR_TICKS;
    const off = drift > NEAR_TICKS || drift < -NEAR_TICKS || !alike(rate, machine.anchor);
    if (!far && !(off && since >= BigInt(ENTRY_TICKS))) return undefined;
    this.tokens = Math.min(REPLAY_LIMITS.clockEntries, allowed) - 1;
    return this.entry(host, machine.ticks - min(drift, 0n), rate);
  }

  /** The anchor that goes before whatever ends the guest's wait. `deadline`: guest ticks of the timer that ends it, if one does. */
  wake(host: bigint, machine: Clocked, deadline: bigint | undefined): ClockInput {
    const target = this.target(host);
    let ticks = target;
    if (machine.ticks > ticks) ticks = machine.ticks;
    if (deadline !== undefined && deadline > ticks) ticks = deadline;
    const rate = this.rate(ticks - target);
    return this.entry(host, ticks, alike(rate, machine.anchor) ? machine.anchor : rate);
  }

  private entry(host: bigint, ticks: bigint, { num, den }: Rate): ClockInput {
    this.lastEntry = host;
    return { kind: 'clock', ticks, num, den };
  }

  /** As fast as the machine has been; less when the guest is ahead, so that the host catches up within a tenth of a second; never zero. */
  private rate(drift: bigint, headroom = 1): Rate {
    const share = drift > 0n ? Math.max(1 / 16, 1 - Number(drift) / ENTRY_TICKS) : 1;
    return { num: NUM, den: Math.max(1, Math.min(0x7fff_ffff, Math.round((this.speed * headroom * NUM) / TICKS_PER_SECOND / share))) };
  }

  private offset(host: bigint): bigint {
    const { gap, from, until } = this.slew;
    return gap === 0n || host >= until ? 0n : (gap * (until - host)) / (until - from);
  }
}

interface Rate {
  readonly num: number;
  readonly den: number;
}

const SECOND = BigInt(TICKS_PER_SECOND);
/** Rates are NUM ticks in `den` instructions: room for 20,000 MIPS below 2^31. */
const NUM = 1_000_000;
/** Clocks of two hosts drift apart, so what was seen is forgotten after once or twice this. */
const WATCHED_TICKS = 10n * SECOND;
const ENTRY_TICKS = TICKS_PER_SECOND / REPLAY_LIMITS.clockEntries;
const MEASURE_TICKS = SECOND / 1000n;
/** Half a millisecond off is worth one of the regular entries, five are worth one at once. */
const NEAR_TICKS = SECOND / 2000n;
const FAR_TICKS = SECOND / 200n;
const HEADROOM = 4;

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Within two percent: not worth the bytes. */
function alike(rate: Rate, present: Rate): boolean {
  const ratio = (rate.num * present.den) / (rate.den * present.num);
  return ratio > 0.98 && ratio < 1.02;
}
