/** With `--clock icount`, is a run with a disk a function of the image alone: whatever the disk's pace and order? */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMachine, type DiskRequest } from '../../emulator/index.ts';
import { createDriver } from '../../src/replay/create-driver.ts';
import { BUSY_CONFIG } from '../support/busy-guest.ts';
import { CONFIG, RUN } from './session.ts';

/** Runs the busy guest to its end on slices of `budget`; the disk answers the pending request that `pick` names, after `pace` turns. */
function play(budget: number, pace: number, pick: (count: number) => number): { icount: number; digest: string; disk: string } {
  const machine = createMachine({ ...BUSY_CONFIG, clock: 'icount' });
  const driver = createDriver({ machine, run: RUN, config: CONFIG, role: 'primary' });
  const disk = new Uint8Array(8 * 512);
  const pending: DiskRequest[] = [];
  driver.record(1);
  driver.offer({ kind: 'console', port: 0, bytes: Uint8Array.of(65, 66, 67, 68) }, 4, 0n);
  for (let turns = 1; turns < 100_000; turns++) {
    const turn = driver.turn(BigInt(turns) * 1000n, budget);
    if (turn.state === 'off') return { icount: machine.icount, digest: machine.digest(), disk: Buffer.from(disk).toString('hex') };
    for (const output of turn.outputs) {
      if (output.kind === 'diskRead' || output.kind === 'diskWrite' || output.kind === 'diskFlush') pending.push(output);
    }
    if (turns % pace !== 0 || pending.length === 0) continue;
    const [request] = pending.splice(pick(pending.length), 1);
    if (request === undefined) continue;
    if (request.kind === 'diskWrite') disk.set(request.data, request.sector * 512);
    const data =
      request.kind === 'diskRead' ? disk.slice(request.sector * 512, (request.sector + request.sectors) * 512) : new Uint8Array();
    expect(driver.offer({ kind: 'disk', request: request.request, status: 0, data }, 0, BigInt(turns) * 1000n)).toBe(true);
  }
  throw new Error('the guest did not end');
}

describe('--clock icount', () => {
  it('gives the same run whatever the pace and the order in which the disk answers', () => {
    const expected = play(1000, 1, () => 0);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 1, max: 20 }),
        fc.infiniteStream(fc.nat()),
        (budget, pace, order) => {
          expect(play(budget, pace, (count) => (order.next().value as number) % count)).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });
});
