/** Is what is kept for a crash report bounded, and always a checkpoint with all of the log since? */
import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../emulator/index.ts';
import { Keeper } from '../../src/replay/keeper.ts';
import { REPLAY_LIMITS } from '../../src/replay/limits.ts';

const MEGABYTE = 1 << 20;
const batch = (mark: number, bytes = MEGABYTE): Uint8Array => new Uint8Array(bytes).fill(mark, 0, 1);
const saved = (mark: number): Checkpoint => ({ snapshot: () => Uint8Array.of(mark) });
const marks = (keeper: Keeper): number[] | undefined => keeper.evidence()?.batches.map((bytes) => bytes[0]!);

describe('the keeper of evidence', () => {
  it('begins at reset, and moves to a checkpoint only when the other side agrees', () => {
    const keeper = new Keeper();
    keeper.add(batch(1), 10);
    keeper.checkpoint(10, saved(10));
    keeper.add(batch(2), 20);
    expect(keeper.evidence()).toMatchObject({ seq: 0, snapshot: undefined });
    expect(marks(keeper)).toEqual([1, 2]);
    keeper.agreed(9);
    expect(keeper.evidence()!.seq).toBe(0);
    keeper.agreed(13);
    expect(keeper.evidence()).toMatchObject({ seq: 10, snapshot: Uint8Array.of(10) });
    expect(marks(keeper)).toEqual([2]);
  });

  it('keeps at most two checkpoints that wait for agreement, the oldest and the newest', () => {
    const keeper = new Keeper();
    for (const seq of [10, 20, 30, 40]) {
      keeper.add(batch(seq), seq);
      keeper.checkpoint(seq, saved(seq));
    }
    keeper.agreed(25);
    expect(keeper.evidence()!.seq).toBe(10);
    expect(marks(keeper)).toEqual([20, 30, 40]);
    keeper.agreed(40);
    expect(keeper.evidence()!.seq).toBe(40);
  });

  it('asks for a checkpoint at half of its limit, drops everything at the limit, and starts again with the next agreement', () => {
    const keeper = new Keeper();
    const limit = REPLAY_LIMITS.evidenceBytes / MEGABYTE;
    for (let i = 1; i <= limit; i += 1) {
      expect(keeper.crowded).toBe(i > limit / 2 + 1);
      keeper.add(batch(i), i);
    }
    expect(keeper.evidence()!.batches.length).toBe(limit);
    keeper.add(batch(99), 99);
    expect(keeper.evidence()).toBeUndefined();
    keeper.checkpoint(100, saved(1));
    keeper.add(batch(101), 101);
    expect(keeper.evidence()).toBeUndefined();
    keeper.agreed(100);
    expect(marks(keeper)).toEqual([101]);
  });

  it('stays within its limit when the other side never agrees', () => {
    const keeper = new Keeper();
    const limit = REPLAY_LIMITS.evidenceBytes / MEGABYTE;
    for (let seq = 1; seq <= 4 * limit; seq += 1) {
      keeper.add(batch(seq), seq);
      if (keeper.crowded) keeper.checkpoint(seq, saved(seq));
    }
    expect(keeper.evidence()).toBeUndefined();
    // An agreement that comes this late finds its checkpoint gone, with the log behind it.
    keeper.agreed(limit);
    expect(keeper.evidence()).toBeUndefined();
    keeper.agreed(4 * limit);
    expect(keeper.evidence()!.batches.length).toBeLessThanOrEqual(limit);
  });
});
