/** From `run.json` to what a replica is made of: the image files are read once, and must be the very files that the world hashed. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import type { ImageConfig, MachineConfig } from '../../emulator/index.ts';
import { configHash, type Description, describe, type ImageName } from '../replay/description.ts';
import type { FileRef, RunConfig } from '../world/run-config.ts';

export interface LoadedRun {
  readonly run: RunConfig;
  readonly machine: MachineConfig;
  readonly description: Description;
  /** 16 hex digits: see `configHash`. */
  readonly config: string;
}

/** A run that cannot be started as it is written down: exit status 65. */
export class RunError extends Error {
  override readonly name = 'RunError';
}

/** Throws `RunError` when the file, an image or a field is not what it should be. */
export function loadRunFile(path: string): LoadedRun {
  let run: RunConfig;
  try {
    run = JSON.parse(readFileSync(path, 'utf8')) as RunConfig;
  } catch (error) {
    throw new RunError(`cannot read the run's configuration ${path}: ${(error as Error).message}`);
  }
  return loadRun(run);
}

export function loadRun(run: RunConfig): LoadedRun {
  // It keys every batch in eight bytes.
  if (!/^[0-9a-f]{16}$/.test(run.run)) throw new RunError(`a run is named by 16 hex digits, not '${run.run}'`);
  const { images } = run.machine;
  const machine = machineConfig(run.machine, {
    firmware: bytesOf(images.firmware),
    main: bytesOf(images.main)!,
    initrd: bytesOf(images.initrd),
    dtb: bytesOf(images.dtb),
  });
  const names = { firmware: name(images.firmware), main: name(images.main)!, initrd: name(images.initrd), dtb: name(images.dtb) };
  const description = describe(machine, names);
  return { run, machine, description, config: configHash(description) };
}

/** What `run.json` writes as text, as the machine takes it; the images' bytes are the caller's to bring. */
export function machineConfig(machine: RunConfig['machine'], images: Omit<ImageConfig, 'append'>): MachineConfig {
  return {
    memoryBytes: machine.memoryBytes,
    clock: machine.clock,
    seed: Uint8Array.from(Buffer.from(machine.seed, 'hex')),
    bootTimeNs: BigInt(machine.bootTimeNs),
    disk: machine.disk ?? undefined,
    net: machine.net ? { mac: Uint8Array.from(Buffer.from(machine.net.mac, 'hex')) } : undefined,
    virtioConsole: machine.virtioConsole,
    onReset: machine.onReset,
    images: { ...images, append: machine.images.append },
  };
}

function bytesOf(file: FileRef | undefined): Uint8Array | undefined {
  if (!file) return undefined;
  let bytes: Uint8Array;
  try {
    bytes = readShared(file.path);
  } catch (error) {
    throw new RunError(`cannot read image ${file.path}: ${(error as Error).message}`);
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  // Two replicas with different images would diverge at some instruction; say it before the first.
  if (sha256 !== file.sha256)
    throw new RunError(`image ${file.path} has changed since the run began: want sha256 ${file.sha256}, is ${sha256}`);
  return bytes;
}

/** In memory that the machine's thread can be given without a copy. */
function readShared(path: string): Uint8Array {
  const fd = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(new SharedArrayBuffer(fstatSync(fd).size));
    for (let at = 0, read = -1; at < bytes.length && read !== 0; at += read) read = readSync(fd, bytes, { offset: at });
    return bytes;
  } finally {
    closeSync(fd);
  }
}

const name = (file: FileRef | undefined): ImageName | undefined => (file ? { name: file.path, sha256: file.sha256 } : undefined);
