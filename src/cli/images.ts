/** What IMAGE, --bios, --initrd and --dtb name: a file, or an image that the project brings (`images/`), with the sha256 of its bytes. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { FileRef } from '../world/run-config.ts';
import { CliError } from './errors.ts';
import { IMAGES } from './image-cache.ts';

export interface ImageFile extends FileRef {
  readonly bytes: Uint8Array;
}

const ENDINGS = ['', '.elf', '.bin'];

/** `what` is said in errors: `image`, `firmware`, … A name without a slash may be one of ours; a file of that name here goes first. */
export function findImage(what: string, name: string): ImageFile {
  const path = isFile(name) ? resolve(name) : bundled(name);
  if (path === undefined && existsSync(name)) throw new CliError('IMAGE_MISSING', `${what} ${name}: not a regular file`);
  if (path === undefined) {
    const known = bundledNames();
    throw new CliError(
      'IMAGE_MISSING',
      `${what} ${name}: no such file${known.length > 0 ? `, and images/ has only ${known.join(', ')}` : ''}`,
    );
  }
  return readImage(what, path);
}

function readImage(what: string, path: string): ImageFile {
  try {
    const bytes = new Uint8Array(readFileSync(path));
    return { path, bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
  } catch (error) {
    throw new CliError('IMAGE_MISSING', `${what} ${path}: ${(error as Error).message}`);
  }
}

function bundledNames(): string[] {
  if (IMAGES === '') return [];
  const names = readdirSync(IMAGES).flatMap((file) => {
    const found = /^([a-z0-9-]+)\.(?:elf|bin)$/.exec(file);
    return found === null ? [] : [found[1]];
  });
  return [...new Set(names)].sort();
}

function bundled(name: string): string | undefined {
  if (IMAGES === '' || !/^[a-z0-9.-]+$/.test(name)) return undefined;
  return ENDINGS.map((ending) => join(IMAGES, name + ending)).find(isFile);
}

export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
