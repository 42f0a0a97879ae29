/** Runs a batch's ELF on Twinhart and reads the log back. */
import { createMachine } from '../../emulator/index.ts';
import { testConfig } from '../support/program.ts';
import { LOG, RAM_BYTES } from './runtime.ts';

const LOG_BYTES = 0x80_0000;
/** Far beyond what a batch needs: 500 programs of some 30,000 instructions, harness included. */
const LIMIT = 200_000_000;

/** Runs the image to its power-off and returns the log. `cut`, where given, says where each run stops. */
export function runHere(image: Uint8Array, cut?: () => number): Uint8Array {
  const machine = createMachine(testConfig(image, { memoryBytes: RAM_BYTES }));
  while (machine.exit === undefined && machine.icount < LIMIT) {
    machine.run(cut === undefined ? LIMIT : Math.min(LIMIT, machine.icount + cut()));
    machine.takeOutputs();
  }
  if (machine.exit?.code !== 0)
    throw new Error(`no power-off after ${machine.icount} instructions, pc 0x${machine.inspect().pc.toString(16)}`);
  return machine.readMemory(LOG, LOG_BYTES);
}
