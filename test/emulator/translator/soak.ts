/**
 * The small OS under load, on both engines, with room for so little code that regions come and go all the time: are they the same at each
 * checkpoint? A user types the same commands again and again; the disk is in memory.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createMachine, type Machine, type MachineConfig, type Statistics } from '../../../emulator/index.ts';
import { compare } from './lockstep.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url)).replace(/dist\/$/, '');
const image = (name: string): Uint8Array => Uint8Array.from(readFileSync(`${ROOT}images/${name}.elf`));
const SECTORS = 2048;
const SLICE = 2_000_000;
/** Instructions from one comparison of all state to the next; registers and outputs are compared at each slice. */
const CHECKPOINT = 25_000_000;
/** Less than the OS and its programs want: what is evicted is soon asked for again. */
export const CODE_BYTES = 96 * 1024;
const LINES = [
  'kv set alpha one',
  'bench',
  'sum 20000',
  'kv set beta two',
  'kv get alpha',
  'bench',
  'kv list',
  'sum 3000',
  'kv del beta',
  'ps',
];

export interface Soaked {
  readonly difference: string | undefined;
  readonly icount: number;
  readonly checkpoints: number;
  readonly statistics: Statistics;
}

/** Runs for `instructions`; `progress` is told at each checkpoint. */
export function soak(instructions: number, progress: (at: number, digest: string) => void = () => {}): Soaked {
  const config: MachineConfig = {
    memoryBytes: 16 << 20,
    clock: 'icount',
    seed: new Uint8Array(32).fill(5),
    bootTimeNs: 0n,
    disk: { sectors: SECTORS, readOnly: false, id: 'soak' },
    net: undefined,
    virtioConsole: false,
    onReset: 'end',
    images: { firmware: image('sbi'), main: image('os'), initrd: undefined, append: '', dtb: undefined },
  };
  const reference = createMachine(config, { engine: 'interpreter' });
  const subject = createMachine(config, { engine: 'auto', translator: { codeBytes: CODE_BYTES, threshold: 30 } });
  const disk = new Uint8Array(SECTORS * 512);
  let checkpoints = 0;
  let typed = 0;
  let difference: string | undefined;
  while (reference.icount < instructions && difference === undefined) {
    const limit = reference.icount + SLICE;
    const pauses = [reference, subject].map((machine) => machine.run(limit));
    const whole = reference.icount >= (checkpoints + 1) * CHECKPOINT;
    difference = pauses[0] === pauses[1] ? undefined : `run says ${pauses[1]}, not ${pauses[0]}`;
    // `compare` takes the outputs: what they ask for is known without them.
    const requests = reference.pendingDisk();
    const writes = requests.map((request) => JSON.stringify(request));
    if (
      writes.join() !==
      subject
        .pendingDisk()
        .map((request) => JSON.stringify(request))
        .join()
    )
      difference ??= 'requests of the disk';
    difference ??= compare(reference, subject, whole);
    if (whole) {
      checkpoints += 1;
      progress(reference.icount, reference.digest());
    }
    for (const request of requests) {
      const start = request.kind === 'diskFlush' ? 0 : request.sector * 512;
      if (request.kind === 'diskWrite') disk.set(request.data, start);
      const data = request.kind === 'diskRead' ? disk.slice(start, start + request.sectors * 512) : new Uint8Array();
      for (const machine of [reference, subject]) machine.deliver({ kind: 'disk', request: request.request, status: 0, data });
    }
    if (pauses[0] === 'idle' && requests.length === 0) {
      type(reference, LINES[typed % LINES.length]);
      type(subject, LINES[typed % LINES.length]);
      typed += 1;
    }
    if (pauses[0] === 'off') difference ??= 'the guest is off';
  }
  return { difference, icount: reference.icount, checkpoints, statistics: subject.statistics() };
}

function type(machine: Machine, line: string): void {
  machine.deliver({ kind: 'console', port: 0, bytes: new TextEncoder().encode(`${line}\n`).subarray(0, machine.consoleRoom(0)) });
}
