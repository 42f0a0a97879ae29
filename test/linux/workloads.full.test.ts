/** Does the guest's work come out as on QEMU, whichever engine runs it, and is the machine the same afterwards? */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QemuGuest, qemuMissing } from '../firmware/qemu-guest.ts';
import { APPEND, between, LibraryGuest, linuxImage, PROMPT, rootDisk } from './guest.ts';
import { INPUT, WORKLOADS } from './workloads.ts';

const ENGINES = ['interpreter', 'auto'] as const;

describe('Linux at work', () => {
  const ends: { icount: number; digest: string }[] = [];

  describe.each(ENGINES)('on %s', (engine) => {
    let guest: LibraryGuest;
    it('boots', () => {
      guest = new LibraryGuest({ disk: rootDisk() }, { engine });
      guest.boot();
      guest.command(INPUT);
    });
    it.each(WORKLOADS)('$name', ({ command, prints }) => {
      expect(guest.command(command)).toBe(prints);
    });
    it('is the machine that it is on the other engines', () => {
      ends.push({ icount: guest.machine.icount, digest: guest.machine.digest() });
      expect(ends.at(-1)).toEqual(ends[0]);
    });
  });

  it('reads sums that the host finds too', () => {
    const input = Array.from({ length: 100_000 }, (_, i) => `${i + 1}\n`).join('');
    for (const name of ['sha256', 'md5'] as const) {
      const { prints } = WORKLOADS.find((workload) => workload.name === `${name}sum`)!;
      expect(prints).toBe(`${createHash(name).update(input).digest('hex')}  -`);
    }
  });
});

const missing = qemuMissing();

describe.skipIf(missing)(`the same work on QEMU${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let dir: string;
  let guest: QemuGuest;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'twinhart-linux-'));
    const image = linuxImage();
    const disk = join(dir, 'disk.img');
    copyFileSync(image.disk, disk);
    guest = new QemuGuest({ kernel: image.kernel, append: APPEND, disk, entropy: true });
    await guest.see(PROMPT);
    await command(INPUT, 0);
  }, 120_000);
  afterAll(() => {
    guest.kill();
    rmSync(dir, { recursive: true, force: true });
  });

  async function command(line: string, number: number): Promise<string> {
    const text = between(line, number);
    guest.type(`${text.typed}\n`);
    await guest.see(text.begins);
    const said = await guest.see(text.ends);
    await guest.see(PROMPT);
    return said.trim();
  }

  it.each(WORKLOADS.map((workload, i) => ({ ...workload, number: i + 1 })))('$name', async ({ command: line, prints, number }) => {
    expect(await command(line, number)).toBe(prints);
  });
});
