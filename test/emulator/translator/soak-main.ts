/** `npm run soak -- --instructions 10e9`: the small OS under load on both engines, with little room for code. */
import { Command, InvalidArgumentError } from 'commander';
import { soak } from './soak.ts';

const program = new Command('soak')
  .description('runs the small OS under load on the interpreter and on the translator, and compares them at checkpoints')
  .option('--instructions <n>', 'run this many', many, 1e9);
program.parse();
const { instructions } = program.opts<{ instructions: number }>();

const { difference, icount, checkpoints, statistics } = soak(instructions, (at, digest) => {
  console.log(`${at} ${digest}`);
});
console.log(`${icount} instructions, ${checkpoints} checkpoints, ${JSON.stringify(statistics)}`);
console.log(difference ?? 'no difference');
process.exitCode = difference === undefined ? 0 : 1;

function many(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('want a whole number, such as 10e9');
}
