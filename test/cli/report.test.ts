/** What Ctrl-A s says: states, lag and engines of both replicas, in words that fit a terminal. And what a signature looks like. */
import { describe, expect, it } from 'vitest';
import { signatureText, statusLines } from '../../src/cli/report.ts';
import type { WorldStatus } from '../../src/world/control.ts';
import type { EngineStatus, ReplicaStatus } from '../../src/world/wire.ts';

const auto: EngineStatus = {
  name: 'auto',
  instructions: { interpreter: 2_000_000, translator: 98_000_000 },
  regions: { installed: 310, compiled: 340, invalidated: 20, evicted: 7, demoted: 3, entered: 123_456 },
  modules: { installed: 60, compiled: 71 },
  wasmBytes: 1_234_567,
  compileMs: 412.3,
  exits: { noRegion: 5, budget: 600, slow: 70, look: 4 },
};
const none = { compiled: 0, installed: 0 };
const interpreter: EngineStatus = {
  ...auto,
  ...{ name: 'interpreter', instructions: { interpreter: 99_000_000, translator: 0 }, modules: none },
};

const replica = (role: 'primary' | 'backup', engine: EngineStatus | undefined): ReplicaStatus => ({
  ...{
    role,
    state: 'protected',
    reason: undefined,
    epoch: 1,
    icount: 100_000_000,
    seq: 9,
    lagMs: 3,
    logBytes: 20_000,
    outputs: 12,
    held: 1,
  },
  ...{ stalled: false, takeover: undefined, heldMicros: undefined, stageMicros: undefined, digest: undefined, engine },
});

const world: WorldStatus = {
  ...{
    name: 'vm',
    run: '0'.repeat(16),
    pid: 1,
    state: 'protected',
    reason: undefined,
    epoch: 1,
    seconds: 2,
    arbiter: 'file',
    takeovers: 0,
  },
  replicas: [
    { pid: 11, live: true, status: replica('primary', auto) },
    { pid: 12, live: false, status: replica('backup', interpreter) },
    { pid: 13, live: false, status: replica('backup', undefined) },
  ],
};

describe('Ctrl-A s', () => {
  it('shows each replica, and below it what its engine did', () => {
    expect(statusLines(world)).toMatchInlineSnapshot(`
      [
        "vm  protected  epoch 1  up 2.0 s  takeovers 0",
        "  primary  pid 11  icount 100000000 · lag 3.0 ms · log 20.0 kB (10.0 kB/s) · outputs 12, held 1",
        "           engine auto  translated 98.0 % of 100000000 instructions",
        "           regions 310 of 340 (20 invalidated, 7 evicted, 3 demoted), entered 123456 times",
        "           modules 60 of 71, 1.2 MB, compiled in 412 ms · exits noRegion 5, budget 600, slow 70, look 4",
        "  backup   pid 12  icount 100000000 · lag 3.0 ms · log 20.0 kB (10.0 kB/s)",
        "           engine interpreter  translated 0.0 % of 99000000 instructions",
        "  backup   pid 13  icount 100000000 · lag 3.0 ms · log 20.0 kB (10.0 kB/s)",
      ]
    `);
  });

  it('fits a terminal of 120 columns', () => {
    for (const line of statusLines(world)) expect(line.length, line).toBeLessThanOrEqual(120);
  });
});

describe('a signature', () => {
  it('is a word a line, least significant byte last, and a last part of a word is filled up', () => {
    expect(signatureText(Uint8Array.of(0xef, 0xbe, 0xad, 0xde, 1, 0, 0, 0))).toBe('deadbeef\n00000001\n');
    expect(signatureText(Uint8Array.of(0, 0, 0, 0, 0xab))).toBe('00000000\n000000ab\n');
    expect(signatureText(new Uint8Array(0))).toBe('');
  });
});
