/**
 * Does Linux boot as well on what others made: OpenSBI instead of our firmware, QEMU's device tree instead of ours? Needs Debian's qemu-system-misc
 * for the tree; OPENSBI names the folder of a build of OpenSBI for RV32 (docs/cli.md, "Firmware and kernels of others").
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { qemuMissing } from '../firmware/qemu-guest.ts';
import { LibraryGuest, type LinuxOptions, rootDisk } from './guest.ts';

const missing = qemuMissing();
const { OPENSBI = '' } = process.env;
const folder = mkdtempSync(join(tmpdir(), 'twinhart-others-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** QEMU's tree, as it writes it itself. It has PCI, flash and fw_cfg, which are not here, and a hart with floating point and more. */
function qemuTree(harts: number): Uint8Array {
  const file = join(folder, `virt-${harts}.dtb`);
  const machine = ['-M', `virt,dumpdtb=${file}`, '-m', '64M', '-smp', String(harts)];
  execFileSync('qemu-system-riscv32', [...machine, '-bios', 'none', '-display', 'none'], { stdio: 'ignore' });
  return new Uint8Array(readFileSync(file));
}

function life(options: Pick<LinuxOptions, 'firmware' | 'dtb'>): string {
  const guest = new LibraryGuest({ disk: rootDisk(), ...options }, { engine: 'auto' });
  const boot = guest.boot();
  expect(guest.command('cat /proc/cpuinfo')).toMatch(/isa\s*: rv32imac/);
  expect(guest.command('cp /bin/busybox /copy && sync && cmp /copy /bin/busybox && echo same')).toBe('same');
  guest.type('poweroff\n');
  while (guest.step());
  expect(guest.machine.exit).toMatchObject({ code: 0, reason: 'poweroff' });
  return boot;
}

describe.skipIf(missing)(`Linux with QEMU’s device tree${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  it.each([1, 2])('of %i harts boots, works and powers off', (harts) => {
    expect(life({ dtb: qemuTree(harts) })).toContain('Machine model: riscv-virtio,qemu');
  });
});

describe('Linux on OpenSBI', () => {
  const builds = ['fw_dynamic.bin', 'fw_dynamic.elf', 'fw_jump.bin', 'fw_jump.elf'];
  it.skipIf(OPENSBI === '').each(builds)('as %s boots, works and powers off (skipped unless OPENSBI names a folder)', (name) => {
    const file = join(OPENSBI, name);
    expect(existsSync(file), file).toBe(true);
    const firmware = new Uint8Array(readFileSync(file));
    const boot = life({ firmware });
    expect(boot).toMatch(/^OpenSBI v\d/m);
    expect(boot).toContain('SBI SRST extension detected');
  });
});
