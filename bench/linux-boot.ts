/** How the benchmark starts Linux: here, solo or as a pair, or on QEMU; each with the same firmware, kernel and disk, whose writes are forgotten. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { askWorld, type WorldStatus } from '../src/world/control.ts';
import { knownRuns } from '../src/world/state-folder.ts';
import { LinuxGuest } from './linux-guest.ts';
import type { Asked } from './report.ts';
import { MODES, type Mode } from './timed.ts';

export interface LinuxFiles {
  readonly firmware: string;
  readonly kernel: string;
  readonly disk: string;
  readonly append: string;
  readonly memoryMib: number;
}

export interface Running {
  readonly guest: LinuxGuest;
  /** What the replicas last said; QEMU has none. */
  readonly status?: () => Promise<WorldStatus['replicas']>;
  dispose(): void;
}

export interface RunningHere extends Running {
  readonly status: () => Promise<WorldStatus['replicas']>;
}

/** The program as it is installed. */
const MAIN = fileURLToPath(new URL('../app/twinhart.js', import.meta.url));
const BUNDLE = fileURLToPath(new URL('../../src/bundle.mjs', import.meta.url));

/** What is measured is what the sources say, also after `tsc -b` alone. */
export const bundle = (): Buffer => execFileSync(process.execPath, [BUNDLE]);

export function hereLinux(files: LinuxFiles, protection: 'solo' | 'pair', asked: Asked): RunningHere {
  const state = mkdtempSync(join(tmpdir(), 'twinhart-bench-'));
  const guest = new LinuxGuest(process.execPath, [
    ...asked.nodeFlags,
    MAIN,
    'run',
    ...['--kernel', files.kernel, '--disk', `${files.disk},ephemeral`, '--append', files.append, '--memory', `${files.memoryMib}M`],
    ...['--engine', asked.engine ?? 'auto', '--state', state],
    ...(protection === 'solo' ? ['--solo'] : []),
  ]);
  return {
    guest,
    async status() {
      const [run] = knownRuns(state);
      if (run === undefined) throw new Error(`the guest has no run in ${state}: ${guest.notes}`);
      const answer = await askWorld(run.world.controlSocket, { do: 'status' });
      if (!(answer.ok && 'status' in answer)) throw new Error(`the world does not tell its status: ${JSON.stringify(answer)}`);
      return answer.status.replicas;
    },
    dispose() {
      guest.kill();
      void guest.ended.then(() => rmSync(state, { recursive: true, force: true }));
    },
  };
}

/** What all modes share: no floating point, which this kernel does not use, and virtio 1. */
const QEMU_MACHINE = [
  '-M',
  'virt',
  '-nographic',
  '-nic',
  'none',
  '-cpu',
  'rv32,f=off,d=off,h=off',
  '-global',
  'virtio-mmio.force-legacy=false',
];

export function qemuLinux(files: LinuxFiles, mode: Mode): Running {
  const guest = new LinuxGuest('qemu-system-riscv32', [
    ...QEMU_MACHINE,
    ...['-m', `${files.memoryMib}M`, '-bios', files.firmware, '-kernel', files.kernel, '-append', files.append],
    ...['-drive', `file=${files.disk},format=raw,if=none,id=disk,snapshot=on`, '-device', 'virtio-blk-device,drive=disk'],
    ...MODES[mode],
  ]);
  return { guest, dispose: () => guest.kill() };
}
