/** Is nothing lost, doubled or split, wherever a replica dies? Every cut point, every fate of last words, and pairs of deaths. */
import { describe, expect, it } from 'vitest';
import { BOARD } from './guests.ts';
import {
  cutsWithArbiters,
  doubleCuts,
  every,
  lateWords,
  partitionsAndArbiters,
  play,
  seeds,
  singleCuts,
  slowOperations,
  stops,
  strangers,
} from './plans.ts';
import { PLAIN } from './simulation.ts';

describe('exhaustive failover', () => {
  const groups = {
    'either side dies at any point, whatever becomes of its last words': singleCuts,
    'the primary dies at any point while a world operation is under way for long': slowOperations,
    'the last words of a dead primary reach the world at any moment of the takeover': () => lateWords(5, 2),
    'both die, one after the other, in the takeover too': () => doubleCuts(7, 5),
    'one side is stopped at any moment and wakes': () => stops(2),
    'the link or the heartbeats fail at any moment, the arbiter is slow or away': () => partitionsAndArbiters(3),
    'either side dies while the arbiter is slow, away, or loses its answer': () => cutsWithArbiters(3),
    'the pair never quite joins': strangers,
    'anything, by seed': () => seeds(1000, 3000),
  };
  it('keeps every promise when either side of a pair of real boards dies at any point', () => {
    const { runs, takeovers, failures } = play(every(7, singleCuts(PLAIN, BOARD)), {}, 3, BOARD);
    console.log(`real boards: ${runs} histories, ${takeovers} takeovers`);
    expect(failures).toEqual([]);
  });

  it('keeps every promise when a real board dies while a world operation is under way for long, or anything happens', () => {
    expect(play(every(5, slowOperations(BOARD)), {}, 3, BOARD).failures).toEqual([]);
    expect(play(seeds(1, 150), {}, 3, BOARD).failures).toEqual([]);
  });

  for (const [what, trials] of Object.entries(groups)) {
    it(`keeps every promise when ${what}`, () => {
      const { runs, takeovers, failures } = play(trials());
      console.log(`${what}: ${runs} histories, ${takeovers} takeovers`);
      expect(failures).toEqual([]);
    });
  }
});
