/** Is a recording good to its last whole batch when cut, refused where it is damaged, and refused by another machine? */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBatch } from '../../src/replay/codec.ts';
import { configHash, configOf, type Description, describe as describeConfig, difference } from '../../src/replay/description.ts';
import { openRecording, recordingHeader } from '../../src/replay/recording.ts';
import { description } from './arbitrary.ts';

const CONFIG = configHash(description);
const RUN = 'feedfacecafebeef';

/** Three batches: two entries, a bare horizon, one entry under the next epoch. */
const parts = [
  recordingHeader(description),
  encodeBatch(
    {
      run: RUN,
      epoch: 1,
      first: 1,
      horizon: 900,
      entries: [
        { kind: 'protect', seq: 1, at: 0 },
        { kind: 'input', seq: 2, at: 700, input: { kind: 'console', port: 0, bytes: Uint8Array.of(65) }, origin: 1 },
      ],
    },
    CONFIG,
  ),
  encodeBatch({ run: RUN, epoch: 1, first: 3, horizon: 5000, entries: [] }, CONFIG),
  encodeBatch({ run: RUN, epoch: 2, first: 3, horizon: 5000, entries: [{ kind: 'epoch', seq: 3, at: 5000, epoch: 2 }] }, CONFIG),
];
const join = (pieces: readonly Uint8Array[]): Uint8Array => Uint8Array.from(pieces.flatMap((piece) => [...piece]));
const file = join(parts);
const ends = parts.map((_, i) => join(parts.slice(0, i + 1)).length);

describe('a recording', () => {
  it('gives back its description and its batches', () => {
    const recording = openRecording(file);
    if (recording.kind === 'fault') throw new Error(recording.detail);
    expect(recording).toMatchObject({ description, config: CONFIG, run: RUN, cut: undefined });
    expect(recording.batches.map(({ bytes }) => bytes)).toEqual(parts.slice(1));
    expect(recording.batches.map(({ offset }) => offset)).toEqual(ends.slice(0, -1));
  });

  it('that was cut off anywhere is good to its last whole batch, and says so', () => {
    for (let length = 0; length < file.length; length += 1) {
      const recording = openRecording(file.subarray(0, length));
      const whole = ends.filter((end) => end <= length).length - 1;
      if (whole < 0) {
        expect(recording, `${length} bytes`).toMatchObject({ kind: 'fault', code: 'cut', offset: 0 });
        continue;
      }
      if (recording.kind === 'fault') throw new Error(`${length} bytes: ${recording.detail}`);
      expect(recording.batches.length, `${length} bytes`).toBe(whole);
      if (ends.includes(length)) expect(recording.cut).toBeUndefined();
      else expect(recording.cut, `${length} bytes`).toMatchObject({ code: 'cut', offset: ends[whole] });
    }
  });

  it('with any one byte damaged is refused at the batch that holds it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 255 }), (flip) => {
        for (let i = 0; i < file.length; i += 1) {
          const bad = file.slice();
          bad[i]! ^= flip;
          const start = i < ends[0]! ? 0 : ends.findLast((end) => end <= i);
          const opened = openRecording(bad);
          expect(opened.kind, `byte ${i}`).toBe('fault');
          // A damaged length in the file's header may look like a file that ends early; it is refused all the same.
          if (opened.kind === 'fault') expect(opened.offset, `byte ${i}`).toBe(start);
        }
      }),
      { numRuns: 12 },
    );
  });

  it('with a batch left out, doubled, or of another run is refused there', () => {
    const [header, one, two, three] = parts as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    expect(openRecording(join([header, two, three]))).toMatchObject({ code: 'order', detail: 'entry 3 where 1 should come' });
    expect(openRecording(join([header, one, one]))).toMatchObject({ code: 'order', offset: ends[1] });
    expect(openRecording(join([header, one, three, two]))).toMatchObject({ code: 'order' });
    const other = encodeBatch({ run: 'aaaaaaaaaaaaaaaa', epoch: 1, first: 3, horizon: 5000, entries: [] }, CONFIG);
    expect(openRecording(join([header, one, other]))).toMatchObject({ code: 'order', detail: `run aaaaaaaaaaaaaaaa after run ${RUN}` });
  });
});

describe('a description', () => {
  it('gives back the configuration that it describes', () => {
    const bytes = { firmware: undefined, main: Uint8Array.of(1, 2), initrd: undefined, dtb: undefined };
    const config = configOf(description, bytes);
    expect(config.images).toEqual({ ...bytes, append: description.images.append });
    expect(describeConfig(config, { ...bytes, main: description.images.main })).toEqual(description);
  });
});

describe('the configuration hash', () => {
  const changed: [string, (base: Description) => Description][] = [
    ['memoryBytes: recorded with 1048576, here is 2097152', (base) => ({ ...base, memoryBytes: 2 << 20 })],
    ['clock: recorded with "host", here is "icount"', (base) => ({ ...base, clock: 'icount' })],
    ['seed: recorded with another one', (base) => ({ ...base, seed: '08'.repeat(32) })],
    ['bootTimeNs: recorded with "1700000000000000000", here is "0"', (base) => ({ ...base, bootTimeNs: '0' })],
    ['disk: recorded with {"id":"twinhart","readOnly":false,"sectors":64}, here is null', (base) => ({ ...base, disk: null })],
    ['net: recorded with {"mac":"525400123456"}, here is {"mac":"525400123457"}', (base) => ({ ...base, net: { mac: '525400123457' } })],
    ['virtioConsole: recorded with false, here is true', (base) => ({ ...base, virtioConsole: true })],
    ['onReset: recorded with "end", here is "restart"', (base) => ({ ...base, onReset: 'restart' })],
    [
      `image main: recorded with images/os.elf (sha256 ${'ab'.repeat(32)}), here is b.elf (sha256 ${'cd'.repeat(32)})`,
      (base) => ({ ...base, images: { ...base.images, main: { name: 'b.elf', sha256: 'cd'.repeat(32) } } }),
    ],
    [
      `image dtb: recorded with none, here is a.dtb (sha256 ${'cd'.repeat(32)})`,
      (base) => ({ ...base, images: { ...base.images, dtb: { name: 'a.dtb', sha256: 'cd'.repeat(32) } } }),
    ],
    ['append: recorded with "quiet näme "x"", here is "loud"', (base) => ({ ...base, images: { ...base.images, append: 'loud' } })],
  ];
  it.each(changed)('tells apart, and names both: %s', (text, change) => {
    expect(configHash(change(description))).not.toBe(CONFIG);
    expect(difference(description, change(description))).toBe(text);
  });

  it('does not depend on names of images nor on the order of keys', () => {
    const renamed = { ...description, images: { ...description.images, main: { ...description.images.main, name: 'x' } } };
    const reordered = Object.fromEntries(Object.entries(description).reverse()) as unknown as Description;
    expect(configHash(renamed)).toBe(CONFIG);
    expect(configHash(reordered)).toBe(CONFIG);
    expect(difference(description, renamed)).toBeUndefined();
  });
});
