/** Runs a batch's ELF on Twinhart and reads the log back. */
import type { Machine, MachineOptions } from '../../emulator/index.ts';
import { createMachine } from '../support/engine.ts';
import { testConfig } from '../support/program.ts';
import { LOG, RAM_BYTES } from './runtime.ts';

const LOG_BYTES = 0x80_0000;
/** Far beyond what a batch needs: 500 programs of some 30,000 instructions, harness included. */
const LIMIT = 200_000_000;

export interface Run {
  readonly log: Uint8Array;
  readonly icount: number;
  /** Of the machine when it is off: all of its state. */
  readonly digest: string;
}

/** Runs the image to its power-off. `cut`, where given, is asked again and again how many instructions the next run may have. */
export function runHere(image: Uint8Array, cut?: (machine: Machine) => number, options: MachineOptions = {}): Run {
  const machine = createMachine(testConfig(image, { memoryBytes: RAM_BYTES }), options);
  while (machine.exit === undefined && machine.icount < LIMIT) {
    const pause = machine.run(cut === undefined ? LIMIT : Math.min(LIMIT, machine.icount + cut(machine)));
    if (pause === 'idle') throw new Error(`a program waits for ever, pc 0x${machine.inspect().pc.toString(16)}`);
    machine.takeOutputs();
  }
  if (machine.exit?.code !== 0) {
    throw new Error(`no power-off after ${machine.icount} instructions, pc 0x${machine.inspect().pc.toString(16)}`);
  }
  return { log: machine.readMemory(LOG, LOG_BYTES), icount: machine.icount, digest: machine.digest() };
}
