/**
 * Suspicion (protocol.md "Roles, claims, fences"): heartbeats silent for N ticks, awaited progress missing for M, nothing at all on the link
 * for M. Counted in ticks seen, so a process that was stopped and wakes counts one late tick, not the time that it missed.
 */
import type { Heartbeat } from './events.ts';
import type { Limits } from './limits.ts';

export interface Detector {
  /** `count` of the newest heartbeat, and ticks since it rose. */
  readonly beats: number;
  readonly silent: number;
  /** Ticks for which progress was awaited and missing. */
  readonly stalled: number;
  /** Ticks since anything was heard on the link (an idle link carries keepalives). */
  readonly quiet: number;
}

export const WATCHING: Detector = { beats: 0, silent: 0, stalled: 0, quiet: 0 };

export interface Signs {
  readonly heartbeat: Heartbeat | undefined;
  /** Something was heard on the link since the last tick. */
  readonly heard: boolean;
  /** The peer owes us something: an ack (primary), a batch (backup). */
  readonly awaiting: boolean;
  readonly progressed: boolean;
  /** One of us has stopped reading because its buffer is full: slow, not dead. */
  readonly full: boolean;
}

/** One tick of watching. Returns the detector, and why the peer is suspected, if it is. */
export function watch(detector: Detector, signs: Signs, limits: Limits): [Detector, string | undefined] {
  const beats = signs.heartbeat?.count ?? detector.beats;
  const next = {
    beats,
    silent: beats === detector.beats ? detector.silent + 1 : 0,
    stalled: signs.awaiting && !signs.progressed && !signs.full ? detector.stalled + 1 : 0,
    quiet: signs.heard || signs.full ? 0 : detector.quiet + 1,
  };
  if (next.silent >= limits.heartbeatSilenceTicks) return [next, `no heartbeat for ${next.silent} ticks`];
  if (next.stalled >= limits.noProgressTicks) return [next, `no progress on the link for ${next.stalled} ticks`];
  if (next.quiet >= limits.noProgressTicks) return [next, `nothing heard on the link for ${next.quiet} ticks`];
  return [next, undefined];
}
