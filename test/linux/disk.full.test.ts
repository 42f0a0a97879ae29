/** Questions to the packing of the Linux guest's root file system: do the same files give the same bytes, and is the disk sound and root's? */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recipeFolder } from '../../src/cli/image-cache.ts';

const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
const missing = ['mke2fs', 'debugfs', 'e2fsck'].every((tool) => spawnSync(tool, ['-V'], { env: { PATH } }).error === undefined)
  ? ''
  : ' (skipped without e2fsprogs)';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'twinhart-disk-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A root file system in a folder of its own, its names made in this order, with modes as this umask leaves them. */
function lay(name: string, files: readonly string[], umask: number): string {
  const root = join(dir, name);
  const before = process.umask(umask);
  for (const folder of ['bin', 'etc', 'root', 'tmp']) mkdirSync(join(root, folder), { recursive: true });
  for (const file of files) writeFileSync(join(root, file), `${file}\n`.repeat(400));
  chmodSync(join(root, 'bin/tool'), 0o777 & ~umask);
  symlinkSync('/bin/tool', join(root, 'bin/alias'));
  utimesSync(join(root, 'bin/tool'), umask, umask);
  process.umask(before);
  return root;
}

function run(script: string, ...args: string[]): string {
  return execFileSync('bash', ['-euo', 'pipefail', join(recipeFolder('linux'), script), ...args], {
    encoding: 'utf8',
    env: { PATH },
    stdio: 'pipe',
  });
}

/** The disk for a root file system: its list beside it, as the recipe makes it. */
function disk(root: string): string {
  writeFileSync(`${root}.list`, run('list.sh', root));
  run('disk.sh', `${root}.list`, `${root}.img`);
  return `${root}.img`;
}

const debugfs = (image: string, command: string): string =>
  execFileSync('debugfs', ['-R', command, image], { encoding: 'utf8', env: { PATH, TZ: 'UTC' }, stdio: 'pipe' });

describe(`a disk${missing}`, () => {
  it.skipIf(missing !== '')('has the same bytes whatever the folder, the order, the times and the umask were, and passes e2fsck', () => {
    const one = disk(lay('one', ['etc/a', 'bin/tool', 'etc/b'], 0o022));
    const two = disk(lay('another', ['etc/b', 'etc/a', 'bin/tool'], 0o077));
    // Not by expect: it would print them.
    expect(readFileSync(one).equals(readFileSync(two))).toBe(true);
    const check = spawnSync('e2fsck', ['-fn', one], { encoding: 'utf8', env: { PATH } });
    expect([check.status, check.stdout]).toEqual([0, expect.stringContaining('Pass 5')]);
  });

  it.skipIf(missing !== '')('has what it was given, as root’s', () => {
    const image = disk(lay('third', ['etc/a', 'bin/tool'], 0o022));
    expect(debugfs(image, 'cat /etc/a')).toBe('etc/a\n'.repeat(400));
    const about = (path: string): string => debugfs(image, `stat ${path}`).replace(/\s+/g, ' ');
    expect(about('/bin/tool')).toMatch(/Mode: 0755 .*User: 0 Group: 0 /);
    expect(about('/etc/a')).toMatch(/Mode: 0644 .*User: 0 Group: 0 /);
    expect(about('/root')).toMatch(/Mode: 0700 .*User: 0 Group: 0 /);
    expect(about('/tmp')).toMatch(/Mode: 01777 .*User: 0 Group: 0 /);
    expect(debugfs(image, 'stat /bin/alias')).toContain('Fast link dest: "/bin/tool"');
  });

  it.skipIf(missing !== '')('knows no time but the recipe’s', () => {
    const image = disk(lay('fifth', ['etc/a', 'bin/tool'], 0o022));
    const all = ['stats -h', ...['/', '/bin', '/bin/alias', '/bin/tool', '/etc/a', '/lost+found'].map((path) => `stat ${path}`)];
    const times = all.flatMap((command) => debugfs(image, command).match(/(?<=time: .*)\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}/g) ?? []);
    expect(times.length).toBeGreaterThan(20);
    expect(new Set(times)).toEqual(new Set(['Wed Jan  1 00:00:00 2020']));
  });

  it.skipIf(missing !== '')('is refused for what is neither folder, link nor file', () => {
    const root = lay('fourth', ['bin/tool'], 0o022);
    execFileSync('mkfifo', [join(root, 'etc/pipe')]);
    expect(() => run('list.sh', root)).toThrow(/\/etc\/pipe is neither/);
  });
});
