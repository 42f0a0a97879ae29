/**
 * Protocol scripts: a replica's life as readable text. A line at the margin is an event, an indented line an effect; lines of options
 * (`role`, `limits`) come first. Effects are re-blessed with `vitest -u`; events are written by hand.
 */
import type { Effect, Event, Heartbeat } from '../../src/protocol/events.ts';
import type { Limits } from '../../src/protocol/limits.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { createReplica, type Replica, step } from '../../src/protocol/replica.ts';

export const SINKS = { console: 'ordinal', disk: 'request', net: 'ordinal', power: 'last' } as const;

type Role = 'primary' | 'backup' | 'solo';

/** Small numbers, so that a script shows each tick that counts. */
const SCRIPT_LIMITS: Partial<Limits> = {
  heartbeatSilenceTicks: 3,
  noProgressTicks: 4,
  keepaliveTicks: 2,
  arbiterRetryTicks: 2,
  startTicks: 5,
  lagHighTicks: 3,
  lagLowTicks: 1,
  lagStepTicks: 1,
};

/** Runs a script and returns the same text with the effects that really came. */
export function perform(script: string): string {
  let role = 'primary' as Role;
  let limits: Partial<Limits> = SCRIPT_LIMITS;
  let replica: Replica | undefined;
  const out: string[] = [];
  for (const line of script.trimEnd().split('\n')) {
    if (line.startsWith('  ')) continue;
    out.push(line);
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === '' || word.startsWith('#')) continue;
    if (word === 'role') role = rest[0] as Role;
    else if (word === 'limits') limits = { ...limits, ...numbers(rest) };
    else {
      replica ??= createReplica({
        vm: 'guest',
        run: 'run',
        identity: role === 'backup' ? 'B' : 'A',
        config: 'same',
        role,
        sinks: SINKS,
        limits,
      });
      const times = word === 'ticks' ? Number(rest.shift()) : 1;
      for (let i = 0; i < times; i++) {
        const [next, effects]: [Replica, Effect[]] = step(replica, parse(word === 'ticks' ? 'tick' : word, rest));
        replica = next;
        for (const effect of effects) out.push(`  ${show(effect)}`);
      }
    }
  }
  return `${out.join('\n')}\n`;
}

function parse(kind: string, words: readonly string[]): Event {
  const n = numbers(words);
  const made = ordinals(words);
  const text = words.filter((word) => !word.includes('=')).join(' ');
  switch (kind as Event['kind']) {
    case 'start':
    case 'linkOpened':
    case 'unprotect':
      return { kind: kind as 'start' };
    case 'tick': {
      const heartbeat: Heartbeat | undefined =
        n.beat === undefined ? undefined : { count: n.beat, icount: n.icount ?? 0, full: words.includes('peer-full') };
      return { kind: 'tick', heartbeat, full: words.includes('full') };
    }
    case 'linkClosed':
      return { kind: 'linkClosed', why: text || 'peer gone' };
    case 'message':
      return {
        kind: 'message',
        run: words.find((word) => word.startsWith('run='))?.slice(4) ?? 'run',
        epoch: n.epoch ?? 1,
        message: message(words, n, made),
      };
    case 'appended':
      return { kind: 'appended', seq: n.seq, icount: n.icount ?? n.seq * 10, made, lastInput: n.lastInput ?? 0 };
    case 'sent':
      return { kind: 'sent', seq: n.seq };
    case 'received':
      return {
        kind: 'received',
        run: words.find((word) => word.startsWith('run='))?.slice(4) ?? 'run',
        epoch: n.epoch ?? 1,
        first: n.first,
        last: n.last,
        horizon: n.horizon ?? n.last * 10,
        protects: words.includes('protects'),
      };
    case 'replayed':
      return { kind: 'replayed', seq: n.seq, icount: n.icount ?? n.seq * 10, made };
    case 'drained':
      return { kind: 'drained', seq: n.seq, made, lastInput: n.lastInput ?? 0 };
    case 'claimed':
      return {
        kind: 'claimed',
        epoch: n.epoch,
        result: words.find((word) => ['won', 'lost', 'unknown'].includes(word)) as 'won',
        by: words.includes('lost') ? 'the other' : undefined,
      };
    case 'answered':
      return { kind: 'answered', sink: words[0], epoch: n.epoch ?? 1, accepted: n.accepted ?? 0 };
    case 'refused':
      return { kind: 'refused', sink: words[0], epoch: n.epoch };
    case 'accepted':
      return { kind: 'accepted', sink: words[0], ordinal: n.ordinal };
    case 'diverged':
      return { kind: 'diverged', report: text };
    case 'off':
      return { kind: 'off', code: n.code ?? 0, pending: n.pending ?? 0 };
    case 'pending':
      return { kind: 'pending', requests: n.requests };
  }
  throw new Error(`a script has no event '${kind}': see Event in src/protocol/events.ts`);
}

function message(words: readonly string[], n: Record<string, number>, made: Record<string, number>): Message {
  const kind = words[0] as Message['kind'];
  switch (kind) {
    case 'hello': {
      const role = words[1] as 'primary' | 'backup';
      const config = words.find((word) => word.startsWith('config='))?.slice(7) ?? 'same';
      return { kind, vm: 'guest', identity: role === 'backup' ? 'B' : 'A', role, config };
    }
    case 'ack':
      return { kind, seq: n.seq };
    case 'replayed':
      return { kind, seq: n.seq, icount: n.icount ?? n.seq * 10 };
    case 'accepted':
      return { kind, ordinals: made };
    case 'off':
      return { kind, code: n.code ?? 0 };
    case 'fenced':
      return { kind, epoch: n.knows };
    case 'diverged':
      return { kind, report: 'entry 7' };
    case 'keepalive':
      return { kind };
  }
}

function numbers(words: readonly string[]): Record<string, number> {
  const pairs = words.filter((word) => /^\w+=\d+$/.test(word)).map((word) => word.split('='));
  return Object.fromEntries(pairs.map(([key, value]) => [key, Number(value)]));
}

/** `console:3 disk:1` */
function ordinals(words: readonly string[]): Record<string, number> {
  const all: Record<string, number> = { console: 0, disk: 0, net: 0, power: 0 };
  for (const word of words) {
    const found = /^(console|disk|net|power):(\d+)$/.exec(word);
    if (found !== null) all[found[1]] = Number(found[2]);
  }
  return all;
}

function show(effect: Effect): string {
  const { kind, ...rest } = effect;
  if (effect.kind === 'send') return `send epoch=${effect.epoch} ${effect.message.kind}${fields(effect.message)}`;
  return `${kind}${fields({ kind, ...rest })}`;
}

function fields(of: object): string {
  return Object.entries(of)
    .filter(([key, value]) => key !== 'kind' && value !== undefined)
    .map(
      ([key, value]) =>
        ` ${typeof value === 'object' ? watermarks(value) : typeof value === 'string' && value.includes(' ') ? `"${value}"` : `${key}=${value}`}`,
    )
    .join('');
}

function watermarks(of: object): string {
  const some = Object.entries(of).filter(([, ordinal]) => ordinal > 0);
  return some.map(([sink, ordinal]) => `${sink}:${ordinal}`).join(' ') || '(nothing)';
}
