/** Questions to the Ctrl-A keys: which bytes are the guest's, and which are ours? */
import { expect, it } from 'vitest';
import { KeyFilter } from '../../src/world/terminal.ts';

/** What comes of typing these pieces: console bytes as text, keys in angle brackets. */
function typed(...pieces: string[]): string {
  const filter = new KeyFilter();
  let seen = '';
  for (const piece of pieces) {
    filter.feed(Buffer.from(piece, 'latin1'), {
      onBytes: (bytes) => {
        seen += Buffer.from(bytes).toString('latin1');
      },
      onKey: (key) => {
        seen += `<${key}>`;
      },
    });
  }
  return seen;
}

it('gives the guest everything but Ctrl-A and the key after it', () => {
  expect(typed('ls\r\x03\x1b[A\x00\xff')).toBe('ls\r\x03\x1b[A\x00\xff');
  expect(typed('ab\x01xcd')).toBe('ab<quit>cd');
});

it('knows x, h, s and k, also when the key comes in another read', () => {
  expect(typed('\x01', 'x', '\x01', 'h', '\x01s', '\x01k')).toBe('<quit><help><status><kill>');
});

it('sends one Ctrl-A for Ctrl-A a and for Ctrl-A Ctrl-A, and drops keys that mean nothing', () => {
  expect(typed('1\x01a2\x01\x013\x01z4')).toBe('1\x012\x0134');
});
