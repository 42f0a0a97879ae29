/** Entry of the compiler's thread: see `compile-thread.ts`. */
import { workerData } from 'node:worker_threads';
import { compile } from '../../emulator/index.ts';
import { type CompileData, serveCompiler } from './compile-thread.ts';

serveCompiler((workerData as CompileData).port, compile);
