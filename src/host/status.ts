/** What a replica tells the world about itself (`ReplicaStatus`): the state of `step` in the words of cli.md, and the host's counters. */

import { lagTicks } from '../protocol/lag-control.ts';
import { LIMITS } from '../protocol/limits.ts';
import { type Replica, view } from '../protocol/replica.ts';
import type { EngineStatus, ReplicaStatus, Takeover } from '../world/wire.ts';
import type { Stages } from './stages.ts';

export type TakeoverStamps = { -readonly [K in keyof Takeover]: Takeover[K] };

export interface Counters {
  readonly icount: number;
  readonly logBytes: number;
  readonly outputs: number;
  readonly held: number;
  readonly stalled: boolean;
  readonly takeover: Partial<TakeoverStamps>;
  readonly stages: Stages;
  readonly engine: EngineStatus | undefined;
  readonly digest: string | undefined;
  readonly recordLost: string | undefined;
}

export function statusOf(replica: Replica, counters: Counters): ReplicaStatus {
  const { state, reason } = view(replica);
  const { icount, logBytes, outputs, held, stalled, stages, engine, digest, recordLost } = counters;
  return {
    role: roleOf(replica),
    state,
    reason,
    epoch: replica.epoch,
    icount,
    seq: seqOf(replica),
    lagMs: replica.phase === 'live' ? lagTicks(replica.lag, replica.now) * LIMITS.tickMs : 0,
    logBytes,
    outputs,
    held,
    stalled,
    takeover: takeoverOf(counters.takeover),
    heldMicros: stages.held(),
    stageMicros: stages.byStage(),
    engine,
    digest,
    recordLost,
  };
}

function roleOf(replica: Replica): ReplicaStatus['role'] {
  switch (replica.phase) {
    case 'boot':
      return replica.solo ? 'solo' : 'primary';
    case 'live':
      return replica.protection === 'solo' ? 'solo' : 'primary';
    case 'backup':
    case 'takeover':
      return 'backup';
    case 'halted':
      return 'halted';
  }
}

function seqOf(replica: Replica): number {
  switch (replica.phase) {
    case 'live':
      return replica.held.appended.seq;
    case 'backup':
      return replica.replayed;
    case 'takeover':
      return replica.received;
    case 'boot':
    case 'halted':
      return 0;
  }
}

/** Whole or not at all: a replica that never took over has no stamps. */
function takeoverOf({ suspectedAt, wonAt, drainedAt, liveAt }: Partial<TakeoverStamps>): Takeover | undefined {
  if (suspectedAt === undefined || wonAt === undefined || drainedAt === undefined || liveAt === undefined) return undefined;
  return { suspectedAt, wonAt, drainedAt, liveAt };
}
