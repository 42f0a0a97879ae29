/**
 * The compiler port: a batch of region plans goes in, a WebAssembly module comes out, now or later. When one comes is not an input of the
 * machine: it changes speed, never state.
 */
import type { RegionPlan } from './plan.ts';

/** Plain data, so that it can be posted to another thread. */
export interface CompileJob {
  readonly id: number;
  readonly regions: readonly RegionPlan[];
}

export interface Compiled {
  readonly id: number;
  readonly module: WebAssembly.Module;
  /** Length of the module's bytes. */
  readonly wasmBytes: number;
  /** Wall time of emitting and compiling; 0 where nobody looked at a clock. */
  readonly milliseconds: number;
}

export interface Compiler {
  request(job: CompileJob): void;
  /** A job that is done, in any order; undefined when there is none. Called often: it must be cheap. */
  take(): Compiled | undefined;
}
