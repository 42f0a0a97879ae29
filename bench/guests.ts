/** The guests of images/bench: which there are, how often their `main` runs, and the machine that they run on. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createMachine, type Machine, type MachineConfig } from '../emulator/index.ts';

export interface Guest {
  /** `sha256`, `sha256-sv32`, `walk`. */
  readonly name: string;
  readonly family: 'tuned' | 'held-back' | 'system';
  /** In U-mode under Sv32. */
  readonly paged: boolean;
  readonly image: Uint8Array;
}

export const MEMORY_MIB = 32;
const IMAGES = new URL('../../images/bench/', import.meta.url);

/** More instructions than any guest here is asked for: one that does not power off is an error, not a long wait. */
const LIMIT = 100_000_000_000;

/** All guests, by family and name. */
export function guests(): Guest[] {
  return (['tuned', 'held-back', 'system'] as const).flatMap((family) => {
    const folder = new URL(family === 'tuned' ? './' : `${family}/`, IMAGES);
    return readdirSync(folder)
      .filter((file) => file.endsWith('.elf'))
      .sort()
      .map((file) => {
        const name = basename(file, '.elf');
        return { name, family, paged: name.endsWith('-sv32'), image: new Uint8Array(readFileSync(fileURLToPath(new URL(file, folder)))) };
      });
  });
}

/** The guest's ELF with another number of rounds: crt0.S leaves a mark before the word. */
export function withRounds(image: Uint8Array, rounds: number): Uint8Array {
  const copy = Buffer.from(image);
  const mark = copy.indexOf('rounds: ');
  if (mark < 0) throw new Error('the guest has no mark "rounds: ": build it again with npm run image:os');
  copy.writeUInt32LE(rounds, mark + 8);
  return copy;
}

export function configOf(image: Uint8Array): MachineConfig {
  return {
    memoryBytes: MEMORY_MIB << 20,
    clock: 'icount',
    seed: new Uint8Array(32),
    bootTimeNs: 0n,
    disk: undefined,
    net: undefined,
    virtioConsole: false,
    onReset: 'end',
    images: { firmware: undefined, main: image, initrd: undefined, append: '', dtb: undefined },
  };
}

/** Runs until the guest has ended or `icount` is reached, in pieces of `cut` instructions. Throws when the guest waits or fails. */
export function runTo(machine: Machine, icount = LIMIT, cut = Number.POSITIVE_INFINITY): void {
  while (machine.exit === undefined && machine.icount < icount) {
    const pause = machine.run(Math.min(icount, machine.icount + cut));
    if (pause === 'idle') throw new Error(`the guest waits for what never comes, at icount ${machine.icount}`);
    if (pause === 'output') machine.takeOutputs();
  }
  if (machine.icount >= LIMIT) throw new Error(`the guest has not ended after ${machine.icount} instructions`);
  if (machine.exit !== undefined && machine.exit.code !== 0) {
    throw new Error(`the guest ended with ${JSON.stringify(machine.exit)} after ${machine.icount} instructions: its checksum is wrong`);
  }
}

/** Instructions of one round, with the guest's start: counted by the interpreter; every machine that is right executes as many. */
export function roundOf(image: Uint8Array): number {
  const machine = createMachine(configOf(withRounds(image, 1)));
  runTo(machine);
  return machine.icount;
}

/** Rounds for at least `instructions`, and at least four; and of the short run, a quarter of them. */
export function planOf(round: number, instructions: number): { readonly rounds: number; readonly warmRounds: number } {
  const rounds = Math.max(4, Math.ceil(instructions / round));
  return { rounds, warmRounds: Math.round(rounds / 4) };
}
