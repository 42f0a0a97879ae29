/** Does code that does not pay settle in the interpreter, and come back when it does? And is neither seen? */
import { expect, test } from 'vitest';
import { createMachine, type Machine, type MachineOptions } from '../../../emulator/index.ts';
import { assemble } from '../../../emulator/isa/assemble.ts';
import { testConfig } from '../../support/program.ts';
import { Random, seedFromEnvironment } from '../../support/random.ts';
import { lockstep, randomStop } from './lockstep.ts';

const SEED = seedFromEnvironment(12);
const AUTO: MachineOptions = { engine: 'auto', translator: { threshold: 60, validate: true } };

/** Runs the program on the interpreter and on `auto` to the same random stops; the second machine. */
function both(source: string, limit: number): Machine {
  const config = testConfig(assemble(source).bytes);
  const pair = { reference: createMachine(config), subject: createMachine(config, AUTO) };
  const random = new Random(SEED);
  const { difference } = lockstep(
    pair,
    () => randomStop(random, 30_000, false),
    limit,
    () => () => false,
  );
  expect(difference, `SEED=${SEED}`).toBeUndefined();
  return pair.subject;
}

/** Rewrites an instruction of a loop of 100 rounds before it runs it, `times` times; then the loop for ever. */
const rewriting = (times: number): string => `
  la s0, patched
  lw s1, 0(s0)
  li s2, 0x00100000
  li s3, ${times}
again: xor s1, s1, s2
  sw s1, 0(s0)
  fence.i
  call function
  addi s3, s3, -1
  bnez s3, again
forever: call function
  j forever
  .balign 4096
function: li t0, 100
patched: addi t1, t1, 2
  xor t2, t2, t1
  slli t3, t2, 3
  srli t4, t2, 29
  or t2, t3, t4
  addi t0, t0, -1
  bnez t0, patched
  ret`;

test('code that rewrites itself each 700 instructions is left to the interpreter', () => {
  const { instructions, regions } = both(rewriting(100_000), 3_000_000).statistics();
  expect(regions.compiled).toBeGreaterThan(0);
  expect(regions.compiled).toBeLessThan(60);
  expect(instructions.translator).toBeLessThan(instructions.interpreter / 20);
});

/** The same with a loop in two granules, of which the second is rewritten. */
const across = rewriting(100_000)
  .replace('patched: addi t1, t1, 2', 'loop: xor t5, t5, t1')
  .replace('or t2, t3, t4', 'j patched\n.balign 64\npatched: addi t1, t1, 2\nor t2, t3, t4')
  .replace('bnez t0, patched', 'bnez t0, loop');

test('a loop of which a part is rewritten does not go to and fro', () => {
  const { exits, regions } = both(across, 3_000_000).statistics();
  expect(regions.invalidated).toBeGreaterThan(0);
  expect(regions.demoted).toBeGreaterThan(0);
  // Of a few hundred thousand rounds of the loop.
  expect(exits.noRegion + exits.slow).toBeLessThan(40_000);
});

test('code that has rewritten itself for a while and does so no more is translated', () => {
  const { instructions, regions } = both(rewriting(1000), 3_000_000).statistics();
  expect(regions.invalidated).toBeGreaterThan(0);
  expect(instructions.translator).toBeGreaterThan(1_800_000);
});

/** A loop with one load that is not aligned among so many instructions. */
const misaligned = (length: number): string => `
  la s0, data
loop: lw t0, 1(s0)
  ${'addi t1, t1, 1\n  '.repeat(length - 2)}j loop
  .balign 4096
data: .word 1, 2`;

test('a region that is left every fifth instruction goes back to the interpreter', () => {
  const machine = both(misaligned(5), 1_000_000);
  const { regions, exits, instructions } = machine.statistics();
  expect(regions.demoted).toBeGreaterThan(0);
  expect(exits.slow).toBeLessThan(instructions.interpreter / 5 / 10);
});

test('it is tried again after a while, each time after a longer one', () => {
  const config = testConfig(assemble(misaligned(5)).bytes);
  const machine = createMachine(config, AUTO);
  const demoted = [1, 2, 4, 8, 16].map((millions) => {
    while (machine.icount < millions * 1_000_000) machine.run(machine.icount + 10_000);
    return machine.statistics().regions.demoted;
  });
  expect(demoted[4]).toBeGreaterThan(demoted[0]);
  expect(demoted[4] - demoted[3]).toBeLessThanOrEqual(demoted[0]);
});

test('a region that is left every 60th instruction goes on right behind it', () => {
  const { regions, exits, instructions } = both(misaligned(60), 2_000_000).statistics();
  expect(regions.demoted).toBe(0);
  expect(exits.slow).toBeGreaterThan(28_000);
  // All but the loads, and what ran before the region was there.
  expect(instructions.interpreter).toBeLessThan(exits.slow + 200_000);
});

test('device registers: a region goes on behind a load from one', () => {
  const source = misaligned(60).replace('la s0, data', 'li s0, 0x0200bff8').replace('1(s0)', '0(s0)');
  const { exits, instructions } = both(source, 2_000_000).statistics();
  expect(exits.slow).toBeGreaterThan(28_000);
  expect(instructions.interpreter).toBeLessThan(exits.slow + 200_000);
});

/** Calls `pages` pages of code, then code that goes on in one more page, changes it, and calls it again. */
const crowding = (pages: number): Uint8Array => {
  const { bytes } = assemble(
    `
  li a1, 0
  la s0, patched
  li s1, 0x80003000
  li s2, ${pages}
1: jalr s1
  li t0, 4096
  add s1, s1, t0
  addi s2, s2, -1
  bnez s2, 1b
  jalr s0
  li t3, 0x01058593      # addi a1, a1, 16
  sw t3, 0(s0)
  jalr s0
done: j done
  .balign 64
patched: addi a1, a1, 1
  j far
  .balign 4096
far: ret`,
    { origin: 0x80000000 },
  );
  const image = new Uint8Array(0x3000 + pages * 4096);
  image.set(bytes);
  const ret = [0x67, 0x80, 0, 0];
  for (let k = 0; k < pages; k++) image.set(ret, 0x3000 + k * 4096);
  return image;
};

// With the reset ROM's page and the program's own, about as many as have decoded records at one time: 16 MiB of 16,448 bytes each.
test.each([1016, 1017, 1018, 1019, 1020])('a store is seen by code that was planned when %i other pages had been', (pages) => {
  const config = testConfig(crowding(pages), { memoryBytes: 8 << 20 });
  const machine = createMachine(config, { engine: 'translator', translator: { threshold: 1 } });
  machine.run(pages * 7 + 200);
  expect(machine.inspect().x[11]).toBe(17);
});
