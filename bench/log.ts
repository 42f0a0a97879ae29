/** Bytes of log a second: an idle guest at its prompt, a CPU loop, and durable writes one after another. */
import { emptyDisk, Twin } from '../test/support/twin.ts';
import { median, type Report, short } from './report.ts';

const WINDOW_MS = 10_000;

export async function run(runs = 3): Promise<Report> {
  const twin = new Twin((dir) => ['os', '--disk', emptyDisk(dir)]);
  await twin.see('twin> ');
  const rows = [];
  for (const [work, line] of [
    ['idle at the prompt', undefined],
    ['CPU loop', 'sum 2000000000'],
    ['durable writes', 'kv load 1 1000000'],
  ] as const) {
    if (line !== undefined) twin.type(`${line}\n`);
    const rates: number[] = [];
    for (let n = 0; n < runs; n++) rates.push(await rate(twin));
    if (line !== undefined) twin.type('\x03');
    rows.push({ guest: work, 'log bytes/s': short(median(rates)), least: short(Math.min(...rates)), most: short(Math.max(...rates)) });
  }
  twin.dispose();
  return { rows, notes: [`windows of ${WINDOW_MS / 1000} s, medians of ${runs}`] };
}

async function rate(twin: Twin): Promise<number> {
  const sample = async () => ({ at: performance.now(), bytes: (await twin.status()).replicas[0]?.status.logBytes ?? 0 });
  const before = await sample();
  await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
  const after = await sample();
  return ((after.bytes - before.bytes) * 1000) / (after.at - before.at);
}
