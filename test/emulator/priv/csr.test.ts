/** Which CSRs exist, who may touch them, and what a write leaves in them? (Privileged 20211203 ch. 2 to 4; machine.md names those that must exist.) */
import { describe, expect, test } from 'vitest';
import { DATA, play } from './scene.ts';

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n);
/** Written from tables 2.2 to 2.5 of the manual and Sstc, for a hart with 16 PMP entries and no F, V, H, or debug mode. */
const EXIST = new Set([
  ...range(0xc00, 0xc1f), // cycle, time, instret, hpmcounter3-31
  ...range(0xc80, 0xc9f),
  0x100,
  0x104,
  0x105,
  0x106,
  0x10a, // sstatus sie stvec scounteren senvcfg
  0x140,
  0x141,
  0x142,
  0x143,
  0x144,
  0x14d,
  0x15d,
  0x180, // sscratch sepc scause stval sip stimecmp(h) satp
  ...range(0xf11, 0xf15),
  ...range(0x300, 0x306),
  0x310,
  0x30a,
  0x31a, // mstatus misa medeleg mideleg mie mtvec mcounteren mstatush menvcfg(h)
  ...range(0x340, 0x344),
  ...range(0x3a0, 0x3a3),
  ...range(0x3b0, 0x3bf),
  0xb00,
  0xb02,
  ...range(0xb03, 0xb1f),
  0xb80,
  0xb82,
  ...range(0xb83, 0xb9f),
  0x320,
  ...range(0x323, 0x33f),
  ...range(0x7a0, 0x7a3),
]);

const least = (number: number) => (number >> 8) & 3;
const isReadOnly = (number: number) => number >>> 10 === 3;

/** Tries each number in `mode` with `instruction` and returns those that trapped as illegal. */
function refused(mode: 'M' | 'S' | 'U', instruction: (number: number) => string, setup = ''): Set<number> {
  const wrong = new Set<number>();
  for (let first = 0; first < 4096; first += 1024) {
    const numbers = range(first, first + 1023).filter((number) => instruction(number) !== '');
    const { word } = play(
      `
      ${setup}
      la t0, probe
      csrw mtvec, t0
      csrw medeleg, x0
      li s0, ${DATA}
      ${mode === 'M' ? '' : `call ${mode === 'S' ? 'enter_s' : 'enter_u'}`}
      ${numbers.map((number) => `li s1, 0\n${instruction(number)}\nsb s1, ${number & 1023}(s0)`).join('\n')}
      li s1, 2
      ecall
      .balign 4
      probe:
        csrr s2, mcause
        addi s2, s2, -2
        bnez s2, done
        csrr s2, mepc
        addi s2, s2, 4
        csrw mepc, s2
        li s1, 1
        mret`,
      { limit: 200_000 },
    );
    for (const number of numbers) if ((word(DATA + (number & 1020)) >>> (8 * (number & 3))) & 1) wrong.add(number);
  }
  return wrong;
}

/** Every counter open below M, and Sstc. */
const OPEN = 'li t0, -1\ncsrw mcounteren, t0\ncsrw scounteren, t0\nli t0, 0x80000000\ncsrw menvcfgh, t0';

describe('existence and privilege of all 4,096 numbers', () => {
  test.each([
    ['M', 3],
    ['S', 1],
    ['U', 0],
  ] as const)('reads in %s', (mode, level) => {
    const wanted = range(0, 4095).filter((number) => !EXIST.has(number) || least(number) > level);
    expect([...refused(mode, (number) => `csrr t0, ${number}`, OPEN)]).toEqual(wanted);
  });

  test.each([
    ['M', 3],
    ['S', 1],
    ['U', 0],
  ] as const)('writes of what was read in %s', (mode, level) => {
    const wanted = range(0, 4095).filter((number) => !EXIST.has(number) || least(number) > level || isReadOnly(number));
    // Setting no bits from a register is a write all the same. mtvec and mstatus keep what they have.
    expect([...refused(mode, (number) => `csrrs t0, ${number}, s3`, `${OPEN}\nli s3, 0`)]).toEqual(wanted);
  });

  test('counters below M need mcounteren, and in U scounteren too', () => {
    const counters = new Set([...range(0xc00, 0xc1f), ...range(0xc80, 0xc9f)]);
    const only = (number: number) => (counters.has(number) ? `csrr t0, ${number}` : '');
    const open = (m: number, s: number) => `li t0, ${m}\ncsrw mcounteren, t0\nli t0, ${s}\ncsrw scounteren, t0`;
    const closed = (bits: number) => [...counters].filter((number) => ((bits >>> (number & 31)) & 1) === 0);
    expect([...refused('S', only, open(0x5555_5555, 0))]).toEqual(closed(0x5555_5555));
    expect([...refused('U', only, open(0x0f0f_0f0f, 0x3333_3333))]).toEqual(closed(0x0303_0303));
    expect([...refused('M', only, open(0, 0))]).toEqual([]);
  });

  test('stimecmp in S needs mcounteren.TM and menvcfg.STCE, and is never for U', () => {
    const only = (number: number) => (number === 0x14d || number === 0x15d ? `csrr t0, ${number}` : '');
    const set = (tm: number, stce: number) => `li t0, ${tm}\ncsrw mcounteren, t0\nli t0, ${stce}\ncsrw menvcfgh, t0`;
    expect([...refused('S', only, set(2, 0x8000_0000))]).toEqual([]);
    expect([...refused('S', only, set(0, 0x8000_0000))]).toEqual([0x14d, 0x15d]);
    expect([...refused('S', only, set(2, 0))]).toEqual([0x14d, 0x15d]);
    expect([...refused('U', only, set(2, 0x8000_0000))]).toEqual([0x14d, 0x15d]);
    expect([...refused('M', only, set(0, 0))]).toEqual([]);
  });
});

describe('what a write leaves', () => {
  test('constants stay what they are', () => {
    const names = [
      'misa',
      'mstatush',
      'tselect',
      'tdata1',
      'tdata2',
      'tdata3',
      'mhpmcounter3',
      'mhpmcounter31h',
      'mhpmevent3',
      'mhpmevent31',
    ];
    const { word } = play(`
      li s0, ${DATA}
      li t0, -1
      ${names.map((name, n) => `csrw ${name}, t0\ncsrr t1, ${name}\nsw t1, ${4 * n}(s0)`).join('\n')}
      ${['mvendorid', 'marchid', 'mimpid', 'mhartid', 'mconfigptr', 'hpmcounter3'].map((name, n) => `csrr t1, ${name}\nsw t1, ${100 + 4 * n}(s0)`).join('\n')}`);
    // RV32 with A, C, I, M, S, U.
    expect(names.map((_, n) => word(DATA + 4 * n))).toEqual([0x4014_1105, ...Array(9).fill(0)]);
    expect(word(DATA + 100 + 12)).toBe(0);
    expect(word(DATA + 100 + 16)).toBe(0);
    expect(word(DATA + 100 + 20)).toBe(0);
  });

  test('sstatus, sie and sip are views of what mstatus, mie and mip hold', () => {
    const { x } = play(`
      li t0, 0x000c0022
      csrw sstatus, t0
      csrr s0, mstatus
      csrw mstatus, x0
      csrr s1, sstatus
      li t0, 0x222
      csrw mideleg, t0
      csrw sie, t0
      csrr s2, mie
      csrsi sip, 2
      csrr s3, mip
      csrw mie, x0`);
    expect([x[8] & 0x000c_0122, x[9], x[18], x[19]]).toEqual([0x000c_0022, 0, 0x222, 2]);
  });
});
