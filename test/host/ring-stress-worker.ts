/** The other thread of the ring's stress test: writes records whose every byte follows from (seed, index), waiting when the ring is full. */
import { workerData } from 'node:worker_threads';
import { Doorbell } from '../../src/host/doorbell.ts';
import { Ring } from '../../src/host/ring.ts';
import { recordOf } from './ring-records.ts';

const { ring, bell, seed, count } = workerData as { ring: SharedArrayBuffer; bell: SharedArrayBuffer; seed: number; count: number };
const producer = new Ring(ring);
const doorbell = new Doorbell(new Int32Array(bell), 0);
for (let index = 0; index < count; index++) {
  const record = recordOf(seed, index, producer.largest);
  const cut = index % (record.length + 1);
  producer.writeOrWait(doorbell, () => true, record.subarray(0, cut), record.subarray(cut));
}
