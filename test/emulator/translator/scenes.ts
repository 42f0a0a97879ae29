/** Loops that are soon regions, each with what is hard for one: every instruction of them is a place to stop, or to be interrupted. */
import { type Assembly, assemble } from '../../../emulator/isa/assemble.ts';

/** Where traps are noted: a byte for each halfword of code, 1 when an interrupt came there. */
export const SEEN = 0x8008_0000;

export interface Scene {
  readonly assembly: Assembly;
  /** Addresses of the loop's instructions, from `loop` to `end`. */
  readonly pcs: readonly number[];
}

/** Loops from `loop` to `end`; t registers and s0, s1 are free, a registers are the handler's. */
const LOOPS: Readonly<Record<string, string>> = {
  'a straight loop': `
loop: addi t0, t0, 1
  c.addi t1, 3
  xor t2, t2, t0
  mul t3, t2, t1
  c.mv t4, t3
  sltu t5, t4, t0
  j loop
end:`,
  'loads and stores': `
loop: sw t0, 0(s0)
  lbu t1, 1(s0)
  sh t1, 6(s0)
  lw t2, 4(s0)
  c.lw s1, 0(s0)
  addi t0, t0, 77
  sb t2, 9(s0)
  lh t3, 8(s0)
  j loop
end:`,
  'branches and a loop inside': `
loop: li t1, 5
1: addi t0, t0, 1
  andi t2, t0, 3
  bnez t2, 2f
  addi t3, t3, 1
2: addi t1, t1, -1
  bnez t1, 1b
  c.beqz s1, 3f
  addi t4, t4, 1
3: xori s1, s1, 1
  j loop
end:`,
  'a call, a jump table': `
loop: c.jal function
  la t1, table
  andi t2, t0, 12
  add t1, t1, t2
  lw t2, 0(t1)
  jr t2
first: addi t3, t3, 1
  j loop
second: addi t3, t3, 2
  j loop
third: addi t3, t3, 3
  c.j loop
function: addi t0, t0, 4
  c.jr ra
end:
  .balign 4
table: .word first, second, third, first`,
  'across a page': `
  j loop
  .balign 4096
  .space 4096 - 18
loop: addi t0, t0, 1
  c.addi t1, 1
  sw t0, 0(s0)
  c.addi t2, 1
  lw t3, 0(s0)
  lui t4, 0x12345
  add t4, t4, t3
  xor t5, t5, t4
  j loop
end:`,
  'LR and SC': `
loop: lr.w t0, (s0)
  addi t0, t0, 1
  sc.w t1, t0, (s0)
  amoadd.w t2, t1, (s0)
  bnez t1, 1f
  addi t3, t3, 1
1: c.addi t4, 1
  lr.w t0, (s0)
  sc.w t5, t3, (s0)
  addi t6, s0, 4
  lr.w t0, (t6)
  sc.w t5, t3, (s0)
  lr.w t0, (s0)
  sc.w t5, t3, (t6)
  j loop
end:`,
  'the CSR write that unmasks': `
loop: csrci mstatus, 8
  addi t0, t0, 1
  csrr t1, mscratch
  addi t2, t2, 1
  csrsi mstatus, 8
  addi t3, t3, 1
  csrr t4, mip
  csrrw t5, mscratch, t3
  j loop
end:`,
  counters: `
loop: rdinstret t0
  rdcycle t1
  sub t2, t1, t0
  rdtime t3
  addi t4, t4, 1
  j loop
end:`,
  'code written over': `
loop: lw t0, 0(s0)
  la t1, patched
  lw t2, 0(t1)
  li t3, 0x00100000
  xor t2, t2, t3
  sw t2, 0(t1)
patched: addi t4, t4, 2
  addi t5, t5, 1
  j loop
end:`,
  'a software interrupt of its own': `
loop: lui t0, 0x2000
  li t1, 1
  addi t2, t2, 1
  sw t1, 0(t0)
  addi t3, t3, 1
  c.addi t4, 1
  j loop
end:`,
  'a wait': `
loop: addi t0, t0, 1
  wfi
  addi t1, t1, 1
  andi t2, t1, 3
  bnez t2, loop
  c.addi t3, 1
  j loop
end:`,
};
export const SCENES: readonly string[] = Object.keys(LOOPS);

/**
 * A loop behind a prelude that lets in all interrupts. The handler notes where it came from, takes what the UART has, and sets the timer
 * to 8 to 135 ticks from then, as a counter says that has no period to speak of: with a tick an instruction every offset has its turn. `timer`
 * false: never.
 */
export function scene(name: string, timer: boolean): Scene {
  const assembly = assemble(`
  la t0, handler
  csrw mtvec, t0
  li t0, 0x0c000028
  li t1, 1
  sw t1, 0(t0)
  li t0, 0x0c002000
  li t1, 0x400
  sw t1, 0(t0)
  li t0, 0x10000000
  li t1, 1
  sb t1, 1(t0)
  li s0, ${SEEN + 0x1_0000}
  li s1, 0
  li t0, 0x888
  csrw mie, t0
  li gp, 0
  csrsi mstatus, 8
  ${timer ? 'call arm' : ''}
  j loop
  .balign 64
handler:
  csrr a0, mepc
  slli a1, a0, 16
  srli a1, a1, 17
  li a2, ${SEEN}
  add a1, a1, a2
  li a2, 1
  sb a2, 0(a1)
  csrr a1, mcause
  slli a1, a1, 1
  li a2, 22
  beq a1, a2, external
  li a2, 6
  bne a1, a2, 1f
  li a1, 0x02000000
  sw x0, 0(a1)
  mret
1: mv a6, ra
  call arm
  mv ra, a6
  mret
external:
  li a1, 0x0c200004
  lw a2, 0(a1)
  li a3, 0x10000000
  lbu a3, 0(a3)
  sw a2, 0(a1)
  mret
arm:
  slli a2, gp, 2
  add gp, gp, a2
  addi gp, gp, 7
  srli a2, gp, 5
  andi a2, a2, 127
  li a0, 0x02004000
  li a1, 0x0200bff8
  lw a1, 0(a1)
  add a1, a1, a2
  addi a1, a1, 8
  sw x0, 4(a0)
  sw a1, 0(a0)
  ret
  .balign 64
  ${LOOPS[name]}
  .balign 64`);
  const at = (label: string) => assembly.symbols.get(label)!;
  const pcs: number[] = [];
  const view = new DataView(assembly.bytes.buffer);
  for (let pc = at('loop'); pc < at('end'); ) {
    pcs.push(pc);
    pc += (view.getUint8(pc - assembly.origin) & 3) === 3 ? 4 : 2;
  }
  return { assembly, pcs };
}
