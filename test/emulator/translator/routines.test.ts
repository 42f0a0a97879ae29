/// <reference path="../../../emulator/wasm-host.d.ts" />
/** Do the two folds of a routine, JavaScript and WebAssembly, do the same to every word, and nothing at all where they leave? */
import { describe, expect, test } from 'vitest';
import { csrWords } from '../../../emulator/hart/csr-words.ts';
import { routineFunction } from '../../../emulator/hart/routine-js.ts';
import { CHOOSE_BANKS, MRET, SRET, TRAP } from '../../../emulator/hart/trap.ts';
import { CSR_BY_NAME, CSRS, MPP_SHIFT, MSTATUS, MSTATUS_MASK, type Routine, routine } from '../../../emulator/isa/index.ts';
import { CSR_WORD, ENGINE, ENGINE_END, WORD } from '../../../emulator/layout.ts';
import { routineBody, routineType } from '../../../emulator/translator/routine-wasm.ts';
import { encodeModule } from '../../../emulator/translator/wasm.ts';
import { Random, seedFromEnvironment } from '../../support/random.ts';

const seed = seedFromEnvironment(20261123);
const { OUTCOME } = routine;
/** The write of a CSR, and its read as a routine that ends with it. */
const csr = (name: string) => csrWords(CSR_BY_NAME.get(name)!)!;
const ROUTINES: Readonly<Record<string, Routine>> = {
  ...{ TRAP, MRET, SRET, CHOOSE_BANKS },
  ...Object.fromEntries(['mstatus', 'sstatus', 'mie', 'stvec', 'sepc', 'sscratch', 'misa'].map((name) => [name, csr(name).write])),
};
const LEAVING = ['MRET', 'SRET', 'mstatus', 'sstatus'];
const LOOKING = [...LEAVING, 'mie'];

type Run = (a: number, b: number) => number;

/** A routine as WebAssembly, and the words that it works on. */
function inWasm(of: Routine): { words: Int32Array; run: Run } {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const functions = [{ type: 0, name: 'run', ...routineBody(of) }];
  const bytes = encodeModule({ types: [routineType(of)], memoryPages: 1, table: false, functions });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  return { words: new Int32Array(memory.buffer, 0, ENGINE_END), run: exports.run as Run };
}

/** A state that a hart can be in, as far as routines care. */
function randomState(random: Random): Int32Array {
  const words = Int32Array.from({ length: ENGINE_END }, () => random.edge());
  words[WORD.privilege] = random.pick([0, 1, 3]);
  let status = words[CSR_WORD.mstatus] & MSTATUS_MASK;
  if ((status & MSTATUS.MPP) === 2 << MPP_SHIFT) status |= MSTATUS.MPP;
  words[CSR_WORD.mstatus] = status;
  if (random.oneIn(2)) words[ENGINE.pending] = 0;
  return words;
}

function randomArguments(of: Routine, random: Random): [number, number] {
  if (of.parameters[0] === 'value') return [random.word() | 0, 0];
  return [random.pick([random.below(16), random.below(16) | (1 << 31)]), random.edge() | 0];
}

describe.each(Object.keys(ROUTINES))(`%s (SEED=${seed})`, (name) => {
  test('both folds agree, and change nothing where they leave', () => {
    const of = ROUTINES[name];
    const random = new Random(seed);
    const wasm = inWasm(of);
    const js = routineFunction(of);
    const outcomes = new Set<number>();
    for (let n = 0; n < 1000; n++) {
      const before = randomState(random);
      const here = before.slice();
      wasm.words.set(before);
      const [a, b] = randomArguments(of, random);
      const outcome = js(here, a, b);
      expect(wasm.run(a, b)).toBe(outcome);
      expect(wasm.words).toEqual(here);
      if (outcome === OUTCOME.leave) expect(here).toEqual(before);
      outcomes.add(outcome);
    }
    const expected = [OUTCOME.leave, OUTCOME.done, OUTCOME.look].filter(
      (outcome) => outcome === OUTCOME.done || (outcome === OUTCOME.leave ? LEAVING : LOOKING).includes(name),
    );
    expect([...outcomes].sort()).toEqual(expected);
  });
});

test('each CSR that is words reads the same in both folds', () => {
  const random = new Random(seed);
  for (const row of CSRS) {
    const words = csrWords(row);
    if (words === undefined) continue;
    const reading: Routine = { parameters: [], statements: [routine.end(words.read)] };
    const wasm = inWasm(reading);
    wasm.words.set(randomState(random));
    expect(wasm.run(0, 0), row.name).toBe(routineFunction(reading)(wasm.words));
  }
});

describe('a routine', () => {
  test('looks at interrupts only when one is pending and enabled', () => {
    const random = new Random(seed);
    const run = routineFunction(MRET);
    for (let n = 0; n < 500; n++) {
      const words = randomState(random);
      words[WORD.privilege] = 3;
      const may = (words[ENGINE.pending] & words[CSR_WORD.mie]) !== 0;
      expect(run(words)).toBe(may ? OUTCOME.look : OUTCOME.done);
    }
  });

  test('that uses a name before it is given is refused', () => {
    const bad: Routine = { parameters: [], statements: [routine.end(routine.named('cause'))] };
    expect(() => routineBody(bad)).toThrow('which nothing before it names');
  });
});
