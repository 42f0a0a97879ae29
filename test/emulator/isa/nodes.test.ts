/**
 * The expression nodes are the only semantics that an engine states for itself: is each right on every pair of edge values? The reference is
 * BigInt arithmetic written from the manual (Unprivileged 20211203 §2.4, §7, §8.4), not from the engines.
 */
import { describe, expect, test } from 'vitest';
import type { Expression } from '../../../emulator/isa/expression.ts';
import { BASE } from '../../../emulator/isa/instructions.ts';
import { runToDone, wordAt } from '../../support/program.ts';

const EDGES = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 30, 31, 32, 33, 63, 64, 127, 128, 255, 256, 0x7ff, 0x800, 0xfff, 0x1000, 0x7fff, 0x8000, 0xffff, 0x1_0000,
  0x5555_5555, 0xaaaa_aaaa, 0x1234_5678, 0x3fff_ffff, 0x4000_0000, 0x7fff_fffe, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xc000_0000,
  0xfeff_ffff, 0xffff_0000, 0xffff_7fff, 0xffff_8000, 0xffff_f800, 0xffff_ff80, 0xffff_ffe0, 0xffff_fffd, 0xffff_fffe, 0xffff_ffff,
];
const TABLE = 0x8004_0000;
const RESULTS = 0x8005_0000;

type Reference = (a: bigint, b: bigint) => bigint | boolean;
const s = (value: bigint) => BigInt.asIntN(32, value);
const smaller = (a: bigint, b: bigint) => [a, b].sort((x, y) => Number(x - y))[0];
/** Operands are unsigned; results are cut to 32 bits. */
const REFERENCE: Readonly<Record<string, Reference>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  sll: (a, b) => a << (b & 31n),
  srl: (a, b) => a >> (b & 31n),
  sra: (a, b) => s(a) >> (b & 31n),
  mul: (a, b) => a * b,
  mulh: (a, b) => (s(a) * s(b)) >> 32n,
  mulhsu: (a, b) => (s(a) * b) >> 32n,
  mulhu: (a, b) => (a * b) >> 32n,
  div: (a, b) => (b === 0n ? -1n : s(a) / s(b)),
  divu: (a, b) => (b === 0n ? -1n : a / b),
  rem: (a, b) => (b === 0n ? a : s(a) % s(b)),
  remu: (a, b) => (b === 0n ? a : a % b),
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => s(a) < s(b),
  ge: (a, b) => s(a) >= s(b),
  ltu: (a, b) => a < b,
  geu: (a, b) => a >= b,
  min: (a, b) => (s(a) < s(b) ? a : b),
  max: (a, b) => (s(a) > s(b) ? a : b),
  minu: (a, b) => smaller(a, b),
  maxu: (a, b) => a + b - smaller(a, b),
};

/** Instructions that reach the node: a1 and a2 in, a0 out. s7 is the address of a word to spare. */
const branch = (name: string) => `li a0, 1; ${name} a1, a2, 9f; li a0, 0; 9:`;
const amo = (name: string) => `sw a1, 0(s7); ${name} a3, a2, (s7); lw a0, 0(s7)`;
const REACH: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    ['add', 'sub', 'and', 'or', 'xor', 'sll', 'srl', 'sra', 'mul', 'mulh', 'mulhsu', 'mulhu', 'div', 'divu', 'rem', 'remu'].map((name) => [
      name,
      [`${name} a0, a1, a2`],
    ]),
  ),
  eq: [branch('beq')],
  ne: [branch('bne')],
  lt: ['slt a0, a1, a2', branch('blt')],
  ge: [branch('bge')],
  ltu: ['sltu a0, a1, a2', branch('bltu')],
  geu: [branch('bgeu')],
  min: [amo('amomin.w')],
  max: [amo('amomax.w')],
  minu: [amo('amominu.w')],
  maxu: [amo('amomaxu.w')],
};
// The operators that AMOs share with the integer rows, over again where a memory word is the first operand.
const SHARED: Readonly<Record<string, string>> = { add: 'amoadd.w', and: 'amoand.w', or: 'amoor.w', xor: 'amoxor.w' };

/** Every pair of EDGES through `snippet`, in two nested loops; the results in order. */
function everyPair(snippet: string): number[] {
  const { machine } = runToDone(
    `
    li s0, ${TABLE}
    li s2, ${RESULTS}
    li s3, ${TABLE + 4 * EDGES.length}
    li s7, ${TABLE - 16}
    outer:
      lw s4, 0(s0)
      li s1, ${TABLE}
    inner:
      lw a2, 0(s1)
      mv a1, s4
      ${snippet}
      sw a0, 0(s2)
      addi s2, s2, 4
      addi s1, s1, 4
      bne s1, s3, inner
      addi s0, s0, 4
      bne s0, s3, outer
    done: j done
    .org ${TABLE}
    .word ${EDGES.join(', ')}`,
    { limit: 500_000 },
  );
  return EDGES.flatMap((_, i) => EDGES.map((__, j) => wordAt(machine, RESULTS + 4 * (i * EDGES.length + j))));
}

const hex = (value: number) => `0x${(value >>> 0).toString(16)}`;

function expectAll(name: string, snippet: string): void {
  const results = everyPair(snippet);
  const wrong: string[] = [];
  for (const [i, a] of EDGES.entries()) {
    for (const [j, b] of EDGES.entries()) {
      const wanted = Number(BigInt.asUintN(32, BigInt(REFERENCE[name](BigInt(a), BigInt(b)))));
      const got = results[i * EDGES.length + j];
      if (got !== wanted) wrong.push(`${name}(${hex(a)}, ${hex(b)}) = ${hex(got)}, want ${hex(wanted)}`);
    }
  }
  expect(wrong).toEqual([]);
}

describe('a node is right on every pair of edge values', () => {
  test.each(Object.keys(REACH))('%s', (name) => {
    for (const snippet of [...REACH[name], ...(name in SHARED ? [amo(SHARED[name])] : [])]) expectAll(name, snippet);
  });

  test('imm: every 12-bit immediate is sign-extended', () => {
    const values = Array.from({ length: 4096 }, (_, n) => n - 2048);
    const { machine } = runToDone(
      `li s0, 0x80080000
      ${values.map((value, n) => `${n % 256 === 0 ? 'addi s0, s0, 1024' : ''}\naddi a0, x0, ${value}\nsw a0, ${4 * (n % 256)}(s0)`).join('\n')}
      done: j done`,
      { memoryBytes: 1 << 20 },
    );
    for (const [n, value] of values.entries()) expect(wordAt(machine, 0x8008_0400 + 4 * n)).toBe(value >>> 0);
  });

  test('pc and next: of both lengths, at both alignments', () => {
    const { machine, assembly } = runToDone(`
      a: auipc s0, 0
      c.nop
      b: auipc s1, 0xfffff
      c: jal s2, 1f
      1: c.nop
      d: jal s3, 1f
      1: la t0, e
      addi t0, t0, 4
      e: jalr s4, 0(t0)
      f: c.jal 1f
      1: mv s5, ra
      done: j done`);
    const at = (name: string) => assembly.symbols.get(name)!;
    const { x } = machine.inspect();
    expect([x[8], x[9], x[18], x[19], x[20], x[21]]).toEqual([
      at('a'),
      at('b') - 0x1000,
      at('c') + 4,
      at('d') + 4,
      at('e') + 4,
      at('f') + 2,
    ]);
  });

  test('load: every byte and halfword, signed and not, at every alignment', () => {
    const bytes = [0x00, 0x7f, 0x80, 0xff, 0x01, 0x81, 0xfe, 0x55, 0xaa, 0x12, 0x92, 0x34];
    const loads = ['lb', 'lbu', 'lh', 'lhu', 'lw'] as const;
    const { machine } = runToDone(`
      li s0, ${TABLE}
      li s1, ${RESULTS}
      ${bytes.flatMap((_, n) => (n <= 8 ? loads.map((load, k) => `${load} a0, ${n}(s0)\nsw a0, ${4 * (n * 5 + k)}(s1)`) : [])).join('\n')}
      done: j done
      .org ${TABLE}
      .byte ${bytes.join(', ')}`);
    for (let n = 0; n <= 8; n++) {
      const half = bytes[n] | (bytes[n + 1] << 8);
      const word = half | (bytes[n + 2] << 16) | (bytes[n + 3] << 24);
      const wanted = [(bytes[n] << 24) >> 24, bytes[n], (half << 16) >> 16, half, word];
      for (const [k, value] of wanted.entries())
        expect(wordAt(machine, RESULTS + 4 * (n * 5 + k)), `${loads[k]} at ${n}`).toBe(value >>> 0);
    }
  });

  test('no node of the table is left out', () => {
    const seen = new Set<string>();
    const walk = (expression: Expression): void => {
      seen.add(expression.node);
      if ('a' in expression) {
        walk(expression.a);
        walk(expression.b);
      } else if ('address' in expression) walk(expression.address);
    };
    for (const row of BASE) {
      if ('rd' in row) walk(row.rd);
      if ('address' in row) walk(row.address);
      if ('value' in row) walk(row.value);
      if ('condition' in row) walk(row.condition);
      if ('target' in row) walk(row.target);
    }
    // next is in no tree: every jump writes it. rs1 and rs2 are in every pair above, old in the AMOs, constant in jalr's cleared bit and in the fences (cases.ts).
    const elsewhere = ['rs1', 'rs2', 'old', 'constant', 'imm', 'pc', 'load'];
    expect([...seen].sort()).toEqual([...Object.keys(REFERENCE), ...elsewhere].sort());
    expect(Object.keys(REACH).sort()).toEqual(Object.keys(REFERENCE).sort());
  });
});
