/** The compiler's thread: jobs come in on a port, modules go back on it, with the time that each took (`worker-compiler.ts` is the other end). */
import type { MessagePort } from 'node:worker_threads';
import type { Compiled, CompileJob } from '../../emulator/index.ts';
import type { CompileAnswer } from './worker-compiler.ts';

/** What the thread is started with; the port is in its transfer list. */
export interface CompileData {
  readonly port: MessagePort;
}

export function serveCompiler(port: MessagePort, compile: (job: CompileJob) => Compiled): void {
  port.on('message', (job: CompileJob) => {
    port.postMessage(answer(job, compile));
  });
}

/** A job that fails is told to the machine's thread, which asked: it ends with the words of this thread's error. */
function answer(job: CompileJob, compile: (job: CompileJob) => Compiled): CompileAnswer {
  const from = performance.now();
  try {
    const compiled = compile(job);
    return { compiled: { ...compiled, milliseconds: performance.now() - from } };
  } catch (error) {
    return { id: job.id, failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
