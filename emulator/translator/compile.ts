/** What every compiler port calls in the end: plans to bytes to a module, where it stands. */
import type { Compiled, CompileJob, Compiler } from './compiler.ts';
import { emitModule } from './emit.ts';

/** `validate` asks WebAssembly.validate first, whose answer names no place but cannot be missed. */
export function compile(job: CompileJob, validate = false): Compiled {
  const bytes = emitModule(job.regions);
  if (validate && !WebAssembly.validate(bytes)) throw new Error(`the module of job ${job.id} is not valid WebAssembly`);
  return { id: job.id, module: new WebAssembly.Module(bytes), wasmBytes: bytes.length, milliseconds: 0 };
}

/** As `compile`, on V8's own threads: for regions that its optimiser is to compile, while this thread goes on with others. */
export async function compileAside(job: CompileJob): Promise<Compiled> {
  const bytes = emitModule(job.regions);
  return { id: job.id, module: await WebAssembly.compile(bytes), wasmBytes: bytes.length, milliseconds: 0 };
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
