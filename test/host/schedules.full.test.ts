/**
 * The schedules of test/simulation through the real host: machine threads, rings and the memory link. Deadlocks live there, and so
 * does whatever two threads do to each other at the moment of a death.
 */
import { describe, expect, it } from 'vitest';
import {
  CUT_POINTS,
  doubleCuts,
  every,
  madeCuts,
  playAll,
  pressures,
  seeds,
  singleCuts,
  slowWorlds,
  startCuts,
  stops,
} from './thread-plans.ts';

describe('a pair with its threads keeps every promise', () => {
  const passed = new Set<string>();
  const groups = {
    'when either side dies at any point': () => singleCuts('toy'),
    'when either side of a pair of real boards dies': () => every(3, singleCuts('board')),
    'when either side dies while the pair comes together': () => startCuts('toy'),
    'when both die, one after the other, in the takeover too': () => doubleCuts('toy'),
    'when a machine thread dies with outputs made that no entry covers': () => madeCuts('toy'),
    'when world operations take long and the arbiter is away': () => slowWorlds('board'),
    'when a thread or a replica stops, and wakes': () => stops('toy'),
    'when rings are full': pressures,
    'whatever happens, by seed': () => seeds(1, 100),
  };
  for (const [what, trials] of Object.entries(groups)) {
    it(what, async () => {
      const { runs, happened, takeovers, full, points, slowestMs, failures } = await playAll(trials());
      console.log(`${what}: ${runs} histories, ${happened} as planned, ${takeovers} takeovers, slowest ${slowestMs} ms`);
      if (full.size > 0) console.log(`full: ${[...full].join(', ')}`);
      for (const label of points) passed.add(label);
      expect(failures).toEqual([]);
      expect(happened).toBeGreaterThan(runs / 3);
    });
  }

  it('at every cut point that a host can be seen to pass', () => {
    expect(CUT_POINTS.filter((label) => !passed.has(label))).toEqual([]);
  });
});
