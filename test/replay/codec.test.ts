/** Is the log exact, compact, and refused when damaged? */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../src/replay/checksum.ts';
import { BATCH_HEADER_BYTES, decodeBatch, encodeBatch, openBatch, splitBatches } from '../../src/replay/codec.ts';
import type { Batch, Entry } from '../../src/replay/entry.ts';
import { REPLAY_LIMITS } from '../../src/replay/limits.ts';
import { batches } from './arbitrary.ts';

const CONFIG = '0123456789abcdef';
const RUN = 'feedfacecafebeef';

describe('a batch', () => {
  it('decodes to what was encoded', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        expect(decodeBatch(encodeBatch(batch, CONFIG))).toEqual(batch);
      }),
    );
  });

  it('says in its header what it holds, so that an ack needs no decoding', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const bytes = encodeBatch(batch, CONFIG);
        expect(openBatch(bytes, CONFIG)).toEqual({
          kind: 'batch',
          run: batch.run,
          config: CONFIG,
          epoch: batch.epoch,
          first: batch.first,
          last: batch.first + batch.entries.length - 1,
          count: batch.entries.length,
          horizon: batch.horizon,
          protects: batch.entries.some((entry) => entry.kind === 'protect'),
          length: bytes.length,
        });
      }),
    );
  });

  it('is refused when any one byte is damaged, wherever and however', () => {
    fc.assert(
      fc.property(batches, fc.integer({ min: 1, max: 255 }), (batch, flip) => {
        const bytes = encodeBatch(batch, CONFIG);
        for (let i = 0; i < bytes.length; i += 1) {
          bytes[i]! ^= flip;
          const opened = openBatch(bytes);
          expect(opened.kind, `byte ${i}`).toBe('fault');
          bytes[i]! ^= flip;
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is refused as cut at every length short of its own, and as damaged when more follows', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const bytes = encodeBatch(batch, CONFIG);
        for (let length = 0; length < bytes.length; length += 1)
          expect(openBatch(bytes.subarray(0, length))).toMatchObject({ kind: 'fault', code: 'cut' });
        expect(openBatch(Uint8Array.from([...bytes, 0]))).toMatchObject({ kind: 'fault', code: 'damaged' });
      }),
      { numRuns: 40 },
    );
  });

  it('of another configuration is refused with both named', () => {
    const bytes = encodeBatch({ run: RUN, epoch: 1, first: 1, horizon: 0, entries: [] }, CONFIG);
    const opened = openBatch(bytes, 'aaaaaaaaaaaaaaaa');
    expect(opened).toMatchObject({ kind: 'fault', code: 'configuration' });
    expect(opened.kind === 'fault' && opened.detail).toBe(`batch of configuration ${CONFIG}, this machine has aaaaaaaaaaaaaaaa`);
  });

  it('of another log version is refused with both named', () => {
    const bytes = encodeBatch({ run: RUN, epoch: 1, first: 1, horizon: 0, entries: [] }, CONFIG);
    bytes[4] = 9;
    expect(openBatch(bytes)).toMatchObject({ code: 'version', detail: 'batch of log version 9, this program reads version 2' });
  });

  it('with a right checksum and senseless entries is a fault, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(5), (body, count) => {
        const bytes = new Uint8Array(BATCH_HEADER_BYTES + body.length);
        bytes.set(encodeBatch({ run: RUN, epoch: 1, first: 1, horizon: 1e9, entries: [] }, CONFIG));
        bytes.set(body, BATCH_HEADER_BYTES);
        const view = new DataView(bytes.buffer);
        view.setUint32(8, body.length, true);
        view.setUint32(12, count, true);
        view.setUint32(36, crc32c(body), true);
        view.setUint32(56, crc32c(bytes, 0, 56), true);
        const batch = decodeBatch(bytes);
        if ('kind' in batch) expect(batch.code).toBe('damaged');
        else expect(batch.entries.length).toBe(count);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a stream of batches', () => {
  it('comes apart into the batches that went in, however it is chopped', () => {
    fc.assert(
      fc.property(fc.array(batches, { maxLength: 4 }), fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (list, sizes) => {
        const encoded = list.map((batch) => encodeBatch(batch, CONFIG));
        const stream = Uint8Array.from(encoded.flatMap((bytes) => [...bytes]));
        const splitter = splitBatches();
        const out: Uint8Array[] = [];
        for (let offset = 0, turn = 0; offset < stream.length; turn += 1) {
          const size = sizes[turn % sizes.length]!;
          const { batches, fault } = splitter.push(stream.subarray(offset, offset + size));
          expect(fault).toBeUndefined();
          out.push(...batches);
          offset += size;
        }
        expect(out).toEqual(encoded);
        expect(splitter.pending).toBe(0);
      }),
    );
  });

  it('stops at a damaged header with its offset, and gives out nothing after it', () => {
    const bytes = encodeBatch({ run: RUN, epoch: 1, first: 1, horizon: 5, entries: [] }, CONFIG);
    const splitter = splitBatches();
    const bad = bytes.slice();
    bad[9]! ^= 0x80;
    const { batches, fault } = splitter.push(Uint8Array.from([...bytes, ...bad, ...bytes]));
    expect(batches).toEqual([bytes]);
    expect(fault).toMatchObject({ code: 'damaged', offset: bytes.length });
    expect(splitter.push(bytes)).toMatchObject({ batches: [], fault: { offset: bytes.length } });
  });

  it('never waits for a batch above the limit', () => {
    const bytes = encodeBatch({ run: RUN, epoch: 1, first: 1, horizon: 5, entries: [] }, CONFIG);
    const view = new DataView(bytes.buffer);
    view.setUint32(8, REPLAY_LIMITS.batchBytes, true);
    view.setUint32(56, crc32c(bytes, 0, 56), true);
    expect(splitBatches().push(bytes).fault).toMatchObject({ code: 'limit' });
  });
});

describe('the size of the log', () => {
  it('is under 1 KB a second for a guest that wakes 100 times a second and does nothing', () => {
    const entries: Entry[] = [];
    const sizes: number[] = [];
    let at = 2 ** 40;
    let first = 2 ** 30;
    for (let wake = 1; wake <= 100; wake += 1) {
      at += 10_000;
      const input = { kind: 'clock', ticks: 10n ** 15n + BigInt(wake) * 100_000n, num: 1_000_000, den: 20_000_000 } as const;
      entries.push({ kind: 'input', seq: first + entries.length, at, input, origin: 0 });
      if (wake % 25 > 0) continue;
      sizes.push(encodeBatch({ run: RUN, epoch: 3, first, horizon: at, entries } satisfies Batch, CONFIG).length);
      first += entries.splice(0).length;
    }
    expect(sizes.length).toBe(4);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(1000);
  });
});

describe('the checksum', () => {
  it('is CRC-32C, whatever the alignment and however it is continued', () => {
    const digits = Uint8Array.from('123456789', (digit) => digit.charCodeAt(0));
    expect(crc32c(digits)).toBe(0xe3069283);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(64), (bytes, cut) => {
        const middle = Math.min(cut, bytes.length);
        expect(crc32c(bytes, middle, bytes.length, crc32c(bytes, 0, middle))).toBe(crc32c(bytes));
      }),
    );
  });
});
