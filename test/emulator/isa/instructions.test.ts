/** Does every instruction do what the manual says? The cases are in cases.ts; here they are run, and none may be missing. */
import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../emulator/isa/constant.ts';
import { BASE, COMPRESSED } from '../../../emulator/isa/instructions.ts';
import { runToDone, wordAt } from '../../support/program.ts';
import { CASES, type Case, ILLEGAL } from './cases.ts';

const DATA = 0x8008_0000;
const RESULTS = 0x8009_0000;
const SLOT = 128;
const NO_TRAP = 0xffff_ffff;

interface Parsed {
  readonly text: string;
  readonly given: readonly (readonly [string, string])[];
  readonly after: readonly (readonly [string, string])[];
}

const pairs = (text: string): [string, string][] =>
  text
    .split(/\s+/)
    .filter(Boolean)
    .map((pair) => pair.split('=') as [string, string]);

const parse = ([text, given, after]: Case): Parsed => ({ text, given: pairs(given), after: pairs(after) });

/** One program for all cases of a row. s10 points to the results, s11 to where a trap goes on; x0 may be asked for too. */
function source(cases: readonly Parsed[]): string {
  const block = ({ text, given, after }: Parsed, n: number) => `
    la s10, ${RESULTS + n * SLOT}
    la s11, after_${n}
    li t6, ${NO_TRAP}
    sw t6, 0(s10)
    ${given
      .filter(([name]) => name.startsWith('['))
      .map(([name, value]) => `li t5, ${DATA} + ${name.slice(1, -1)}; li t6, ${scoped(value, n)}; sw t6, 0(t5)`)
      .join('\n')}
    ${given
      .filter(([name]) => !name.startsWith('['))
      .map(([name, value]) => `li ${name}, ${scoped(value, n)}`)
      .join('\n')}
    at_${n}: ${text}
    after_${n}:
    ${after.map(([name], k) => (isRegister(name) ? `sw ${name}, ${12 + 4 * k}(s10)` : '')).join('\n')}
    ${after.map(([name], k) => (name.startsWith('[') ? `la t5, ${DATA} + ${name.slice(1, -1)}; lw t5, 0(t5); sw t5, ${12 + 4 * k}(s10)` : '')).join('\n')}`;
  return `
    la t0, trap
    csrw mtvec, t0
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    j first
    .balign 4
    trap:
      csrw mscratch, t6
      csrr t6, mcause
      sw t6, 0(s10)
      csrr t6, mepc
      sw t6, 4(s10)
      csrr t6, mtval
      sw t6, 8(s10)
      csrr t6, mscratch
      jr s11
    first:
    ${cases.map(block).join('\n')}
    done: j done`;
}

const scoped = (value: string, n: number) => value.replace(/\bdata\b/g, `${DATA}`).replace(/\b(at|after)\b/g, `$1_${n}`);
const isRegister = (name: string) => !name.startsWith('[') && !['trap', 'epc', 'tval'].includes(name);

function check(cases: readonly Case[]): void {
  const parsed = cases.map(parse);
  const { machine, assembly } = runToDone(source(parsed));
  for (const [n, { text, given, after }] of parsed.entries()) {
    const where = `${text}   given ${given.map((pair) => pair.join('=')).join(' ')}`;
    const value = (expression: string) => evaluate(scoped(expression, n), { pc: 0, symbol: (name) => assembly.symbols.get(name) }) >>> 0;
    const slot = RESULTS + n * SLOT;
    const wanted = Object.fromEntries(after);
    const trap = wordAt(machine, slot);
    expect(hex(trap), `cause of ${where}`).toBe(hex(wanted.trap === undefined ? NO_TRAP : value(wanted.trap)));
    for (const [k, [name, expression]] of after.entries()) {
      if (name === 'trap') {
        if (wanted.epc === undefined && !text.includes(';'))
          expect(hex(wordAt(machine, slot + 4)), `mepc of ${where}`).toBe(hex(value('at')));
      } else if (name === 'epc') expect(hex(wordAt(machine, slot + 4)), `mepc of ${where}`).toBe(hex(value(expression)));
      else if (name === 'tval') expect(hex(wordAt(machine, slot + 8)), `mtval of ${where}`).toBe(hex(value(expression)));
      else expect(hex(wordAt(machine, slot + 12 + 4 * k)), `${name} after ${where}`).toBe(hex(value(expression)));
    }
  }
}

const hex = (value: number) => `0x${(value >>> 0).toString(16)}`;

describe('an instruction does what the manual says', () => {
  test.each(Object.keys(CASES))('%s', (name) => {
    check(CASES[name]);
  });

  test('every row of the table has cases, and every case belongs to a row', () => {
    expect(Object.keys(CASES).sort()).toEqual([...BASE, ...COMPRESSED].map(({ name }) => name).sort());
    for (const [name, cases] of Object.entries(CASES)) {
      expect(cases.length, name).toBeGreaterThan(0);
      expect(
        cases.some(([text]) => new RegExp(`(^|[ ;])${name.replaceAll('.', '\\.')}($|[ ;.])`).test(text)),
        `${name} is in its own cases`,
      ).toBe(true);
    }
  });

  test('an encoding that no row claims is an illegal instruction, with its bits in mtval', () => {
    check(
      ILLEGAL.map((bits): Case => {
        const data = (bits & 3) === 3 ? `.word ${bits}` : `.half ${bits}`;
        return [data, 'a0=9', `a0=9 trap=2 tval=${bits}`];
      }),
    );
  });
});
