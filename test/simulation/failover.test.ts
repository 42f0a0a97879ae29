/**
 * Is nothing lost, doubled or split, wherever a replica dies? A sample of the exhaustive run (failover.full.test.ts) that fits the fast suite, and
 * a fixed set of seeds; `npm run sim -- --seed N` plays one seed again.
 */
import { describe, expect, it } from 'vitest';
import { BOARD } from './guests.ts';
import { judge } from './oracle.ts';
import { doubleCuts, every, lateWords, partitionsAndArbiters, play, seeds, singleCuts, slowOperations, stops, strangers } from './plans.ts';
import { PLAIN, simulate } from './simulation.ts';

/** Cut points of protocol.md "Proof". */
const CUT_POINTS = {
  output: [
    'made',
    'appended',
    'sent',
    'received',
    'acked',
    'released console',
    'accepted console',
    'released disk',
    'begun disk',
    'ended disk',
    'accepted disk',
    'completion logged',
    'released power',
    'accepted power',
    'said off',
  ],
  takeover: [
    'claim sent',
    'claim recorded B',
    'claim won',
    'hello console',
    'fenced console',
    'hello disk',
    'fenced disk',
    'drained',
    'live',
    'new entry',
  ],
};

describe('a pair in virtual time', () => {
  it('does, undisturbed, what a machine alone would do, and is the same to the last point every time', () => {
    const once = simulate(PLAIN);
    expect(judge(once)).toEqual([]);
    expect(once.world.exits).toHaveLength(1);
    expect(simulate(PLAIN).points).toEqual(once.points);
  });

  it('does so on the real board with the real devices too, undisturbed and when a side dies', () => {
    const calm = simulate(PLAIN, {}, BOARD);
    expect(judge(calm, BOARD)).toEqual([]);
    expect(calm.world.exits).toHaveLength(1);
    const { failures, takeovers } = play(every(67, singleCuts(PLAIN, BOARD)), {}, 3, BOARD);
    expect(failures).toEqual([]);
    expect(takeovers).toBeGreaterThan(5);
  });

  it('does not suspect a backup that is slow and says so, and loses nothing when that one takes over', () => {
    const slow = { ...PLAIN, backupRests: { at: 30, forMs: 900 }, bufferBytes: 300 };
    const history = simulate(slow);
    expect(judge(history)).toEqual([]);
    expect([...history.epochs.keys()]).toEqual([1]);
    expect(simulate(slow, { host: { saysFull: false } }).epochs.size).toBe(2);
    expect(play(every(61, singleCuts(slow))).failures).toEqual([]);
  });

  it('goes on alone, with an epoch of its own, when the backup diverges; and a diverged backup never goes live', () => {
    const wrong = { backupFlaws: { inexact: true } };
    const { nodes, epochs, world, points } = simulate(PLAIN, wrong);
    expect([nodes.B.haltCode, nodes.A.haltReason, world.exits.length]).toEqual([70, 'off', 1]);
    expect([...epochs]).toEqual([
      [1, 'A'],
      [2, 'A'],
    ]);
    let whileDraining = 0;
    for (let at = 0; at < points.length; at += 5) {
      const { B } = simulate({ ...PLAIN, backupSlice: 5, cuts: [{ at, victims: ['A'], link: 'arrives', world: 'arrives' }] }, wrong).nodes;
      if (B.haltCode !== 70) continue;
      expect(B.wentLive).toBe(false);
      if (B.haltDetail.includes('has to go on from')) whileDraining += 1;
    }
    expect(whileDraining).toBeGreaterThan(0);
  });

  it('passes every cut point that protocol.md names', () => {
    const { points } = simulate(PLAIN);
    const reached = new Set(points.map((point) => point.replace(/ @.*/, '')));
    expect(CUT_POINTS.output.filter((label) => !reached.has(label))).toEqual([]);
    const half = simulate({ ...PLAIN, cuts: [{ at: points.length >> 1, victims: ['A'], link: 'arrives', world: 'arrives' }] });
    const taken = new Set(half.points.slice(points.length >> 1).map((point) => point.replace(/ @.*/, '')));
    expect(CUT_POINTS.takeover.filter((label) => !taken.has(label))).toEqual([]);
  });

  const groups = {
    'either side dies at a point': () => every(29, singleCuts()),
    'the primary dies while a world operation is under way for long': () => every(7, slowOperations()),
    'the last words of a dead primary reach the world late': () => lateWords(40, 5),
    'both die, one after the other': () => doubleCuts(61, 23),
    'one side is stopped and wakes': () => stops(17),
    'the link or the heartbeats fail, the arbiter is slow or away': () => partitionsAndArbiters(31),
    'the pair never quite joins': () => every(4, strangers()),
    'anything, by seed': () => seeds(1, 60),
  };
  for (const [what, trials] of Object.entries(groups)) {
    it(`keeps every promise when ${what}`, () => {
      const { runs, failures } = play(trials());
      expect(failures).toEqual([]);
      expect(runs).toBeGreaterThan(5);
    });
  }
});
