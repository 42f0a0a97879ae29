/** Does a snapshot come back as it was, and is anything else refused in words? Does the digest notice every change? */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { State } from '../../emulator/devices/device.ts';
import { digestOf, hashBytes, hashWords, hex } from '../../emulator/digest.ts';
import { fieldsOf, readSnapshot, SNAPSHOT_VERSION, SnapshotError, writeSnapshot } from '../../emulator/snapshot.ts';
import { fromUtf8, utf8 } from '../../emulator/text.ts';

const { value: anyValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
    fc.boolean(),
    fc.constant(null),
    fc.string({ unit: 'binary' }),
    fc.uint8Array(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
const anySections = fc.array(fc.tuple(fc.string(), fc.dictionary(fc.string(), anyValue, { maxKeys: 5, noNullPrototype: true })), {
  maxLength: 4,
});
const sample = () =>
  new Map<string, State>([
    ['uart', { ier: 3, queue: Uint8Array.of(1, 2, 3) }],
    ['hart', { x: [0, 1, -1], name: 'härte', mtimecmp: 2n ** 64n - 1n }],
  ]);

describe('a snapshot', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(anySections, (sections) => {
        const map = new Map(sections as [string, State][]);
        expect(readSnapshot(writeSnapshot(map))).toEqual(map);
      }),
      { numRuns: 300 },
    );
  });

  it('has the same bytes whatever the order in which fields were made', () => {
    expect(writeSnapshot(new Map([['a', { x: 1, y: { b: 2, a: 3 } }]]))).toEqual(
      writeSnapshot(new Map([['a', { y: { a: 3, b: 2 }, x: 1 }]])),
    );
  });

  it('that was cut off anywhere is refused, and says how much there is', () => {
    const bytes = writeSnapshot(sample());
    for (let length = 0; length < bytes.length; length++) {
      expect(() => readSnapshot(bytes.slice(0, length))).toThrow(
        length < 24 ? /not a snapshot: it has/ : `cut off: want ${bytes.length} bytes, got ${length}`,
      );
    }
  });

  it('of which any bit was altered, or to which bytes were added, is refused', () => {
    const bytes = writeSnapshot(sample());
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const altered = bytes.slice();
      altered[bit >> 3] ^= 1 << (bit & 7);
      expect(() => readSnapshot(altered)).toThrow(SnapshotError);
    }
    expect(() => readSnapshot(Uint8Array.of(...bytes, 0))).toThrow(/altered/);
  });

  it('of another version is refused, and both versions are named', () => {
    const bytes = writeSnapshot(sample());
    bytes[8] = 7;
    expect(() => readSnapshot(bytes)).toThrow(`the snapshot has format version 7, this program reads version ${SNAPSHOT_VERSION}`);
  });

  it('with a right checksum and wrong insides is refused too', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(255), (at, value) => {
        const bytes = writeSnapshot(sample());
        const body = bytes.slice(0, -16);
        if (at < 24 || at >= body.length) return;
        body[at] = value;
        const forged = Uint8Array.of(...body, ...utf8(digestOf(body)));
        try {
          readSnapshot(forged);
        } catch (error) {
          expect(error).toBeInstanceOf(SnapshotError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a field', () => {
  const fields = fieldsOf('uart', { ier: 3, big: 5n, on: true, name: 'x', bytes: new Uint8Array(4), list: [1, 2], inner: { a: 1 } });

  it('is read by name and kind', () => {
    expect([
      fields.integer('ier', 0, 3),
      fields.bigint('big'),
      fields.boolean('on'),
      fields.text('name'),
      fields.bytes('bytes', 4, true).length,
    ]).toEqual([3, 5n, true, 'x', 4]);
    expect([fields.list('list', 2), fields.fields('inner').integer('a')]).toEqual([[1, 2], 1]);
  });

  it.each([
    [() => fields.integer('ier', 0, 2), /uart: ier: want an integer from 0 to 2, got 3/],
    [() => fields.integer('missing'), /uart: missing: want an integer .*, got undefined/],
    [() => fields.integer('toString'), /got undefined/],
    [() => fields.bigint('ier'), /want a bigint, got 3/],
    [() => fields.boolean('name'), /want true or false, got x/],
    [() => fields.bytes('bytes', 3), /want at most 3 bytes, got 4 bytes/],
    [() => fields.bytes('bytes', 5, true), /want exactly 5 bytes, got 4 bytes/],
    [() => fields.list('list', 1), /want a list of at most 1, got a list of 2/],
    [() => fields.fields('ier'), /uart\.ier: the section: want a set of named fields, got 3/],
    [() => fieldsOf('rtc', undefined), /rtc: the section/],
  ])('that is missing or of another kind is refused: %s', (read, words) => {
    expect(read).toThrow(words);
    expect(read).toThrow(SnapshotError);
  });
});

describe('the digest', () => {
  it('stays what it was: snapshots, logs and checkpoints keep it', () => {
    expect([
      digestOf(new Uint8Array(0)),
      digestOf(utf8('twinhart')),
      digestOf(new Uint8Array(4096)),
      digestOf(utf8('twinhart'), 1),
    ]).toMatchInlineSnapshot(`
      [
        "588c3c96a519bf02",
        "9a151f00da2b3237",
        "3f5b76c56666574f",
        "84c0ebb325040943",
      ]
    `);
  });

  it('is the same for bytes and for words, wherever they lie', () => {
    const words = Int32Array.from({ length: 1024 }, (_, i) => Math.imul(i, 0x9e3779b1));
    const halves = { high: 0, low: 0 };
    hashWords(words, 0, 1024, 4096, halves);
    const bytes = new Uint8Array(words.buffer);
    expect(digestOf(bytes)).toBe(hex(halves));
    const shifted = new Uint8Array(4099);
    shifted.set(bytes, 3);
    expect(digestOf(shifted.subarray(3))).toBe(digestOf(bytes));
  });

  it('notices every flipped bit of a page, in both halves', () => {
    const page = new Uint8Array(4096);
    const [seen, out] = [new Set<string>(), { high: 0, low: 0 }];
    const halves = [new Set<number>(), new Set<number>()];
    for (let bit = 0; bit < 4096 * 8; bit++) {
      page[bit >> 3] ^= 1 << (bit & 7);
      hashBytes(page, 0, out);
      seen.add(hex(out));
      halves[0].add(out.high);
      halves[1].add(out.low);
      page[bit >> 3] ^= 1 << (bit & 7);
    }
    expect(seen.size).toBe(4096 * 8);
    // 32,768 draws from 2^32: now and then two are equal.
    for (const half of halves) expect(half.size).toBeGreaterThan(4096 * 8 - 5);
  });

  it('notices two words that are exchanged, the same bit flipped in two words, and a longer run of zeros', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), fc.nat(15), fc.nat(15), fc.nat(31), (bytes, i, j, bit) => {
        if (i === j) return;
        const words = new Int32Array(bytes.slice().buffer);
        const digest = () => digestOf(new Uint8Array(words.buffer));
        const before = digest();
        words[i] ^= 1 << bit;
        words[j] ^= 1 << bit;
        expect(digest()).not.toBe(before);
        words[i] ^= 1 << bit;
        words[j] ^= 1 << bit;
        const [a, b] = [words[i], words[j]];
        words[i] = b;
        words[j] = a;
        if (a !== b) expect(digest()).not.toBe(before);
      }),
      { numRuns: 2000 },
    );
    expect(new Set(Array.from({ length: 100 }, (_, n) => digestOf(new Uint8Array(n)))).size).toBe(100);
  });
});

describe('UTF-8', () => {
  it('is what everybody else makes of it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect([...utf8(text)]).toEqual([...new TextEncoder().encode(text)]);
        expect(fromUtf8(utf8(text))).toBe(text);
      }),
    );
  });

  it('never fails on ill-formed bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => typeof fromUtf8(bytes) === 'string'));
    expect([fromUtf8(Uint8Array.of(0xc0, 0x80)), fromUtf8(Uint8Array.of(0xed, 0xa0, 0x80)), fromUtf8(Uint8Array.of(0xe2, 0x82))]).toEqual([
      '\ufffd\ufffd',
      '\ufffd\ufffd\ufffd',
      '\ufffd\ufffd',
    ]);
  });
});
