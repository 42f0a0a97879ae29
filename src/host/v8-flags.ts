/** The V8 options under which a process that runs a machine should be, and why: the one place that names them. */
import { setFlagsFromString } from 'node:v8';

export const V8_FLAGS: readonly string[] = [
  // A module is else compiled function by function at its first call, by whoever calls: tens of milliseconds on the machine's thread for
  // code that another thread was asked to compile.
  '--no-wasm-lazy-compilation',
  // V8 would optimise a function after so many bytes of machine code, and takes each call for all of the function's: a region of 300
  // instructions after 30 calls, three of four of them for nothing. The engine knows better what is worth it (`growth.ts`), and says so in
  // the module.
  '--no-wasm-tier-up',
  '--no-wasm-dynamic-tiering',
  '--experimental-wasm-compilation-hints',
];

/** For the whole process, its threads included; before anything is compiled. Again does no harm. */
export function setV8Flags(): void {
  for (const flag of V8_FLAGS) setFlagsFromString(flag);
}
