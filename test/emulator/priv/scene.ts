/**
 * What the tests of privileged behaviour share: a prelude that opens PMP, logs every trap with the mode that handled it, and goes on behind
 * the instruction that trapped (or at ra, when a fetch failed); `call enter_s`, `call enter_u`, and `ecall` with a7 = 0x77 to come back to M.
 * gp and tp are the prelude's. Trapping instructions must have four bytes.
 */
import type { Machine } from '../../../emulator/index.ts';
import { type ProgramOptions, runToDone, wordAt } from '../../support/program.ts';

/** Where the log of traps begins; data and page tables of the tests are below it. */
const TRAPS = 0x8009_0000;
export const DATA = 0x8004_0000;

const PRELUDE = `
  j begin
  .balign 128
m_vector:
  j m_trap
  ${Array.from({ length: 15 }, (_, n) => `j m_vector_${n + 1}`).join('\n')}
  ${Array.from({ length: 15 }, (_, n) => `m_vector_${n + 1}:\nli tp, ${n + 1}\nsw tp, 20(gp)\nj m_trap`).join('\n')}
  .balign 128
s_vector:
  j s_trap
  ${Array.from({ length: 15 }, (_, n) => `j s_vector_${n + 1}`).join('\n')}
  ${Array.from({ length: 15 }, (_, n) => `s_vector_${n + 1}:\nli tp, ${n + 1}\nsw tp, 20(gp)\nj s_trap`).join('\n')}
m_trap:
  li tp, 3
  sw tp, 0(gp)
  csrr tp, mcause
  sw tp, 4(gp)
  csrr tp, mepc
  sw tp, 8(gp)
  csrr tp, mtval
  sw tp, 12(gp)
  csrr tp, mstatus
  sw tp, 16(gp)
  addi gp, gp, 24
  sw x0, 20(gp)
  csrr tp, mcause
  bltz tp, m_interrupt
  li tp, 0x77
  beq a7, tp, m_back
  csrr tp, mcause
  addi tp, tp, -1
  beqz tp, m_lost
  addi tp, tp, -11
  beqz tp, m_lost
  csrr tp, mepc
  addi tp, tp, 4
  csrw mepc, tp
  mret
m_lost:
  csrw mepc, ra
  mret
m_interrupt:            # handled by forgetting it
  csrw mie, x0
  mret
m_back:
  li a7, 0
  csrr tp, mepc
  addi tp, tp, 4
  csrw mepc, tp
  li tp, 0x1800
  csrs mstatus, tp
  mret
s_trap:
  li tp, 1
  sw tp, 0(gp)
  csrr tp, scause
  sw tp, 4(gp)
  csrr tp, sepc
  sw tp, 8(gp)
  csrr tp, stval
  sw tp, 12(gp)
  csrr tp, sstatus
  sw tp, 16(gp)
  addi gp, gp, 24
  sw x0, 20(gp)
  csrr tp, scause
  bltz tp, s_interrupt
  csrr tp, scause
  addi tp, tp, -1
  beqz tp, s_lost
  addi tp, tp, -11
  beqz tp, s_lost
  csrr tp, sepc
  addi tp, tp, 4
  csrw sepc, tp
  sret
s_lost:
  csrw sepc, ra
  sret
s_interrupt:
  csrw sie, x0
  sret
enter_s:
  csrw mepc, ra
  li tp, 0x1800
  csrc mstatus, tp
  li tp, 0x800
  csrs mstatus, tp
  mret
enter_u:
  csrw mepc, ra
  li tp, 0x1800
  csrc mstatus, tp
  mret
begin:
  li gp, ${TRAPS}
  la tp, m_vector
  csrw mtvec, tp
  la tp, s_vector
  csrw stvec, tp
  li tp, -1
  csrw pmpaddr15, tp
  li tp, 0x1f000000
  csrw pmpcfg3, tp
`;

export interface Trap {
  /** Mode of the handler. */
  readonly mode: 'M' | 'S';
  readonly cause: number;
  readonly epc: number;
  readonly tval: number;
  /** mstatus or sstatus as the handler found it. */
  readonly status: number;
  /** Number of the vector entered by; 0 is the base. */
  readonly vector: number;
}

export interface Scene {
  readonly machine: Machine;
  readonly traps: readonly Trap[];
  /** Address of a label. */
  readonly at: (label: string) => number;
  /** By ABI or x name. */
  readonly x: readonly number[];
  readonly word: (address: number) => number;
}

export const INTERRUPT = 0x8000_0000;

/** Runs the prelude and `source`, which must not fall off its end in another mode than it may: it spins at `done`. */
export function play(source: string, options: ProgramOptions & { readonly limit?: number } = {}): Scene {
  const { machine, assembly } = runToDone(`${PRELUDE}\n${source}\ndone: j done`, options);
  const { x } = machine.inspect();
  const traps: Trap[] = [];
  for (let at = TRAPS; at < x[3]; at += 24) {
    const [mode, cause, epc, tval, status, vector] = Array.from({ length: 6 }, (_, n) => wordAt(machine, at + 4 * n));
    traps.push({ mode: mode === 3 ? 'M' : 'S', cause, epc, tval, status, vector });
  }
  return {
    machine,
    traps,
    x,
    at: (label) => {
      const address = assembly.symbols.get(label);
      if (address === undefined) throw new Error(`no label ${label}`);
      return address;
    },
    word: (address) => wordAt(machine, address),
  };
}

/** Text that comes back to M-mode. */
export const BACK = 'li a7, 0x77\necall';
