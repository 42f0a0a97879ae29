/** The compiler's thread with a compiler of the tests: see `compile-jobs.ts`. */
import { workerData } from 'node:worker_threads';
import { type CompileData, serveCompiler } from '../../src/host/compile-thread.ts';
import { compileTestJob } from './compile-jobs.ts';

serveCompiler((workerData as CompileData).port, compileTestJob);
