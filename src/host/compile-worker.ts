/** Entry of the compiler's thread: see `compile-thread.ts`. It loads the compiler alone: the whole emulator would double the time to its first answer. */
import { workerData } from 'node:worker_threads';
import { compile, compileAside } from '../../emulator/translator/compile.ts';
import { type CompileData, serveCompiler } from './compile-thread.ts';

serveCompiler((workerData as CompileData).port, (job) =>
  job.regions.some(({ optimised }) => optimised) ? compileAside(job) : compile(job),
);
