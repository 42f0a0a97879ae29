/** What a checkpoint stops the guest for: only the pages written since the last, against a whole snapshot of the same machine in the same round. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createMachine } from '../emulator/index.ts';
import { median, type Report, short } from './report.ts';

const GUEST = fileURLToPath(new URL('../../images/bench/sieve.elf', import.meta.url));
/** Enough for the sieve to go over its megabyte again. */
const BETWEEN = 3_000_000;

export async function run(runs = 25): Promise<Report> {
  const machine = createMachine({
    memoryBytes: 64 << 20,
    clock: 'icount',
    seed: new Uint8Array(32),
    bootTimeNs: 0n,
    disk: undefined,
    net: undefined,
    virtioConsole: false,
    onReset: 'end',
    images: { firmware: undefined, main: new Uint8Array(readFileSync(GUEST)), initrd: undefined, append: '', dtb: undefined },
  });
  const times = { digest: [] as number[], checkpoint: [] as number[], save: [] as number[] };
  // The first of each looks at all of RAM.
  machine.digest();
  machine.checkpoint();
  for (let round = 0; round < runs; round++) {
    if (machine.run(machine.icount + BETWEEN) === 'off') throw new Error(`the guest ended after ${round} of ${runs} rounds: ask for fewer`);
    machine.takeOutputs();
    for (const what of ['digest', 'checkpoint', 'save'] as const) {
      const begun = performance.now();
      machine[what]();
      times[what].push(performance.now() - begun);
    }
  }
  const ratio = (what: keyof typeof times) => short(median(times[what].map((ms, round) => ms / (times.save[round] as number))));
  return {
    rows: (['digest', 'checkpoint', 'save'] as const).map((what) => ({
      what,
      'p50 ms': short(median(times[what])),
      'of a save()': ratio(what),
    })),
    notes: [`64 MiB, ${runs} rounds of ${BETWEEN / 1e6} M instructions of the sieve, which writes one megabyte`],
  };
}
