/** WebAssembly for each node of the expression language: the second and last statement of what a node means (the first is the interpreter's). */
import type { Binary, Expression, Width } from '../isa/index.ts';
import { type Code, MEMORY_OP, OP, TYPE } from './wasm.ts';

/** Puts an operand on the stack. Pure: it may be asked for more than once. */
export type Operand = () => void;

export type Operands = Readonly<Record<'rs1' | 'rs2' | 'imm' | 'pc' | 'next' | 'old', Operand>>;

/** Puts the value of `node` on the stack. A load is the whole of its row and is the caller's. */
export function emitExpression(code: Code, node: Expression, operands: Operands): void {
  switch (node.node) {
    case 'rs1':
    case 'rs2':
    case 'imm':
    case 'pc':
    case 'next':
    case 'old':
      operands[node.node]();
      return;
    case 'constant':
      code.constant(node.value);
      return;
    case 'load':
      throw new Error('a load is the whole of its row: it is emitted with its TLB lookup');
    default: {
      const a = () => emitExpression(code, node.a, operands);
      const b = () => emitExpression(code, node.b, operands);
      emitBinary(code, node.node, a, b);
    }
  }
}

/** Puts the value of a node of two operands on the stack. */
export function emitBinary(code: Code, node: Binary, a: Operand, b: Operand): void {
  BINARY[node](code, a, b);
}

const simple =
  (opcode: number) =>
  (code: Code, a: Operand, b: Operand): void => {
    a();
    b();
    code.op(opcode);
  };

/** The upper word of a 64-bit product. */
const high =
  (extendA: number, extendB: number) =>
  (code: Code, a: Operand, b: Operand): void => {
    a();
    code.op(extendA);
    b();
    code.op(extendB).op(OP.i64Mul).byte(OP.i64Const).signed(32).op(OP.i64ShrU).op(OP.i32WrapI64);
  };

const smaller =
  (opcode: number) =>
  (code: Code, a: Operand, b: Operand): void => {
    a();
    b();
    a();
    b();
    code.op(opcode).op(OP.select);
  };

const INT_MIN = -0x80000000;

/** §7.2: a division by zero has the result `zero`; signed overflow has `overflow`. WebAssembly would trap on the host. */
const divide =
  (opcode: number, signed: boolean, zero: (code: Code, a: Operand) => void, overflow: (code: Code) => void) =>
  (code: Code, a: Operand, b: Operand): void => {
    b();
    code.op(OP.i32Eqz).block(OP.if, TYPE.i32);
    zero(code, a);
    code.op(OP.else);
    if (signed) {
      a();
      code.constant(INT_MIN).op(OP.i32Eq);
      b();
      code.constant(-1).op(OP.i32Eq).op(OP.i32And).block(OP.if, TYPE.i32);
      overflow(code);
      code.op(OP.else);
    }
    a();
    b();
    code.op(opcode);
    if (signed) code.op(OP.end);
    code.op(OP.end);
  };

const minusOne = (code: Code): void => {
  code.constant(-1);
};
const dividend = (_code: Code, a: Operand): void => a();
const intMin = (code: Code): void => {
  code.constant(INT_MIN);
};
const zero = (code: Code): void => {
  code.constant(0);
};

// WebAssembly's shifts use the low five bits of the amount, as RISC-V's do.
const BINARY: Readonly<Record<Binary, (code: Code, a: Operand, b: Operand) => void>> = {
  add: simple(OP.i32Add),
  sub: simple(OP.i32Sub),
  and: simple(OP.i32And),
  or: simple(OP.i32Or),
  xor: simple(OP.i32Xor),
  sll: simple(OP.i32Shl),
  srl: simple(OP.i32ShrU),
  sra: simple(OP.i32ShrS),
  mul: simple(OP.i32Mul),
  mulh: high(OP.i64ExtendI32S, OP.i64ExtendI32S),
  mulhsu: high(OP.i64ExtendI32S, OP.i64ExtendI32U),
  mulhu: high(OP.i64ExtendI32U, OP.i64ExtendI32U),
  div: divide(OP.i32DivS, true, minusOne, intMin),
  divu: divide(OP.i32DivU, false, minusOne, intMin),
  rem: divide(OP.i32RemS, true, dividend, zero),
  remu: divide(OP.i32RemU, false, dividend, zero),
  eq: simple(OP.i32Eq),
  ne: simple(OP.i32Ne),
  lt: simple(OP.i32LtS),
  ge: simple(OP.i32GeS),
  ltu: simple(OP.i32LtU),
  geu: simple(OP.i32GeU),
  min: smaller(OP.i32LtS),
  max: smaller(OP.i32GtS),
  minu: smaller(OP.i32LtU),
  maxu: smaller(OP.i32GtU),
};

/** Opcode of a load from this machine's memory. */
export const loadOp = (width: Width, signed: boolean): number => {
  if (width === 4) return MEMORY_OP.i32Load;
  if (width === 2) return signed ? MEMORY_OP.i32Load16S : MEMORY_OP.i32Load16U;
  return signed ? MEMORY_OP.i32Load8S : MEMORY_OP.i32Load8U;
};

export const storeOp = (width: Width): number => {
  if (width === 4) return MEMORY_OP.i32Store;
  return width === 2 ? MEMORY_OP.i32Store16 : MEMORY_OP.i32Store8;
};
