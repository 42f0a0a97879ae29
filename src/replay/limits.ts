/** Every bound of the log and of the driver, in one table (architecture.md, invariant 8). */
import { TICKS_PER_SECOND } from '../../emulator/index.ts';

const MILLISECOND = BigInt(TICKS_PER_SECOND / 1000);

export const REPLAY_LIMITS = {
  /** A batch, header included. Holds the largest disk completion beside everything else that one stop can say. */
  batchBytes: 4 << 20,
  /** Entries in a batch: a damaged count must not make a reader reserve memory. */
  batchEntries: 1 << 16,
  /** `offer` answers "no room" beyond this, so that one batch always holds what one stop said. */
  offerBytes: 2 << 20,
  /** Description of the configuration in a recording's header. */
  descriptionBytes: 1 << 20,
  /** A busy guest's horizon moves this often; the backup's lag cannot be smaller. */
  horizonTicks: MILLISECOND,
  /** What a guest that mostly sleeps has to say waits this long for company: 100 wakes a second cost less than 1 KB a second. */
  quietTicks: 250n * MILLISECOND,
  /** Busy time between two checkpoints, each of which costs a full digest and a snapshot. */
  checkpointTicks: 10_000n * MILLISECOND,
  /** Bytes of log kept since the last agreed checkpoint; past half of it a checkpoint comes early, past all of it the evidence is dropped. */
  evidenceBytes: 32 << 20,
  /** Clock entries of a busy guest: this many a second in the long run, and as many at once. */
  clockEntries: 10,
  /** Inputs are taken between slices: a slice should take about this long. */
  sliceTicks: 1_500,
} as const;
