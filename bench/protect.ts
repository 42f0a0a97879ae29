/**
 * What protection costs: the same work on a protected pair and on a solo machine, in turn, both running all the while. A backup computes what
 * its primary does, so where cores share caches or are few, part of the cost is that of any second busy guest: that is measured beside it.
 */
import { join } from 'node:path';
import { NetPeer } from '../test/support/net-peer.ts';
import { emptyDisk, Twin } from '../test/support/twin.ts';
import { median, type Report, seconds, short } from './report.ts';

interface Guest {
  readonly twin: Twin;
  readonly peer: NetPeer;
  requests: number;
}

/** Each is done once by each guest in every round. */
const WORK: readonly { name: string; work(guest: Guest): Promise<unknown> }[] = [
  { name: 'CPU loop (sum 4000000000)', work: ({ twin }) => twin.command('sum 4000000000') },
  { name: 'disk-bound (300 durable writes)', work: ({ twin }) => twin.command('kv load 1 300') },
  { name: 'request mix (8 clients × 25 over UDP)', work: (guest) => requests(guest, 8, 25) },
];

/** The neighbour is busy a little longer than who is measured beside it. */
const COUNT_OF_NEIGHBOUR = 2 ** 32 - 1;

export async function run(runs = 5): Promise<Report> {
  const pair = await boot([]);
  const solo = await boot(['--solo']);
  const rows = [];
  for (const { name, work } of WORK) {
    const times: { pair: number; solo: number }[] = [];
    await work(pair);
    await work(solo);
    for (let round = 0; round < runs; round++) times.push({ pair: await seconds(() => work(pair)), solo: await seconds(() => work(solo)) });
    rows.push({
      work: name,
      'solo s': short(median(times.map((time) => time.solo))),
      'protected s': short(median(times.map((time) => time.pair))),
      'protected / solo speed': short(median(times.map((time) => time.solo / time.pair))),
    });
  }
  const neighbour = await boot(['--solo']);
  const beside: number[] = [];
  for (let round = 0; round < runs; round++) {
    const busy = neighbour.twin.command(`sum ${COUNT_OF_NEIGHBOUR}`);
    const alone = seconds(() => WORK[0].work(solo));
    beside.push(await alone);
    await busy;
  }
  const { heldMicros, stageMicros } = (await pair.twin.status()).replicas[0]?.status ?? {};
  const ack = stageMicros?.ack.p50 ?? Number.NaN;
  const notes = [
    `CPU loop on the solo machine beside another solo machine that computes: ${short(median(beside))} s; protected / that: ${short(median(beside) / Number(rows[0]['protected s']))}`,
    `added output latency, made to released: p50 ${heldMicros?.p50} µs, p99 ${heldMicros?.p99} µs; p50 over the ack's: ${short((heldMicros?.p50 ?? Number.NaN) / ack)}`,
    `stages, µs: ${JSON.stringify(stageMicros)}`,
  ];
  for (const { twin, peer } of [pair, solo, neighbour]) {
    twin.type('poweroff\n');
    await twin.ended;
    twin.dispose();
    peer.close();
  }
  return { rows, notes };
}

async function boot(args: readonly string[]): Promise<Guest> {
  let listening: Promise<NetPeer> | undefined;
  const twin = new Twin((dir) => {
    listening = NetPeer.listen(join(dir, 'net.sock'));
    return ['os', '--disk', emptyDisk(dir), '--net', `stream=${join(dir, 'net.sock')}`, ...args];
  });
  const peer = await (listening as Promise<NetPeer>);
  await twin.see('twin> ');
  await peer.arp();
  return { twin, peer, requests: 0 };
}

/** Half of them durable writes; a client has one request under way. */
async function requests(guest: Guest, clients: number, each: number): Promise<void> {
  const first = guest.requests + 1;
  guest.requests += each;
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let n = first; n < first + each; n++) {
        await guest.peer.kv(`c${client}`, n, n % 2 === 0 ? `set c${client} v${n}` : `get c${client}`);
      }
    }),
  );
}
