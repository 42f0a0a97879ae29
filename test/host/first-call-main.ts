/**
 * A process for one question (`node --allow-natives-syntax first-call-main.js ours|default`): is a function that another thread compiled
 * still without code when it is first called here? Prints what V8 says.
 */
import { MessageChannel, Worker } from 'node:worker_threads';
import { sleepThread } from '../../src/host/doorbell.ts';
import { setV8Flags } from '../../src/host/v8-flags.ts';
import { WorkerCompiler } from '../../src/host/worker-compiler.ts';
import { job, wasm } from './compile-jobs.ts';

if (process.argv[2] === 'ours') setV8Flags();
const { port1, port2 } = new MessageChannel();
new Worker(new URL('./compile-test-worker.js', import.meta.url), { workerData: { port: port2 }, transferList: [port2] }).unref();
const compiler = new WorkerCompiler(port1);
compiler.request(job(5));
// As a machine's thread does: the event loop gets no turn.
let compiled = compiler.take();
for (; compiled === undefined; compiled = compiler.take()) sleepThread(1);
const { f } = new wasm.Instance(compiled.module).exports;
const withoutCode = new Function('f', 'return %IsUncompiledWasmFunction(f)') as (f: unknown) => boolean;
process.stdout.write(JSON.stringify({ withoutCode: withoutCode(f), value: f(2) }));
