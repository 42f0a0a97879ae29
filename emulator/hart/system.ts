/** What system rows do (Unprivileged 20211203 §2.8, chapter 9; Privileged §3.3, §4.2). Each leaves pc at the next instruction or in a handler. */
import { CAUSES, MSTATUS, type Routine, routine, type SystemFunction } from '../isa/index.ts';
import { CSR_WORD, WORD } from '../layout.ts';
import { accessible } from './csrs.ts';
import type { Hart } from './hart.ts';
import { routineFunction } from './routine-js.ts';
import { MRET, SFENCE, SRET } from './trap.ts';

const { OUTCOME } = routine;

/** `rd` is 32 for x0; `rs1` a register or a 5-bit number; `imm` the CSR's number; `next` follows the instruction. */
export type System = (hart: Hart, rd: number, rs1: number, imm: number, next: number) => void;

/** A return from a handler, or an illegal instruction where the routine leaves. */
function returning(of: Routine): System {
  const run = routineFunction(of);
  return (hart) => {
    const outcome = run(hart.engine);
    if (outcome === OUTCOME.leave) hart.illegal();
    else hart.settle(outcome);
  };
}

const fence = routineFunction(SFENCE);

export const SYSTEM: Readonly<Record<SystemFunction, System>> = {
  csrrw: (hart, rd, rs1, number, next) => swap(hart, rd, number, hart.words[rs1], next),
  csrrwi: (hart, rd, uimm, number, next) => swap(hart, rd, number, uimm, next),
  csrrs: (hart, rd, rs1, number, next) => change(hart, rd, number, hart.words[rs1], rs1 !== 0, true, next),
  csrrsi: (hart, rd, uimm, number, next) => change(hart, rd, number, uimm, uimm !== 0, true, next),
  csrrc: (hart, rd, rs1, number, next) => change(hart, rd, number, hart.words[rs1], rs1 !== 0, false, next),
  csrrci: (hart, rd, uimm, number, next) => change(hart, rd, number, uimm, uimm !== 0, false, next),

  ecall: (hart) => hart.trap(CAUSES.ecallU + hart.privilege, 0),

  ebreak: (hart) => hart.trap(CAUSES.breakpoint, hart.pc),

  mret: returning(MRET),

  sret: returning(SRET),

  wfi: (hart, _rd, _rs1, _imm, next) => {
    const { privilege } = hart;
    if (privilege < 1 || (privilege === 1 && (hart.words[CSR_WORD.mstatus] & MSTATUS.TW) !== 0)) return hart.illegal();
    hart.words[WORD.waiting] = 1;
    hart.pc = next;
    hart.attention = true;
  },

  sfenceVma: (hart, _rd, _rs1, _imm, next) => {
    if (fence(hart.engine) === OUTCOME.leave) return hart.illegal();
    hart.pc = next;
  },
};

/** csrrw: with rd = x0 the CSR is not read; no CSR here has a read with an effect, so that makes no difference. */
function swap(hart: Hart, rd: number, number: number, value: number, next: number): void {
  const csr = accessible(hart, number, true);
  if (csr === undefined) {
    hart.illegal();
    return;
  }
  const old = csr.read(hart);
  csr.write(hart, value);
  hart.words[rd] = old;
  hart.pc = next;
  if (csr.effect) hart.attention = true;
}

/** csrrs and csrrc: x0 or 0 means that nothing is written, so that read-only CSRs can be read. */
function change(hart: Hart, rd: number, number: number, bits: number, writes: boolean, set: boolean, next: number): void {
  const csr = accessible(hart, number, writes);
  if (csr === undefined) {
    hart.illegal();
    return;
  }
  const old = csr.read(hart);
  if (writes) {
    const base = csr.modify === undefined ? old : csr.modify(hart);
    csr.write(hart, set ? base | bits : base & ~bits);
    if (csr.effect) hart.attention = true;
  }
  hart.words[rd] = old;
  hart.pc = next;
}
