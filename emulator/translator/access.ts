/**
 * An access to memory: the look at the data TLB, for one or for a whole group, and at the map of granules for a store that asks for it. An
 * access that cannot be done at once leaves, and has not begun.
 */
import type { Width } from '../isa/index.ts';
import { DATA_ENTRY_WORDS } from '../layout.ts';
import { LEFT } from './exits.ts';
import { type Frame, LOCAL } from './frame.ts';
import type { Group } from './groups.ts';
import type { PlanInstruction } from './plan.ts';
import { MEMORY_OP, OP } from './wasm.ts';

/** The instruction in hand, and what its block knows of it. */
export interface InHand {
  readonly instruction: PlanInstruction;
  /** Instructions of the block that have not begun, this one included: they have been counted. */
  readonly unbegun: number;
  /** The accesses with which this one shares a look, if any. */
  readonly group: SharedLook | undefined;
}

/** A group, and the local of its addend. */
export type SharedLook = Group & { readonly addend: number };

/** Offsets in a TLB entry, in bytes. */
export const READ_TAG = 0;
export const WRITE_TAG = 4;
const ADDEND = 8;
const CODE_TAG = 12;
const ENTRY_BYTES = DATA_ENTRY_WORDS * 4;

/** Puts the offset in this memory of a guest address on the stack; leaves when the TLB does not have it, or it is not aligned. */
export function emitAccess(frame: Frame, { instruction, unbegun, group }: InHand, address: () => void, width: Width, tag: number): void {
  const { code } = frame;
  if (group !== undefined && group.leader !== instruction) {
    // The group's first access has seen that this one is in the same page, and aligned.
    address();
    code.get(group.addend).op(OP.i32Add);
    return;
  }
  frame.mayMiss(instruction, unbegun);
  address();
  code.tee(LOCAL.v);
  code
    .constant(12 - (31 - Math.clz32(ENTRY_BYTES)))
    .op(OP.i32ShrU)
    .constant((frame.plan.memory.tlbEntries - 1) * ENTRY_BYTES)
    .op(OP.i32And);
  code.get(LOCAL.bank).op(OP.i32Add).tee(LOCAL.e).memory(MEMORY_OP.i32Load, tag);
  differsFromPage(frame, width);
  if (instruction.looksAtGranule) lookAtGranule(frame, width);
  else frame.leaveIf();
  if (group !== undefined) {
    frame.setSite(instruction.pc, LEFT.split, unbegun);
    for (const reach of [group.low, group.high]) {
      if (reach === 0) continue;
      code.get(LOCAL.v).constant(reach).op(OP.i32Add).get(LOCAL.v).op(OP.i32Xor).constant(-4096).op(OP.i32And);
      frame.leaveIf();
    }
  }
  code.get(LOCAL.v).get(LOCAL.e).memory(MEMORY_OP.i32Load, ADDEND);
  if (group !== undefined) code.tee(group.addend);
  code.op(OP.i32Add);
}

/** A tag is on the stack: whether it is another than that of address `v`, of which the low bits are part, so that a misaligned one misses. */
function differsFromPage({ code }: Frame, width: Width): void {
  code
    .get(LOCAL.v)
    .constant(-4096 + width - 1)
    .op(OP.i32And)
    .op(OP.i32Ne);
}

/**
 * A number is on the stack: not 0 where the write tag of entry `e` is not that of address `v`. Then leaves unless the page is watched for
 * code alone and there is none in the granule. An aligned store lies in one.
 */
function lookAtGranule(frame: Frame, width: Width): void {
  const { code } = frame;
  const { granules, memory } = frame.plan.memory;
  frame.openIf();
  code.get(LOCAL.e).memory(MEMORY_OP.i32Load, CODE_TAG);
  differsFromPage(frame, width);
  frame.leaveIf();
  // Bit n of the map is granule n of this memory, counted from the first frame.
  code.get(LOCAL.v).get(LOCAL.e).memory(MEMORY_OP.i32Load, ADDEND).op(OP.i32Add).tee(LOCAL.u);
  code
    .constant(9)
    .op(OP.i32ShrU)
    .memory(MEMORY_OP.i32Load8U, granules - (memory >>> 9));
  code.get(LOCAL.u).constant(6).op(OP.i32ShrU).constant(7).op(OP.i32And).op(OP.i32ShrU);
  code.constant(1).op(OP.i32And);
  frame.leaveIf();
  frame.close();
}
