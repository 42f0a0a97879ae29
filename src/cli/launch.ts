/** From a plan to a running world: the run's folder, its disk, run.json, sockets, replicas; and what is tidied up when it has ended. */
import { createSocket } from 'node:dgram';
import { existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { placeImages } from '../../emulator/index.ts';
import type { WriteConsole } from '../world/console.ts';
import { askWorld } from '../world/control.ts';
import { DiskError, type DiskFile, openDisk } from '../world/disk-server.ts';
import { type Held, hold } from '../world/exclusive.ts';
import type { RunConfig } from '../world/run-config.ts';
import { knownRuns, makeRunFolder, type RunFolder, writeRunFile } from '../world/state-folder.ts';
import { World, type WorldEvent, type WorldResult } from '../world/world.ts';
import { CliError } from './errors.ts';
import { DISK_ID, type Plan, withConfig } from './run-options.ts';

export interface Launch {
  readonly world: World;
  readonly config: RunConfig;
  /** Ends when the run has: records in place, folder removed (kept when something went wrong, and its path is in `kept`). */
  readonly ended: Promise<Ended>;
}

export interface Ended {
  readonly result: WorldResult;
  readonly kept: string | undefined;
  /** Why there is no record in the place that was asked for, when there is none. */
  readonly recordLost: string | undefined;
  /** A profile was asked for, and is there. */
  readonly profiled: boolean;
}

export interface LaunchConsole {
  readonly write: WriteConsole;
  readonly onEvent: (event: WorldEvent) => void;
  readonly onInputRoom: (room: boolean) => void;
}

/** Starts it all, or throws a `CliError` with nothing left behind. */
export async function launch(plan: Plan, io: LaunchConsole): Promise<Launch> {
  await refuseDoubles(plan);
  const held: Held[] = [];
  let disk: DiskFile | undefined;
  let folder: RunFolder | undefined;
  try {
    disk = plan.disk === undefined ? undefined : await openPlannedDisk(plan.disk);
    await holdAlone(plan, held);
    folder = makeFolder(plan);
    const config = await makeConfig(plan, folder, disk);
    checkMachine(config, plan);
    if (plan.profile !== undefined) clearProfile(plan.profile);
    saveConfig(folder, config);
    const world = new World({
      config,
      runFile: folder.runFile,
      disk,
      netStream: plan.netStream,
      arbiter: plan.arbiter === undefined ? 'file' : `file:${plan.arbiter}`,
      writeConsole: io.write,
      onEvent: io.onEvent,
      onInputRoom: io.onInputRoom,
    });
    await startWorld(world, plan);
    const ended = end(world, config, folder).finally(() => release(held));
    return { world, config, ended };
  } catch (error) {
    folder?.remove(false);
    await disk?.close().catch(() => undefined);
    release(held);
    throw error;
  }
}

async function end(world: World, config: RunConfig, folder: RunFolder): Promise<Ended> {
  const result = await world.done;
  const recordLost = config.record === undefined ? undefined : placeRecord(config.record, result);
  const profiled = config.profile !== undefined && (statSync(config.profile, { throwIfNoEntry: false })?.size ?? 0) > 0;
  const keep = result.divergences > 0 || (result.problem !== undefined && result.exit !== 0);
  folder.remove(keep);
  return { result, kept: keep ? folder.dir : undefined, recordLost, profiled };
}

/** Each replica wrote its own file; the survivor's is whole. The other is of no use once the run has ended well. Returns what went wrong. */
function placeRecord(file: string, result: WorldResult): string | undefined {
  const from = `${file}.${result.survivor === 'backup' ? 'backup' : 'primary'}`;
  try {
    if (existsSync(from)) renameSync(from, file);
    if (result.divergences === 0) for (const role of ['primary', 'backup']) rmSync(`${file}.${role}`, { force: true });
    return existsSync(file) ? result.last?.recordLost : `${from} is gone`;
  } catch (error) {
    return (error as Error).message;
  }
}

async function startWorld(world: World, plan: Plan): Promise<void> {
  try {
    await world.start();
  } catch (error) {
    const message = (error as Error).message;
    if (plan.netStream !== undefined && message.startsWith('cannot reach'))
      throw new CliError('NET', `--net stream=${plan.netStream}: ${message}`);
    throw new CliError('STATE', `cannot make the sockets of this run: ${message}`);
  }
}

async function openPlannedDisk(disk: NonNullable<Plan['disk']>): Promise<DiskFile> {
  try {
    return await openDisk(disk.path, { ephemeral: disk.ephemeral });
  } catch (error) {
    if (error instanceof DiskError) throw new CliError('DISK', `--disk ${error.message}`);
    throw error;
  }
}

function makeFolder(plan: Plan): RunFolder {
  try {
    return makeRunFolder(plan.state, plan.name);
  } catch (error) {
    throw new CliError('STATE', `cannot make a folder in ${plan.state}: ${(error as Error).message}`);
  }
}

async function makeConfig(plan: Plan, folder: RunFolder, disk: DiskFile | undefined): Promise<RunConfig> {
  return {
    vm: plan.name,
    run: folder.run,
    dir: folder.dir,
    protection: plan.protection,
    machine: { ...plan.machine, disk: disk && { sectors: disk.sectors, readOnly: disk.readOnly, id: DISK_ID } },
    engines: plan.engines,
    backupClockOffsetMs: plan.backupClockOffsetMs,
    maxInstructions: plan.maxInstructions,
    record: plan.record,
    profile: plan.profile,
    worldSocket: folder.sockets.world,
    linkSocket: folder.sockets.link,
    heartbeat: plan.protection === 'solo' ? { primary: 0, backup: 0 } : await freePorts(),
    arbiterDir: makeArbiterDir(plan, folder),
    world: { pid: process.pid, controlSocket: folder.sockets.control, disk: disk === undefined || disk.ephemeral ? undefined : disk.path },
  };
}

/** Places the images once here, so that one that does not fit is refused before anything is started. */
function checkMachine(config: RunConfig, plan: Plan): void {
  const { symbols } = withConfig(config.machine, plan.images, placeImages);
  if (plan.signature && !(symbols.has('begin_signature') && symbols.has('end_signature'))) {
    throw new CliError('IMAGE_BAD', `--signature: ${plan.images.main.path} has no symbols begin_signature and end_signature`);
  }
}

/** Empty until a replica has written it: one that the user cannot write to is refused here, and an old one is not taken for this run's. */
function clearProfile(file: string): void {
  try {
    writeFileSync(file, '');
  } catch (error) {
    throw new CliError('USAGE', `--profile ${file}: ${(error as Error).message}`);
  }
}

function makeArbiterDir(plan: Plan, folder: RunFolder): string {
  if (plan.arbiter === undefined) return folder.dir;
  const dir = join(plan.arbiter, plan.name, folder.run);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    return dir;
  } catch (error) {
    throw new CliError('ARBITER', `--arbiter file:${plan.arbiter}: ${(error as Error).message}`);
  }
}

function saveConfig(folder: RunFolder, config: RunConfig): void {
  try {
    writeRunFile(folder.runFile, config);
  } catch (error) {
    throw new CliError('STATE', `cannot write ${folder.runFile}: ${(error as Error).message}`);
  }
}

/** `refuseDoubles` looks and says who; two that start at once both see nobody, and another state folder is not seen at all. This decides. */
async function holdAlone(plan: Plan, held: Held[]): Promise<void> {
  const name = await hold(`name ${plan.state} ${plan.name}`);
  if (name === undefined) throw new CliError('NAME_TAKEN', `--name ${plan.name}: a guest of this name starts or runs already`);
  held.push(name);
  if (plan.disk === undefined || plan.disk.ephemeral) return;
  // By what the file is, not by what it is called: links are the same disk.
  const { dev, ino } = statSync(plan.disk.path, { bigint: true });
  const disk = await hold(`disk ${dev} ${ino}`);
  if (disk === undefined) throw new CliError('DISK_BUSY', `--disk ${plan.disk.path}: another guest has it, or is about to`);
  held.push(disk);
}

const release = (held: readonly Held[]): void => {
  for (const each of held) each.release();
};

/** One live run of a name, and one live run on a disk that is written. */
async function refuseDoubles(plan: Plan): Promise<void> {
  const disk = plan.disk === undefined || plan.disk.ephemeral ? undefined : plan.disk.path;
  for (const other of knownRuns(plan.state)) {
    const sameDisk = disk !== undefined && other.world?.disk === disk;
    if ((other.vm !== plan.name && !sameDisk) || !(await isAlive(other))) continue;
    if (sameDisk) throw new CliError('DISK_BUSY', `--disk ${disk}: ${other.vm} (pid ${other.world.pid}) has it`);
    throw new CliError('NAME_TAKEN', `--name ${plan.name}: a guest of this name runs already (pid ${other.world.pid})`);
  }
}

export async function isAlive(run: RunConfig): Promise<boolean> {
  try {
    return (await askWorld(run.world.controlSocket, { do: 'status' })).ok;
  } catch {
    return false;
  }
}

/** Two UDP ports of 127.0.0.1 that are free now: bound together, so that they differ. */
async function freePorts(): Promise<{ primary: number; backup: number }> {
  const sockets = await Promise.all(
    [1, 2].map(
      () =>
        new Promise<ReturnType<typeof createSocket>>((resolve, reject) => {
          const socket = createSocket('udp4');
          socket.once('error', reject);
          socket.bind(0, '127.0.0.1', () => resolve(socket));
        }),
    ),
  );
  const [primary, backup] = sockets.map((socket) => socket.address().port);
  for (const socket of sockets) socket.close();
  return { primary, backup };
}
