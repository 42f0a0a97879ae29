/** A first start (protocol.md "Roles, claims, fences"): epoch 1 is won and every sink obeys it before the first instruction. */
import { askAgain, lost, unknown } from './claim.ts';
import type { Event } from './events.ts';
import { NO_LAG } from './lag-control.ts';
import { nothingHeld } from './output-rule.ts';
import type { Boot, Live, Step } from './state.ts';
import { common, EXIT, halt, haltFenced, linkHello, none, unlinked } from './state.ts';
import { answer, complete, hellos, overclaim } from './takeover.ts';

/** Before the first instruction: claim epoch 1, then the fence. */
export function stepBoot(boot: Boot, event: Event): Step {
  switch (event.kind) {
    case 'start':
      return [boot, [{ kind: 'claim', epoch: boot.claim.epoch }]];
    case 'tick': {
      const [claim, effects] = askAgain(boot.claim, boot.now);
      return [{ ...boot, claim }, effects];
    }
    case 'claimed': {
      if (boot.fence !== undefined || event.epoch !== boot.claim.epoch) return [boot, []];
      if (event.result === 'lost') return haltFenced(boot, lost(event));
      if (event.result === 'unknown') return [{ ...boot, claim: unknown(boot, boot.claim) }, []];
      const mine = { ...boot, epoch: event.epoch, fence: { made: none(boot.self), answers: {} } };
      return [mine, hellos(mine, 0)];
    }
    case 'answered': {
      if (boot.fence === undefined || event.epoch !== boot.epoch) return [boot, []];
      const fence = answer(boot.fence, event.sink, event.accepted);
      const excess = overclaim(fence, event.sink);
      if (excess !== undefined) return halt(boot, 'divergence', EXIT.divergence, excess);
      return complete(fence, boot.self) ? started(boot) : [{ ...boot, fence }, []];
    }
    case 'linkOpened':
      return [{ ...boot, link: 'joining' }, []];
    case 'linkClosed':
      return [unlinked(boot), []];
    case 'message':
    case 'appended':
    case 'sent':
    case 'received':
    case 'replayed':
    case 'drained':
    case 'refused':
    case 'accepted':
    case 'diverged':
    case 'off':
    case 'pending':
    case 'unprotect':
      return [boot, []];
  }
}

function started(boot: Boot): Step {
  const nothing = none(boot.self);
  const live: Live = {
    ...common(boot),
    phase: 'live',
    protection: boot.solo ? 'solo' : 'waiting',
    reason: boot.solo ? 'user-action' : 'starting',
    claim: undefined,
    held: nothingHeld(nothing),
    accepted: nothing,
    passedOn: nothing,
    inputsAcked: 0,
    lag: NO_LAG,
    waitingSince: boot.now,
  };
  if (boot.solo) return [live, [{ kind: 'run', epoch: live.epoch, logging: false }]];
  return [live, live.link === 'joining' ? [linkHello(live, 'primary')] : []];
}
