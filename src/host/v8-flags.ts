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
  // The interpreter is called for a slice at a time, so that optimised code is used from the next call on: compiling it for the middle of a loop
  // too is 60 ms for each time that V8 takes it back, several times in the first second.
  '--no-use-osr',
  // What a function has met is noted from its first call on, so that the interpreter's warm-up counts (`warm-up.ts`): optimised code that lacks
  // a case is thrown away when the case comes, and everything that calls it with it.
  '--no-lazy-feedback-allocation',
  // Plans and batches are garbage at once. With room for 16 MiB of it in each thread, as V8 would have, a replica is 40 MiB larger and no faster.
  '--max-semi-space-size=2',
];

/** For the whole process, its threads included; before anything is compiled. Again does no harm. */
export function setV8Flags(): void {
  for (const flag of V8_FLAGS) setFlagsFromString(flag);
}
