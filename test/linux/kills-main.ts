/** `npm run linux:kills -- --moments 20 --seed 7 --only sqlite3`: kills at many random moments, one line for each; goes on after a failure and says so at the end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../support/random.ts';
import { difference, play, SCENARIOS, someMoment } from './kills.ts';

const { values } = parseArgs({ options: { moments: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } } });
const moments = Number(values.moments ?? 20);
const seed = Number(values.seed ?? Date.now() % 100_000);
const chosen = SCENARIOS.filter(({ name }) => values.only === undefined || name === values.only);
if (chosen.length === 0 || !(moments > 0) || !(seed >= 0)) {
  console.error(`usage: npm run linux:kills -- [--moments 20] [--seed 7] [--only '${SCENARIOS.map(({ name }) => name).join("' | '")}']`);
  process.exit(64);
}

const dir = mkdtempSync(join(tmpdir(), 'twinhart-kills-'));
let failures = 0;
try {
  console.log(`seed ${seed}`);
  for (const scenario of chosen) {
    const random = new Random(seed);
    const unfailed = await play(scenario, dir);
    const length = unfailed.timeline.at(-1)!.at - unfailed.timeline[0]!.at;
    console.log(`${scenario.name}: ${Math.round(length)} ms when nobody is killed`);
    for (let i = 1; i <= moments; i++) {
      const moment = someMoment(unfailed, random);
      const where = `${String(i).padStart(4)}  at ${(moment.share * 100).toFixed(1).padStart(4)} %, byte ${moment.length} + ${moment.afterMs.toFixed(1)} ms`;
      try {
        const { takeover, transcript } = await play(scenario, dir, moment);
        const other = difference(transcript, unfailed.transcript);
        if (other !== undefined) throw new Error(other);
        console.log(`${where}  ${takeover}`);
      } catch (error) {
        failures += 1;
        console.log(`${where}  FAILED: ${(error as Error).message}`);
      }
    }
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}
console.log(`${failures} of ${chosen.length * moments} failed`);
process.exit(failures === 0 ? 0 : 1);
