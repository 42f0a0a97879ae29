/** Do the committed images come from the committed sources? */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IMAGES, PROMPT, QemuGuest, qemuMissing } from './qemu-guest.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const GCC = 'riscv64-linux-gnu-gcc';

interface Manifest {
  readonly compiler: string;
  readonly images: Record<string, { readonly size: number; readonly sha256: string }>;
}
const committed = JSON.parse(readFileSync(join(IMAGES, 'manifest.json'), 'utf8')) as Manifest;
const names = Object.keys(committed.images);
const ours = spawnSync(GCC, ['--version'], { encoding: 'utf8' }).stdout?.split('\n')[0];
const missing = ours === undefined ? `${GCC} is not installed (gcc-riscv64-linux-gnu)` : undefined;
const differs = ours === committed.compiler ? undefined : `built by ${committed.compiler}; here is ${ours}`;
for (const reason of [missing ?? differs]) if (reason !== undefined) console.warn(`skipped: images byte for byte: ${reason}`);

describe('images/', () => {
  it('hold what their manifest says, in less than 200 KB', () => {
    for (const name of names) {
      const bytes = readFileSync(join(IMAGES, name));
      expect({ size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }, name).toEqual(committed.images[name]);
    }
    expect(names.reduce((total, name) => total + (committed.images[name]?.size ?? 0), 0)).toBeLessThan(200_000);
  });
});

describe.skipIf(missing !== undefined)(`a rebuild${missing === undefined ? '' : ` (${missing})`}`, () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'images-test-'));
    // Built from a copy elsewhere: where the sources lie must not show in the images.
    for (const folder of ['firmware', 'bench/guest']) cpSync(join(ROOT, folder), join(dir, 'copy', folder), { recursive: true });
    const result = spawnSync(process.execPath, [join(dir, 'copy/firmware/build.mjs'), '--out', join(dir, 'out')], { encoding: 'utf8' });
    expect(result.stderr).toBe('');
  }, 300_000);
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it.skipIf(differs !== undefined).each(names)(`gives the same %s${differs === undefined ? '' : ` (${differs})`}`, (name) => {
    expect(readFileSync(join(dir, 'out', name)).equals(readFileSync(join(IMAGES, name)))).toBe(true);
  });

  it.skipIf(qemuMissing() !== undefined)('boots to the prompt and powers off', async () => {
    const guest = new QemuGuest({ images: join(dir, 'out') });
    await guest.see(PROMPT);
    guest.type('poweroff\r');
    expect(await guest.ended).toBe(0);
  });
});
