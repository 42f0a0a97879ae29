/** Is it invisible when a module comes: late, out of order, never, or after its code was written over? */
import { expect, test } from 'vitest';
import { createMachine } from '../../../emulator/index.ts';
import { assemble } from '../../../emulator/isa/assemble.ts';
import { compile } from '../../../emulator/translator/compile.ts';
import type { Compiled, CompileJob, Compiler } from '../../../emulator/translator/compiler.ts';
import { testConfig } from '../../support/program.ts';
import { Random, seedFromEnvironment } from '../../support/random.ts';
import { stressProgram } from '../hart/stress.ts';
import { LateCompiler } from './late-compiler.ts';
import { compare, lockstep, randomStop } from './lockstep.ts';

const SEED = seedFromEnvironment(5);

/** Gives what it is told to, when it is told to. */
class HeldCompiler implements Compiler {
  readonly jobs: CompileJob[] = [];
  readonly #done: Compiled[] = [];
  request(job: CompileJob): void {
    this.jobs.push(job);
  }
  release(): void {
    for (const job of this.jobs.splice(0)) this.#done.push(compile(job, true));
  }
  take(): Compiled | undefined {
    return this.#done.shift();
  }
}

/** A loop; after its first 600 instructions a store to the loop's own code, or to data. */
const patcher = (target: 'loop' | 'data'): Uint8Array =>
  assemble(`
  la s0, ${target}
  li s1, 0
again: li t0, 200
loop: addi t1, t1, 1
  addi t0, t0, -1
  bnez t0, loop
  bnez s1, again
  li s1, 1
  li t3, 0x00230313      # addi t1, t1, 2
  sw t3, 0(s0)
  j again
  .balign 64
data: .word 0`).bytes;

test.each([
  ['between request and delivery', 'loop', true],
  ['that was to data', 'data', false],
] as const)('a store %s: the module is discarded if it was to code', (_, target, discarded) => {
  const compiler = new HeldCompiler();
  const config = testConfig(patcher(target));
  const reference = createMachine(config);
  const subject = createMachine(config, { engine: 'translator', translator: { threshold: 2, compiler } });
  const run = (limit: number) => {
    for (const machine of [reference, subject]) machine.run(limit);
    expect(compare(reference, subject, true)).toBeUndefined();
    return subject.statistics().regions;
  };
  run(500);
  expect(run(501)).toMatchObject({ installed: 0, invalidated: 0 });
  const asked = compiler.jobs.flatMap((job) => job.regions).length;
  expect(asked).toBeGreaterThan(0);
  // The store has been done, and nothing was delivered.
  expect(run(640).invalidated > 0).toBe(discarded);
  compiler.release();
  const { compiled, installed } = run(641);
  expect(compiled).toBeGreaterThanOrEqual(asked);
  expect(installed < compiled).toBe(discarded);
  // What is asked for since is made from the new code.
  run(1500);
  run(1501);
  compiler.release();
  run(9000);
  expect(subject.statistics().instructions.translator).toBeGreaterThan(4000);
});

/** The first boot writes a loop where no image is, runs it, and resets; the second, which the clock tells from it, finds nothing there. */
const RESETTER = assemble(`
  la t0, illegal
  csrw mtvec, t0
  li s0, 0x00101000
  li s2, 0x80010000
  lw t1, 0(s0)
  lw s1, 4(s0)
  bnez s1, run
  li t1, 1
  sw t1, 4(s0)
  la t2, loop
  mv t3, s2
  li t0, 4
copy: lw t4, 0(t2)
  sw t4, 0(t3)
  addi t2, t2, 4
  addi t3, t3, 4
  addi t0, t0, -1
  bnez t0, copy
run: li t0, 1000
  jalr s2
  li t0, 0x00100000
  li t1, 0x7777
  sw t1, 0(t0)
  .balign 4
illegal: addi s3, s3, 1
  j run
  .balign 4
loop: .word 0x00130313, 0xfff28293, 0xfe029ce3, 0x00008067  # addi t1, t1, 1; addi t0, t0, -1; bnez t0, loop; ret
`).bytes;

test.each([
  ['asked for before it', 'baseline', 1e9, false],
  ['asked for before it', 'optimised', 0, false],
  ['that was there', 'baseline', 1e9, true],
  ['that was there', 'optimised', 0, true],
] as const)('a reset leaves nothing of a region %s, %s', (_, form, optimisedAfter, there) => {
  const compiler = new HeldCompiler();
  const config = testConfig(RESETTER, { config: { onReset: 'restart' } });
  const reference = createMachine(config);
  const subject = createMachine(config, { engine: 'translator', translator: { threshold: 2, optimisedAfter, compiler } });
  let asked = 0;
  for (let limit = 100; limit <= 9000; limit += 100) {
    for (const machine of [reference, subject]) while (machine.run(limit) === 'output') machine.takeOutputs();
    expect(compare(reference, subject, true), `at ${limit}`).toBeUndefined();
    // The reset is at about 3,000.
    if (limit === 2500) {
      const held = compiler.jobs.flatMap(({ regions }) => regions);
      asked = there ? subject.statistics().regions.installed : held.length;
      if (!there) for (const { optimised } of held) expect(optimised).toBe(form === 'optimised');
    }
    if (there || limit > 3500) compiler.release();
  }
  expect(asked).toBeGreaterThan(0);
  const { regions, instructions } = subject.statistics();
  expect(regions.invalidated).toBeGreaterThanOrEqual(asked);
  expect(instructions.translator).toBeGreaterThan(1500);
  // Zeros are no instruction.
  expect(subject.inspect().x[19]).toBeGreaterThan(100);
});

test('a region that has run for long is made by the optimiser, in a job of its own, and takes the place of what it was', () => {
  const compiler = new HeldCompiler();
  const config = testConfig(patcher('data'));
  const reference = createMachine(config);
  const subject = createMachine(config, { engine: 'auto', translator: { threshold: 2, optimisedAfter: 300, compiler } });
  const jobs: CompileJob[] = [];
  for (let limit = 100; limit <= 9000; limit += 100) {
    for (const machine of [reference, subject]) machine.run(limit);
    expect(compare(reference, subject, true)).toBeUndefined();
    jobs.push(...compiler.jobs);
    compiler.release();
  }
  const optimised = jobs.filter(({ regions }) => regions.some((plan) => plan.optimised));
  for (const { regions } of optimised) expect(regions.every((plan) => plan.optimised)).toBe(true);
  const asked = jobs.flatMap(({ regions }) => regions);
  const again = optimised.flatMap(({ regions }) => regions);
  // Each begins where one did that was there before.
  const head = ({ blocks, entries }: CompileJob['regions'][number]) => blocks[entries[0]].pc;
  expect(again.length).toBeGreaterThan(0);
  for (const plan of again) {
    const before = asked.slice(0, asked.indexOf(plan)).filter(({ optimised }) => !optimised);
    expect(before.map(head)).toContain(head(plan));
  }
  expect(asked.indexOf(again[0])).toBeGreaterThan(0);
  const { installed } = subject.statistics().regions;
  expect(installed).toBeLessThanOrEqual(asked.length - again.length);
});

test(`modules that come late, out of order, or never, SEED=${SEED}`, () => {
  const random = new Random(SEED);
  let taken = 0;
  let outOfOrder = 0;
  let never = 0;
  for (let n = 0; n < 4; n++) {
    const config = testConfig(assemble(stressProgram(random, 120, 40)).bytes);
    const compiler = new LateCompiler(random);
    const subject = createMachine(config, { engine: 'translator', translator: { threshold: 2, compiler } });
    const stops = Array.from({ length: 4000 }, () => randomStop(random, 200, false));
    const { difference } = lockstep(
      { reference: createMachine(config), subject },
      (k) => stops[k % stops.length],
      25_000,
      () => () => false,
    );
    expect(difference).toBeUndefined();
    taken += compiler.taken.length;
    outOfOrder += compiler.taken.filter((id, k) => k > 0 && id < compiler.taken[k - 1]).length;
    never += compiler.never;
  }
  expect(taken).toBeGreaterThan(50);
  expect(outOfOrder).toBeGreaterThan(5);
  expect(never).toBeGreaterThan(5);
});
