/**
 * Speed of the interpreter on the six guests of bench/guest, bare metal and in U-mode under Sv32, as a ratio to `qemu-system-riscv32 -icount
 * shift=0` on the same ELF. Steady speed in processor time, on both sides: what the rounds after the first take, so that neither pays for its
 * start. Runs of the two are interleaved; the median of each is shown.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Speed } from './one-guest-main.ts';
import { median, type Report, short } from './report.ts';

const IMAGES = fileURLToPath(new URL('../../images/bench/', import.meta.url));
const ONE_GUEST = fileURLToPath(new URL('./one-guest-main.js', import.meta.url));
const MEMORY_MIB = 16;
const QEMU = 'qemu-system-riscv32';
const QEMU_ARGUMENTS = ['-M', 'virt', '-cpu', 'rv32', '-m', `${MEMORY_MIB}M`, '-icount', 'shift=0', '-bios', 'none'];
const QUIET = ['-display', 'none', '-serial', 'null', '-monitor', 'none'];

/** Rounds of the guest's main: ours, and QEMU's, which is faster and needs more for the same resolution. */
const ROUNDS_HERE = 4;
const ROUNDS_THERE = 11;

/** The guest's ELF with another number of rounds: crt0.S leaves a mark before the word. */
function withRounds(image: Uint8Array, rounds: number): Uint8Array {
  const copy = Buffer.from(image);
  const mark = copy.indexOf('rounds: ');
  if (mark < 0) throw new Error('the guest has no mark "rounds: ": build it again with npm run image:os');
  copy.writeUInt32LE(rounds, mark + 8);
  return copy;
}

/** In a process of its own, as a replica's machine is: what V8 learnt from one guest must not slow the next. */
function runHere(once: string, often: string): Speed {
  const { status, stdout, stderr } = spawnSync(process.execPath, [ONE_GUEST, once, often], { encoding: 'utf8', timeout: 120_000 });
  if (status !== 0) throw new Error(`the guest's run ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as Speed;
}

/** Processor seconds of QEMU from its start to its exit (the shell's `time`: user and system, to the millisecond). */
function runInQemu(image: string): number {
  const line = ['time', QEMU, ...QEMU_ARGUMENTS, '-kernel', `'${image}'`, ...QUIET].join(' ');
  const { status, stderr } = spawnSync('bash', ['-c', `TIMEFORMAT='%U %S'; ${line}`], { encoding: 'utf8', timeout: 120_000 });
  const [user, system] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  const seconds = Number(user) + Number(system);
  if (status !== 0 || Number.isNaN(seconds)) throw new Error(`${QEMU} ended with ${status}: ${stderr}`);
  return seconds;
}

function hasQemu(): boolean {
  try {
    execFileSync(QEMU, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** `runs` of each guest on each machine; 3 when undefined. */
export async function run(runs = 3): Promise<Report> {
  const qemu = hasQemu();
  const load = loadavg()[0];
  const folder = mkdtempSync(join(tmpdir(), 'twinhart-bench-'));
  const guests = readdirSync(IMAGES)
    .filter((name) => name.endsWith('.elf'))
    .sort();
  const rows = guests.map((name) => {
    const image = new Uint8Array(readFileSync(join(IMAGES, name)));
    const [once, often] = [join(folder, `once-${name}`), join(folder, `often-${name}`)];
    writeFileSync(once, withRounds(image, 1));
    writeFileSync(often, withRounds(image, ROUNDS_THERE));
    const some = join(folder, `some-${name}`);
    writeFileSync(some, withRounds(image, ROUNDS_HERE));
    const here: number[] = [];
    const there: number[] = [];
    let size = 0;
    for (let n = 0; n < runs; n++) {
      const { first, all, mips } = runHere(once, some);
      here.push(mips);
      size = first;
      const round = (all - first) / (ROUNDS_HERE - 1);
      if (qemu) there.push((round * (ROUNDS_THERE - 1)) / (runInQemu(often) - runInQemu(once)) / 1e6);
    }
    return {
      guest: name.replace('.elf', ''),
      'M instructions a round': short(size / 1e6),
      MIPS: short(median(here)),
      'QEMU MIPS': short(median(there)),
      ratio: short(median(here.map((mips, n) => mips / (there[n] ?? Number.NaN)))),
    };
  });
  rmSync(folder, { recursive: true });
  const mean = (sv32: boolean, key: 'MIPS' | 'ratio') => {
    const values = rows.filter(({ guest }) => guest.endsWith('-sv32') === sv32).map((row) => row[key]);
    return short(Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length));
  };
  const summary = (sv32: boolean) => `${mean(sv32, 'MIPS')} MIPS${qemu ? `, ${mean(sv32, 'ratio')} of QEMU` : ''}`;
  return {
    rows,
    notes: [
      ...(load > availableParallelism() / 2
        ? [`the host was busy (load ${short(load)}): processor time counts, but shared caches and cores still cost`]
        : []),
      `geometric mean: bare metal ${summary(false)}; U-mode under Sv32 ${summary(true)} (median of ${runs} pairs)`,
      qemu ? `QEMU: ${QEMU_ARGUMENTS.join(' ')}` : `no ratio: ${QEMU} is not installed (Debian: qemu-system-misc)`,
    ],
  };
}
