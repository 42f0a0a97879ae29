/**
 * The work that the failover suites do while they kill: numbered writes to the guest's key-value store, each acknowledged on its
 * console when it is durable. Its transcript depends on the disk and on what is typed, on nothing else: an unfailed run is the oracle.
 */
import { truncateSync, writeFileSync } from 'node:fs';
import { Twin } from '../support/twin.ts';

export const DISK_BYTES = 1 << 20;

export interface Outcome {
  readonly transcript: string;
  readonly notes: string;
  readonly status: number | null;
}

export interface Job {
  /** Keys written, in two commands. */
  readonly keys: number;
  /** A fault for each count of acknowledged writes, in order of the counts: done once when the console has that many. */
  readonly faults: readonly { readonly after: number; readonly strike: (twin: Twin) => void | Promise<void> }[];
  /** Faults outside the load: as soon as the run has begun, and once power-off is typed. */
  readonly atStart?: (twin: Twin) => Promise<void>;
  readonly atEnd?: (twin: Twin) => Promise<void>;
  /** More options of `run`. */
  readonly options?: readonly string[];
}

/** Boots the guest with an empty disk, does the job, checks every key inside the guest, powers off. */
export async function work(job: Job, disk: string, inspect?: (twin: Twin) => Promise<void>): Promise<Outcome> {
  writeFileSync(disk, '');
  truncateSync(disk, DISK_BYTES);
  const twin = new Twin(['os', '--disk', disk, ...(job.options ?? [])]);
  try {
    const half = Math.floor(job.keys / 2);
    await Promise.all([job.atStart?.(twin), twin.see('twin> ')]);
    const struck = strikes(twin, job.faults);
    await twin.command(`kv load 0 ${half}`);
    await twin.command(`kv load ${half} ${job.keys - half}`);
    await struck;
    await twin.command(`kv check 0 ${job.keys}`);
    await inspect?.(twin);
    twin.type('poweroff\n');
    await job.atEnd?.(twin);
    const status = await twin.ended;
    return { transcript: twin.console, notes: twin.notes, status };
  } finally {
    twin.dispose();
  }
}

/** Boots once more with the disk as the run left it: are all keys there? Returns what the guest says. */
export async function recheck(disk: string, keys: number): Promise<string> {
  const twin = new Twin(['os', '--solo', '--disk', disk]);
  try {
    await twin.see('twin> ');
    const said = await twin.command(`kv check 0 ${keys}`);
    twin.type('poweroff\n');
    await twin.ended;
    return said;
  } finally {
    twin.dispose();
  }
}

/** Process ids as twinhart prints them when it starts the replicas. */
export function pidOf(twin: Twin, role: 'primary' | 'backup'): number {
  const found = new RegExp(`${role} +pid (\\d+)`).exec(twin.notes);
  if (found === null) throw new Error(`no ${role} among the notes:\n${twin.notes}`);
  return Number(found[1]);
}

/** At once and without a word, as a fault comes: the verb `kill` would cost a process start. */
export const kill9 =
  (role: 'primary' | 'backup') =>
  (twin: Twin): void => {
    process.kill(pidOf(twin, role), 'SIGKILL');
  };

async function strikes(twin: Twin, faults: Job['faults']): Promise<void> {
  for (const { after, strike } of faults) {
    const acknowledged = (): number => twin.console.split('\nok k').length - 1;
    await twin.until(() => acknowledged() >= after);
    await strike(twin);
  }
}
