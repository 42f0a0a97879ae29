/**
 * The disk outside the pair: one server owns the file, whichever replica's connection brought the request (protocol.md, "Disk"). It never
 * throws for a request: what cannot be done is virtio status 1 (IOERR). An ephemeral overlay lives here, in memory, and outlives replicas.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import type { DiskRequest } from '../../emulator/index.ts';

export const SECTOR_BYTES = 512;
/** Longest request served; the device's own limit is lower. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
/** Requests at the file at once; libuv has four threads, and more would only queue there. */
const MAX_AT_ONCE = 4;
const CLUSTER_BYTES = 4096;

export interface DiskResult {
  readonly status: 0 | 1;
  /** What was read; empty for a write, a flush and an error. */
  readonly data: Uint8Array;
}

export interface DiskFile {
  readonly path: string;
  readonly sectors: number;
  readonly readOnly: boolean;
  readonly ephemeral: boolean;
  /** `start` is asked when the request's turn has come; false: it is dropped, undefined is returned and nothing was touched. */
  perform(request: DiskRequest, start: () => boolean): Promise<DiskResult | undefined>;
  close(): Promise<void>;
}

/** Why a disk cannot be had: `what` names the file and the reason. */
export class DiskError extends Error {
  override readonly name = 'DiskError';
}

/** Opens a regular file of at least one sector. A file that may not be written is read-only, unless writes go to an overlay. */
export async function openDisk(path: string, options: { readonly ephemeral: boolean }): Promise<DiskFile> {
  const { file, writable } = await openFile(path, options.ephemeral);
  const { size } = await file.stat();
  const sectors = Math.floor(size / SECTOR_BYTES);
  if (sectors === 0) {
    await file.close();
    throw new DiskError(`${path} has ${size} bytes: a disk needs at least ${SECTOR_BYTES}`);
  }
  const store: Store = options.ephemeral ? overlay(file) : plain(file);
  return serve(store, { path, sectors, readOnly: !writable && !options.ephemeral, ephemeral: options.ephemeral }, file);
}

async function openFile(path: string, ephemeral: boolean): Promise<{ file: FileHandle; writable: boolean }> {
  try {
    if (!(await stat(path)).isFile()) throw new DiskError(`${path} is not a regular file`);
    if (ephemeral) return { file: await open(path, 'r'), writable: false };
    return await open(path, 'r+').then(
      (file) => ({ file, writable: true }),
      async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EACCES' && error.code !== 'EROFS' && error.code !== 'EPERM') throw error;
        return { file: await open(path, 'r'), writable: false };
      },
    );
  } catch (error) {
    throw error instanceof DiskError ? error : new DiskError(`${path}: ${(error as Error).message}`);
  }
}

/** Bytes at an offset; both calls do the whole length or throw. */
interface Store {
  read(offset: number, length: number): Promise<Uint8Array>;
  write(offset: number, bytes: Uint8Array): Promise<void>;
  sync(): Promise<void>;
}

function serve(store: Store, about: Pick<DiskFile, 'path' | 'sectors' | 'readOnly' | 'ephemeral'>, file: FileHandle): DiskFile {
  let running = 0;
  const turn: (() => void)[] = [];
  const failed: DiskResult = { status: 1, data: new Uint8Array(0) };

  const inBounds = (sector: number, sectors: number): boolean =>
    sectors * SECTOR_BYTES <= MAX_REQUEST_BYTES && sector + sectors <= about.sectors;

  async function attempt(request: DiskRequest): Promise<DiskResult> {
    switch (request.kind) {
      case 'diskRead':
        if (!inBounds(request.sector, request.sectors)) return failed;
        return { status: 0, data: await store.read(request.sector * SECTOR_BYTES, request.sectors * SECTOR_BYTES) };
      case 'diskWrite':
        if (about.readOnly || request.data.length % SECTOR_BYTES !== 0) return failed;
        if (!inBounds(request.sector, request.data.length / SECTOR_BYTES)) return failed;
        await store.write(request.sector * SECTOR_BYTES, request.data);
        return { status: 0, data: failed.data };
      case 'diskFlush':
        await store.sync();
        return { status: 0, data: failed.data };
    }
  }

  return {
    ...about,
    async perform(request, start) {
      if (running >= MAX_AT_ONCE) await new Promise<void>((resolve) => turn.push(resolve));
      else running++;
      try {
        return start() ? await attempt(request) : undefined;
      } catch {
        return failed;
      } finally {
        const next = turn.shift();
        if (next === undefined) running--;
        else next();
      }
    },
    close: () => file.close(),
  };
}

function plain(file: FileHandle): Store {
  return {
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) throw new DiskError(`the file ends at ${offset + done}, inside the disk`);
        done += bytesRead;
      }
      return bytes;
    },
    async write(offset, bytes) {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
        done += bytesWritten;
      }
    },
    sync: () => file.datasync(),
  };
}

/** Writes stay in memory, by cluster; the file is only read. */
function overlay(file: FileHandle): Store {
  const under = plain(file);
  const clusters = new Map<number, Promise<Uint8Array>>();

  /** A cluster, read from the file the first time. Its tail past the end of the file is zero. */
  const cluster = (index: number): Promise<Uint8Array> => {
    let bytes = clusters.get(index);
    if (bytes === undefined) {
      bytes = fill(file, index * CLUSTER_BYTES);
      clusters.set(index, bytes);
      bytes.catch(() => clusters.delete(index));
    }
    return bytes;
  };

  return {
    async read(offset, length) {
      const bytes = await under.read(offset, length);
      for (const part of parts(offset, length)) {
        const over = await clusters.get(part.cluster);
        if (over !== undefined) bytes.set(over.subarray(part.within, part.within + part.length), part.at);
      }
      return bytes;
    },
    async write(offset, bytes) {
      const touched = parts(offset, bytes.length);
      const into = await Promise.all(touched.map((part) => cluster(part.cluster)));
      for (const [i, part] of touched.entries()) into[i].set(bytes.subarray(part.at, part.at + part.length), part.within);
    },
    sync: () => Promise.resolve(),
  };
}

async function fill(file: FileHandle, offset: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(CLUSTER_BYTES);
  for (let done = 0; done < CLUSTER_BYTES; ) {
    const { bytesRead } = await file.read(bytes, done, CLUSTER_BYTES - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes;
}

interface Part {
  readonly cluster: number;
  readonly within: number;
  readonly at: number;
  readonly length: number;
}

function parts(offset: number, length: number): Part[] {
  const found: Part[] = [];
  for (let at = 0; at < length; ) {
    const cluster = Math.floor((offset + at) / CLUSTER_BYTES);
    const within = (offset + at) % CLUSTER_BYTES;
    const some = Math.min(CLUSTER_BYTES - within, length - at);
    found.push({ cluster, within, at, length: some });
    at += some;
  }
  return found;
}
