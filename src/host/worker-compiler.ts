/**
 * The compiler port whose other end is another thread (`compile-thread.ts`). The machine's thread never runs its event loop, so it looks for
 * answers itself, between slices: no event and no promise would ever arrive here.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Compiled, CompileJob, Compiler } from '../../emulator/index.ts';

/** What comes back: a module, or what went wrong. */
export type CompileAnswer = { readonly compiled: Compiled } | { readonly id: number; readonly failed: string };

export class WorkerCompiler implements Compiler {
  private readonly port: MessagePort;
  /** Requests without an answer. */
  private waiting = 0;

  constructor(port: MessagePort) {
    this.port = port;
  }

  request(job: CompileJob): void {
    this.waiting += 1;
    this.port.postMessage(job);
  }

  /** Throws what the compiler threw: a defect of ours, on which the replica ends. A thread that is gone answers nothing, and nothing waits for it. */
  take(): Compiled | undefined {
    if (this.waiting === 0) return undefined;
    const received = receiveMessageOnPort(this.port) as { readonly message: CompileAnswer } | undefined;
    if (received === undefined) return undefined;
    this.waiting -= 1;
    const answer = received.message;
    if ('failed' in answer) throw new Error(`the translator made code of job ${answer.id} that does not compile: ${answer.failed}`);
    return answer.compiled;
  }
}
