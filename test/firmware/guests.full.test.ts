/** Do the benchmark guests compute on QEMU what they say they compute? Each checks its own checksum and ends by the finisher. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { IMAGES, qemuMissing } from './qemu-guest.ts';

const missing = qemuMissing();
if (missing !== undefined) console.warn(`skipped: benchmark guests on QEMU: ${missing}`);

describe.skipIf(missing !== undefined)(`benchmark guests on QEMU${missing === undefined ? '' : ` (${missing})`}`, () => {
  const guests = readdirSync(join(IMAGES, 'bench'), { encoding: 'utf8', recursive: true }).filter((name) => name.endsWith('.elf'));
  it.each(guests)('%s ends with its checksum right', (name) => {
    const args = ['-M', 'virt', '-m', '64M', '-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-bios', 'none'];
    const result = spawnSync('qemu-system-riscv32', [...args, '-kernel', join(IMAGES, 'bench', name)], {
      encoding: 'utf8',
      timeout: 60_000,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect(result.stdout).toMatch(new RegExp(`^${basename(name).replace(/(-sv32)?\.elf$/, '')} [0-9a-f]{8}\r\n$`));
    expect(result.status).toBe(0);
  });
});
