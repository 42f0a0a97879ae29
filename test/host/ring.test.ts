/** The byte ring between threads (src/host/ring.ts): against a model on one thread, and under load on two. */
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Doorbell } from '../../src/host/doorbell.ts';
import { Ring } from '../../src/host/ring.ts';
import { built } from '../support/dist.ts';
import { recordOf } from './ring-records.ts';

describe('the ring, on one thread', () => {
  it('gives back what was written, in order, and refuses only what does not fit', () => {
    const action = fc.oneof(fc.constant('read' as const), fc.uint8Array({ maxLength: 28 }));
    fc.assert(
      fc.property(fc.constantFrom(128, 256), fc.array(action, { maxLength: 400 }), (capacity, actions) => {
        const ring = Ring.create(capacity);
        const model: Uint8Array[] = [];
        let used = 0;
        const size = (record: Uint8Array): number => (4 + record.length + 3) & ~3;
        for (const act of actions) {
          if (act === 'read') {
            const record = model.shift();
            if (record !== undefined) used -= size(record);
            expect(ring.read()).toEqual(record);
          } else {
            const cut = act.length >> 1;
            const fits = used + size(act) <= capacity;
            expect(ring.write(act.subarray(0, cut), act.subarray(cut))).toBe(fits);
            if (fits) {
              model.push(act);
              used += size(act);
            }
          }
          expect(ring.used()).toBe(used);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('throws for a record that could never fit beside three others', () => {
    const ring = Ring.create(256);
    expect(ring.largest).toBe(60);
    expect(() => ring.write(new Uint8Array(61))).toThrow('record of 61 bytes: the ring takes at most 60');
  });

  it('keeps counting when its 32-bit counters wrap', () => {
    const ring = Ring.create(64);
    const words = new Int32Array(ring.shared, 0, 48);
    words[0] = words[16] = 0x7fff_fff0;
    for (let i = 0; i < 40; i++) {
      expect(ring.write(Uint8Array.of(i, i + 1, i + 2))).toBe(true);
      expect(ring.read()).toEqual(Uint8Array.of(i, i + 1, i + 2));
    }
    words[0] = words[16] = -8;
    expect(ring.write(Uint8Array.of(1, 2, 3, 4, 5, 6, 7))).toBe(true);
    expect(ring.read()).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6, 7));
  });

  it('asks to be rung exactly when the producer waits', () => {
    const ring = Ring.create(64);
    const bell = new Doorbell(new Int32Array(new SharedArrayBuffer(4)), 0);
    while (ring.write(new Uint8Array(12)));
    let looks = 0;
    expect(ring.writeOrWait(bell, () => looks++ === 0 && ring.read() !== undefined, new Uint8Array(12))).toBe(true);
    expect(ring.takeStalled()).toBe(false);
    expect(ring.writeOrWait(bell, () => false, new Uint8Array(12))).toBe(false);
  });
});

describe('the ring, between two threads', () => {
  it.each([
    [64, 20_000, 1],
    [256, 20_000, 2],
    [65_536, 5_000, 3],
  ])('of %i bytes carries %i records unharmed (seed %i)', async (capacity, count, seed) => {
    const ring = Ring.create(capacity);
    const bell = new SharedArrayBuffer(4);
    const doorbell = new Doorbell(new Int32Array(bell), 0);
    const worker = new Worker(built('test/host/ring-stress-worker.ts'), { workerData: { ring: ring.shared, bell, seed, count } });
    const ended = new Promise<number>((resolve, reject) => worker.once('exit', resolve).once('error', reject));
    let index = 0;
    let wrong = 0;
    // Reads in bursts, as an event loop does: a record at a time would never let the ring fill.
    const turn = (): void => {
      for (let burst = 0; burst < 64 && index < count; burst++) {
        const record = ring.read();
        if (record === undefined) break;
        if (Buffer.compare(record, recordOf(seed, index++, ring.largest)) !== 0) wrong++;
      }
      if (ring.takeStalled()) doorbell.ring();
      if (index < count) setImmediate(turn);
    };
    turn();
    expect(await ended).toBe(0);
    while (index < count) {
      const record = ring.read();
      expect(record, `record ${index} of ${count} is missing`).toBeDefined();
      if (Buffer.compare(record!, recordOf(seed, index++, ring.largest)) !== 0) wrong++;
    }
    expect(wrong).toBe(0);
    expect(ring.read()).toBeUndefined();
  });
});
