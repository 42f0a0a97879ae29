/** The host's clocks as the replicas read them: guest ticks for the machine thread, microseconds for the stamps of the fast path. */
import { TICKS_PER_SECOND } from '../../emulator/index.ts';

const NS_PER_TICK = 1_000_000_000n / BigInt(TICKS_PER_SECOND);

/**
 * A function that gives ticks since the run began at `bootTimeNs` (ns since 1970); below 0 on a host whose clock is behind. The wall
 * clock is read once: later reads are monotonic, so a step of the host's clock is never seen. What two hosts' clocks differ by is for
 * the steering to find. `offsetMs`: of a host whose clock is wrong (tests have no other).
 */
export function hostTicks(bootTimeNs: bigint, offsetMs = 0): () => bigint {
  const started = BigInt(Date.now() + offsetMs) * 1_000_000n - process.hrtime.bigint();
  return () => (started + process.hrtime.bigint() - bootTimeNs) / NS_PER_TICK;
}

/** Microseconds on a clock that all threads of this machine share; only differences mean anything. */
export function micros(): number {
  return Number(process.hrtime.bigint()) / 1000;
}
