/**
 * One guest here and on QEMU in turns. Cold: the whole process, from its start to its exit. Steady speed: what the same guest does in a longer
 * run after as many instructions as the cold one has in all (QEMU: between two runs of different length), so that neither side pays for its
 * start nor for code that it has not translated yet.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Guest, planOf, roundOf, withRounds } from './guests.ts';
import { type Measured, translatedShare } from './measured.ts';
import { median } from './report.ts';
import { type Mode, qemu, timed } from './timed.ts';

/** MIPS of processor time (all threads) and of wall time. */
export interface Speed {
  readonly cpu: number;
  readonly wall: number;
}

export interface Sample {
  readonly steady: Speed;
  readonly cold: Speed;
}

export interface Pair {
  readonly here: Sample;
  readonly there: Readonly<Partial<Record<Mode, Sample>>>;
  /** Instructions that translated code executed, in the whole run. */
  readonly translated: number;
}

export interface Paired {
  readonly guest: Guest;
  readonly pairs: readonly Pair[];
}

export interface Terms {
  readonly runs: number;
  /** Of the cold run, at least; the steady speed is of twice as many more. */
  readonly instructions: number;
  readonly engine: string;
  readonly modes: readonly Mode[];
  readonly nodeFlags: readonly string[];
  /** For images. */
  readonly folder: string;
}

/** A run of QEMU that is shorter says little against the noise of its start: the difference to a longer one counts, not to a shorter one. */
const RESOLVED_SECONDS = 1;

/** The steady speed is that of so many more instructions than the cold run has. */
const STEADY_TIMES = 2;

const ONE_GUEST = fileURLToPath(new URL('./one-guest-main.js', import.meta.url));

export function measure(guest: Guest, terms: Terms): Paired {
  const round = roundOf(guest.image);
  const { rounds, warmRounds } = planOf(round, terms.instructions);
  const imageOf = (count: number): string => {
    const path = join(terms.folder, `${guest.name}-${count}.elf`);
    writeFileSync(path, withRounds(guest.image, count));
    return path;
  };
  const long = imageOf(rounds);
  const pairs = Array.from({ length: terms.runs }, (): Pair => {
    const args = (times: number) => [long, '--engine', terms.engine, '--rounds', `${times * rounds}`, '--warm', `${rounds * round}`];
    const { measured, cpu, wall } = runHere(args(1), terms.nodeFlags);
    const { begun, ended } = measured;
    const all = ended.icount;
    const afterFirst = (all - round) / (rounds - 1);
    const longer = runHere(args(1 + STEADY_TIMES), terms.nodeFlags).measured;
    const there = (mode: Mode): Sample => {
      const whole = qemu(mode, long);
      const otherRounds = whole.cpu > RESOLVED_SECONDS ? warmRounds : rounds * Math.min(9, 2 + Math.floor(RESOLVED_SECONDS / whole.cpu));
      const other = qemu(mode, imageOf(otherRounds));
      const between = (otherRounds - rounds) * afterFirst;
      return { steady: mips(between, other.cpu - whole.cpu, other.wall - whole.wall), cold: mips(all, whole.cpu, whole.wall) };
    };
    return {
      here: {
        steady: steadyOf(longer),
        cold: mips(all, cpu, wall),
      },
      there: Object.fromEntries(terms.modes.map((mode) => [mode, there(mode)])),
      translated: translatedShare(begun, ended),
    };
  });
  return { guest, pairs };
}

/** Microseconds that it costs to stop at an exact instruction and to go on: what a run in pieces of `cut` instructions takes more than one piece. */
export function stopMicroseconds(guest: Guest, cut: number, terms: Terms): Speed {
  const round = roundOf(guest.image);
  const { rounds, warmRounds } = planOf(round, terms.instructions);
  const args = [guest.name, '--engine', terms.engine, '--rounds', `${rounds}`, '--warm', `${warmRounds * round}`];
  const perInstruction = (more: readonly string[]) => {
    const { warmed, ended } = runHere([...args, ...more], terms.nodeFlags).measured;
    const seconds = (clock: keyof Speed) => (ended[clock] - warmed[clock]) / (ended.icount - warmed.icount);
    return { cpu: seconds('cpu'), wall: seconds('wall') };
  };
  const costs = Array.from({ length: terms.runs }, () => {
    const [pieces, whole] = [perInstruction(['--cut', `${cut}`]), perInstruction([])];
    return { cpu: (pieces.cpu - whole.cpu) * cut * 1e6, wall: (pieces.wall - whole.wall) * cut * 1e6 };
  });
  return { cpu: median(costs.map(({ cpu }) => cpu)), wall: median(costs.map(({ wall }) => wall)) };
}

/** How many times the speed of QEMU in `mode`: the median over pairs, since both of a pair had the same minute. */
export function ratio({ pairs }: Paired, mode: Mode, when: keyof Sample, clock: keyof Speed): number {
  return median(pairs.map(({ here, there }) => here[when][clock] / (there[mode]?.[when][clock] ?? Number.NaN)));
}

export function speed({ pairs }: Paired, when: keyof Sample, clock: keyof Speed): number {
  return median(pairs.map(({ here }) => here[when][clock]));
}

export function speedThere({ pairs }: Paired, mode: Mode, clock: keyof Speed): number {
  return median(pairs.map(({ there }) => there[mode]?.steady[clock] ?? Number.NaN));
}

export function translated({ pairs }: Paired): number {
  return median(pairs.map((pair) => pair.translated));
}

/** In a process of its own, as a replica's machine is. */
function runHere(args: readonly string[], nodeFlags: readonly string[]) {
  const { stdout, cpu, wall } = timed(process.execPath, [...nodeFlags, ONE_GUEST, ...args, '--json']);
  return { measured: JSON.parse(stdout) as Measured, cpu, wall };
}

const steadyOf = ({ warmed, ended }: Measured): Speed =>
  mips(ended.icount - warmed.icount, ended.cpu - warmed.cpu, ended.wall - warmed.wall);

function mips(instructions: number, cpuSeconds: number, wallSeconds: number): Speed {
  return { cpu: instructions / cpuSeconds / 1e6, wall: instructions / wallSeconds / 1e6 };
}
