/** Plays a driver as a machine thread would, with random turns and inputs, and keeps what came out. */
import fc from 'fast-check';
import type { Input, Machine, Output } from '../../emulator/index.ts';
import { decodeBatch } from '../../src/replay/codec.ts';
import type { Driver, Turn } from '../../src/replay/driver.ts';
import type { Batch, Entry } from '../../src/replay/entry.ts';

export const RUN = 'feedfacecafebeef';
export const CONFIG = '0123456789abcdef';

/** One step of a thread's life: time passes, inputs come, a slice runs. `dt` in ticks. */
export type Step =
  | { readonly kind: 'turn'; readonly dt: number; readonly budget: number }
  | { readonly kind: 'type'; readonly bytes: Uint8Array }
  | { readonly kind: 'frame'; readonly bytes: Uint8Array }
  | { readonly kind: 'complete'; readonly which: number; readonly status: 0 | 1 };

export const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('turn' as const), dt: fc.nat(30_000), budget: fc.integer({ min: 1, max: 400 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('type' as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('frame' as const), bytes: fc.uint8Array({ maxLength: 9 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('complete' as const),
      which: fc.nat(7),
      status: fc.constantFrom(0 as const, 0 as const, 1 as const),
    }),
  },
);

export interface Played {
  readonly turns: Turn[];
  readonly batches: Uint8Array[];
  readonly outputs: Output[];
}

/** A session keeps its clock and its unanswered requests between plays. */
export class Session {
  readonly driver: Driver;
  readonly machine: Machine;
  host: bigint;
  typed = 0;

  constructor(driver: Driver, machine: Machine, host = 0n) {
    this.driver = driver;
    this.machine = machine;
    this.host = host;
  }

  play(script: readonly Step[]): Played {
    const played: Played = { turns: [], batches: [], outputs: [] };
    for (const step of script) {
      const input = this.inputOf(step);
      if (step.kind === 'turn') {
        this.host += BigInt(step.dt);
        const turn = this.driver.turn(this.host, step.budget);
        played.turns.push(turn);
        played.outputs.push(...turn.outputs);
        if (turn.batch) played.batches.push(turn.batch);
        if (turn.state === 'diverged') throw new Error(turn.report);
      } else if (input !== undefined) {
        const bytes = input.kind === 'console' ? input.bytes.length : 0;
        if (this.driver.offer(input, bytes > 0 ? this.typed + bytes : 0, this.host)) this.typed += bytes;
      }
    }
    return played;
  }

  private inputOf(step: Step): Input | undefined {
    switch (step.kind) {
      case 'turn':
        return undefined;
      case 'type':
        return { kind: 'console', port: 0, bytes: step.bytes };
      case 'frame':
        return { kind: 'frame', bytes: step.bytes };
      case 'complete': {
        const pending = this.machine.pendingDisk();
        const request = pending[step.which % pending.length];
        if (request === undefined) return undefined;
        const data = request.kind === 'diskRead' ? new Uint8Array(request.sectors * 512).fill(step.which) : new Uint8Array();
        return { kind: 'disk', request: request.request, status: step.status, data };
      }
    }
  }
}

/** Replays to the end of what was received, with slices of `budget`. */
export function replayAll(driver: Driver, batches: readonly Uint8Array[], budget = 977): { last: Turn; outputs: Output[] } {
  for (const batch of batches) driver.receive(batch);
  return drainAll(driver, budget);
}

export function drainAll(driver: Driver, budget = 977): { last: Turn; outputs: Output[] } {
  driver.drain();
  const outputs: Output[] = [];
  for (;;) {
    const last = driver.turn(0n, budget);
    outputs.push(...last.outputs);
    if (last.state === 'drained' || last.state === 'diverged') return { last, outputs };
  }
}

export function decoded(batches: readonly Uint8Array[]): Batch[] {
  return batches.map((bytes) => {
    const batch = decodeBatch(bytes);
    if ('kind' in batch) throw new Error(batch.detail);
    return batch;
  });
}

export const entriesOf = (batches: readonly Uint8Array[]): Entry[] => decoded(batches).flatMap((batch) => batch.entries);

/** Outputs in a form that does not depend on where slices ended: per sink, console byte by byte, each with its ordinal. */
export function bySink(outputs: readonly Output[]): Record<'console' | 'disk' | 'net' | 'power' | 'reads', unknown[]> {
  const sinks = { console: [] as unknown[], disk: [] as unknown[], net: [] as unknown[], power: [] as unknown[], reads: [] as unknown[] };
  for (const output of outputs) {
    if (output.kind === 'console') output.bytes.forEach((byte, i) => void sinks.console.push([output.ordinal + i, byte]));
    else if (output.kind === 'frame') sinks.net.push(output);
    else if (output.kind === 'off') sinks.power.push(output);
    else if (output.kind === 'diskRead') sinks.reads.push(output);
    else sinks.disk.push(output);
  }
  return sinks;
}
