/**
 * The dispatcher, itself a WebAssembly module: from the pc through the jump cache to a region, again and again, until one leaves for a reason
 * that is TypeScript's. It alone holds the table of regions, since V8 copies a table into every instance that imports it.
 */
import { ENGINE, JUMP_ENTRIES, type Layout, SLOT_SHIFT, WORD } from '../layout.ts';
import { LEFT, REGION_TYPE } from './emit.ts';
import { Code, encodeModule, MEMORY_OP, OP } from './wasm.ts';

/** Why `dispatch` came back: `LEFT.budget`, `LEFT.slow`, or this: the jump cache has no region for the pc. */
export const NO_REGION = 4;

/** Slots of the table: regions present at one time. */
export const SLOTS = 16384;

/** The dispatcher's bytes: `dispatch() -> reason`. */
export function dispatcherModule(layout: Layout): Uint8Array {
  return encodeModule({
    types: [{ parameters: 0, results: 1 }, REGION_TYPE],
    memoryPages: Math.ceil(layout.totalBytes / 65536),
    table: true,
    functions: [{ type: 0, locals: 3, name: 'dispatch', body: dispatch() }],
  });
}

function dispatch(): Code {
  const [pc, entry, reason] = [0, 1, 2];
  const code = new Code();
  const word = (at: number) => code.constant(0).memory(MEMORY_OP.i32Load, at * 4);
  code.block(OP.loop);
  word(WORD.pc).set(pc);
  word(ENGINE.jumpBank)
    .get(pc)
    .constant(2)
    .op(OP.i32Shl)
    .constant((JUMP_ENTRIES - 1) << 3)
    .op(OP.i32And)
    .op(OP.i32Add)
    .set(entry);
  code.get(entry).memory(MEMORY_OP.i32Load, 0).get(pc).op(OP.i32Ne).block(OP.if).constant(NO_REGION).op(OP.return).op(OP.end);
  code.get(entry).memory(MEMORY_OP.i32Load, 4).set(entry);
  code.constant(0);
  word(ENGINE.entered)
    .constant(1)
    .op(OP.i32Add)
    .memory(MEMORY_OP.i32Store, ENGINE.entered * 4);
  code.constant(0);
  word(ENGINE.slot).memory(MEMORY_OP.i32Store, ENGINE.previous * 4);
  code
    .constant(0)
    .get(entry)
    .constant(SLOT_SHIFT)
    .op(OP.i32ShrU)
    .memory(MEMORY_OP.i32Store, ENGINE.slot * 4);
  code
    .get(entry)
    .constant((1 << SLOT_SHIFT) - 1)
    .op(OP.i32And);
  code.get(entry).constant(SLOT_SHIFT).op(OP.i32ShrU).op(OP.callIndirect).unsigned(1).unsigned(0);
  code.tee(reason).constant(LEFT.on).op(OP.i32Eq).br(OP.brIf, 0);
  code.op(OP.end).get(reason);
  return code;
}
