/** From an engine's name to the options of a machine, and the compiler's thread that `auto` wants. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { MachineOptions } from '../../emulator/index.ts';
import type { Engine } from '../world/run-config.ts';
import type { CompileData } from './compile-thread.ts';
import { WorkerCompiler } from './worker-compiler.ts';

/** `port`: of the compiler's thread; without one, modules are compiled where the machine runs. */
export function engineOptions(engine: Engine, port: MessagePort | undefined): MachineOptions {
  return port === undefined ? { engine } : { engine, translator: { compiler: new WorkerCompiler(port) } };
}

/**
 * Starts the compiler's thread if `engine` has use for one (now or later: jobs wait for it), and returns the port for `engineOptions`, on
 * whichever thread that is called. Both threads are the caller's: a machine's thread runs no event loop, so it can neither start one
 * nor hear of its end.
 */
export function startCompiler(
  engine: Engine,
  startWorker: (name: 'compile-worker', data: CompileData, transfer: readonly MessagePort[]) => void,
): MessagePort | undefined {
  if (engine !== 'auto') return undefined;
  const { port1, port2 } = new MessageChannel();
  startWorker('compile-worker', { port: port2 }, [port2]);
  return port1;
}
