/**
 * The M-mode harness around random programs: for each it sets CSRs, memory and registers, enters it in M, S or U, writes every trap into a
 * log in RAM, skips the instruction that trapped, and at the end writes registers, CSRs and a hash of the scratch memory. The log is all
 * that is compared. Where QEMU is not the oracle the harness hides the difference (docs/decisions/0014-where-qemu-is-not-the-oracle.md).
 */
import { assemble } from '../../emulator/isa/assemble.ts';

export const RAM = 0x8000_0000;
export const RAM_BYTES = 16 << 20;
/** Page tables, then programs, share the first 4 MiB with the harness; an alias of these 4 MiB maps all code. */
export const TABLES = 0x8001_0000;
export const PROGRAMS = 0x8010_0000;
export const LOG = 0x8040_0000;
/** Start of a 4 MiB unit, so that megapages can map it. QEMU puts its device tree 2 MiB further up. */
export const SCRATCH = 0x80c0_0000;
const SCRATCH_BYTES = 8192;

/** Virtual aliases of the 4 MiB at RAM: executable in S, and in U. */
export const CODE_S = 0x4000_0000;
export const CODE_U = 0x5000_0000;

/** Written before each program, in this order, from its header. */
export const CSR_INIT = [
  ...Array.from({ length: 16 }, (_, n) => `pmpaddr${n}`),
  ...Array.from({ length: 4 }, (_, n) => `pmpcfg${n}`),
  'menvcfgh',
  'stimecmp',
  'stimecmph',
  'mtvec',
  'medeleg',
  'mideleg',
  'mip',
  'mie',
  'stvec',
  'sscratch',
  'sepc',
  'scause',
  'stval',
  'scounteren',
  'mcounteren',
  'mscratch',
  'mcause',
  'mtval',
  'satp',
  'mepc',
  'mstatus',
] as const;
export type InitCsr = (typeof CSR_INIT)[number];

/** Written into the log after each program. */
// biome-ignore format: read by the line
export const CSR_DUMP = [
  'mstatus', 'medeleg', 'mideleg', 'mip', 'mie', 'mtvec', 'mscratch', 'mepc', 'mcause', 'mtval', 'mcounteren',
  'stvec', 'sscratch', 'sepc', 'scause', 'stval', 'scounteren', 'satp', 'pmpcfg0', 'pmpcfg1', 'pmpcfg2', 'pmpcfg3', 'pmpaddr0', 'pmpaddr7',
] as const;

/** Header of a program, words: address of the next (0 after the last), address of the final ecall, CSR_INIT, x1..x31. */
export const HEADER_WORDS = 2 + CSR_INIT.length + 31;
/** Words of one M-mode trap record, and of what a delegated one adds. */
export const TRAP_WORDS = 6;
export const DELEGATED_WORDS = 3;
/** The log marks the end of a program's traps with this word where the vector entry would be. */
export const END_MARK = 0xe0d0_e0d0;
export const FINAL_WORDS = 1 + 31 + CSR_DUMP.length + 1;
/** After so many traps a program is cut off. */
export const TRAP_LIMIT = 250;

const VECTORS = 16;
const SAVED = { t0: 0, t1: 4, t2: 8, t3: 12, log: 16, next: 20, end: 24, traps: 28 } as const;
const CODES = Array.from({ length: VECTORS }, (_, n) => n);
const IN_SAVE: Readonly<Record<number, number>> = { 5: SAVED.t0, 6: SAVED.t1, 7: SAVED.t2, 28: SAVED.t3 };

const text = `
start:
  csrr t0, mhartid
  bnez t0, park
  la tp, save
  li t0, ${LOG}
  sw t0, ${SAVED.log}(tp)
  li t0, ${PROGRAMS}
  sw t0, ${SAVED.next}(tp)

next_program:
  la tp, save
  lw s0, ${SAVED.next}(tp)
  lw t0, 0(s0)
  beqz t0, done
  sw t0, ${SAVED.next}(tp)
  lw t0, 4(s0)
  sw t0, ${SAVED.end}(tp)
  sw x0, ${SAVED.traps}(tp)
  csrw mstatus, x0
  csrw mie, x0
  li t0, 0x02000000      # msip
  sw x0, 0(t0)
  li t0, 0x02004000      # mtimecmp: never
  li t1, -1
  sw t1, 4(t0)
  sw t1, 0(t0)
  li t0, ${SCRATCH}
  li t1, ${SCRATCH + SCRATCH_BYTES}
  li t2, 0x12345678
  li t3, 0x9e3779b9
1:
  sw t2, 0(t0)
  add t2, t2, t3
  addi t0, t0, 4
  bne t0, t1, 1b
${CSR_INIT.map((name, n) => `  lw t0, ${8 + 4 * n}(s0)\n  csrw ${name}, t0`).join('\n')}
  sfence.vma
  fence.i
  addi tp, s0, ${8 + 4 * CSR_INIT.length}
${Array.from({ length: 31 }, (_, n) => (n + 1 === 4 ? '' : `  lw x${n + 1}, ${4 * n}(tp)`)).join('\n')}
  la tp, save
  mret

  .align 7
m_table:
${CODES.map((n) => `  j m_entry_${n}`).join('\n')}
${CODES.map((n) => `m_entry_${n}:\n  sw t0, ${SAVED.t0}(tp)\n  li t0, ${n}\n  j m_trap`).join('\n')}

  .align 7
s_table:
${CODES.map((n) => `  j s_entry_${n}`).join('\n')}
${CODES.map((n) => `s_entry_${n}:\n  ecall\n  sret`).join('\n')}
s_table_end:

m_trap:
  sw t1, ${SAVED.t1}(tp)
  sw t2, ${SAVED.t2}(tp)
  sw t3, ${SAVED.t3}(tp)
  lw t1, ${SAVED.log}(tp)
  sw t0, 0(t1)
  csrr t2, mcause
  sw t2, 4(t1)
  csrr t3, mepc
  sw t3, 8(t1)
  addi t0, t2, -3
  bnez t0, 1f
  csrw mtval, x0         # QEMU leaves mtval 0 on ebreak
1:
  csrr t0, mtval
  sw t0, 12(t1)
  csrr t0, mstatus
  sw t0, 16(t1)
  csrr t0, mip
  sw t0, 20(t1)
  addi t1, t1, ${4 * TRAP_WORDS}
  sw t1, ${SAVED.log}(tp)
  lw t0, ${SAVED.traps}(tp)
  addi t0, t0, 1
  sw t0, ${SAVED.traps}(tp)
  li t1, ${TRAP_LIMIT}
  bgeu t0, t1, finish
  bltz t2, m_interrupt
  beqz t2, finish        # causes of a fetch: nowhere to go on
  li t0, 1
  beq t2, t0, finish
  li t0, 12
  beq t2, t0, finish
  li t0, 9
  bne t2, t0, m_skip
  slli t0, t3, 10
  srli t0, t0, 10
  li t1, s_table - ${RAM}
  sub t0, t0, t1
  li t1, s_table_end - s_table
  bltu t0, t1, s_trap
m_skip:
  slli t0, t3, 10
  srli t0, t0, 10
  li t1, ${RAM}
  or t0, t0, t1
  lw t1, ${SAVED.end}(tp)
  beq t0, t1, finish
  lhu t0, 0(t0)
  andi t0, t0, 3
  addi t0, t0, -3
  addi t3, t3, 2
  bnez t0, 1f
  addi t3, t3, 2
1:
  csrw mepc, t3
m_return:
  lw t0, ${SAVED.t0}(tp)
  lw t1, ${SAVED.t1}(tp)
  lw t2, ${SAVED.t2}(tp)
  lw t3, ${SAVED.t3}(tp)
  mret
m_interrupt:
  andi t0, t2, 31
  li t1, 1
  sll t1, t1, t0
  csrc mie, t1
  j m_return

s_trap:
  lw t1, ${SAVED.log}(tp)
  csrr t2, scause
  sw t2, 0(t1)
  addi t0, t2, -3
  bnez t0, 1f
  csrw stval, x0
1:
  csrr t0, stval
  sw t0, 8(t1)
  csrr t0, sepc
  sw t0, 4(t1)
  addi t1, t1, ${4 * DELEGATED_WORDS}
  sw t1, ${SAVED.log}(tp)
  addi t3, t3, 4
  csrw mepc, t3          # on to the sret
  bltz t2, m_interrupt
  beqz t2, finish
  li t1, 1
  beq t2, t1, finish
  li t1, 12
  beq t2, t1, finish
  mv t3, t0
  slli t0, t3, 10
  srli t0, t0, 10
  li t1, ${RAM}
  or t0, t0, t1
  lw t1, ${SAVED.end}(tp)
  beq t0, t1, finish
  lhu t0, 0(t0)
  andi t0, t0, 3
  addi t0, t0, -3
  addi t3, t3, 2
  bnez t0, 1f
  addi t3, t3, 2
1:
  csrw sepc, t3
  j m_return

finish:
  lw t1, ${SAVED.log}(tp)
  li t0, ${END_MARK}
  sw t0, 0(t1)
${Array.from({ length: 31 }, (_, n) =>
  n + 1 in IN_SAVE ? `  lw t0, ${IN_SAVE[n + 1]}(tp)\n  sw t0, ${4 * (n + 1)}(t1)` : `  sw x${n + 1}, ${4 * (n + 1)}(t1)`,
).join('\n')}
${CSR_DUMP.map((name, n) => `  csrr t0, ${name}\n  sw t0, ${4 * (32 + n)}(t1)`).join('\n')}
  li t0, ${SCRATCH}
  li t2, ${SCRATCH + SCRATCH_BYTES}
  li t3, 0
1:
  lw s0, 0(t0)
  slli s1, t3, 5
  sub t3, s1, t3
  add t3, t3, s0
  addi t0, t0, 4
  bne t0, t2, 1b
  sw t3, ${4 * (32 + CSR_DUMP.length)}(t1)
  addi t1, t1, ${4 * FINAL_WORDS}
  sw t1, ${SAVED.log}(tp)
  j next_program

park:                    # QEMU has a second hart, only so that its AMOs are atomic (see qemu.ts)
  wfi
  j park

done:
  lw t0, ${SAVED.log}(tp)
  sw x0, 0(t0)
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
  j .

  .align 4
save:
  .space 64
`;

/** The harness, assembled at the start of RAM. */
export const RUNTIME = assemble(text, { origin: RAM });
