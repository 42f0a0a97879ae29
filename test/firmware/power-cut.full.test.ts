/** Does the store survive a power cut at any disk write? Each write is cut short, done whole, or lost with all that was not flushed before it; then the small OS
 *  boots from what is left. */
import { describe, expect, it } from 'vitest';
import { MachineGuest } from './machine-guest.ts';

const SECTOR = 512;
const LOG_SECTOR = 16;

describe('the store of the small OS', () => {
  it('loses no acknowledged write, and invents none, when the power is cut at or in the middle of any disk write', () => {
    // Halves of 256 sectors, nearly full: the changes under test meet a compaction.
    const prepared = new Uint8Array((LOG_SECTOR + 2 * 256) * SECTOR);
    new MachineGuest({ disk: prepared, typed: `${'kv load 1 21\n'.repeat(12)}poweroff\n` }).settle();
    const cuts: { disk: Uint8Array; acknowledged: string }[] = [];
    const guest = new MachineGuest({ disk: prepared, typed: 'kv load 19 8\nkv del k4\npoweroff\n' });
    let flushed = Uint8Array.from(prepared);
    guest.onFlush = () => {
      flushed = Uint8Array.from(prepared);
    };
    guest.onWrite = (sector, data) => {
      const torn = Uint8Array.from(prepared);
      torn.set(data.subarray(0, Math.floor(data.length / SECTOR / 2) * SECTOR + 60), sector * SECTOR);
      const whole = Uint8Array.from(prepared);
      whole.set(data, sector * SECTOR);
      for (const disk of [torn, whole, flushed.slice()]) cuts.push({ disk, acknowledged: guest.transcript });
    };
    guest.settle();
    expect(cuts, 'writes of 9 changes, a compaction (3) and its superblock, each in three ways').toHaveLength(39);
    for (const [i, { disk, acknowledged }] of cuts.entries()) {
      const after = new MachineGuest({ disk, typed: 'kv list\npoweroff\n' });
      after.settle();
      const keys = (after.transcript.match(/^k\d+ v\d+$/gm) ?? []).map((line) => Number(/\d+/.exec(line)?.[0]));
      const before = Array.from({ length: 21 }, (_, i) => i + 1);
      const acked = [...before, ...(acknowledged.match(/^ok k\d+$/gm) ?? []).map((line) => Number(line.slice(4)))];
      const deleted = /kv del k4\nok/.test(acknowledged);
      const maybe = Math.max(...acked) + 1; // the one in flight
      for (const key of acked) if (key !== 4) expect(keys, `cut ${i}: k${key} was acknowledged`).toContain(key);
      if (maybe <= 26) expect(keys, `cut ${i}: k4 is not deleted yet`).toContain(4);
      if (deleted) expect(keys, `cut ${i}: k4 was deleted`).not.toContain(4);
      for (const key of keys) expect(key <= maybe, `cut ${i}: k${key} was asked for`).toBe(true);
    }
  });
});
