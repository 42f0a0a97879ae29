/** What every compiler port calls in the end: plans to bytes to a module, where it stands. */
import type { Compiled, CompileJob, Compiler } from './compiler.ts';
import { emitModule } from './emit.ts';

/** `validate` asks WebAssembly.validate first, whose answer names no place but cannot be missed. */
export function compile(job: CompileJob, validate = false): Compiled {
  const bytes = emitModule(job.regions);
  if (validate && !WebAssembly.validate(bytes)) throw new Error(`the module of job ${job.id} is not valid WebAssembly`);
  return { id: job.id, module: new WebAssembly.Module(bytes), wasmBytes: bytes.length, milliseconds: 0 };
}

/** Compiles at once, on the caller's thread. */
export function synchronousCompiler(validate: boolean): Compiler {
  const done: Compiled[] = [];
  return {
    request: (job) => {
      done.push(compile(job, validate));
    },
    take: () => done.shift(),
  };
}
