/** Bits to text, from the instruction table alone (`syntax.ts` has the operands). What it prints, `assemble` reads back to the same bits. */
import { ConstantError } from './constant.ts';
import { parseInstruction, printInstruction, rowOf } from './syntax.ts';

/**
 * One instruction at `pc`: `addi a0, a0, -1`. Branch and jump targets are absolute addresses. An illegal encoding, and one with
 * bits set that its syntax cannot express (a fence with reserved fields), is printed as data: `.half 0x0000`, `.word 0x0000700b`.
 */
export function disassemble(bits: number, pc: number): string {
  const compressed = (bits & 3) !== 3;
  const encoded = compressed ? bits & 0xffff : bits >>> 0;
  const row = rowOf(encoded);
  if (row !== undefined) {
    const text = printInstruction(row, encoded, pc);
    if (reads(text, pc) === encoded) return text;
  }
  return compressed ? `.half 0x${encoded.toString(16).padStart(4, '0')}` : `.word 0x${encoded.toString(16).padStart(8, '0')}`;
}

function reads(text: string, pc: number): number | undefined {
  const space = text.indexOf(' ');
  const mnemonic = space < 0 ? text : text.slice(0, space);
  const operands = space < 0 ? [] : text.slice(space + 1).split(', ');
  try {
    return parseInstruction(mnemonic, operands, { pc, symbol: () => undefined });
  } catch (error) {
    if (error instanceof ConstantError) return undefined;
    throw error;
  }
}
