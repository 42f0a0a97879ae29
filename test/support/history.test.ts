/** Is the judge of histories itself right: does it accept what one order of the calls explains, and name the key that none does? */
import { describe, expect, it } from 'vitest';
import { type Call, impossibleKey } from './history.ts';

const set = (value: string, begun: number, ended: number): Call => ({
  client: 'a',
  key: 'k',
  action: { kind: 'set', value },
  answer: undefined,
  begun,
  ended,
});
const get = (answer: string | undefined, begun: number, ended: number): Call => ({
  client: 'b',
  key: 'k',
  action: { kind: 'get' },
  answer,
  begun,
  ended,
});

describe('the history checker', () => {
  it('accepts a read that overlaps a write, with either value', () => {
    expect(impossibleKey([set('1', 1, 4), get(undefined, 2, 3)])).toBeUndefined();
    expect(impossibleKey([set('1', 1, 4), get('1', 2, 3)])).toBeUndefined();
  });

  it('refuses a read that misses a write acknowledged before it began', () => {
    expect(impossibleKey([set('1', 1, 2), get(undefined, 3, 4)])).toBe('k');
  });

  it('refuses a value that comes back after it was overwritten', () => {
    expect(impossibleKey([set('1', 1, 2), set('2', 3, 4), get('2', 5, 6), get('1', 7, 8)])).toBe('k');
  });
});
