/** The engine of a machine that a benchmark makes: as a replica has it, with the compiler on a thread of its own for `auto`. */
import { Worker } from 'node:worker_threads';
import type { MachineOptions } from '../emulator/index.ts';
import { startCompiler } from '../src/host/engine.ts';
import { setV8Flags, V8_FLAGS } from '../src/host/v8-flags.ts';
import { WorkerCompiler } from '../src/host/worker-compiler.ts';
import type { Engine } from '../src/world/run-config.ts';

export interface EngineChoice {
  /** Arrivals before code is translated, and entries of a TLB bank: the engine's own when undefined. */
  readonly threshold: number | undefined;
  readonly tlbEntries: number | undefined;
  /** Compiles where the machine runs. */
  readonly synchronous: boolean;
}

/** For `createMachine`, in a process of its own: sets V8's flags, may start a thread. */
export function engineOptions(engine: Engine, { threshold, tlbEntries, synchronous }: EngineChoice): MachineOptions {
  setV8Flags();
  const port = synchronous ? undefined : startCompiler(engine, startWorker);
  return {
    engine,
    ...(tlbEntries !== undefined && { tlbEntries }),
    translator: { ...(threshold !== undefined && { threshold }), ...(port !== undefined && { compiler: new WorkerCompiler(port) }) },
  };
}

/** The flags of V8 in a process that was given some and has called `engineOptions`. */
export const flags = (given: readonly string[]): readonly string[] => [...given, ...V8_FLAGS];

const startWorker: Parameters<typeof startCompiler>[1] = (name, workerData, transfer) =>
  new Worker(new URL(`../src/host/${name}.js`, import.meta.url), { workerData, transferList: [...transfer] });
