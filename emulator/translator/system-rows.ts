/** What a region does with system rows: CSRs that are words, fences, traps and returns are its own or the dispatcher's, the rest the interpreter's. */
import { type CsrWords, csrWords } from '../hart/csr-words.ts';
import { SFENCE } from '../hart/trap.ts';
import { BASE, CSR_BY_NUMBER, type Routine } from '../isa/index.ts';
import type { PlanInstruction } from './plan.ts';

export type SystemUse =
  /** Done where it stands. */
  | { readonly kind: 'fence'; readonly routine: Routine }
  | { readonly kind: 'csr'; readonly csr: CsrUse }
  /** The region is left with everything written back, and the dispatcher does it. */
  | { readonly kind: 'leave'; readonly by: 'ecall' | 'mret' | 'sret' }
  | { readonly kind: 'slow' };

export interface CsrUse {
  readonly words: CsrWords;
  /** The least privilege that may (bits [9:8] of the number). */
  readonly privilege: number;
  readonly operation: 'write' | 'set' | 'clear';
  /** rs1 is a number and no register. */
  readonly immediate: boolean;
  readonly writes: boolean;
  /** Other TLB banks may be in use behind it. */
  readonly choosesBanks: boolean;
}

const OPERATIONS = {
  csrrw: { operation: 'write', immediate: false },
  csrrwi: { operation: 'write', immediate: true },
  csrrs: { operation: 'set', immediate: false },
  csrrsi: { operation: 'set', immediate: true },
  csrrc: { operation: 'clear', immediate: false },
  csrrci: { operation: 'clear', immediate: true },
} as const;

const SLOW: SystemUse = { kind: 'slow' };

/** For an instruction whose row is of kind 'system'. */
export function systemUse({ op, rs1, imm }: PlanInstruction): SystemUse {
  const row = BASE[op];
  if (row.kind !== 'system') throw new Error(`${row.name} is no system row`);
  switch (row.system) {
    case 'ecall':
    case 'mret':
    case 'sret':
      return { kind: 'leave', by: row.system };
    case 'ebreak':
    case 'wfi':
      return SLOW;
    case 'sfenceVma':
      return { kind: 'fence', routine: SFENCE };
    default: {
      const { operation, immediate } = OPERATIONS[row.system];
      const csr = CSR_BY_NUMBER.get(imm);
      const words = csr === undefined ? undefined : csrWords(csr);
      const writes = operation === 'write' || rs1 !== 0;
      // Bits [11:10] = 3: a write is an illegal instruction.
      if (csr === undefined || words === undefined || (writes && imm >>> 10 === 3)) return SLOW;
      const choosesBanks = writes && csr.kind === 'status';
      return { kind: 'csr', csr: { words, privilege: (imm >>> 8) & 3, operation, immediate, writes, choosesBanks } };
    }
  }
}
