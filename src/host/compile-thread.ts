/** The compiler's thread: jobs come in on a port, modules go back on it, with the time that each took (`worker-compiler.ts` is the other end). */
import type { MessagePort } from 'node:worker_threads';
import type { Compiled, CompileJob } from '../../emulator/index.ts';
import type { CompileAnswer } from './worker-compiler.ts';

/** What the thread is started with; the port is in its transfer list. */
export interface CompileData {
  readonly port: MessagePort;
}

/** At once, or aside while the thread goes on with other jobs. */
export type Compile = (job: CompileJob) => Compiled | Promise<Compiled>;

export function serveCompiler(port: MessagePort, compile: Compile): void {
  port.on('message', async (job: CompileJob) => {
    port.postMessage(await answer(job, compile));
  });
}

/** A job that fails is told to the machine's thread, which asked: it ends with the words of this thread's error. */
async function answer(job: CompileJob, compile: Compile): Promise<CompileAnswer> {
  const from = performance.now();
  try {
    const compiled = await compile(job);
    return { compiled: { ...compiled, milliseconds: performance.now() - from } };
  } catch (error) {
    return { id: job.id, failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
