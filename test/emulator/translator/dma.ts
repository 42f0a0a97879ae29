/** A guest whose disk writes over its hot code, and over a word that it has reserved: what a region must hear of though no instruction did it. */
import type { Machine, MachineConfig, MachineOptions } from '../../../emulator/index.ts';
import { assemble } from '../../../emulator/isa/assemble.ts';
import { testConfig } from '../../support/program.ts';
import { compare } from './lockstep.ts';

const BLOCK = 0x1000_8000;
const RINGS = 0x8002_0000;
/** A sector's worth of code, and of data whose first word is reserved again and again. */
const TARGET = 0x8000_2000;

const SOURCE = `
  li s0, ${BLOCK}
  sw zero, 0x70(s0)
  li t0, 1
  sw t0, 0x70(s0)
  li t0, 3
  sw t0, 0x70(s0)
  li t0, 1
  sw t0, 0x24(s0)
  sw t0, 0x20(s0)
  li t0, 11
  sw t0, 0x70(s0)
  sw zero, 0x30(s0)
  li t0, 8
  sw t0, 0x38(s0)
  li s1, ${RINGS}
  sw s1, 0x80(s0)
  li s2, ${RINGS + 0x1000}
  sw s2, 0x90(s0)
  li t0, ${RINGS + 0x2000}
  sw t0, 0xa0(s0)
  li t0, 1
  sw t0, 0x44(s0)
  li t0, 15
  sw t0, 0x70(s0)
  # One chain, used again and again: a header of zeros (read sector 0), the target, the status.
  li t0, ${RINGS + 0x3000}
  sw t0, 0(s1)
  li t0, 16
  sw t0, 8(s1)
  li t0, 0x00010001
  sw t0, 12(s1)
  li t0, ${TARGET}
  sw t0, 16(s1)
  li t0, 512
  sw t0, 24(s1)
  li t0, 0x00020003
  sw t0, 28(s1)
  li t0, ${RINGS + 0x3010}
  sw t0, 32(s1)
  li t0, 1
  sw t0, 40(s1)
  li t0, 2
  sw t0, 44(s1)
  li s3, 0
  li s4, ${TARGET}
  li s5, ${TARGET + 256}
again:
  addi s3, s3, 1
  sh s3, 2(s2)
  sw zero, 0x50(s0)
  li s6, 40
loop:
  jalr s4
  lr.w t1, (s5)
  addi t1, t1, 1
  addi t3, t3, 1
  sc.w t2, t1, (s5)
  add a1, a1, t2
  addi s6, s6, -1
  bnez s6, loop
  j again
  .org ${TARGET}
  addi a0, a0, 1
  ret`;
const IMAGE = assemble(SOURCE).bytes;
const ANSWERS = [1, 5, 9].map((n) => {
  const sector = new Uint8Array(512);
  sector.set(assemble(`addi a0, a0, ${n}\nxori a2, a0, ${n}\nret`).bytes);
  return sector;
});

/** Answers each request some instructions after it was made; the first difference between two engines, in words. */
export function dmaDifference(make: (config: MachineConfig, options: MachineOptions) => Machine): string | undefined {
  const config = testConfig(IMAGE, { config: { disk: { sectors: 8, readOnly: true, id: 'dma' } } });
  const reference = make(config, { engine: 'interpreter' });
  const subject = make(config, { engine: 'translator', translator: { validate: true } });
  for (let n = 0; n < 300; n++) {
    const asked = [reference, subject].map((machine) => {
      while (machine.run(machine.icount + 500) !== 'output') if (machine.icount > 400_000) throw new Error('the guest asks for nothing');
      // So far behind the request that every instruction of the loop has its turn.
      machine.run(machine.icount + 30 + n);
      return machine.pendingDisk().map(({ request }) => request);
    });
    const before = compare(reference, subject, false);
    if (before !== undefined) return `before answer ${n}: ${before}`;
    for (const [k, machine] of [reference, subject].entries()) {
      for (const request of asked[k]) machine.deliver({ kind: 'disk', request, status: 0, data: ANSWERS[n % ANSWERS.length] });
      machine.run(machine.icount + 40);
    }
    const after = compare(reference, subject, n % 30 === 0);
    if (after !== undefined) return `after answer ${n}: ${after}`;
  }
  return undefined;
}
