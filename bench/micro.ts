/** Operations on the hot path of every entry and output, one at a time (benchmark.js; ratios to a 4 KiB memcpy in the same run). */
import Benchmark from 'benchmark';
import { digestOf } from '../emulator/digest.ts';
import { decode } from '../emulator/isa/decode.ts';
import { Ring } from '../src/host/ring.ts';
import { BatchEncoder, decodeBatch, encodeBatch, openBatch } from '../src/replay/codec.ts';
import type { Entry } from '../src/replay/entry.ts';
import { type Report, short } from './report.ts';

const RUN = '0123456789abcdef';
const CONFIG = 'fedcba9876543210';
const page = new Uint8Array(4096).map((_, i) => (i * 167) & 255);
const into = new Uint8Array(4096);
const frame: Entry = { kind: 'input', seq: 1, at: 1000, origin: 0, input: { kind: 'frame', bytes: page.subarray(0, 1514) } };
const batch = encodeBatch({ run: RUN, epoch: 1, first: 1, horizon: 2000, entries: [frame] }, CONFIG);
const encoder = new BatchEncoder(RUN, CONFIG);
const ring = Ring.create(1 << 20);
const record = page.subarray(0, 256);

const OPERATIONS: Readonly<Record<string, () => unknown>> = {
  'memcpy 4 KiB': () => into.set(page),
  'digest of a 4 KiB page': () => digestOf(page),
  'encode a 1514-byte frame as a batch': () => {
    encoder.add(frame);
    return encoder.flush(1, 1, 2000);
  },
  'open that batch (checksum, no decoding)': () => openBatch(batch, CONFIG),
  'decode that batch': () => decodeBatch(batch),
  'ring: write and read 256 bytes': () => {
    ring.write(record);
    return ring.read();
  },
  'decode an instruction from the table': () => decode(0x00c5_8533),
};

interface Result {
  readonly name: string;
  readonly hz: number;
  readonly rme: number;
}

export async function run(): Promise<Report> {
  const suite = new Benchmark.Suite();
  for (const [name, work] of Object.entries(OPERATIONS)) suite.add(name, work);
  // Half a minute of silence looks like a hang.
  suite.on('cycle', (event: Benchmark.Event) => console.error(`  ${event.target}`));
  await new Promise<void>((resolve) => suite.on('complete', () => resolve()).run({ async: true }));
  const results = suite.map((result: Benchmark) => ({
    name: String(result.name),
    hz: Number(result.hz),
    rme: Number(result.stats?.rme),
  })) as Result[];
  const reference = results[0]?.hz ?? Number.NaN;
  return {
    rows: results.map(({ name, hz, rme }) => ({
      operation: name,
      'ops/s': short(hz),
      '±%': short(rme),
      'time / memcpy': short(reference / hz),
    })),
    notes: [],
  };
}
