/** Does physical memory protection grant and deny as the manual says, at 4-byte grain, with locks? (Privileged 20211203 §3.7) */
import { describe, expect, test } from 'vitest';
import { Random, seedFromEnvironment } from '../../support/random.ts';
import { BACK, DATA, play, type Scene } from './scene.ts';

const R = 1;
const W = 2;
const X = 4;
const TOR = 1 << 3;
const NA4 = 2 << 3;
const NAPOT = 3 << 3;
const L = 0x80;

/** pmpaddr of a naturally aligned power-of-two range. */
const napot = (address: number, bytes: number) => ((address + bytes / 2 - 1) / 4) >>> 0;

/** Entries 0 and up; the prelude's entry 15 grants everything. */
const entries = (...list: readonly (readonly [config: number, pmpaddr: number])[]) => {
  const words = [0, 0, 0].map((_, word) =>
    list.slice(4 * word, 4 * word + 4).reduce((bits, [config], n) => (bits | (config << (8 * n))) >>> 0, 0),
  );
  return [
    ...list.map(([, address], n) => `li t0, ${address >>> 0}\ncsrw pmpaddr${n}, t0`),
    ...words.flatMap((word, n) => (list.length > 4 * n ? [`li t0, ${word}\ncsrw pmpcfg${n}, t0`] : [])),
  ].join('\n');
};

/** `text` with loads and stores as U makes them. */
const asUser = (text: string) => `
  li t0, 0x1800
  csrc mstatus, t0
  li t0, 0x20000
  csrs mstatus, t0
  ${text
    .split('\n')
    .map((line) => `${line}\nli t0, 0x20000\ncsrs mstatus, t0`)
    .join('\n')}
  li t0, 0x20000
  csrc mstatus, t0`;

const causes = ({ traps }: Scene) => traps.map(({ cause, tval }) => [cause, tval]);

describe('PMP', () => {
  test('nothing matches: U and S are denied everything, M nothing', () => {
    const scene = play(`
      csrw pmpcfg3, x0
      li s0, ${DATA}
      lw t1, 0(s0)
      sw t1, 0(s0)
      ${asUser('lw t1, 0(s0)\nsw t1, 4(s0)\namoadd.w t1, t1, (s0)\nlr.w t1, (s0)')}
      la t0, out
      csrw mtvec, t0
      j enter_s
      .balign 4
      out: csrr s1, mcause`);
    expect(causes(scene)).toEqual([
      [5, DATA],
      [7, DATA + 4],
      [7, DATA],
      [5, DATA],
    ]);
    expect(scene.x[9]).toBe(1);
  });

  test.each([
    ['NA4', [[NA4 | R, (DATA + 8) / 4]], 8, 12],
    [
      'TOR',
      [
        [0, (DATA + 8) / 4],
        [TOR | R, (DATA + 20) / 4],
      ],
      8,
      20,
    ],
    ['TOR from entry 0 begins at 0', [[TOR | R, (DATA + 20) / 4]], 0, 20],
    ['NAPOT of 8 bytes', [[NAPOT | R, napot(DATA + 8, 8)]], 8, 16],
    ['NAPOT of 16 bytes', [[NAPOT | R, napot(DATA + 16, 16)]], 16, 32],
    [
      'an empty TOR matches nothing',
      [
        [0, (DATA + 20) / 4],
        [TOR | R, (DATA + 8) / 4],
      ],
      0,
      0,
    ],
  ] as const)('%s covers just its bytes', (_, list, low, high) => {
    // Readable, not writable, inside; entry 15 grants the rest. Bytes and words of the first 40.
    const scene = play(`
      ${entries(...list)}
      li s0, ${DATA}
      ${asUser(Array.from({ length: 40 }, (__, n) => `sb x0, ${n}(s0)`).join('\n'))}
      ${asUser(Array.from({ length: 10 }, (__, n) => `lw t1, ${4 * n}(s0)`).join('\n'))}`);
    expect(causes(scene)).toEqual(Array.from({ length: high - low }, (__, n) => [7, DATA + low + n]));
  });

  test('the lowest entry that matches any byte decides, and must match them all', () => {
    const scene = play(`
      ${entries([NA4 | R | W, (DATA + 8) / 4], [NAPOT, napot(DATA, 64)])}
      li s0, ${DATA}
      ${asUser('lw t1, 8(s0)\nsw t1, 8(s0)\nlw t1, 4(s0)\nlw t1, 6(s0)\nlh t1, 11(s0)\nsw t1, 9(s0)\nlbu t1, 11(s0)')}
      # The same straddling access is denied to M, although nothing is locked.
      lw t1, 6(s0)
      lw t1, 4(s0)`);
    expect(causes(scene)).toEqual([
      [5, DATA + 4],
      [5, DATA + 6],
      [5, DATA + 11],
      [7, DATA + 9],
      [5, DATA + 6],
    ]);
  });

  test('execute: a denied fetch is cause 1 at the instruction, or at its denied half', () => {
    const scene = play(`
      .balign 64
      li s0, ${DATA}
      li t1, 0x00000513
      sw t1, 0(s0)
      sw t1, 4(s0)
      li t1, 0x73
      sw t1, 8(s0)
      ${entries([NA4 | R | W, (DATA + 4) / 4])}
      la ra, 1f
      csrw mepc, s0
      li t0, 0x1800
      csrc mstatus, t0
      mret
      1: ${BACK}
      # A 4-byte instruction of which the second half is denied.
      la ra, 2f
      addi s1, s0, 2
      li t1, 0x00130001     # c.nop; first half of a nop
      sw t1, 0(s0)
      csrw mepc, s1
      li t0, 0x1800
      csrc mstatus, t0
      mret
      2: ${BACK}`);
    expect(scene.traps.filter(({ cause }) => cause === 1).map(({ epc, tval }) => [epc, tval])).toEqual([
      [DATA + 4, DATA + 4],
      [DATA + 2, DATA + 4],
    ]);
  });

  test('what is not locked does not bind M; a lock binds it, and nothing but reset undoes it', () => {
    const scene = play(`
      ${entries([NA4, DATA / 4], [NA4 | L | R, (DATA + 4) / 4])}
      li s0, ${DATA}
      lw t1, 0(s0)
      sw t1, 0(s0)
      lw t1, 4(s0)
      sw t1, 4(s0)
      csrw pmpcfg0, x0
      csrr s1, pmpcfg0
      li t0, 77
      csrw pmpaddr1, t0
      csrr s2, pmpaddr1
      csrw pmpaddr0, t0
      csrr s3, pmpaddr0
      sw t1, 4(s0)`);
    expect(causes(scene)).toEqual([
      [7, DATA + 4],
      [7, DATA + 4],
    ]);
    expect(scene.x[9]).toBe((NA4 | L | R) << 8);
    expect(scene.x[18]).toBe((DATA + 4) / 4);
    expect(scene.x[19]).toBe(77);
  });

  test('a locked TOR locks the address below it too, a locked NA4 does not', () => {
    const { x } = play(`
      ${entries([0, 0x100], [TOR | L | R | W | X, 0x200], [0, 0x300], [NA4 | L | R, 0x400])}
      li t0, 5
      csrw pmpaddr0, t0
      csrr s0, pmpaddr0
      csrw pmpaddr2, t0
      csrr s1, pmpaddr2
      li t0, 0x1f
      csrw pmpcfg0, t0
      csrr s2, pmpcfg0`);
    expect(x[8]).toBe(0x100);
    expect(x[9]).toBe(5);
    expect(x[18]).toBe((0x1f | ((TOR | L | R | W | X) << 8) | ((NA4 | L | R) << 24)) >>> 0);
  });

  test('W without R is refused, bits 5 and 6 read 0, and pmpaddr keeps 32 bits', () => {
    const { x } = play(`
      li t0, 0x7f7f7f7f
      csrw pmpcfg1, t0
      csrr s0, pmpcfg1
      csrw pmpcfg1, x0
      li t0, 0x1a
      csrw pmpcfg1, t0
      csrr s1, pmpcfg1
      li t0, -1
      csrw pmpaddr4, t0
      csrr s2, pmpaddr4`);
    expect(x[8]).toBe(0x1f1f_1f1f);
    expect(x[9] & 3).not.toBe(W);
    expect(x[18]).toBe(0xffff_ffff);
  });

  test('a change acts on the very next access', () => {
    const scene = play(`
      li s0, ${DATA}
      li t1, ${napot(DATA, 4096)}
      csrw pmpaddr0, t1
      ${asUser('sw x0, 0(s0)')}
      li t1, ${NAPOT | R}
      csrw pmpcfg0, t1
      ${asUser('sw x0, 0(s0)\nlw t2, 0(s0)')}
      csrw pmpcfg0, x0
      ${asUser('sw x0, 0(s0)')}`);
    expect(causes(scene)).toEqual([[7, DATA]]);
  });

  const SEED = seedFromEnvironment(37);
  test(`random entries agree with a byte-by-byte reading of §3.7.1, SEED=${SEED}`, () => {
    const random = new Random(SEED);
    for (let round = 0; round < 12; round++) {
      const list = Array.from({ length: 8 }, (_, n) => {
        const permissions = random.pick([0, R, R | W, X, R | X, R | W | X]);
        const mode = n === 0 ? random.pick([0, NA4, NAPOT]) : random.pick([0, TOR, TOR, NA4, NAPOT]);
        const word = DATA / 4 + random.below(40);
        return [permissions | mode, mode === NAPOT ? (word & ~(1 << 5)) >>> 0 : word] as const;
      });
      const tries = Array.from({ length: 60 }, () => {
        const [name, size, kind] = random.pick([
          ['lb', 1, 'load'],
          ['lh', 2, 'load'],
          ['lw', 4, 'load'],
          ['sb', 1, 'store'],
          ['sh', 2, 'store'],
          ['sw', 4, 'store'],
        ] as const);
        return { name, size, kind, offset: random.below(156) };
      });
      const scene = play(
        `${entries(...list)}\nli s0, ${DATA}\n${asUser(tries.map(({ name, offset }) => `${name} t1, ${offset}(s0)`).join('\n'))}`,
      );
      const wanted = tries.flatMap(({ size, kind, offset }) => {
        const need = kind === 'load' ? R : W;
        return (granted(list, DATA + offset, size) & need) === 0 ? [[kind === 'load' ? 5 : 7, DATA + offset]] : [];
      });
      expect(causes(scene), `round ${round}`).toEqual(wanted);
    }
  });
});

/** Permissions of an access by U: the first entry that has any of its bytes must have all. Entry 15 grants everything. */
function granted(list: readonly (readonly [number, number])[], address: number, size: number): number {
  for (const [n, [config, pmpaddr]] of list.entries()) {
    const has = (byte: number) => {
      const mode = config & 0x18;
      if (mode === TOR) return byte >= (n === 0 ? 0 : list[n - 1][1] * 4) && byte < pmpaddr * 4;
      if (mode === NA4) return byte >= pmpaddr * 4 && byte < pmpaddr * 4 + 4;
      if (mode !== NAPOT) return false;
      let span = 8;
      for (let bits = pmpaddr; bits & 1; bits >>>= 1) span *= 2;
      const base = Math.floor((pmpaddr * 4) / span) * span;
      return byte >= base && byte < base + span;
    };
    const bytes = Array.from({ length: size }, (_, k) => has(address + k));
    if (bytes.some(Boolean)) return bytes.every(Boolean) ? config & 7 : 0;
  }
  return 7;
}
