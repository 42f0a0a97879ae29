/** A machine thread's stand-in for the link's tests: writes `count` batches, each naming its index, and reports how far it came. */
import { parentPort, workerData } from 'node:worker_threads';
import { LogWriter } from '../../src/host/log-writer.ts';
import { Ring } from '../../src/host/ring.ts';
import { Shared } from '../../src/host/shared.ts';
import { batchOf } from './ring-records.ts';

interface Data {
  readonly shared: SharedArrayBuffer;
  readonly ring: SharedArrayBuffer | undefined;
  readonly fd: number;
  readonly count: number;
  readonly seed: number;
}

const { shared, ring, fd, count, seed } = workerData as Data;
const writer = new LogWriter(new Shared(shared), ring === undefined ? undefined : new Ring(ring));
writer.open(fd);
let sent = 0;
let ended = 'sent';
while (sent < count && ended === 'sent') {
  const written = writer.write(batchOf(seed, sent));
  ended = written.kind;
  if (ended === 'sent') {
    sent++;
    parentPort!.postMessage('look');
  }
}
parentPort!.postMessage({ ended, sent });
