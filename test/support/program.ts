/** Assembler text -> a machine that is about to run it in M-mode from the start of RAM, with time fixed to icount and a constant seed. */
import type { Machine, MachineConfig } from '../../emulator/index.ts';
import { type Assembly, assemble } from '../../emulator/isa/assemble.ts';
import { elf } from './elf.ts';
import { createMachine } from './engine.ts';

export const RAM = 0x8000_0000;

export interface ProgramOptions {
  /** 1 MiB when absent. */
  readonly memoryBytes?: number;
  readonly symbols?: Readonly<Record<string, number>>;
  readonly config?: Partial<MachineConfig>;
}

export function testConfig(main: Uint8Array, options: ProgramOptions = {}): MachineConfig {
  return {
    memoryBytes: options.memoryBytes ?? 1 << 20,
    clock: 'icount',
    seed: new Uint8Array(32),
    bootTimeNs: 0n,
    disk: undefined,
    net: undefined,
    virtioConsole: false,
    onReset: 'end',
    images: { firmware: undefined, main, initrd: undefined, append: '', dtb: undefined },
    ...options.config,
  };
}

export function program(source: string, options: ProgramOptions = {}): { machine: Machine; assembly: Assembly } {
  const assembly = assemble(source, { origin: RAM, ...(options.symbols && { symbols: options.symbols }) });
  const image = elf([{ address: RAM, bytes: assembly.bytes }], RAM, assembly.symbols);
  return { machine: createMachine(testConfig(image, options)), assembly };
}

/**
 * Runs `source` until it spins at its label `done` (`done: j done`) and returns the machine there. Throws with the pc and cause when it is
 * not there after `limit` instructions.
 */
export function runToDone(
  source: string,
  options: ProgramOptions & { readonly limit?: number } = {},
): { machine: Machine; assembly: Assembly } {
  const { machine, assembly } = program(source, options);
  const limit = options.limit ?? 100_000;
  const done = assembly.symbols.get('done');
  // In small steps, so that little is spent on spinning.
  let pause = machine.run(Math.min(STEP, limit));
  while (machine.icount < limit && (pause === 'output' || (pause === 'limit' && machine.inspect().pc !== done))) {
    machine.takeOutputs();
    pause = machine.run(Math.min(machine.icount + STEP, limit));
  }
  const view = machine.inspect();
  if (view.pc !== done) {
    const { mcause, mepc, mtval } = view.csrs;
    const hex = (value: number) => `0x${value.toString(16)}`;
    throw new Error(
      `not at done (${done === undefined ? 'no such label' : hex(done)}) but at ${hex(view.pc)} after ${machine.icount} (${pause}); ` +
        `mcause ${hex(mcause)}, mepc ${hex(mepc)}, mtval ${hex(mtval)}`,
    );
  }
  return { machine, assembly };
}

const STEP = 1000;

/** A word of physical memory, unsigned. */
export function wordAt(machine: Machine, address: number): number {
  const bytes = machine.readMemory(address, 4);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}
