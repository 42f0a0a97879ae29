/** Kill to live, over many kills: a fresh pair each time, writing to disk and console when its primary gets SIGKILL. */
import { emptyDisk, Twin } from '../test/support/twin.ts';
import { quantile, type Report, short } from './report.ts';

export async function run(runs = 50): Promise<Report> {
  const stages: Record<string, number[]> = {};
  for (let n = 0; n < runs; n++) {
    for (const [stage, ms] of Object.entries(await oneTakeover(10 + ((n * 37) % 200)))) (stages[stage] ??= []).push(ms);
  }
  const rows = Object.entries(stages).map(([stage, ms]) => ({
    stage,
    'p50 ms': short(quantile(ms, 0.5)),
    'p99 ms': short(quantile(ms, 0.99)),
    'max ms': short(Math.max(...ms)),
  }));
  return { rows, notes: [`${runs} kills, each of a fresh pair under load`] };
}

/** Milliseconds of each stage; the kill comes after `acknowledged` durable writes. */
async function oneTakeover(acknowledged: number): Promise<Record<string, number>> {
  const twin = new Twin((dir) => ['os', '--disk', emptyDisk(dir)]);
  try {
    await twin.see('twin> ');
    const primary = (await twin.status()).replicas.find((replica) => replica.status.role === 'primary');
    if (primary === undefined) throw new Error('no primary');
    twin.type('kv load 1 100000\n');
    await twin.see(`ok k${acknowledged}\r\n`);
    const killedAt = Date.now();
    process.kill(primary.pid, 'SIGKILL');
    await twin.note(/takeover epoch 2 .*/);
    await twin.see('ok ');
    const { takeover } = (await twin.status()).replicas.find((replica) => replica.live)?.status ?? {};
    if (takeover === undefined) throw new Error('the survivor reports no takeover');
    return {
      'kill to live': takeover.liveAt - killedAt,
      'detect (kill to suspicion)': takeover.suspectedAt - killedAt,
      'claim (suspicion to won)': takeover.wonAt - takeover.suspectedAt,
      'drain (won to drained)': takeover.drainedAt - takeover.wonAt,
      'fence (drained to live)': takeover.liveAt - takeover.drainedAt,
    };
  } finally {
    twin.dispose();
  }
}
