/** A hot loop that calls a function in the next page, and that page is another one from time to time: by a store to its PTE, by satp, by both. */
import { assemble } from '../../../emulator/isa/assemble.ts';
import { testConfig } from '../../support/program.ts';
import { Random } from '../../support/random.ts';
import type { Maker } from './fuzz.ts';
import { lockstep, randomStop } from './lockstep.ts';

const WINDOW = 0x4000_0000;
const CODE = 0x8000_4000;
const TABLES = 0x8001_0000;
const [ROOT_A, ROOT_B, LEAF_A, LEAF_B] = [0, 1, 2, 3].map((n) => TABLES + n * 4096);
const pte = (address: number, flags: number): number => ((address >>> 12) << 10) | flags;
const RX = 0x4b;
const satp = (root: number): number => 0x8000_0000 | (root >>> 12) | 0;
const store = (address: number, value: number): string => `li t0, ${address}\nli t1, ${value | 0}\nsw t1, 0(t0)`;

const IMAGE = assemble(`
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 31
  csrw pmpcfg0, t0
${[ROOT_A, ROOT_B].map((root, n) => `${store(root + (WINDOW >>> 22) * 4, pte([LEAF_A, LEAF_B][n], 1))}\n${store(root + 2048, 0x2000_00cf)}`).join('\n')}
${[LEAF_A, LEAF_B].map((leaf, n) => `${store(leaf, pte(CODE, RX))}\n${store(leaf + 4, pte(CODE + 4096 * (1 + n), RX))}`).join('\n')}
  li t0, ${satp(ROOT_A)}
  csrw satp, t0
  li t0, 0x1800
  csrc mstatus, t0
  li t0, 0x800
  csrs mstatus, t0
  li t0, ${WINDOW}
  csrw mepc, t0
  li s2, ${LEAF_A + 4}
  li s3, ${LEAF_B + 4}
  li s4, ${pte(CODE + 4096, 0) ^ pte(CODE + 8192, 0)}
  li s5, ${satp(ROOT_A) ^ satp(ROOT_B)}
  mret
  .org ${CODE}
again:
  addi s6, s6, 1
  li s1, 9
inner:
  jal ra, function
  add a1, a1, a0
  addi s1, s1, -1
  bnez s1, inner
  andi t0, s6, 1
  beqz t0, 1f
  lw t1, 0(s2)
  xor t1, t1, s4
  sw t1, 0(s2)
1:
  andi t0, s6, 4
  beqz t0, 1f
  lw t1, 0(s3)
  xor t1, t1, s4
  sw t1, 0(s3)
1:
  andi t0, s6, 2
  beqz t0, again
  csrr t1, satp
  xor t1, t1, s5
  csrw satp, t1
  j again
  .org ${CODE + 4096}
function:
  addi a0, a0, 3
  xori a2, a0, 5
  ret
  .org ${CODE + 8192}
  addi a0, a0, 7
  ret`).bytes;

/** The first difference between two engines, in words. */
export function remapDifference(make: Maker): string | undefined {
  const config = testConfig(IMAGE);
  const random = new Random(9);
  const subject = make(config, { engine: 'translator', translator: { validate: true } });
  const pair = { reference: make(config, { engine: 'interpreter' }), subject };
  const { difference } = lockstep(
    pair,
    () => ({ ...randomStop(random, 300, false), typed: false }),
    20_000,
    () => () => false,
  );
  const { translator } = subject.statistics().instructions;
  return difference?.what ?? (translator > 5000 ? undefined : `only ${translator} instructions were in regions`);
}
