/** `twinhart run linux` as a user has it: does it boot by name in any memory, keep or forget what it writes, and end or start again as it is told? */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { kill9 } from '../e2e/workload.ts';
import { Random, seedFromEnvironment } from '../support/random.ts';
import { twinhart } from '../support/twin.ts';
import { LinuxTwin, linuxImage, PROMPT } from './guest.ts';

const seed = seedFromEnvironment(Date.now() % 100_000);
let dir: string;
let twin: LinuxTwin;
beforeAll(() => {
  linuxImage();
  dir = mkdtempSync(join(tmpdir(), 'twinhart-life-'));
});
afterEach(() => twin.dispose());
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** The last line that a guest with this command has on its console. */
const LAST = {
  poweroff: 'reboot: Power down',
  'poweroff -f': 'reboot: Power down',
  halt: 'reboot: System halted',
  'halt -f': 'reboot: System halted',
} as const;

describe('twinhart run linux', () => {
  it.each(['16M', '32M', '128M', '512M', '1G'])('boots with %s of memory, from its disk and from its RAM disk', async (memory) => {
    for (const [name, root] of [
      ['linux', '/dev/root'],
      ['linux-initramfs', 'rootfs'],
    ] as const) {
      twin = new LinuxTwin([name, '--solo', '--memory', memory]);
      await twin.see(PROMPT);
      expect(await twin.run('cat /proc/mounts')).toMatch(new RegExp(`^${root} / `, 'm'));
      // The kernel keeps the lowest 4 MiB, and less than a tenth besides.
      const total = Number(/MemTotal: +(\d+) kB/.exec(await twin.run('cat /proc/meminfo'))?.[1]);
      const given = Number.parseInt(memory, 10) * (memory.endsWith('G') ? 2 ** 20 : 2 ** 10);
      expect(total).toBeLessThan(given);
      expect(total).toBeGreaterThan(0.9 * given - 8192);
      twin.type('poweroff\n');
      expect(await twin.ended).toBe(0);
      twin.dispose();
    }
  });

  it.each(Object.keys(LAST) as (keyof typeof LAST)[])('ends with status 0 at %s', async (command) => {
    twin = new LinuxTwin(['linux', '--solo']);
    await twin.see(PROMPT);
    twin.type(`${command}\n`);
    expect(await twin.ended).toBe(0);
    expect(twin.console).toContain(LAST[command]);
  });

  it('puts the words of --append behind its own', async () => {
    twin = new LinuxTwin(['linux', '--solo', '--append', 'quiet answer=42']);
    await twin.see(PROMPT);
    expect(await twin.run('cat /proc/cmdline')).toBe('console=ttyS0 root=/dev/vda rw quiet answer=42');
  });

  it('forgets what was written to its own disk, and keeps what was written to the user’s', async () => {
    const disk = join(dir, 'root.img');
    const missing = twinhart('run', 'linux', '--disk', disk, '--state', dir);
    const [, from, to] = /cp (\S+) (\S+)/.exec(missing.stderr) ?? [];
    expect([missing.status, to]).toEqual([69, disk]);
    cpSync(from!, disk);
    for (const [options, kept] of [
      [[], 'no'],
      [['--disk', disk], 'yes'],
    ] as const) {
      for (const boot of ['first', 'second']) {
        twin = new LinuxTwin(['linux', '--solo', ...options]);
        await twin.see(PROMPT);
        if (boot === 'first') await twin.run('echo here > /root/note; sync');
        else expect(await twin.run('[ -e /root/note ] && echo yes || echo no')).toBe(kept);
        twin.type('poweroff\n');
        expect(await twin.ended).toBe(0);
        twin.dispose();
      }
    }
  });
});

describe(`a reboot of Linux (seed ${seed})`, () => {
  it.each(['reboot', 'reboot -f'])('by %s boots again, and what the disk had is there', async (command) => {
    twin = new LinuxTwin(['linux', '--solo']);
    await twin.see(PROMPT);
    const random = await twin.run('cat /proc/sys/kernel/random/boot_id');
    await twin.run('echo kept > /root/note; sync');
    twin.type(`${command}\n`);
    await twin.see('Linux version');
    await twin.see(PROMPT);
    expect(await twin.run('cat /root/note')).toBe('kept');
    expect(await twin.run('cat /proc/sys/kernel/random/boot_id')).not.toBe(random);
    twin.type('poweroff\n');
    expect(await twin.ended).toBe(0);
  });

  it('is the end with --no-reboot', async () => {
    twin = new LinuxTwin(['linux', '--solo', '--no-reboot']);
    await twin.see(PROMPT);
    twin.type('reboot\n');
    expect(await twin.ended).toBe(0);
    expect(twin.console.split('Linux version')).toHaveLength(2);
  });

  /** Just after the kernel's last words, and at some line of the next boot. */
  it.each(['reboot: Restarting system', 'a line of the next boot'])(
    'goes on in the backup when the primary is killed at: %s',
    async (when) => {
      const record = join(dir, 'reboot.log');
      twin = new LinuxTwin(['linux', '--record', record]);
      await Promise.all([twin.note(/PROTECTED/), twin.see(PROMPT)]);
      await twin.run('echo kept > /root/note; sync');
      twin.type('reboot\n');
      await twin.see('reboot: Restarting system');
      const lines = when.startsWith('reboot') ? 0 : 1 + new Random(seed).below(60);
      for (let line = 0; line < lines; line++) await twin.see('\n');
      kill9('primary')(twin);
      await Promise.all([twin.note(/takeover epoch 2/), twin.see(PROMPT)]);
      expect(await twin.run('cat /root/note')).toBe('kept');
      // One more, on the machine that took over.
      twin.type('reboot\n');
      await twin.see('Linux version');
      await twin.see(PROMPT);
      expect(await twin.run('cat /root/note')).toBe('kept');
      twin.type('poweroff\n');
      expect(await twin.ended).toBe(0);
      expect(twin.console.split('Linux version')).toHaveLength(4);
      const replay = twinhart('replay', record, '--json');
      expect([replay.status, replay.stderr]).toEqual([0, '']);
      expect(JSON.parse(replay.stdout)).toMatchObject({ exit: 0, epochs: [1, 2], divergence: null });
    },
  );
});
