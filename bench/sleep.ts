/** `sleep 10` in a protected Linux guest, by the host's clock: on either engine, alone and beside a busy loop. */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './linux-boot.ts';
import { LinuxGuest } from './linux-guest.ts';
import type { Work } from './linux-work.ts';
import type { Report } from './report.ts';

const MAIN = fileURLToPath(new URL('../app/twinhart.js', import.meta.url));
const SECONDS = 10;
/** Past this the promise is not kept. */
const OFF_MAX = 0.1;
const WORKS: readonly Work[] = [
  { name: 'alone', line: `sleep ${SECONDS}`, says: '' },
  // The loop is ended after the second mark, so that its end is in no figure.
  { name: 'beside a busy loop', line: `(while :; do :; done) & sleep ${SECONDS}`, says: '' },
];

export async function run(runs = 1): Promise<Report> {
  const load = loadavg()[0];
  bundle();
  const rows: { engine: string; sleep: string; 'host seconds': string; kept: string }[] = [];
  for (let round = 0; round < runs; round++) {
    for (const engine of ['interpreter', 'auto']) rows.push(...(await onEngine(engine)));
  }
  return { rows, notes: [`load of the host when it began: ${load.toFixed(1)}`] };
}

async function onEngine(engine: string) {
  const state = mkdtempSync(join(tmpdir(), 'twinhart-bench-'));
  const guest = new LinuxGuest(process.execPath, [MAIN, 'run', 'linux', '--engine', engine, '--state', state]);
  try {
    await guest.prompt();
    const rows = [];
    for (const work of WORKS) {
      const { wall } = await guest.run(work);
      const kept = Math.abs(wall - SECONDS) <= OFF_MAX ? 'yes' : 'no';
      rows.push({ engine, sleep: work.name, 'host seconds': wall.toFixed(3), kept });
    }
    await guest.off();
    return rows;
  } finally {
    guest.kill();
    rmSync(state, { recursive: true, force: true });
  }
}
