/** JavaScript for each node of the expression language: the first of two statements of what a node means (the other is WebAssembly's). */
import type { Binary } from '../isa/index.ts';

/** Source of each node; operands are int32 expressions, and so is the result. */
export const BINARY: Readonly<Record<Binary, (a: string, b: string) => string>> = {
  add: (a, b) => `(${a} + ${b} | 0)`,
  sub: (a, b) => `(${a} - ${b} | 0)`,
  and: (a, b) => `(${a} & ${b})`,
  or: (a, b) => `(${a} | ${b})`,
  xor: (a, b) => `(${a} ^ ${b})`,
  // JavaScript's shifts use the low five bits of the amount, as RISC-V's do.
  sll: (a, b) => `(${a} << ${b})`,
  srl: (a, b) => `(${a} >>> ${b} | 0)`,
  sra: (a, b) => `(${a} >> ${b})`,
  mul: (a, b) => `imul(${a}, ${b})`,
  mulh: (a, b) => `mulh(${a}, ${b})`,
  mulhsu: (a, b) => `mulhsu(${a}, ${b})`,
  mulhu: (a, b) => `mulhu(${a}, ${b})`,
  div: (a, b) => `div(${a}, ${b})`,
  divu: (a, b) => `divu(${a}, ${b})`,
  rem: (a, b) => `rem(${a}, ${b})`,
  remu: (a, b) => `remu(${a}, ${b})`,
  eq: (a, b) => `(${a} === ${b} ? 1 : 0)`,
  ne: (a, b) => `(${a} !== ${b} ? 1 : 0)`,
  lt: (a, b) => `(${a} < ${b} ? 1 : 0)`,
  ge: (a, b) => `(${a} >= ${b} ? 1 : 0)`,
  ltu: (a, b) => `(${a} >>> 0 < ${b} >>> 0 ? 1 : 0)`,
  geu: (a, b) => `(${a} >>> 0 >= ${b} >>> 0 ? 1 : 0)`,
  min: (a, b) => `Math.min(${a}, ${b})`,
  max: (a, b) => `Math.max(${a}, ${b})`,
  minu: (a, b) => `(Math.min(${a} >>> 0, ${b} >>> 0) | 0)`,
  maxu: (a, b) => `(Math.max(${a} >>> 0, ${b} >>> 0) | 0)`,
};

/** The nodes that are functions, §7: division by zero and overflow have defined results, and products have 64 bits. */
export const ARITHMETIC = {
  mulhu(a: number, b: number): number {
    const al = a & 0xffff;
    const ah = a >>> 16;
    const bl = b & 0xffff;
    const bh = b >>> 16;
    // Each sum stays below 2^32: (2^16 - 1)^2 + 2 * (2^16 - 1) < 2^32.
    const middle = ah * bl + ((al * bl) >>> 16);
    const other = (middle & 0xffff) + al * bh;
    return (ah * bh + (middle >>> 16) + (other >>> 16)) | 0;
  },
  mulh: (a: number, b: number): number => (ARITHMETIC.mulhu(a, b) - (a < 0 ? b : 0) - (b < 0 ? a : 0)) | 0,
  mulhsu: (a: number, b: number): number => (ARITHMETIC.mulhu(a, b) - (a < 0 ? b : 0)) | 0,
  div: (a: number, b: number): number => (b === 0 ? -1 : (a / b) | 0),
  divu: (a: number, b: number): number => (b === 0 ? -1 : ((a >>> 0) / (b >>> 0)) | 0),
  rem: (a: number, b: number): number => (b === 0 ? a : (a % b) | 0),
  remu: (a: number, b: number): number => (b === 0 ? a : ((a >>> 0) % (b >>> 0)) | 0),
};
