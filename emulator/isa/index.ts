/** The instruction set: the table and its readers. */
export * from './cause.ts';
export * from './csr.ts';
export * from './decode.ts';
export type { Binary, Expression, Leaf, Width } from './expression.ts';
export * as expression from './expression.ts';
export * from './format.ts';
export * from './instructions.ts';
export type { Routine, Statement, Value } from './routine.ts';
export * as routine from './routine.ts';
