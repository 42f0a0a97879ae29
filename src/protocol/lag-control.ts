/**
 * Lag control (protocol.md "Bounds and liveness"; the paper's slow feedback loop): how long ago, on the primary's clock, was the entry
 * appended that the backup now reports as replayed? Too long: the machine thread sleeps a share more of its time; short again: it is given back.
 */
import type { Limits } from './limits.ts';
import type { Seq } from './messages.ts';

interface Sample {
  readonly seq: Seq;
  readonly tick: number;
}

export interface LagControl {
  /** The last entry appended at each tick, where it is not yet replayed, oldest first. */
  readonly samples: readonly Sample[];
  readonly replayed: Seq;
  /** Steps of slowing in force. */
  readonly steps: number;
  readonly adjustedAt: number;
}

export const NO_LAG: LagControl = { samples: [], replayed: 0, steps: 0, adjustedAt: 0 };

/** Beyond `limits.marks` samples new ones are left out: the oldest is what lag is measured by. */
export function sample(lag: LagControl, seq: Seq, now: number, limits: Limits): LagControl {
  const older = lag.samples.at(-1)?.tick === now ? lag.samples.slice(0, -1) : lag.samples;
  if (older.length >= limits.marks) return lag;
  return { ...lag, samples: [...older, { seq, tick: now }] };
}

export function replayed(lag: LagControl, seq: Seq): LagControl {
  return { ...lag, replayed: seq, samples: lag.samples.filter((each) => each.seq > seq) };
}

/** Ticks by which the backup is behind. */
export function lagTicks(lag: LagControl, now: number): number {
  return lag.samples.length === 0 ? 0 : now - lag.samples[0].tick;
}

/** At a tick: the adjusted control, and the new share when it changes. */
export function adjust(lag: LagControl, now: number, limits: Limits): [LagControl, number | undefined] {
  if (now - lag.adjustedAt < limits.lagStepTicks) return [lag, undefined];
  const behind = lagTicks(lag, now);
  const most = Math.round(limits.slowMax / limits.slowStep);
  const wanted = behind > limits.lagHighTicks ? lag.steps + 1 : behind < limits.lagLowTicks ? lag.steps - 1 : lag.steps;
  const steps = Math.max(0, Math.min(most, wanted));
  if (steps === lag.steps) return [lag, undefined];
  return [{ ...lag, steps, adjustedAt: now }, share(steps, limits)];
}

/** Rounded, so that steps up and back give the very same numbers. */
function share(steps: number, limits: Limits): number {
  return Math.round(steps * limits.slowStep * 1000) / 1000;
}
