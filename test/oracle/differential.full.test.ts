/**
 * Does Twinhart do what QEMU does, on programs that nobody would write? Random programs from the instruction table, in M, S (with Sv32 and
 * without) and U, hundreds to an ELF, run on both; every trap, register, CSR and byte of scratch memory is compared.
 * SEED and PROGRAMS (environment) override the defaults; a failure names the seed, the program and its text.
 */
import { describe, expect, test } from 'vitest';
import { disassemble } from '../../emulator/isa/disassemble.ts';
import { Random, seedFromEnvironment } from '../support/random.ts';
import { buildBatch, FINAL_NAMES, LogError, parseLog, type Result, type Trap } from './batch.ts';
import { type Coverage, Generator, newCoverage, type Program, randomSpace } from './generate.ts';
import { runHere } from './here.ts';
import { qemuMissing, runInQemu } from './qemu.ts';
import { LOG, RAM, RAM_BYTES } from './runtime.ts';

const SEED = seedFromEnvironment(20_211_203);
const PROGRAMS = Number(process.env.PROGRAMS ?? 12_000);
const BATCH = 500;
const missing = qemuMissing();

describe('random programs end as they do on QEMU', () => {
  test.skipIf(missing !== undefined)(`${PROGRAMS} programs${missing === undefined ? '' : `: skipped, ${missing}`}`, async () => {
    console.log(`SEED=${SEED} PROGRAMS=${PROGRAMS}`);
    const random = new Random(SEED);
    const coverage = newCoverage();
    const causes = new Map<string, number>();
    let mismatches = 0;
    for (let batch = 0; batch * BATCH < PROGRAMS; batch++) {
      const space = randomSpace(random);
      const generator = new Generator(random, space, coverage);
      const programs = Array.from({ length: Math.min(BATCH, PROGRAMS - batch * BATCH) }, () => generator.program());
      const { image, entries } = buildBatch(programs, space);
      const inQemu = runInQemu(image, RAM_BYTES, 60_000);
      const read = (who: string, log: Uint8Array) => {
        try {
          return parseLog(log, programs.length);
        } catch (error) {
          if (!(error instanceof LogError)) throw error;
          const n = Math.max(0, error.program - 1);
          throw new Error(`SEED=${SEED} batch ${batch}, ${who}: ${error.message}; before it\n${listing(programs[n], entries[n])}`);
        }
      };
      const ours = read('twinhart', runHere(image).log);
      const theirs = read('qemu', (await inQemu).subarray(LOG - RAM));
      for (const [n, program] of programs.entries()) {
        countCauses(causes, theirs[n]);
        const difference = compare(ours[n], theirs[n], program, entries[n]);
        if (difference === undefined) continue;
        mismatches += 1;
        if (mismatches <= 5) console.error(`SEED=${SEED} batch ${batch} program ${n}: ${difference}\n${listing(program, entries[n])}`);
      }
    }
    report(coverage, causes);
    expect(mismatches, `programs that differ; SEED=${SEED}`).toBe(0);
    if (PROGRAMS >= 10_000) expect(thin(coverage, causes), 'rows, CSRs and causes seen fewer than 50 times').toEqual([]);
  });
});

/** What differs first, or undefined. */
function compare(ours: Result, theirs: Result, program: Program, entry: number): string | undefined {
  for (let n = 0; n < Math.max(ours.traps.length, theirs.traps.length); n++) {
    const [a, b] = [describeTrap(ours.traps[n], program, entry), describeTrap(theirs.traps[n], program, entry)];
    if (a !== b) return `trap ${n}\n  twinhart ${a}\n  qemu     ${b}`;
  }
  const differing = FINAL_NAMES.flatMap((name, n) =>
    ours.final[n] === theirs.final[n] ? [] : [`  ${name}: twinhart ${hex(ours.final[n])}, qemu ${hex(theirs.final[n])}`],
  );
  return differing.length === 0 ? undefined : `at the end\n${differing.join('\n')}`;
}

function describeTrap(trap: Trap | undefined, program: Program, entry: number): string {
  if (trap === undefined) return 'none';
  const { vector, cause, epc, tval, mstatus, mip, delegated } = trap;
  const text = `vector ${vector} cause ${hex(cause)} epc ${hex(epc)} (${instructionAt(program, entry, epc)}) tval ${hex(tval)} mstatus ${hex(mstatus)} mip ${hex(mip)}`;
  if (delegated === undefined) return text;
  return `${text}; to S: cause ${hex(delegated.cause)} epc ${hex(delegated.epc)} (${instructionAt(program, entry, delegated.epc)}) tval ${hex(delegated.tval)}`;
}

const hex = (value: number) => `0x${(value >>> 0).toString(16)}`;

function* instructions(program: Program, entry: number): IterableIterator<[number, number]> {
  let pc = entry;
  for (const bits of program.code) {
    yield [pc, bits];
    pc += (bits & 3) === 3 ? 4 : 2;
  }
}

function instructionAt(program: Program, entry: number, epc: number): string {
  for (const [pc, bits] of instructions(program, entry)) if ((pc & 0x3f_ffff) === (epc & 0x3f_ffff)) return disassemble(bits, pc);
  return '?';
}

function listing(program: Program, entry: number): string {
  const csrs = Object.entries(program.csrs).filter(([, value]) => value !== 0);
  const lines = [...instructions(program, entry)].map(([pc, bits]) => `  ${pc.toString(16)}  ${disassemble(bits, pc)}`);
  return [
    `  ${program.privilege}, alias ${hex(program.alias)}, ${csrs.map(([name, value]) => `${name}=${hex(value)}`).join(' ')}`,
    `  ${program.registers.map((value, n) => `x${n + 1}=${hex(value)}`).join(' ')}`,
    ...lines,
  ].join('\n');
}

function countCauses(causes: Map<string, number>, { traps }: Result): void {
  const count = (key: string) => causes.set(key, (causes.get(key) ?? 0) + 1);
  for (const { cause, mstatus, delegated } of traps) {
    if (delegated === undefined) count(`${'US-M'[(mstatus >>> 11) & 3]} ${causeName(cause)}`);
    else count(`${mstatus & 0x100 ? 'S' : 'U'}>S ${causeName(delegated.cause)}`);
  }
}

const causeName = (cause: number) => (cause >>> 31 ? `interrupt ${cause & 31}` : `${cause}`);

/** Causes that can happen in each privilege. 0 cannot with C; 11 needs a device's line (directed tests have it). */
const EXPECTED_CAUSES = [
  ...['1', '2', '3', '4', '5', '6', '7', '11', '13', '15', 'interrupt 1', 'interrupt 3', 'interrupt 5', 'interrupt 7', 'interrupt 9'].map(
    (cause) => `M ${cause}`,
  ),
  ...['2', '3', '4', '5', '6', '7', '9', '12', '13', '15', 'interrupt 1', 'interrupt 5', 'interrupt 9'].map((cause) => `S ${cause}`),
  ...['2', '3', '4', '5', '6', '7', '8', '12', '13', '15', 'interrupt 1', 'interrupt 5', 'interrupt 9'].map((cause) => `U ${cause}`),
  ...['2', '3', '4', '5', '6', '7', '8', '13', '15', 'interrupt 1', 'interrupt 5', 'interrupt 9'].map((cause) => `U>S ${cause}`),
  ...['2', '3', '4', '5', '6', '7', '13', '15', 'interrupt 1', 'interrupt 5', 'interrupt 9'].map((cause) => `S>S ${cause}`),
];

function thin({ rows, csrs }: Coverage, causes: Map<string, number>): string[] {
  const few = (map: Coverage['rows'], skip: (name: string) => boolean) =>
    [...map].flatMap(([name, counts]) =>
      skip(name)
        ? []
        : (['M', 'S', 'U'] as const).flatMap((privilege) =>
            counts[privilege] < 50 ? [`${name} in ${privilege}: ${counts[privilege]}`] : [],
          ),
    );
  return [
    ...few(rows, (name) => name === 'wfi'),
    ...few(csrs, (name) => /^(tselect|tdata.|m?hpm.*)$/.test(name)),
    ...EXPECTED_CAUSES.flatMap((cause) => ((causes.get(cause) ?? 0) < 50 ? [`cause ${cause}: ${causes.get(cause) ?? 0}`] : [])),
  ];
}

function report({ rows, csrs }: Coverage, causes: Map<string, number>): void {
  const least = (map: Coverage['rows']) =>
    [...map]
      .map(([name, { M, S, U }]) => [name, Math.min(M, S, U)] as const)
      .sort((a, b) => a[1] - b[1])
      .slice(0, 5)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  console.log(`rows: ${rows.size}, least in a privilege: ${least(rows)}\nCSRs: ${csrs.size}, least: ${least(csrs)}`);
  console.log(
    `causes: ${[...causes]
      .sort()
      .map(([name, count]) => `${name}: ${count}`)
      .join(', ')}`,
  );
}
