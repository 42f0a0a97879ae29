/** `npm run fuzz`: hot random programs on two engines, on all cores. `--seed 7 --image 12` plays one image again. */
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { Piscina } from 'piscina';
import { newTally } from './fuzz.ts';
import play, { type Found, type Share } from './fuzz-worker.ts';

const SHARE = 500;

const program = new Command('fuzz')
  .description('plays hot random programs on the interpreter and on the translator, and compares them at random stops')
  .option('--programs <n>', 'play this many', whole, 10_000)
  .option('--seed <n>', 'of the programs and of the stops', whole, 1)
  .option('--image <n>', 'play this image alone', whole);
program.parse();
const options = program.opts<{ programs: number; seed: number; image?: number }>();

if (options.image === undefined) await many(options.seed, options.programs);
else verdict([play({ seed: options.seed, first: options.image, programs: 1 })]);

async function many(seed: number, programs: number): Promise<void> {
  const pool = new Piscina<Share, Found>({
    filename: new URL('./fuzz-worker.js', import.meta.url).href,
    maxThreads: availableParallelism(),
  });
  const shares: Share[] = [];
  for (let at = 0; at < programs; at += SHARE) shares.push({ seed, first: at, programs: Math.min(SHARE, programs - at) });
  const found = await Promise.all(shares.map((share) => pool.run(share)));
  await pool.destroy();
  verdict(found);
}

function verdict(found: readonly Found[]): void {
  const sum = newTally();
  for (const { tally, failure } of found) {
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += tally[key];
    if (failure !== undefined) console.log(failure);
  }
  const failures = found.filter(({ failure }) => failure !== undefined).length;
  console.log(`SEED=${options.seed}: ${JSON.stringify(sum)}`);
  console.log(failures === 0 ? 'no difference' : `${failures} differences`);
  process.exitCode = failures === 0 ? 0 : 1;
}

function whole(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('want a whole number, such as 7');
}
