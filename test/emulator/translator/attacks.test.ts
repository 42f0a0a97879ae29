/** Guests that once made the translator differ from the interpreter, throw, hang or crawl: what each of them did is its name. */
import { describe, expect, test } from 'vitest';
import { createMachine } from '../../../emulator/index.ts';
import { assemble } from '../../../emulator/isa/assemble.ts';
import { JUMP_ENTRIES } from '../../../emulator/layout.ts';
import { elf } from '../../support/elf.ts';
import { RAM, testConfig } from '../../support/program.ts';
import { Random } from '../../support/random.ts';
import { lockstep, randomStop } from './lockstep.ts';

/** The first difference between the interpreter and the translator on this program, or undefined. */
function difference(source: string, memoryBytes = 1 << 20, limit = 50_000) {
  const { bytes } = assemble(source, { origin: RAM });
  const config = testConfig(elf([{ address: RAM, bytes }], RAM), { memoryBytes });
  for (const options of [
    { engine: 'translator', translator: { validate: true } },
    { engine: 'auto', translator: { threshold: 20 } },
  ] as const) {
    const random = new Random(7);
    const pair = { reference: createMachine(config, { engine: 'interpreter' }), subject: createMachine(config, options) };
    const outcome = lockstep(
      pair,
      () => randomStop(random, 5000, false),
      limit,
      () => () => false,
    );
    if (outcome.difference !== undefined) return outcome.difference;
    expect(pair.subject.statistics().instructions.translator).toBeGreaterThan(limit / 2);
  }
  return undefined;
}

describe('the translator does what the interpreter does where', () => {
  test('a CSR swap gives a pointer another value between two accesses by it', () => {
    const source = `
  la t0, handler
  csrw mtvec, t0
  la a0, data
  csrw mscratch, a0
loop: lw t0, 0(a0)
  csrrw a0, mscratch, a0
  lw t1, 4(a0)
  addi s0, s0, 1
  andi t3, s0, 63
  bnez t3, loop
  csrw mscratch, x0
  j loop
  .balign 4
handler: addi s1, s1, 1
  la a0, data
  csrw mscratch, a0
  la t2, loop
  csrw mepc, t2
  mret
  .balign 4096
data: .word 1, 2, 3, 4`;
    expect(difference(source)).toBeUndefined();
  });

  test('a call and a tail call go more than 2 MiB away', () => {
    const source = `
loop: addi s0, s0, 1
  auipc ra, 0x280
  jalr ra, 4(ra)
  auipc t1, 0x280
  jalr x0, 12(t1)
  .org ${RAM + 0x28_0008}
  addi s2, s2, 1
  ret
  .org ${RAM + 0x28_0018}
  addi s3, s3, 1
  auipc t1, 0xffd80
  jalr x0, -28(t1)`;
    expect(difference(source, 8 << 20)).toBeUndefined();
  });

  test('code with an indirect jump ends just below address 0x80000000', () => {
    const entry = (address: number, value: number) => `li t0, ${address}\nli t1, ${value}\nsw t1, 0(t0)`;
    const [root, leaf] = [0x8001_0000, 0x8001_1000];
    const source = `
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 31
  csrw pmpcfg0, t0
  ${entry(root + 511 * 4, ((leaf >>> 12) << 10) | 1)}
  ${entry(leaf + 1023 * 4, (0x8000_4000 >>> 2) | 0x4b)}
  li t0, ${(0x8000_0000 | (root >>> 12)) >>> 0}
  csrw satp, t0
  li t0, 0x1800
  csrc mstatus, t0
  li t0, 0x800
  csrs mstatus, t0
  li t0, 0x7ffffc00
  csrw mepc, t0
  mret
  .org 0x80004c00
loop: auipc a0, 0
  addi s0, s0, 1
  andi a1, s0, 4
  add a0, a0, a1
  jalr x0, 20(a0)
  addi s1, s1, 1
  addi s2, s2, 1
  j loop`;
    expect(difference(source)).toBeUndefined();
  });
});

test('two addresses that share a place in the jump cache do not look for their regions at each jump', () => {
  // Every call and return of `f` is such a pair.
  const { bytes } = assemble(
    `
loop: addi s0, s0, 1
  call f
  addi s1, s1, 1
  j loop
  .org ${RAM + 12 + 2 * JUMP_ENTRIES}
f: addi s2, s2, 1
  mv t1, ra
  call g
  jr t1
g: mv t2, ra
  jal ra, h
  jr t2
h: ret`,
    { origin: RAM },
  );
  const machine = createMachine(testConfig(elf([{ address: RAM, bytes }], RAM)), { engine: 'auto', translator: { threshold: 20 } });
  machine.run(4_000_000);
  expect(machine.statistics().exits.noRegion).toBeLessThan(400_000);
});
