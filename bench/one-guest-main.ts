/** One benchmark guest in a process of its own: `one-guest-main ONCE OFTEN` prints the steady speed as JSON. */
import { readFileSync } from 'node:fs';
import { createMachine, type Machine } from '../emulator/index.ts';

export interface Speed {
  /** Instructions of the first round (with the guest's start), and of all. */
  readonly first: number;
  readonly all: number;
  /** MIPS of processor time after the first round. */
  readonly mips: number;
}

/** More than any guest has: one that does not power off is an error, not a long wait. */
const LIMIT = 20_000_000_000;

const [once, often] = process.argv.slice(2);
if (once === undefined || often === undefined) throw new Error('want two ELF files: the guest for one round, and for several');
const first = machineOf(once);
runTo(first, LIMIT);
const machine = machineOf(often);
runTo(machine, first.icount);
const begun = process.cpuUsage();
runTo(machine, LIMIT);
const { user, system } = process.cpuUsage(begun);
if (machine.exit?.code !== 0) throw new Error(`the guest ended with ${JSON.stringify(machine.exit)} after ${machine.icount} instructions`);
const speed: Speed = { first: first.icount, all: machine.icount, mips: (machine.icount - first.icount) / (user + system) };
console.log(JSON.stringify(speed));

function machineOf(path: string): Machine {
  return createMachine({
    memoryBytes: 16 << 20,
    clock: 'icount',
    seed: new Uint8Array(32),
    bootTimeNs: 0n,
    disk: undefined,
    net: undefined,
    virtioConsole: false,
    images: { firmware: undefined, main: new Uint8Array(readFileSync(path)), initrd: undefined, append: '', dtb: undefined },
  });
}

function runTo(board: Machine, limit: number): void {
  while (board.exit === undefined && board.icount < limit) {
    board.run(limit);
    board.takeOutputs();
  }
}
