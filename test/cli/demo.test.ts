/** Does the demo fail when anything was lost, or when nothing was proved? */
import { describe, expect, it } from 'vitest';
import { acknowledgedWrites, judge, presentKeys } from '../../src/cli/demo.ts';

const good = {
  lost: [],
  acknowledged: 20,
  transcriptEqual: true,
  bootMs: 1,
  takeover: { total: 1, detect: 1, claim: 0, drain: 0, fence: 0 },
  logBytesPerSecond: 1,
  outputs: 1,
  heldMost: 1,
  addedLatencyMicros: null,
  seconds: 1,
};

describe("the demo's verdict", () => {
  it('passes when every write is there and the console is the same', () => {
    expect(() => judge(good, 20, 0, '')).not.toThrow();
  });

  it.each([
    ['a write is lost', { ...good, lost: ['k3'] }, 20, 0, /1 acknowledged writes are not on the disk: k3/],
    ['a write was never acknowledged', { ...good, acknowledged: 19 }, 20, 0, /20 writes were asked for, 19 acknowledged/],
    ['the console differs', { ...good, transcriptEqual: false }, 20, 0, /the console differs/],
    ['nothing was taken over', { ...good, takeover: null }, 20, 0, /no takeover was seen/],
    ['the guest failed', good, 20, 3, /the guest ended with 3/],
  ])('fails when %s', (_, result, keys, exit, why) => {
    expect(() => judge(result, keys, exit, 'at character 5')).toThrow(why);
  });
});

describe('what the demo reads from the console', () => {
  it('counts an acknowledged write by its line, and a present key only with the value that was written', () => {
    expect(acknowledgedWrites('twin> kv load 1 3\r\nok k1\r\nok k2\nerror: the disk failed k3\n')).toEqual(['k1', 'k2']);
    expect([...presentKeys('k1 v1\nk2 v3\nk4 v4\r\n3 keys\n')]).toEqual(['k1', 'k4']);
  });
});
