/** What running processes cost, from /proc (Linux): processor time of all their threads, and memory. */
import { readdirSync, readFileSync } from 'node:fs';

/** The process and its children, and theirs. */
export function family(pid: number): number[] {
  const children = tasks(pid).flatMap((task) => numbers(read(`/proc/${pid}/task/${task}/children`)));
  return [pid, ...children.flatMap(family)];
}

/** Seconds of processor time, to the microsecond: of the threads that are alive, or all that `stat` has counted (in 10 ms) when that is more. */
export function cpuSeconds(pid: number): number {
  const alive = tasks(pid).reduce((sum, task) => sum + (numbers(read(`/proc/${pid}/task/${task}/schedstat`))[0] ?? 0), 0) / 1e9;
  // After the name, which may hold anything: user is the 12th field, system the 13th, of which clock ticks are 100 a second on Linux.
  const fields = read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
  const counted = (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
  return Math.max(alive, counted - 0.02);
}

export interface MemoryUse {
  /** MiB that are resident; the same with each shared page divided by those who share it. */
  readonly resident: number;
  readonly proportional: number;
}

export function memoryOf(pid: number): MemoryUse {
  const rollup = read(`/proc/${pid}/smaps_rollup`);
  return { resident: kibibytes(rollup, 'Rss') / 1024, proportional: kibibytes(rollup, 'Pss') / 1024 };
}

/** MiB resident of the one mapping that holds the guest's RAM: the smallest of those that are large enough, or NaN. Its pages are there when touched. */
export function ramTouched(pid: number, ramMib: number): number {
  const mappings = read(`/proc/${pid}/smaps`)
    .split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
    .map((text) => ({ size: kibibytes(text, 'Size') / 1024, resident: kibibytes(text, 'Rss') / 1024 }))
    .filter(({ size, resident }) => size >= ramMib && resident > 0)
    .sort((a, b) => a.size - b.size);
  return mappings[0]?.resident ?? Number.NaN;
}

const kibibytes = (text: string, name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN);

const numbers = (text: string): number[] => text.split(/\s+/).filter(Boolean).map(Number);

function tasks(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Empty for a process or thread that has gone. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
