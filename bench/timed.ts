/** A child process with its processor time and wall time, from its start to its exit; and QEMU as such a child. */
import { execFileSync, spawnSync } from 'node:child_process';
import { MEMORY_MIB } from './guests.ts';

export interface Timed {
  readonly stdout: string;
  /** Seconds, to the millisecond: user and system of all its threads; and by the clock on the wall. */
  readonly cpu: number;
  readonly wall: number;
}

const TIMEOUT_MS = 600_000;

/** Through the shell's `time`: Node does not tell what a child used. Throws when it fails. */
export function timed(command: string, args: readonly string[]): Timed {
  const script = 'TIMEFORMAT="%R %U %S"; time "$0" "$@"';
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script, command, ...args], { encoding: 'utf8', timeout: TIMEOUT_MS });
  const [wall, user, system] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  const cpu = Number(user) + Number(system);
  if (status !== 0 || Number.isNaN(cpu)) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return { stdout, cpu, wall: Number(wall) };
}

const QEMU = 'qemu-system-riscv32';
const QEMU_ARGUMENTS = ['-M', 'virt', '-cpu', 'rv32', '-m', `${MEMORY_MIB}M`, '-bios', 'none'];
const QUIET = ['-display', 'none', '-serial', 'null', '-monitor', 'none'];
/** QEMU as it is, and counting instructions: the mode that can record and replay. */
export const MODES = { tcg: [], icount: ['-icount', 'shift=0'] } as const;
export type Mode = keyof typeof MODES;

/** `image` is the path of an ELF file. */
export function qemu(mode: Mode, image: string): Timed {
  return timed(QEMU, [...QEMU_ARGUMENTS, ...MODES[mode], '-kernel', image, ...QUIET]);
}

/** What is measured against, for people; undefined where it is not installed. */
export function qemuVersion(): string | undefined {
  try {
    const version = execFileSync(QEMU, ['--version'], { encoding: 'utf8' }).split('\n')[0];
    return `${version}: ${[QEMU, ...QEMU_ARGUMENTS].join(' ')}, and the same with ${MODES.icount.join(' ')}`;
  } catch {
    return undefined;
  }
}
