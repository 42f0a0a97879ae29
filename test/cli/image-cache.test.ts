/** Questions to the cache of built images: what names a build, and when is one taken for whole? */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildsFolder, damage, findBuilt, findLinux, makeManifest, recipeFolder, recipeHash } from '../../src/cli/image-cache.ts';

const FILES = { Image: 'kernel', 'disk.img': 'a disk', 'initramfs.cpio.gz': 'an archive' };

let dir: string;
let cacheBefore: string | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'twinhart-cache-'));
  cacheBefore = process.env.XDG_CACHE_HOME;
  process.env.XDG_CACHE_HOME = join(dir, 'cache');
});
afterEach(() => {
  if (cacheBefore === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = cacheBefore;
  rmSync(dir, { recursive: true, force: true });
});

/** Lays down what a build of `linux` leaves; returns its folder. */
function layDown(): string {
  const recipe = recipeHash(recipeFolder('linux'));
  const folder = join(buildsFolder('linux'), recipe);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(FILES)) writeFileSync(join(folder, file), text);
  const manifest = makeManifest(folder, Object.keys(FILES), { name: 'linux', recipe, sources: {}, packages: {}, compiler: 'none' });
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return folder;
}

describe('the hash of a recipe', () => {
  let recipe: string;
  let before: string;
  beforeEach(() => {
    recipe = join(dir, 'recipe');
    cpSync(recipeFolder('linux'), recipe, { recursive: true });
    before = recipeHash(recipe);
  });

  it('is the same wherever the recipe lies and whenever its files were written', () => {
    expect(before).toBe(recipeHash(recipeFolder('linux')));
    utimesSync(join(recipe, 'recipe.json'), 1, 1);
    expect(recipeHash(recipe)).toBe(before);
  });

  it('changes with a byte, a name, a right to execute, a new file and a lost one', () => {
    const seen = new Set([before]);
    const now = (): void => {
      seen.add(recipeHash(recipe));
    };
    writeFileSync(join(recipe, 'kernel.config'), `${readFileSync(join(recipe, 'kernel.config'), 'utf8')}\n`);
    now();
    cpSync(join(recipe, 'disk.sh'), join(recipe, 'disk2.sh'));
    now();
    rmSync(join(recipe, 'disk.sh'));
    now();
    chmodSync(join(recipe, 'overlay/etc/rc'), 0o644);
    now();
    expect(seen.size).toBe(5);
  });

  it('knows where one file ends and the next begins', () => {
    const [a, b] = ['a', 'b'].map((name) => join(dir, name));
    for (const [folder, first, second] of [
      [a, 'xy', 'z'],
      [b, 'x', 'yz'],
    ]) {
      mkdirSync(folder as string);
      writeFileSync(join(folder as string, '1'), first as string);
      writeFileSync(join(folder as string, '2'), second as string);
    }
    expect(recipeHash(a)).not.toBe(recipeHash(b));
  });

  it('is not changed by its pages', () => {
    writeFileSync(join(recipe, 'NOTES.md'), 'for people');
    expect(recipeHash(recipe)).toBe(before);
  });
});

describe('a built image', () => {
  it('is found in the cache folder, with the paths of its parts', () => {
    expect(findLinux()).toBeUndefined();
    const folder = layDown();
    expect(folder.startsWith(join(dir, 'cache', 'twinhart', 'images', 'linux'))).toBe(true);
    const linux = findLinux();
    expect(linux).toMatchObject({ folder, kernel: join(folder, 'Image'), disk: join(folder, 'disk.img') });
    expect(readFileSync(linux?.initramfs as string, 'utf8')).toBe(FILES['initramfs.cpio.gz']);
    expect(damage(linux as NonNullable<typeof linux>)).toEqual([]);
  });

  it('is none when a file is missing or shorter, or the manifest is', () => {
    for (const spoil of [
      (folder: string) => rmSync(join(folder, 'Image')),
      (folder: string) => truncateSync(join(folder, 'disk.img'), 3),
      (folder: string) => truncateSync(join(folder, 'manifest.json'), 20),
    ]) {
      spoil(layDown());
      expect(findLinux()).toBeUndefined();
    }
  });

  it('whose bytes changed is damaged, and the file is named', () => {
    const folder = layDown();
    writeFileSync(join(folder, 'Image'), 'Kernel');
    const built = findBuilt('linux');
    expect(damage(built as NonNullable<typeof built>)).toEqual([expect.stringContaining(join(folder, 'Image'))]);
  });

  it('is none for a name without a recipe', () => {
    expect(findBuilt('no-such-image')).toBeUndefined();
  });
});
