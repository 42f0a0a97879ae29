/** Questions to the wire between a replica and the world: does every message survive any cut, and is nothing else ever accepted? */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EXITS, SINKS } from '../../emulator/index.ts';
import { ENGINES } from '../../src/world/run-config.ts';
import type { FromWorld, ReplicaStatus, ToWorld } from '../../src/world/wire.ts';
import { encodeFromWorld, encodeToWorld, fromWorldDecoder, MAX_BODY_BYTES, toWorldDecoder, WireError } from '../../src/world/wire-codec.ts';

const u53 = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const bytes = fc.uint8Array({ maxLength: 600 });
const text = fc.string({ maxLength: 40 });
const percentiles = fc.record({ p50: fc.nat(), p99: fc.nat() });

const counts = <K extends string>(...names: readonly K[]): fc.Arbitrary<Record<K, number>> =>
  fc.record(Object.fromEntries(names.map((name) => [name, u53]))) as fc.Arbitrary<Record<K, number>>;
const engine = fc.record({
  name: fc.constantFrom(...ENGINES),
  instructions: counts('interpreter', 'translator'),
  regions: counts('installed', 'compiled', 'invalidated', 'evicted', 'demoted', 'entered'),
  modules: counts('installed', 'compiled'),
  wasmBytes: u53,
  compileMs: fc.nat(),
  exits: counts(...EXITS),
});

const status: fc.Arbitrary<ReplicaStatus> = fc.record({
  role: fc.constantFrom('primary', 'backup', 'solo', 'halted'),
  state: fc.constantFrom('protected', 'unprotected', 'halted'),
  reason: fc.option(text, { nil: undefined }),
  epoch: u53,
  icount: u53,
  seq: u53,
  lagMs: fc.nat(),
  logBytes: u53,
  outputs: u53,
  held: u53,
  stalled: fc.boolean(),
  takeover: fc.option(fc.record({ suspectedAt: u53, wonAt: u53, drainedAt: u53, liveAt: u53 }), { nil: undefined }),
  heldMicros: fc.option(percentiles, { nil: undefined }),
  stageMicros: fc.option(fc.record({ flush: percentiles, ack: percentiles, release: percentiles }), { nil: undefined }),
  engine: fc.option(engine, { nil: undefined }),
  digest: fc.option(text, { nil: undefined }),
});

const kind = <K extends string>(name: K) => fc.constant(name);
const toWorld: fc.Arbitrary<ToWorld> = fc.oneof(
  fc.record({ kind: kind('attach'), run: text, identity: text, role: fc.constantFrom('primary', 'backup', 'solo'), pid: fc.nat() }),
  fc.record({ kind: kind('hello'), sink: fc.constantFrom(...SINKS), epoch: u53, lastInput: u53 }),
  fc.record({ kind: kind('console'), epoch: u53, ordinal: u53, bytes }),
  fc.record({ kind: kind('frame'), epoch: u53, ordinal: u53, bytes }),
  fc.record({
    kind: kind('disk'),
    epoch: u53,
    request: fc.oneof(
      fc.record({ kind: kind('diskRead'), request: u53, sector: u53, sectors: fc.nat() }),
      fc.record({ kind: kind('diskWrite'), ordinal: u53, request: u53, sector: u53, data: bytes }),
      fc.record({ kind: kind('diskFlush'), ordinal: u53, request: u53 }),
    ),
  }),
  fc.record({ kind: kind('signature'), epoch: u53, bytes }),
  fc.record({
    kind: kind('off'),
    epoch: u53,
    ordinal: u53,
    exit: fc.record({ code: fc.nat(), reason: fc.constantFrom('poweroff', 'reset', 'fail', 'tohost') }),
  }),
  fc.record({ kind: kind('inputAcked'), epoch: u53, number: u53 }),
  fc.record({ kind: kind('status'), status }),
  fc.record({ kind: kind('halted'), reason: text, code: fc.nat(), detail: text }),
);
const fromWorld: fc.Arbitrary<FromWorld> = fc.oneof(
  fc.record({ kind: kind('answer'), sink: fc.constantFrom(...SINKS), epoch: u53, accepted: u53 }),
  fc.record({ kind: kind('refuse'), sink: fc.constantFrom(...SINKS), epoch: u53 }),
  fc.record({ kind: kind('accepted'), sink: fc.constantFrom(...SINKS), ordinal: u53 }),
  fc.record({ kind: kind('completion'), request: u53, status: fc.constantFrom(0, 1), data: bytes }),
  fc.record({ kind: kind('input'), port: fc.constantFrom(0, 1), number: u53, bytes }),
  fc.record({ kind: kind('frameIn'), bytes }),
  fc.constant({ kind: 'inputEnded' }),
  fc.constant({ kind: 'quit' }),
);

/** The same bytes in pieces of these sizes, over and over. */
function cut(stream: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, i = 0; at < stream.length; at += sizes[i++ % sizes.length]) {
    pieces.push(stream.slice(at, at + sizes[i % sizes.length]));
  }
  return pieces;
}
const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 });

describe('the wire between a replica and the world', () => {
  it('carries every message to the world, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(toWorld, { maxLength: 6 }), sizes, (messages, lengths) => {
        const decoder = toWorldDecoder();
        const stream = Buffer.concat(messages.map(encodeToWorld));
        expect(cut(stream, lengths).flatMap((piece) => decoder.push(piece))).toEqual(messages);
      }),
      { numRuns: 300 },
    );
  });

  it('carries every message from the world, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fromWorld, { maxLength: 6 }), sizes, (messages, lengths) => {
        const decoder = fromWorldDecoder();
        const stream = Buffer.concat(messages.map(encodeFromWorld));
        expect(cut(stream, lengths).flatMap((piece) => decoder.push(piece))).toEqual(messages);
      }),
      { numRuns: 300 },
    );
  });

  it('answers any bytes with messages or a WireError', () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      // A right length in front of a wrong body, and right messages with a few bytes changed, get deeper than noise does.
      fc.uint8Array({ minLength: 1, maxLength: 60 }).map((body) => {
        const framed = Buffer.alloc(4 + body.length);
        framed.writeUInt32BE(body.length);
        framed.set(body, 4);
        return framed;
      }),
      fc.tuple(toWorld, fc.nat(), fc.nat({ max: 255 })).map(([message, at, value]) => {
        const encoded = encodeToWorld(message);
        encoded[at % encoded.length] = value;
        return encoded;
      }),
    );
    fc.assert(
      fc.property(hostile, (stream) => {
        for (const decoder of [toWorldDecoder(), fromWorldDecoder()]) {
          try {
            decoder.push(stream);
          } catch (error) {
            expect(error).toBeInstanceOf(WireError);
            expect(() => decoder.push(new Uint8Array([0]))).toThrow(WireError);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses a length past the limit at once, without waiting for the bytes', () => {
    const decoder = toWorldDecoder();
    const length = Buffer.alloc(4);
    length.writeUInt32BE(MAX_BODY_BYTES + 1);
    expect(() => decoder.push(length)).toThrow(/a body of/);
  });

  it('refuses bytes left over in a message, and a message that ends too early', () => {
    const whole = encodeToWorld({ kind: 'inputAcked', epoch: 1, number: 2 });
    const longer = Buffer.concat([whole, Buffer.from([0])]);
    longer.writeUInt32BE(longer.length - 4);
    expect(() => toWorldDecoder().push(longer)).toThrow(/left over/);
    const shorter = Buffer.from(whole.subarray(0, whole.length - 1));
    shorter.writeUInt32BE(shorter.length - 4);
    expect(() => toWorldDecoder().push(shorter)).toThrow(/too early/);
  });
});
