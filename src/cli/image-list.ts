/** Which images there are: those that come with the project (`images/manifest.json`), and those that are built here; and what is missing. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buildsFolder, damage, findBuilt, IMAGES, recipeFolder } from './image-cache.ts';
import { installCommand, missingPackages } from './image-packages.ts';

export interface ListedFile {
  readonly path: string;
  readonly bytes: number;
}

export interface ListedImage {
  readonly name: string;
  readonly what: string;
  readonly state: 'there' | 'damaged' | 'not built';
  readonly files: readonly ListedFile[];
  /** What to do where it is not there, or not whole. */
  readonly cure?: string;
  /** Builds of other recipes: of other versions, or of other checkouts. */
  readonly others?: readonly ListedFile[];
}

export function listImages(): ListedImage[] {
  return [
    committed('os', 'the small OS, what run takes by default', (file) => file === 'os.elf'),
    committed('sbi', 'the firmware, what --bios default is', (file) => file === 'sbi.elf'),
    committed('bench', 'guests of the benchmarks', (file) => file.startsWith('bench/')),
    linux(),
  ];
}

/** For people: a line for each image, its parts below. */
export function listText(images: readonly ListedImage[]): string {
  return images
    .map(({ name, what, state, files, cure, others = [] }) => {
      const sum = files.length === 0 ? '' : `${size(total(files))}${files.length > 1 ? ` in ${files.length} files` : ''}`;
      const more =
        others.length === 0
          ? []
          : [`${others.length} of other recipes, ${size(total(others))}: ${others.map(({ path }) => path).join(' ')}`];
      const notes = [...(cure === undefined ? [] : [cure]), ...more].map((note) => `${' '.repeat(10)}${note}\n`);
      return `${name.padEnd(8)}  ${state.padEnd(9)}  ${sum.padEnd(22)}  ${what}\n${notes.join('')}`;
    })
    .join('');
}

interface CommittedManifest {
  readonly images: Readonly<Record<string, { readonly size: number; readonly sha256: string }>>;
}

function committed(name: string, what: string, belongs: (file: string) => boolean): ListedImage {
  const manifest = JSON.parse(readFileSync(join(IMAGES, 'manifest.json'), 'utf8')) as CommittedManifest;
  const files = Object.entries(manifest.images).filter(([file]) => belongs(file));
  const whole = files.every(([file, { sha256 }]) => {
    try {
      return (
        createHash('sha256')
          .update(readFileSync(join(IMAGES, file)))
          .digest('hex') === sha256
      );
    } catch {
      return false;
    }
  });
  return {
    name,
    what,
    state: whole ? 'there' : 'damaged',
    files: files.map(([file, about]) => ({ path: join(IMAGES, file), bytes: about.size })),
    ...(whole ? {} : { cure: 'npm run image:os builds it again' }),
  };
}

function linux(): ListedImage {
  const name = 'linux';
  const what = 'Linux with busybox, dropbear, Lua and SQLite';
  const built = findBuilt(name);
  const others = otherBuilds(name, built?.folder);
  if (built === undefined) {
    const missing = missingPackages(recipeFolder(name));
    const first = missing.length === 0 ? '' : `${installCommand(missing)}, then `;
    return { name, what, state: 'not built', files: [], cure: `${first}twinhart image build linux`, others };
  }
  const files = Object.entries(built.manifest.files).map(([file, { bytes }]) => ({ path: join(built.folder, file), bytes }));
  const wrong = damage(built);
  if (wrong.length > 0)
    return { name, what, state: 'damaged', files, cure: `${wrong.join('; ')}: twinhart image build linux builds it again`, others };
  return { name, what, state: 'there', files, others };
}

function otherBuilds(name: string, own: string | undefined): ListedFile[] {
  const builds = buildsFolder(name);
  return entries(builds)
    .filter((entry) => /^[0-9a-f]{16}$/.test(entry) && join(builds, entry) !== own)
    .map((entry) => join(builds, entry))
    .map((path) => ({ path, bytes: total(entries(path).map((file) => ({ path: file, bytes: statSync(join(path, file)).size }))) }));
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const total = (files: readonly ListedFile[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0);

function size(bytes: number): string {
  if (bytes < 1 << 20) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}
