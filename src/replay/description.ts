/**
 * What a run was made from, as plain JSON: it opens every recording, and its hash is in every batch, so that a log meets only a
 * machine of the same configuration and the same images (protocol.md, "The log"). The host computes the images' sha256.
 */
import type { ImageConfig, MachineConfig } from '../../emulator/index.ts';
import { Hash64 } from './checksum.ts';

/** A machine's configuration with images by name and sha256. Byte arrays in hex, nanoseconds in decimal. */
export interface Description {
  readonly memoryBytes: number;
  readonly clock: 'host' | 'icount';
  readonly seed: string;
  readonly bootTimeNs: string;
  readonly disk: { readonly sectors: number; readonly readOnly: boolean; readonly id: string } | null;
  readonly net: { readonly mac: string } | null;
  readonly virtioConsole: boolean;
  readonly onReset: 'restart' | 'end';
  readonly images: {
    readonly firmware: ImageName | null;
    readonly main: ImageName;
    readonly initrd: ImageName | null;
    readonly append: string;
    readonly dtb: ImageName | null;
  };
}

/** `name` is for people (a path or an image's name) and not part of the hash. `sha256`: 64 hex digits of the bytes. */
export interface ImageName {
  readonly name: string;
  readonly sha256: string;
}

export interface ImageNames {
  readonly firmware: ImageName | undefined;
  readonly main: ImageName;
  readonly initrd: ImageName | undefined;
  readonly dtb: ImageName | undefined;
}

export function describe(config: MachineConfig, images: ImageNames): Description {
  return {
    memoryBytes: config.memoryBytes,
    clock: config.clock,
    seed: toHex(config.seed),
    bootTimeNs: config.bootTimeNs.toString(),
    disk: config.disk ? { sectors: config.disk.sectors, readOnly: config.disk.readOnly, id: config.disk.id } : null,
    net: config.net ? { mac: toHex(config.net.mac) } : null,
    virtioConsole: config.virtioConsole,
    onReset: config.onReset,
    images: {
      firmware: images.firmware ?? null,
      main: images.main,
      initrd: images.initrd ?? null,
      append: config.images.append,
      dtb: images.dtb ?? null,
    },
  };
}

/** The configuration that was described, given the bytes of its images (whose sha256 the caller has checked). */
export function configOf(description: Description, images: Omit<ImageConfig, 'append'>): MachineConfig {
  const { memoryBytes, clock, seed, bootTimeNs, disk, net, virtioConsole, onReset } = description;
  return {
    memoryBytes,
    clock,
    seed: fromHex(seed),
    bootTimeNs: BigInt(bootTimeNs),
    disk: disk ?? undefined,
    net: net ? { mac: fromHex(net.mac) } : undefined,
    virtioConsole,
    onReset,
    images: { ...images, append: description.images.append },
  };
}

/** 16 hex digits over everything in the description but the images' names. */
export function configHash(description: Description): string {
  const text = canonical(description);
  const hash = new Hash64();
  for (let i = 0; i < text.length; i += 1) hash.word(text.charCodeAt(i));
  return hash.digest();
}

/** The first thing that differs, with both values, for a person; undefined when the hashes would be equal. */
export function difference(recorded: Description, present: Description): string | undefined {
  for (const image of ['firmware', 'main', 'initrd', 'dtb'] as const) {
    const was = recorded.images[image];
    const is = present.images[image];
    if (was?.sha256 !== is?.sha256) return `image ${image}: recorded with ${nameOf(was)}, here is ${nameOf(is)}`;
  }
  if (recorded.images.append !== present.images.append)
    return `append: recorded with "${recorded.images.append}", here is "${present.images.append}"`;
  // The seed is never printed.
  if (recorded.seed !== present.seed) return 'seed: recorded with another one';
  for (const key of ['memoryBytes', 'clock', 'bootTimeNs', 'disk', 'net', 'virtioConsole', 'onReset'] as const) {
    const was = canonical(recorded[key]);
    const is = canonical(present[key]);
    if (was !== is) return `${key}: recorded with ${was}, here is ${is}`;
  }
  return undefined;
}

/** Reads a description from JSON text; undefined when it is not one. */
export function parseDescription(text: string): Description | undefined {
  let value: Description;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const named = (image: ImageName | null): boolean =>
    image === null || (typeof image?.name === 'string' && /^[0-9a-f]{64}$/.test(image.sha256));
  const good =
    Number.isSafeInteger(value?.memoryBytes) &&
    (value.clock === 'host' || value.clock === 'icount') &&
    /^[0-9a-f]{64}$/.test(value.seed) &&
    /^\d{1,20}$/.test(value.bootTimeNs) &&
    typeof value.virtioConsole === 'boolean' &&
    (value.onReset === 'restart' || value.onReset === 'end') &&
    (value.disk === null ||
      (Number.isSafeInteger(value.disk?.sectors) && typeof value.disk.readOnly === 'boolean' && typeof value.disk.id === 'string')) &&
    (value.net === null || /^[0-9a-f]{12}$/.test(value.net?.mac)) &&
    typeof value.images?.append === 'string' &&
    value.images.main !== null &&
    (['firmware', 'main', 'initrd', 'dtb'] as const).every((image) => named(value.images[image]));
  return good ? value : undefined;
}

/** JSON with sorted keys; names of images left out. */
function canonical(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const pairs = Object.entries(value)
    .filter(([name]) => name !== 'name' || !('sha256' in value))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${pairs.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(',')}}`;
}

const nameOf = (image: ImageName | null): string => (image ? `${image.name} (sha256 ${image.sha256})` : 'none');

function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}
