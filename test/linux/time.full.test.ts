/** Does time pass in the guest as on the host, asleep or busy, and across a takeover by a host whose clock is wrong? Host time is simulated where it is measured. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createMachine, TICKS_PER_SECOND } from '../../emulator/index.ts';
import { createDriver } from '../../src/replay/create-driver.ts';
import { kill9 } from '../e2e/workload.ts';
import { Host } from '../replay/os-host.ts';
import { CONFIG, RUN } from '../replay/session.ts';
import { LinuxTwin, linuxConfig, onCopy, PROMPT, rootDisk } from './guest.ts';

const dir = mkdtempSync(join(tmpdir(), 'twinhart-time-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Host seconds between what two commands say, on a simulated host of 100 MIPS. */
function secondsOf(engine: 'interpreter' | 'auto', line: string): number {
  const disk = rootDisk();
  const machine = createMachine(linuxConfig({ clock: 'host', disk }), { engine });
  const driver = createDriver({ machine, run: RUN, config: CONFIG, role: 'primary' });
  const host = new Host(disk, PROMPT);
  const said: bigint[] = [];
  let text = '';
  host.heard = (more, at) => {
    text = (text + more).slice(-80);
    if (/@(begins|ends)\r?\n/.test(text)) {
      said.push(at);
      text = '';
    }
  };
  driver.record(1);
  host.run(driver, [`echo @b"egins"; ${line}; echo @e"nds"`, 'poweroff']);
  expect(said).toHaveLength(2);
  return Number(said[1] - said[0]) / TICKS_PER_SECOND;
}

describe.each(['interpreter', 'auto'] as const)('on %s', (engine) => {
  it('sleep 10 takes ten seconds', () => {
    expect(secondsOf(engine, 'sleep 10')).toBeCloseTo(10, 1);
  });

  it('sleep 2 takes two beside a busy loop', () => {
    expect(secondsOf(engine, '(while :; do :; done) & sleep 2; kill $!')).toBeCloseTo(2, 1);
  });
});

describe('a takeover by a host whose clock is an hour off', () => {
  it.each([3600, -3600])('neither moves nor stops the date (%i seconds)', async (offset) => {
    const twin = new LinuxTwin([...onCopy(join(dir, `${offset}.img`)), '--clock-offset-backup', String(offset)]);
    try {
      await twin.note(/PROTECTED/);
      await twin.see(PROMPT);
      const date = Number(await twin.run('date +%s'));
      const from = Date.now() / 1000;
      kill9('primary')(twin);
      await twin.note(/takeover epoch 2/);
      await twin.run('sleep 3');
      const moved = Number(await twin.run('date +%s')) - date;
      const passed = Date.now() / 1000 - from;
      // Hours would be 3600 off; how busy the host is may cost some seconds.
      expect(moved).toBeGreaterThanOrEqual(3);
      expect(moved).toBeLessThan(passed + 5);
      twin.type('poweroff\n');
      expect(await twin.ended).toBe(0);
    } finally {
      twin.dispose();
    }
  });
});
