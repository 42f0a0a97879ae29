/** `npm run sim`: plays histories made from seeds. `--seed 7` tells one in full, `--runs 2000` plays many on all cores and names those that fail. */
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { Piscina } from 'piscina';
import { judge } from './oracle.ts';
import { type Findings, seeded, tell } from './plans.ts';
import type { Range } from './play-worker.ts';
import { simulate } from './simulation.ts';

const RANGE = 50;

const program = new Command('sim')
  .description('plays simulated failovers from seeds, and judges them')
  .option('--seed <n>', 'play this one and tell it point by point', whole)
  .option('--runs <n>', 'play this many', whole, 1000)
  .option('--first <n>', 'the first seed of many', whole, 1);
program.parse();
const options = program.opts<{ seed?: number; runs: number; first: number }>();

if (options.seed === undefined) await many(options.first, options.runs);
else one(options.seed);

function one(seed: number): void {
  const { plan } = seeded(seed);
  console.log(JSON.stringify({ ...plan, jitter: 'from the seed' }));
  const history = simulate(plan);
  history.points.forEach((point, i) => void console.log(`${i}  ${point}`));
  console.log(tell(history));
  verdict(judge(history));
}

async function many(first: number, runs: number): Promise<void> {
  const pool = new Piscina<Range, Findings>({
    filename: new URL('./play-worker.js', import.meta.url).href,
    maxThreads: availableParallelism(),
  });
  const ranges: Range[] = [];
  for (let at = first; at < first + runs; at += RANGE) ranges.push({ first: at, count: Math.min(RANGE, first + runs - at) });
  const findings = await Promise.all(ranges.map((range) => pool.run(range)));
  await pool.destroy();
  console.log(`${runs} histories, ${findings.reduce((sum, each) => sum + each.takeovers, 0)} takeovers`);
  verdict(findings.flatMap((each) => each.failures));
}

function verdict(failures: readonly string[]): void {
  for (const failure of failures) console.log(`VIOLATION  ${failure}`);
  console.log(failures.length === 0 ? 'every promise kept' : `${failures.length} violations`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

function whole(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('want a whole number, such as 7');
}
