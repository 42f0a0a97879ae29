/** Every bound of the log and of the driver, in one table (ARCHITECTURE.md, invariant 8); what the pair shares comes from `protocol`. */
import { TICKS_PER_SECOND } from '../../emulator/index.ts';
import { LIMITS } from '../protocol/limits.ts';

const MILLISECOND = BigInt(TICKS_PER_SECOND / 1000);

export const REPLAY_LIMITS = {
  /** A batch, header included. */
  batchBytes: LIMITS.batchBytes,
  /** Entries in a batch: a damaged count must not make a reader reserve memory. */
  batchEntries: 1 << 16,
  /** `offer` answers "no room" when entries that wait and this one are more: one batch always holds what one stop said. */
  offerBytes: LIMITS.entryBytes,
  offerEntries: 1 << 14,
  /** Description of the configuration in a recording's header. */
  descriptionBytes: 1 << 20,
  /** A busy guest's horizon moves this often; the backup's lag cannot be smaller. */
  horizonTicks: BigInt(LIMITS.horizonMs) * MILLISECOND,
  /** What a guest that mostly sleeps has to say waits this long for company: 100 wakes a second cost less than 1 KB a second. */
  quietTicks: 250n * MILLISECOND,
  /** Busy time between two checkpoints, each of which costs a hash and a copy of each page written since the last one. */
  checkpointTicks: BigInt(LIMITS.checkpointTicks * LIMITS.tickMs) * MILLISECOND,
  /**
   * Checkpoints that wait for the other side to agree. They share pages with one another and with the agreed one, which is kept besides: at
   * worst, with all of RAM written between any two, that is three times RAM.
   */
  unagreedCheckpoints: 2,
  /** Bytes of log kept since the last agreed checkpoint; past half of it a checkpoint comes early, past all of it the evidence is dropped. */
  evidenceBytes: 32 << 20,
  /** Clock entries of a busy guest: this many a second in the long run, and as many at once. */
  clockEntries: 10,
  /** Inputs are taken between slices: a slice should take about this long, in ticks, and have no fewer instructions. */
  sliceTicks: 1_500,
  sliceInstructions: 1_000,
  /** A replay takes no inputs: about a millisecond, so that commands are heard. */
  replaySliceTicks: 10_000,
} as const;
