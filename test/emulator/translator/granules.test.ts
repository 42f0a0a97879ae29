/** Do stores beside code stay in the region, and is one that hits the code itself seen by the next instruction? */
import { describe, expect, test } from 'vitest';
import { createMachine, type MachineOptions } from '../../../emulator/index.ts';
import { assemble } from '../../../emulator/isa/assemble.ts';
import { testConfig } from '../../support/program.ts';
import { Random, seedFromEnvironment } from '../../support/random.ts';
import { lockstep, randomStop } from './lockstep.ts';

const SEED = seedFromEnvironment(11);

/** What reads t4 from (t1) before the instruction is changed in it, with the bit in s5; the store; and where the bit is: bytes from the instruction. */
const STORES = {
  sw: { read: 'lw t4, 0(t1)', store: 'sw t4, 0(t1)', at: 0, bit: 1 << 20 },
  sh: { read: 'lhu t4, 0(t1)', store: 'sh t4, 0(t1)', at: 2, bit: 1 << 4 },
  sb: { read: 'lbu t4, 0(t1)', store: 'sb t4, 0(t1)', at: 2, bit: 1 << 4 },
  amoxor: { read: 'li t4, 0', store: 'amoxor.w t6, t4, (t1)', at: 0, bit: 1 << 20 },
  sc: { read: 'lw t4, 0(t1)', store: 'lr.w t6, (t1)\n sc.w t6, t4, (t1)', at: 0, bit: 1 << 20 },
} as const;
type Store = keyof typeof STORES;

/** Adds to RAM's addresses, in S-mode, so that stores go to another page than the fetches. */
const ALIAS = -0x4000_0000;

/**
 * A loop that stores into the kilobyte before it, and once in `period` rounds (a power of two), by the same instruction, into its own code.
 */
function beside(kind: Store, aliased: boolean, period: number): Uint8Array {
  const { read, store, at, bit } = STORES[kind];
  return assemble(`
  la s0, data
  la s1, patched + ${at}
  li s3, 0
  li s5, ${bit}
  li s6, ${period * 4 - 1}
  ${aliased ? SUPERVISOR : ''}
  j loop
  .balign 4096
root: .space ${aliased ? 4096 : 0}
data: .space 1024
loop: addi s3, s3, 4
  andi t0, s3, 1020
  add t1, s0, t0
  mv t4, s3
  and t3, s3, s6
  bnez t3, 1f
  mv t1, s1
  ${read}
  xor t4, t4, s5
1: ${store}
patched: addi s4, s4, 2
  j loop`).bytes;
}

/** Maps RAM at its address and at the alias, and goes to S-mode behind itself. */
const SUPERVISOR = `
  la t0, root
  li t1, 0x200000cf
  li t2, 2048
  add t2, t2, t0
  sw t1, 0(t2)
  li t2, 1024
  add t2, t2, t0
  sw t1, 0(t2)
  srli t0, t0, 12
  li t1, 0x80000000
  or t0, t0, t1
  csrw satp, t0
  li t0, ${ALIAS}
  add s0, s0, t0
  add s1, s1, t0
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 31
  csrw pmpcfg0, t0
  li t0, 0x1800
  csrc mstatus, t0
  li t0, 0x800
  csrs mstatus, t0
  la t0, supervisor
  csrw mepc, t0
  mret
supervisor:`;

const ENGINES: Readonly<Record<string, MachineOptions>> = {
  translator: { engine: 'translator', translator: { validate: true } },
  auto: { engine: 'auto', translator: { threshold: 60, validate: true } },
};
const CASES = (Object.keys(STORES) as Store[]).flatMap((kind) => [false, true].map((aliased) => ({ kind, aliased })));

describe.each(Object.keys(ENGINES))('%s', (engine) => {
  test.each(CASES)('$kind beside code stays in the region (another address for the page: $aliased)', ({ kind, aliased }) => {
    const machine = createMachine(testConfig(beside(kind, aliased, 1 << 28)), ENGINES[engine]);
    while (machine.icount < 300_000) machine.run(machine.icount + 3000);
    const { exits, instructions } = machine.statistics();
    expect(exits.slow).toBeLessThan(2000);
    expect(instructions.translator).toBeGreaterThan(240_000);
  });

  test.each(CASES)('$kind into the code of the loop is seen at once (another address: $aliased)', ({ kind, aliased }) => {
    const config = testConfig(beside(kind, aliased, 1024));
    const pair = { reference: createMachine(config), subject: createMachine(config, ENGINES[engine]) };
    const random = new Random(SEED);
    const { difference } = lockstep(
      pair,
      () => randomStop(random, 20_000, false),
      150_000,
      () => () => false,
    );
    expect(difference, `SEED=${SEED}`).toBeUndefined();
    expect(pair.reference.inspect().x[20]).toBeGreaterThan(0);
    expect(pair.subject.statistics().regions.invalidated).toBeGreaterThan(0);
  });

  test('the same with derived data dropped at random', () => {
    const random = new Random(SEED);
    for (const { kind, aliased } of CASES) {
      const config = testConfig(beside(kind, aliased, 256));
      const pair = { reference: createMachine(config), subject: createMachine(config, ENGINES[engine]) };
      const dropper = (seed: number) => {
        const choice = new Random(seed);
        return () => choice.oneIn(3);
      };
      const { difference } = lockstep(pair, () => randomStop(random, 3000, true), 15_000, dropper);
      expect(difference, `${kind}, SEED=${SEED}`).toBeUndefined();
    }
  });
});
