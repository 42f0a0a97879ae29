/** Questions to the compiler on another thread: do modules come back, are failures heard, does nothing wait for a thread that is gone? */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { MessageChannel, Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { sleepThread } from '../../src/host/doorbell.ts';
import { WorkerCompiler } from '../../src/host/worker-compiler.ts';
import { built } from '../support/dist.ts';
import { DIES, FAILS, job, wasm } from './compile-jobs.ts';

let worker: Worker | undefined;
afterEach(() => void worker?.terminate());

function start(): WorkerCompiler {
  const { port1, port2 } = new MessageChannel();
  worker = new Worker(built('test/host/compile-test-worker.ts'), { workerData: { port: port2 }, transferList: [port2] });
  return new WorkerCompiler(port1);
}

/** As a machine's thread does: the event loop gets no turn. */
function waitFor(compiler: WorkerCompiler) {
  for (;;) {
    const compiled = compiler.take();
    if (compiled !== undefined) return compiled;
    sleepThread(1);
  }
}

describe('a compiler on another thread', () => {
  it('answers each job with its module and the time that it took, while this thread never runs its event loop', () => {
    const compiler = start();
    for (const id of [1, 2, 3]) compiler.request(job(id));
    const answers = [waitFor(compiler), waitFor(compiler), waitFor(compiler)];
    expect(answers.map(({ id }) => id)).toEqual([1, 2, 3]);
    for (const { id, module, milliseconds, wasmBytes } of answers) {
      const { f } = new wasm.Instance(module).exports;
      expect(f(40)).toBe(40 + id);
      expect(milliseconds).toBeGreaterThan(0);
      expect(wasmBytes).toBeGreaterThan(100_000);
    }
    expect(compiler.take()).toBeUndefined();
  });

  it('says what did not compile, and goes on', () => {
    const compiler = start();
    compiler.request(job(FAILS));
    expect(() => waitFor(compiler)).toThrow(/code of job 13 that does not compile: CompileError/);
    compiler.request(job(1));
    expect(waitFor(compiler).id).toBe(1);
  });

  it('that is gone answers nothing, and asking it does not wait', async () => {
    const compiler = start();
    compiler.request(job(DIES));
    await once(worker!, 'exit');
    compiler.request(job(1));
    expect(compiler.take()).toBeUndefined();
  });

  it.each([
    ['ours', false],
    ['default', true],
  ])(
    'hands on functions that have code, under the V8 options of a replica: with %s, is one without code at its first call? %s',
    (flags, lazy) => {
      const main = fileURLToPath(built('test/host/first-call-main.ts'));
      const { stdout, stderr } = spawnSync(process.execPath, ['--allow-natives-syntax', main, flags], { encoding: 'utf8' });
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toEqual({ withoutCode: lazy, value: 7 });
    },
  );
});
