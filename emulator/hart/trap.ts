/** Traps, interrupts and returns (Privileged 20211203 §3.1.6 to §3.1.9, §3.3.2): who handles what, and what mstatus remembers. */
import { INTERRUPT_ORDER, INTERRUPTS, interruptCause, MPP_SHIFT, MSTATUS } from '../isa/index.ts';
import { CSR_WORD, WORD } from '../layout.ts';
import type { Hart } from './hart.ts';

/** Enters the handler for `cause` (bit 31 set: an interrupt) with pc as the exception's address. */
export function takeTrap(hart: Hart, cause: number, tval: number): void {
  const { words } = hart;
  const privilege = words[WORD.privilege];
  const interrupt = cause < 0;
  const delegated = words[interrupt ? CSR_WORD.mideleg : CSR_WORD.medeleg];
  const status = words[CSR_WORD.mstatus];
  // Every trap clears the reservation (machine.md): a handler that switches tasks need not do it.
  words[WORD.reserved] = 0;
  if (privilege !== 3 && (delegated & (1 << (cause & 31))) !== 0) {
    words[CSR_WORD.sepc] = words[WORD.pc];
    words[CSR_WORD.scause] = cause;
    words[CSR_WORD.stval] = tval;
    const kept = status & ~(MSTATUS.SPP | MSTATUS.SPIE | MSTATUS.SIE);
    words[CSR_WORD.mstatus] = kept | (privilege === 1 ? MSTATUS.SPP : 0) | ((status & MSTATUS.SIE) !== 0 ? MSTATUS.SPIE : 0);
    words[WORD.privilege] = 1;
    words[WORD.pc] = vector(words[CSR_WORD.stvec], cause);
  } else {
    words[CSR_WORD.mepc] = words[WORD.pc];
    words[CSR_WORD.mcause] = cause;
    words[CSR_WORD.mtval] = tval;
    const kept = status & ~(MSTATUS.MPP | MSTATUS.MPIE | MSTATUS.MIE);
    words[CSR_WORD.mstatus] = kept | (privilege << MPP_SHIFT) | ((status & MSTATUS.MIE) !== 0 ? MSTATUS.MPIE : 0);
    words[WORD.privilege] = 3;
    words[WORD.pc] = vector(words[CSR_WORD.mtvec], cause);
  }
  hart.contextChanged();
}

/** The interrupt that is taken at this boundary: its code, or -1. */
export function interruptNow(hart: Hart, pending: number): number {
  const { words } = hart;
  const ready = pending & words[CSR_WORD.mie];
  if (ready === 0) return -1;
  const privilege = words[WORD.privilege];
  const status = words[CSR_WORD.mstatus];
  const delegated = words[CSR_WORD.mideleg];
  // §3.1.9: those for M-mode before those for S-mode, whatever their order among each other.
  let takes = privilege < 3 || (status & MSTATUS.MIE) !== 0 ? ready & ~delegated : 0;
  if (takes === 0) takes = privilege < 1 || (privilege === 1 && (status & MSTATUS.SIE) !== 0) ? ready & delegated : 0;
  if (takes === 0) return -1;
  for (const name of INTERRUPT_ORDER) if ((takes & (1 << INTERRUPTS[name])) !== 0) return INTERRUPTS[name];
  return -1;
}

export function takeInterrupt(hart: Hart, code: number): void {
  hart.traps++;
  takeTrap(hart, interruptCause(code), 0);
}

/** mret (from = 3) and sret (from = 1), once they are known to be legal. */
export function trapReturn(hart: Hart, from: 1 | 3): void {
  const { words } = hart;
  let status = words[CSR_WORD.mstatus];
  let to: number;
  if (from === 3) {
    to = (status & MSTATUS.MPP) >>> MPP_SHIFT;
    const enable = (status & MSTATUS.MPIE) !== 0 ? MSTATUS.MIE : 0;
    status = (status & ~(MSTATUS.MPP | MSTATUS.MIE)) | MSTATUS.MPIE | enable;
    words[WORD.pc] = words[CSR_WORD.mepc];
  } else {
    to = (status & MSTATUS.SPP) !== 0 ? 1 : 0;
    const enable = (status & MSTATUS.SPIE) !== 0 ? MSTATUS.SIE : 0;
    status = (status & ~(MSTATUS.SPP | MSTATUS.SIE)) | MSTATUS.SPIE | enable;
    words[WORD.pc] = words[CSR_WORD.sepc];
  }
  if (to < 3) status &= ~MSTATUS.MPRV;
  words[CSR_WORD.mstatus] = status;
  words[WORD.privilege] = to;
  words[WORD.reserved] = 0;
  hart.contextChanged();
}

/** §3.1.7: mode 1 is vectored, for interrupts alone. */
const vector = (tvec: number, cause: number): number => ((tvec & -4) + ((tvec & 1) !== 0 && cause < 0 ? (cause & 31) * 4 : 0)) | 0;
