/**
 * Speed of the interpreter on the six guests of bench/guest, bare metal and in U-mode under Sv32, as a ratio to `qemu-system-riscv32 -icount
 * shift=0` on the same ELF: runs of the two are interleaved, and the median of each is shown. Wall time; QEMU's start is measured and taken off.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createMachine, type MachineConfig } from '../emulator/index.ts';
import { assemble } from '../emulator/isa/assemble.ts';
import { median, type Report, short } from './report.ts';

const IMAGES = fileURLToPath(new URL('../../images/bench/', import.meta.url));
const MEMORY_MIB = 16;
/** More than any guest has: one that does not power off is an error, not a long wait. */
const LIMIT = 20_000_000_000;
const QEMU = 'qemu-system-riscv32';
const QEMU_ARGUMENTS = ['-M', 'virt', '-cpu', 'rv32', '-m', `${MEMORY_MIB}M`, '-icount', 'shift=0', '-bios', 'none'];
const QUIET = ['-display', 'none', '-serial', 'null', '-monitor', 'none'];

interface Speed {
  readonly icount: number;
  readonly seconds: number;
}

/** One run of an ELF on a new machine, from reset to power-off. */
function runHere(image: Uint8Array): Speed {
  const machine = createMachine(configOf(image));
  const begun = performance.now();
  while (machine.exit === undefined && machine.icount < LIMIT) {
    machine.run(LIMIT);
    machine.takeOutputs();
  }
  const seconds = (performance.now() - begun) / 1000;
  if (machine.exit?.code !== 0)
    throw new Error(`the guest ended with ${JSON.stringify(machine.exit)} after ${machine.icount} instructions`);
  return { icount: machine.icount, seconds };
}

const configOf = (main: Uint8Array): MachineConfig => ({
  memoryBytes: MEMORY_MIB << 20,
  clock: 'icount',
  seed: new Uint8Array(32),
  bootTimeNs: 0n,
  disk: undefined,
  net: undefined,
  virtioConsole: false,
  images: { firmware: undefined, main, initrd: undefined, append: '', dtb: undefined },
});

/** Wall seconds from QEMU's start to its exit. */
function runInQemu(image: string): number {
  const begun = performance.now();
  execFileSync(QEMU, [...QEMU_ARGUMENTS, '-kernel', image, ...QUIET], { timeout: 120_000 });
  return (performance.now() - begun) / 1000;
}

function hasQemu(): boolean {
  try {
    execFileSync(QEMU, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** What QEMU takes to start and end, without a guest to speak of. */
function qemuStart(runs: number): number {
  const folder = mkdtempSync(join(tmpdir(), 'twinhart-bench-'));
  try {
    const image = join(folder, 'off.bin');
    writeFileSync(image, assemble('li t0, 0x100000\nli t1, 0x5555\nsw t1, 0(t0)\nj .').bytes);
    return median(Array.from({ length: runs }, () => runInQemu(image)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `runs` of each guest on each machine; 3 when undefined. */
export async function run(runs = 3): Promise<Report> {
  const qemu = hasQemu();
  const load = loadavg()[0];
  const start = qemu ? qemuStart(Math.max(3, runs)) : Number.NaN;
  const guests = readdirSync(IMAGES)
    .filter((name) => name.endsWith('.elf'))
    .sort();
  const rows = guests.map((name) => {
    const path = join(IMAGES, name);
    const image = new Uint8Array(readFileSync(path));
    const here: Speed[] = [];
    const there: number[] = [];
    for (let n = 0; n < runs; n++) {
      here.push(runHere(image));
      if (qemu) there.push(runInQemu(path) - start);
    }
    const { icount } = here[0];
    const mips = icount / median(here.map(({ seconds }) => seconds)) / 1e6;
    const theirs = icount / median(there) / 1e6;
    return {
      guest: name.replace('.elf', ''),
      'M instructions': short(icount / 1e6),
      MIPS: short(mips),
      'QEMU MIPS': short(theirs),
      ratio: short(mips / theirs),
    };
  });
  const mean = (sv32: boolean, key: 'MIPS' | 'ratio') => {
    const values = rows.filter(({ guest }) => guest.endsWith('-sv32') === sv32).map((row) => row[key]);
    return short(Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length));
  };
  const summary = (sv32: boolean) => `${mean(sv32, 'MIPS')} MIPS${qemu ? `, ${mean(sv32, 'ratio')} of QEMU` : ''}`;
  return {
    rows,
    notes: [
      ...(load > availableParallelism() / 2
        ? [`the host was busy (load ${short(load)}): the figures are too low, and the ratios are rough`]
        : []),
      `geometric mean: bare metal ${summary(false)}; U-mode under Sv32 ${summary(true)} (median of ${runs}, interleaved)`,
      qemu
        ? `QEMU: ${QEMU_ARGUMENTS.join(' ')}; ${short(start * 1000)} ms of start taken off`
        : `no ratio: ${QEMU} is not installed (Debian: qemu-system-misc)`,
    ],
  };
}
