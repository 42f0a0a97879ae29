/** Jobs for a compiler's thread of the tests: their ids say what happens to them. No plan is needed to ask what a thread does with one. */
import type { Compiled, CompileJob } from '../../emulator/index.ts';

/** Fails to compile. */
export const FAILS = 13;
/** The thread ends in the middle of it. */
export const DIES = 14;

/** @types/node does not have it, and the emulator's own declarations hold for its folder. */
export const wasm = (globalThis as unknown as { readonly WebAssembly: WasmHost }).WebAssembly;

interface WasmHost {
  readonly Module: new (bytes: Uint8Array) => Compiled['module'];
  readonly Instance: new (module: Compiled['module']) => { readonly exports: { readonly f: (x: number) => number } };
}

export const job = (id: number): CompileJob => ({ id, regions: [] });

/** A module with one function, `f(x) = x + id`, in many instructions. */
export function compileTestJob({ id }: CompileJob): Compiled {
  if (id === DIES) process.exit(3);
  const bytes = largeModule(id === FAILS ? 0xff : 0x6a, id);
  return { id, module: new wasm.Module(bytes), wasmBytes: bytes.length, milliseconds: 0 };
}

/** `operation`: of its 50,000 steps, each with a constant: one adds `id`, the others 0. */
function largeModule(operation: number, id: number): Uint8Array<ArrayBuffer> {
  const body = [0, 0x20, 0];
  for (let step = 0; step < 50_000; step++) body.push(0x41, step === 0 ? id : 0, operation);
  body.push(0x0b);
  const code = [1, ...leb(body.length), ...body];
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0, 0];
  return Uint8Array.from([...head, 10, ...leb(code.length), ...code]);
}

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}
