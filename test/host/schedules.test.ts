/** A handful of `schedules.full.test.ts`: is nothing lost, doubled or stuck when replicas with real threads and full rings die? */
import { describe, expect, it } from 'vitest';
import {
  doubleCuts,
  every,
  type HostTrial,
  madeCuts,
  playAll,
  pressures,
  seeds,
  singleCuts,
  slowWorlds,
  startCuts,
  stops,
} from './thread-plans.ts';
import { CALM, play, SMALLEST_RING } from './threads.ts';

describe('a pair with its threads', () => {
  it('needs no tick to bring a real board to its end, and does what a machine alone does', async () => {
    const { verdict, nodes, epochs } = await play({ ...CALM, guest: 'board', ringBytes: SMALLEST_RING.board, ticks: false });
    expect(verdict).toEqual([]);
    expect([nodes.A.haltReason, nodes.B.haltReason, epochs.size]).toEqual(['off', 'off', 1]);
  });

  it('loses and doubles nothing when either side dies or stops, or both do', async () => {
    const { failures, happened, takeovers } = await playAll([
      ...every(19, singleCuts('toy')),
      ...every(61, singleCuts('board')),
      ...every(41, doubleCuts('toy')),
      ...every(13, startCuts('toy')),
      ...every(11, madeCuts('toy')),
      ...every(11, slowWorlds('board')),
      ...every(53, stops('toy')),
      ...seeds(1, 3),
    ]);
    expect(failures).toEqual([]);
    expect(happened).toBeGreaterThan(10);
    expect(takeovers).toBeGreaterThan(3);
  });

  it('fills each ring, stalls, and deadlocks nobody', async () => {
    const trials: HostTrial[] = [...pressures()];
    // A writer that is stuck on the log when its reader dies, and a backup that keeps all it may when it has to take over.
    const deaths = [/machine thread .*kill B at full log ring/, /machine thread .*kill A at full held outputs @B/];
    const chosen = deaths.map((name) => trials.find((trial) => name.test(trial.name))!);
    const { failures, full } = await playAll([...every(23, trials), ...chosen, ...trials.slice(-2)]);
    expect(failures).toEqual([]);
    const rings = ['log ring', 'backlog @B', 'ring to machine @B', 'ring from machine @A', 'ring from machine @B', 'held outputs @A'];
    expect(rings.filter((ring) => !full.has(`full ${ring}`))).toEqual([]);
  });
});
