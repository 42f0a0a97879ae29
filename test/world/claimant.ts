/** A process that claims epochs as fast as it can, for `arbiter-file.test.ts`: prints one JSON line with what it won and lost to whom. */
import { claimEpoch, newIdentity } from '../../src/world/arbiter-file.ts';

const [dir, epochs] = [process.argv[2], Number(process.argv[3])];
const identity = newIdentity();
const results = [];
for (let epoch = 1; epoch <= epochs; epoch++) results.push(await claimEpoch(dir, epoch, identity));
process.stdout.write(`${JSON.stringify({ identity, results })}\n`);
