/** The host's clocks as the replicas read them: guest ticks for the machine thread, microseconds for the stamps of the fast path. */
import { TICKS_PER_SECOND } from '../../emulator/index.ts';

const NS_PER_TICK = 1_000_000_000n / BigInt(TICKS_PER_SECOND);

/**
 * A function that gives ticks since the run began at `bootTimeNs` (ns since 1970). The wall clock is read once: later reads are
 * monotonic, so a step of the host's clock is never seen. The run's two replicas agree as well as their hosts' wall clocks do.
 */
export function hostTicks(bootTimeNs: bigint): () => bigint {
  const started = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
  return () => {
    const ticks = (started + process.hrtime.bigint() - bootTimeNs) / NS_PER_TICK;
    return ticks > 0n ? ticks : 0n;
  };
}

/** Microseconds on a clock that all threads of this machine share; only differences mean anything. */
export function micros(): number {
  return Number(process.hrtime.bigint()) / 1000;
}
