/**
 * Images that are built here rather than brought along: `$XDG_CACHE_HOME/twinhart/images/NAME/HASH/`, by default under `~/.cache`. HASH is that of the
 * recipe (`images/NAME/`), so that every checkout with the same recipe shares one build. A folder is there whole or not at all: it is made beside and renamed.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's images/, seen from dist/src/cli or from src/cli. */
export const IMAGES =
  ['../../../images/', '../../images/'].map((path) => fileURLToPath(new URL(path, import.meta.url))).find(existsSync) ?? '';

/** Changes when the manifest or the meaning of a recipe does: then a build of before is none. */
const FORMAT = 1;

export interface BuiltFile {
  readonly bytes: number;
  readonly sha256: string;
}

/** `manifest.json` of a built image: nothing in it depends on when or where it was built. */
export interface BuiltManifest {
  readonly name: string;
  readonly format: number;
  /** The hash of the recipe, which is the folder's name too. */
  readonly recipe: string;
  readonly files: Readonly<Record<string, BuiltFile>>;
  /** What was fetched to be built (Debian's packages), with their versions. */
  readonly sources: Readonly<Record<string, string>>;
  /** The installed packages that built it, with their versions. */
  readonly packages: Readonly<Record<string, string>>;
  readonly compiler: string;
}

export interface BuiltImage {
  readonly folder: string;
  readonly manifest: BuiltManifest;
}

/** The parts of `linux` as paths. `disk` is a raw ext4 file system, a template: whoever lets a guest write takes a copy or an overlay. */
export interface LinuxImage extends BuiltImage {
  readonly kernel: string;
  readonly disk: string;
  readonly initramfs: string;
}

/** The Linux guest of this checkout's recipe, or undefined where it is not built (`twinhart image build linux` builds it). */
export function findLinux(): LinuxImage | undefined {
  const built = findBuilt('linux');
  if (built === undefined) return undefined;
  const [kernel, disk, initramfs] = ['Image', 'disk.img', 'initramfs.cpio.gz'].map((file) => join(built.folder, file));
  return { ...built, kernel, disk, initramfs };
}

/** The built image of this name, each of its files there with its size (their sums are `damage`'s to look at); otherwise undefined. */
export function findBuilt(name: string, recipe: string = recipeFolder(name)): BuiltImage | undefined {
  if (!existsSync(recipe)) return undefined;
  const folder = join(buildsFolder(name), recipeHash(recipe));
  const manifest = readManifest(folder);
  if (manifest === undefined || manifest.format !== FORMAT) return undefined;
  const whole = Object.entries(manifest.files).every(([file, { bytes }]) => sizeOf(join(folder, file)) === bytes);
  return whole ? { folder, manifest } : undefined;
}

/** What is wrong with a built image's files, one line for each; none: all have the bytes that the manifest says. */
export function damage({ folder, manifest }: BuiltImage): string[] {
  return Object.entries(manifest.files).flatMap(([file, { sha256 }]) => {
    const found = sha256Of(join(folder, file));
    return found === sha256 ? [] : [`${join(folder, file)} has sha256 ${found}, want ${sha256}`];
  });
}

/** Where the recipe of an image lies. */
export const recipeFolder = (name: string): string => join(IMAGES, name);

/** All builds of an image, of this recipe and of others. Relative paths in the variable are to be ignored (XDG base directory specification). */
export function buildsFolder(name: string): string {
  const xdg = process.env.XDG_CACHE_HOME;
  return join(xdg?.startsWith('/') ? xdg : join(homedir(), '.cache'), 'twinhart', 'images', name);
}

/** A hash of all that determines the image: each file's path, bytes and right to execute. Pages (`.md`) are for people and count for nothing. */
export function recipeHash(folder: string): string {
  const hash = createHash('sha256').update(`twinhart image ${FORMAT}\n`);
  for (const file of recipeFiles(folder)) {
    const path = join(folder, file);
    const bytes = readFileSync(path);
    hash.update(`${file}\n${statSync(path).mode & 0o100 ? 'x' : '-'} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex').slice(0, 16);
}

/** The manifest for files that lie in `folder`. */
export function makeManifest(
  folder: string,
  files: readonly string[],
  about: Pick<BuiltManifest, 'name' | 'recipe' | 'sources' | 'packages' | 'compiler'>,
): BuiltManifest {
  const described = files.map((file): [string, BuiltFile] => {
    const path = join(folder, file);
    return [file, { bytes: statSync(path).size, sha256: sha256Of(path) }];
  });
  const { name, recipe, sources, packages, compiler } = about;
  return { name, format: FORMAT, recipe, files: Object.fromEntries(described), sources, packages, compiler };
}

/** Paths inside the folder with `/`, in the order of their bytes, so that no locale has a say. */
function recipeFiles(folder: string): string[] {
  const below = (dir: string): string[] =>
    readdirSync(join(folder, dir), { withFileTypes: true }).flatMap((entry) => {
      const path = dir === '' ? entry.name : `${dir}/${entry.name}`;
      return entry.isDirectory() ? below(path) : [path];
    });
  return below('')
    .filter((path) => !path.endsWith('.md'))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function readManifest(folder: string): BuiltManifest | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as BuiltManifest;
  } catch {
    return undefined;
  }
}

const sizeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.size;

/** By pieces: a disk image may be larger than what one should hold. */
function sha256Of(path: string): string {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(1 << 20);
  const fd = openSync(path, 'r');
  try {
    for (let read: number; (read = readSync(fd, piece)) > 0; ) hash.update(piece.subarray(0, read));
  } finally {
    closeSync(fd);
  }
  return hash.digest('hex');
}
