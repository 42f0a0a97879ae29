/** Questions to the arbiter (protocol.md "Roles, claims, fences"): asked once, asked again after `unknown`, never withdrawn. */
import type { Effect } from './events.ts';
import type { Claim, Common, Of } from './state.ts';

/** The arbiter could not say: keep the claim, ask again later. */
export function unknown(replica: Common, claim: Claim): Claim {
  return { ...claim, away: true, askAt: replica.now + replica.self.limits.arbiterRetryTicks };
}

export function askAgain(claim: Claim, now: number): [Claim, Effect[]] {
  if (claim.askAt === undefined || now < claim.askAt) return [claim, []];
  return [{ ...claim, askAt: undefined }, [{ kind: 'claim', epoch: claim.epoch }]];
}

export function lost(event: Of<'claimed'>): string {
  return `epoch ${event.epoch} belongs to ${event.by ?? 'another replica'}: this replica lost it and ends`;
}
