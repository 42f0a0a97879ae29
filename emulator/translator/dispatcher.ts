/**
 * The dispatcher, itself a WebAssembly module: from the pc through the jump cache to a region, again and again, until one leaves for a reason
 * that is TypeScript's. Traps and returns are none. It alone holds the table of regions, since V8 copies a table into every instance that
 * imports it.
 */
import { MRET, SRET, TRAP } from '../hart/trap.ts';
import { CAUSES, type Routine, routine } from '../isa/index.ts';
import { ENGINE, JUMP_ENTRIES, type Layout, SLOT_SHIFT, WORD } from '../layout.ts';
import { LEFT, REGION_TYPE } from './exits.ts';
import { routineBody, routineType } from './routine-wasm.ts';
import { Code, encodeModule, MEMORY_OP, OP, TYPE, type WasmFunction } from './wasm.ts';

/** Why `dispatch` came back: `LEFT.budget`, `slow`, `split` or `look`, or this: the jump cache has no region for the pc. */
export const NO_REGION = 8;

/** Slots of the table: regions present at one time. */
export const SLOTS = 16384;

const ROUTINES = [TRAP, MRET, SRET];
/** Indexes of the module's functions and types. */
const FUNCTION = { dispatch: 0, trap: 1, mret: 2, sret: 3 } as const;
const TYPES = { dispatch: 0, region: 1, routines: 2 } as const;

/** The dispatcher's bytes: `dispatch() -> reason`. */
export function dispatcherModule(layout: Layout): Uint8Array {
  const routineFunction = (of: Routine, k: number): WasmFunction => ({ type: TYPES.routines + k, optimised: true, ...routineBody(of) });
  return encodeModule({
    types: [{ parameters: 0, results: 1 }, REGION_TYPE, ...ROUTINES.map(routineType)],
    memoryPages: Math.ceil(layout.totalBytes / 65536),
    table: true,
    functions: [{ type: TYPES.dispatch, locals: 3, name: 'dispatch', optimised: true, body: dispatch() }, ...ROUTINES.map(routineFunction)],
  });
}

function dispatch(): Code {
  const [pc, entry, reason] = [0, 1, 2];
  const code = new Code();
  const word = (at: number) => code.constant(0).memory(MEMORY_OP.i32Load, at * 4);
  const setWord = (at: number) => code.memory(MEMORY_OP.i32Store, at * 4);
  const returnIf = () => code.block(OP.if).get(reason).op(OP.return).op(OP.end);

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
  code.constant(NO_REGION).set(reason).get(entry).memory(MEMORY_OP.i32Load, 0).get(pc).op(OP.i32Ne);
  returnIf();
  code.get(entry).memory(MEMORY_OP.i32Load, 4).set(entry);
  code.constant(0);
  word(ENGINE.entered).constant(1).op(OP.i32Add);
  setWord(ENGINE.entered);
  code.constant(0);
  word(ENGINE.slot);
  setWord(ENGINE.previous);
  code.constant(0).get(entry).constant(SLOT_SHIFT).op(OP.i32ShrU);
  setWord(ENGINE.slot);
  code
    .get(entry)
    .constant((1 << SLOT_SHIFT) - 1)
    .op(OP.i32And);
  code.get(entry).constant(SLOT_SHIFT).op(OP.i32ShrU).op(OP.callIndirect).unsigned(TYPES.region).unsigned(0);
  code.tee(reason).constant(LEFT.on).op(OP.i32Eq).br(OP.brIf, 0);
  code.get(reason).constant(LEFT.ecall).op(OP.i32LtS);
  returnIf();

  code.get(reason).constant(LEFT.ecall).op(OP.i32Eq).block(OP.if);
  code.constant(CAUSES.ecallU);
  word(WORD.privilege).op(OP.i32Add).constant(0).br(OP.call, FUNCTION.trap).op(OP.drop).br(OP.br, 1).op(OP.end);

  code.get(reason).constant(LEFT.mret).op(OP.i32Eq).block(OP.if, TYPE.i32).br(OP.call, FUNCTION.mret);
  code.op(OP.else).br(OP.call, FUNCTION.sret).op(OP.end).tee(reason);
  code.constant(routine.OUTCOME.done).op(OP.i32Eq).br(OP.brIf, 0);
  code.get(reason).constant(routine.OUTCOME.look).op(OP.i32Eq).block(OP.if).constant(LEFT.look).op(OP.return).op(OP.end);
  // It was counted, and is the precise path's.
  code.constant(0);
  word(ENGINE.left).constant(1).op(OP.i32Add);
  setWord(ENGINE.left);
  code.constant(LEFT.slow).op(OP.return);
  code.op(OP.end).op(OP.unreachable);
  return code;
}
