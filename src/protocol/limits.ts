/**
 * Every named bound of the pair, in ticks and bytes, in one place (protocol.md "Bounds and liveness"). One tick is `tickMs` of the host's
 * clock; a late tick counts once. The host takes its ring sizes from here, so that the largest entry always fits.
 */

export interface Limits {
  /** Milliseconds between ticks. */
  readonly tickMs: number;
  /** They come so many at a time: an idle replica sleeps in between. Late ones count once, as ever: so many ticks at most for each look at the clock. */
  readonly ticksAtOnce: number;
  /** No new heartbeat for this many ticks: the peer is suspected. */
  readonly heartbeatSilenceTicks: number;
  /** An entry unacked, or the heartbeat ahead of the horizon with nothing received, or nothing at all heard on the link, for this long. */
  readonly noProgressTicks: number;
  /** We have said nothing on the link for this long: say keepalive. */
  readonly keepaliveTicks: number;
  /** The arbiter said `unknown`: ask again after this long. */
  readonly arbiterRetryTicks: number;
  /** A first start without a backup (primary), or without a `protect` entry and a link (backup), lasts no longer. */
  readonly startTicks: number;
  /** Lag above this slows the primary one step; below `lagLowTicks` a step is given back. */
  readonly lagHighTicks: number;
  readonly lagLowTicks: number;
  /** One adjustment of the slowing in this many ticks. */
  readonly lagStepTicks: number;
  /** A step of slowing, as a share of the machine thread's time, and the most that is ever taken. */
  readonly slowStep: number;
  readonly slowMax: number;
  /** Marks (unacked output ranges, and lag samples) that `step` keeps; the newest are merged when there are more. */
  readonly marks: number;
  /** Bytes of each ring between threads, and of the backup's receive buffer. */
  readonly ringBytes: number;
  /** Largest batch, and what entries in it may hold beside its header and marks; the largest entry is a disk completion of 1.5 MiB. A batch is at
   *  most a quarter of the smallest ring. */
  readonly batchBytes: number;
  readonly entryBytes: number;
  /** Outputs held (primary) or kept (backup) before the machine stalls. */
  readonly heldBytes: number;
  readonly heldOutputs: number;
  /** Busy: a horizon at least this often, milliseconds. It is what a replica of a guest that says nothing has to do for its peer, and each costs both
   *  sides some wake-ups; nobody waits for one, since every output brings its own. */
  readonly horizonMs: number;
  /** Busy: a checkpoint this often, ticks. */
  readonly checkpointTicks: number;
}

export const LIMITS: Limits = {
  tickMs: 10,
  ticksAtOnce: 4,
  heartbeatSilenceTicks: 100,
  noProgressTicks: 200,
  keepaliveTicks: 25,
  arbiterRetryTicks: 20,
  startTicks: 3000,
  lagHighTicks: 100,
  lagLowTicks: 10,
  lagStepTicks: 10,
  slowStep: 0.02,
  slowMax: 0.9,
  marks: 512,
  ringBytes: 8 << 20,
  batchBytes: 2 << 20,
  entryBytes: 1792 << 10,
  heldBytes: 16 << 20,
  heldOutputs: 65_536,
  horizonMs: 4,
  checkpointTicks: 1000,
};
