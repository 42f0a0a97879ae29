/** WebAssembly for each instruction of a block, by its row: what stands between the block's budget and its end. */
import { BASE, routine } from '../isa/index.ts';
import { ENGINE, RAM_BASE, WORD } from '../layout.ts';
import { emitAccess, type InHand, READ_TAG, WRITE_TAG } from './access.ts';
import { LEFT } from './exits.ts';
import { type Frame, LOCAL } from './frame.ts';
import { emitExpression, loadOp, type Operands, storeOp } from './nodes.ts';
import type { PlanInstruction } from './plan.ts';
import { emitRoutine, emitValue } from './routine-wasm.ts';
import { type CsrUse, systemUse } from './system-rows.ts';
import { MEMORY_OP, OP } from './wasm.ts';

/** Of a branch nothing is emitted, since its condition is the block's end; a jalr leaves its target in `pc`. */
export function emitInstruction(frame: Frame, inHand: InHand): void {
  const { instruction } = inHand;
  const { rd } = instruction;
  const row = BASE[instruction.op];
  const operands = operandsOf(frame, instruction);
  const { code } = frame;
  switch (row.kind) {
    case 'rd':
      if (rd === 0) return;
      emitExpression(code, row.rd, operands);
      frame.set(rd);
      return;
    case 'load': {
      const { rd: load } = row;
      if (load.node !== 'load') throw new Error(`${row.name}: a load row is one load node`);
      emitAccess(frame, inHand, () => emitExpression(code, load.address, operands), load.width, READ_TAG);
      if (rd === 0) {
        code.op(OP.drop);
        return;
      }
      code.memory(loadOp(load.width, load.signed), 0);
      frame.set(rd);
      return;
    }
    case 'store':
      emitAccess(frame, inHand, () => emitExpression(code, row.address, operands), row.width, WRITE_TAG);
      emitExpression(code, row.value, operands);
      code.memory(storeOp(row.width), 0);
      return;
    case 'branch':
      return;
    case 'jump':
      if (row.name === 'jalr') {
        // Before rd, which may be the register that it goes by.
        emitExpression(code, row.target, operands);
        code.set(LOCAL.pc);
      }
      if (rd !== 0) {
        operands.next();
        frame.set(rd);
      }
      return;
    case 'amo':
      emitAccess(frame, inHand, operands.rs1, 4, WRITE_TAG);
      code.tee(LOCAL.v).get(LOCAL.v).memory(MEMORY_OP.i32Load, 0).set(LOCAL.u);
      emitExpression(code, row.value, operands);
      code.memory(MEMORY_OP.i32Store, 0);
      if (rd === 0) return;
      code.get(LOCAL.u);
      frame.set(rd);
      return;
    case 'lr':
      emitLr(frame, inHand, operands);
      return;
    case 'sc':
      emitSc(frame, inHand, operands);
      return;
    case 'system':
      emitSystem(frame, inHand);
      return;
  }
}

/** What a row's expressions are of, for one instruction. `old` is the word that an amo has loaded. */
export function operandsOf(frame: Frame, { pc, rs1, rs2, imm, length }: PlanInstruction): Operands {
  const { code } = frame;
  const constant = (value: number) => () => {
    code.constant(value);
  };
  return {
    rs1: () => frame.get(rs1),
    rs2: () => frame.get(rs2),
    imm: constant(imm),
    pc: constant(pc),
    next: constant(pc + length),
    old: () => code.get(LOCAL.u),
  };
}

function emitLr(frame: Frame, inHand: InHand, { rs1 }: Operands): void {
  const { code } = frame;
  const { instruction, unbegun } = inHand;
  const { memory, ramPages } = frame.plan.memory;
  emitAccess(frame, inHand, rs1, 4, READ_TAG);
  code.set(LOCAL.v);
  // The reset ROM comes after RAM in this memory and not in the address space: a reservation of it is the interpreter's.
  frame.mayMiss(instruction, unbegun);
  code
    .get(LOCAL.v)
    .constant(memory + ramPages * 4096)
    .op(OP.i32GeU);
  frame.leaveIf();
  frame.storeWord(WORD.reserved, () => code.constant(1));
  frame.storeWord(WORD.reservedWord, () => physicalWord(frame));
  if (instruction.rd === 0) return;
  code.get(LOCAL.v).memory(MEMORY_OP.i32Load, 0);
  frame.set(instruction.rd);
}

function emitSc(frame: Frame, inHand: InHand, { rs1, rs2 }: Operands): void {
  const { code } = frame;
  const { rd } = inHand.instruction;
  emitAccess(frame, inHand, rs1, 4, WRITE_TAG);
  code.set(LOCAL.v);
  frame.loadWord(WORD.reserved).constant(0).op(OP.i32Ne);
  frame.loadWord(WORD.reservedWord);
  physicalWord(frame);
  code.op(OP.i32Eq).op(OP.i32And).tee(LOCAL.u).block(OP.if).get(LOCAL.v);
  rs2();
  code.memory(MEMORY_OP.i32Store, 0).op(OP.end);
  frame.storeWord(WORD.reserved, () => code.constant(0));
  if (rd === 0) return;
  code.get(LOCAL.u).op(OP.i32Eqz);
  frame.set(rd);
}

/** The number of the physical word at offset `v` of this memory, as `WORD.reservedWord` has it. */
function physicalWord({ code, plan }: Frame): void {
  code.get(LOCAL.v).constant(plan.memory.memory).op(OP.i32Sub).constant(2).op(OP.i32ShrU);
  code.constant(RAM_BASE / 4).op(OP.i32Add);
}

function emitSystem(frame: Frame, inHand: InHand): void {
  const { instruction, unbegun } = inHand;
  const use = systemUse(instruction);
  switch (use.kind) {
    case 'slow':
      throw new Error(`the instruction at ${instruction.pc >>> 0} is the interpreter's: it ends a block`);
    case 'leave':
      return;
    case 'fence':
      frame.mayMiss(instruction, unbegun);
      emitRoutine(frame.code, use.routine, frame.scratch);
      frame.code.op(OP.i32Eqz);
      frame.leaveIf();
      return;
    case 'csr':
      emitCsr(frame, inHand, use.csr);
      return;
  }
}

/** Operands are read, then the CSR is written, then rd; where the routine leaves, nothing has been. */
function emitCsr(frame: Frame, { instruction, unbegun }: InHand, use: CsrUse): void {
  const { code } = frame;
  const { pc, length, rd, rs1 } = instruction;
  const { words, privilege, operation, immediate, writes, choosesBanks } = use;
  const [old, value] = [frame.scratch, frame.scratch + 1];
  frame.mayMiss(instruction, unbegun);
  if (privilege > 0) {
    frame.loadWord(WORD.privilege).constant(privilege).op(OP.i32LtS);
    frame.leaveIf();
  }
  emitValue(code, words.read);
  code.set(old);
  if (writes) {
    if (operation !== 'write') code.get(old);
    if (immediate) code.constant(rs1);
    else frame.get(rs1);
    if (operation === 'set') code.op(OP.i32Or);
    if (operation === 'clear') code.constant(-1).op(OP.i32Xor).op(OP.i32And);
    code.set(value);
    emitRoutine(code, words.write, value);
    code.tee(value).op(OP.i32Eqz);
    frame.leaveIf();
  }
  if (rd !== 0) {
    code.get(old);
    frame.set(rd);
  }
  if (choosesBanks) frame.loadWord(ENGINE.dataBank).set(LOCAL.bank);
  if (!writes) return;
  frame.setSite(pc + length, LEFT.look, unbegun - 1);
  code.get(value).constant(routine.OUTCOME.look).op(OP.i32Eq);
  frame.leaveIf();
}
