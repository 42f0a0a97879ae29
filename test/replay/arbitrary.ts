/** Random entries, batches and descriptions for properties about the log's bytes. */
import fc from 'fast-check';
import type { Input } from '../../emulator/index.ts';
import type { Description } from '../../src/replay/description.ts';
import type { Batch, Entry } from '../../src/replay/entry.ts';

export const digests = fc.stringMatching(/^[0-9a-f]{16}$/);
const small = fc.uint8Array({ maxLength: 40 });
const counts = fc.oneof(fc.nat(300), fc.maxSafeInteger().map(Math.abs));

const inputs: fc.Arbitrary<Input> = fc.oneof(
  fc.record({
    kind: fc.constant('clock' as const),
    ticks: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    num: fc.nat(3),
    den: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  }),
  fc.record({ kind: fc.constant('clock' as const), ticks: fc.bigInt({ min: 0n, max: 300n }), num: fc.constant(1), den: fc.constant(8) }),
  fc.record({ kind: fc.constant('console' as const), port: fc.constantFrom(0 as const, 1 as const), bytes: small }),
  fc.record({ kind: fc.constant('frame' as const), bytes: small }),
  fc.record({ kind: fc.constant('disk' as const), request: counts, status: fc.constantFrom(0 as const, 1 as const), data: small }),
);

type Bare = Entry extends infer E ? (E extends Entry ? Omit<E, 'seq' | 'at'> : never) : never;
const bare: fc.Arbitrary<Bare> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('input' as const), input: inputs, origin: counts }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('output' as const),
      made: fc.record({ console: counts, disk: counts, net: counts, power: fc.nat(1) }),
      digest: digests,
      registers: digests,
    }),
  },
  fc.constant({ kind: 'protect' as const }),
  fc.record({ kind: fc.constant('off' as const), code: counts }),
  fc.record({ kind: fc.constant('epoch' as const), epoch: counts }),
  fc.record({ kind: fc.constant('checkpoint' as const), digest: digests }),
);

export const batches: fc.Arbitrary<Batch> = fc
  .record({
    run: digests,
    epoch: fc.nat(2 ** 31 - 1),
    first: fc.integer({ min: 1, max: 2 ** 50 }),
    start: fc.oneof(fc.nat(1000), fc.integer({ min: 0, max: 2 ** 52 })),
    steps: fc.array(fc.tuple(fc.nat(100_000), bare), { maxLength: 8 }),
    beyond: fc.nat(1_000_000),
  })
  .map(({ run, epoch, first, start, steps, beyond }) => {
    let at = start;
    const entries = steps.map(([step, entry], i) => ({ ...entry, seq: first + i, at: (at += step) }) as Entry);
    return { run, epoch, first, horizon: at + beyond, entries };
  });

export const description: Description = {
  memoryBytes: 1 << 20,
  clock: 'host',
  seed: '07'.repeat(32),
  bootTimeNs: '1700000000000000000',
  disk: { sectors: 64, readOnly: false, id: 'twinhart' },
  net: { mac: '525400123456' },
  virtioConsole: false,
  onReset: 'end',
  images: {
    firmware: null,
    main: { name: 'images/os.elf', sha256: 'ab'.repeat(32) },
    initrd: null,
    append: 'quiet näme "x"',
    dtb: null,
  },
};
