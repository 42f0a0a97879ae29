/** Held and kept outputs (src/host/held.ts): whatever the order of adding, releasing and forgetting, a sink gets a prefix, once. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Output } from '../../emulator/index.ts';
import { HeldOutputs, type Numbered } from '../../src/host/held.ts';
import {
  decodeFromMachine,
  decodeToMachine,
  encodeFromMachine,
  encodeToMachine,
  type FromMachine,
  type ToMachine,
} from '../../src/host/records.ts';

const none = { console: 0, disk: 0, net: 0, power: 0 };
const consoleAt = (ordinal: number, length: number): Numbered => ({
  kind: 'console',
  ordinal,
  bytes: Uint8Array.from({ length }, (_, i) => (ordinal + i) & 0xff),
});

describe('held outputs', () => {
  it('give every console byte once and in order, less what was forgotten first, in whatever order things happen', () => {
    const action = fc.oneof(
      fc.record({ act: fc.constant('add' as const), n: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ act: fc.constant('release' as const), n: fc.integer({ min: 0, max: 12 }) }),
      fc.record({ act: fc.constant('forget' as const), n: fc.integer({ min: 0, max: 12 }) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const held = new HeldOutputs();
        let made = 0;
        let released = 0;
        let forgotten = 0;
        const got: number[] = [];
        const want: number[] = [];
        for (const { act, n } of actions) {
          if (act === 'add') {
            held.add(consoleAt(made + 1, n));
            made += n;
          } else if (act === 'release') {
            const upTo = Math.min(made, released + n);
            for (let i = Math.max(released, forgotten) + 1; i <= upTo; i++) want.push(i & 0xff);
            released = Math.max(released, upTo);
            for (const output of held.release({ ...none, console: upTo })) got.push(...(output as { bytes: Uint8Array }).bytes);
          } else {
            forgotten += n;
            held.forget({ ...none, console: forgotten });
          }
        }
        expect(got).toEqual(want);
        held.forget({ ...none, console: made });
        expect([held.bytes, held.size, held.held]).toEqual([0, 0, 0]);
      }),
    );
  });

  it('are counted per sink and refuse an ordinal that goes back', () => {
    const held = new HeldOutputs();
    held.add({ kind: 'diskWrite', ordinal: 1, request: 7, sector: 0, data: new Uint8Array(512) });
    held.add({ kind: 'frame', ordinal: 1, bytes: new Uint8Array(60) });
    held.add({ kind: 'off', ordinal: 1, exit: { code: 3, reason: 'fail' } });
    expect([held.held, held.bytes]).toEqual([3, 3 * 64 + 512 + 60]);
    expect(held.release({ ...none, disk: 1, power: 1 }).map((output) => output.kind)).toEqual(['diskWrite', 'off']);
    expect([held.held, held.size]).toEqual([1, 3]);
    expect(() => held.add({ kind: 'frame', ordinal: 1, bytes: new Uint8Array(60) })).toThrow('output net 1 comes after 1');
  });
});

describe('records between the event loop and the machine thread', () => {
  const bytes = Uint8Array.of(1, 2, 3);
  const made = { console: 1, disk: 2, net: 3, power: 2 ** 53 - 1 };
  const to: ToMachine[] = [
    { kind: 'protect', epoch: 1 },
    { kind: 'run', epoch: 2, logging: true },
    { kind: 'drain' },
    { kind: 'goLive', epoch: 3 },
    { kind: 'link', fd: -1 },
    { kind: 'agreed', seq: 9 },
    { kind: 'evidence' },
    { kind: 'inputEnded' },
    { kind: 'batch', bytes },
    { kind: 'console', port: 1, number: 12, bytes },
    { kind: 'frame', bytes },
    { kind: 'disk', request: 4, status: 1, data: bytes },
  ];
  const outputs: Output[] = [
    consoleAt(5, 3),
    { kind: 'frame', ordinal: 6, bytes },
    { kind: 'diskRead', request: 1, sector: 2, sectors: 3 },
    { kind: 'diskWrite', ordinal: 7, request: 8, sector: 9, data: bytes },
    { kind: 'diskFlush', ordinal: 8, request: 9 },
    { kind: 'off', ordinal: 1, exit: { code: 70_000, reason: 'tohost' } },
  ];
  const from: FromMachine[] = [
    ...outputs.map((output) => ({ kind: 'output', output }) as const),
    { kind: 'request', output: outputs[2]! },
    { kind: 'appended', seq: 1, icount: 2 ** 53 - 1, lastInput: 3, madeAt: 4.5, made },
    { kind: 'sent', seq: 1, at: 0.25 },
    { kind: 'replayed', seq: 1, icount: 2, made },
    { kind: 'drained', seq: 1, lastInput: 2, made },
    { kind: 'ready' },
    { kind: 'live' },
    { kind: 'diverged', report: 'entry 7: ünlike' },
    { kind: 'signature', bytes },
    { kind: 'off', code: 3, pending: 2, digest: '0123456789abcdef' },
    { kind: 'limit', idle: false, digest: '0123456789abcdef' },
    { kind: 'limit', idle: true, digest: '0123456789abcdef' },
    { kind: 'linkReleased' },
    { kind: 'linkBroken', why: 'EPIPE' },
  ];
  const join = (parts: { head: Uint8Array; body: Uint8Array }): Uint8Array => Uint8Array.from([...parts.head, ...parts.body]);

  it.each(to.map((record) => [record.kind, record] as const))('%s comes back as it was said', (_, record) => {
    expect(decodeToMachine(join(encodeToMachine(record)))).toEqual(record);
  });

  it.each(from.map((record) => [record.kind, record] as const))('%s comes back as it was said, too', (_, record) => {
    expect(decodeFromMachine(join(encodeFromMachine(record)))).toEqual(record);
  });
});
