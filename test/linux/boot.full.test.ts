/** Is a boot of Linux the same each time, on each engine, alone or protected, and when its log is replayed on the other engine? */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createMachine, type MachineOptions } from '../../emulator/index.ts';
import { createDriver } from '../../src/replay/create-driver.ts';
import { Host } from '../replay/os-host.ts';
import { bySink, CONFIG, RUN, replayAll } from '../replay/session.ts';
import { LibraryGuest, LinuxTwin, linuxConfig, onCopy, PROMPT, rootDisk } from './guest.ts';

const INTERPRETER: MachineOptions = { engine: 'interpreter' };
const AUTO: MachineOptions = { engine: 'auto' };
/** About where the first prompt is. */
const INSTRUCTIONS = 35_000_000;

const dir = mkdtempSync(join(tmpdir(), 'twinhart-linux-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Without what another build of the same kernel would say otherwise: times, versions, sizes. */
const general = (text: string): string =>
  text
    .replace(/^\[ *\d+\.\d+\] /gm, '')
    .replace(/^(Linux version) .*$/m, '$1 ...')
    .replace(/\b6\.1\.\d+[\w.+-]*/g, '6.1...')
    .replace(/^(Memory: ).*$/m, '$1...')
    .replace(/(Total pages: )\d+/, '$1...')
    .replace(/(Freeing unused kernel image \(initmem\) memory: )\d+K/, '$1...');

describe('a boot of Linux', () => {
  it('says what it has always said', async () => {
    const guest = new LibraryGuest({ disk: rootDisk() }, AUTO);
    await expect(general(guest.boot())).toMatchFileSnapshot('boot.txt');
  });

  it('is at the prompt after the same instructions, as the same machine, on either engine, twice', () => {
    const ends = [INTERPRETER, AUTO, AUTO].map((engine) => {
      const { machine, console, boot } = bootOn(engine);
      return { icount: machine.icount, digest: machine.digest(), console, boot };
    });
    expect(ends[1]).toEqual(ends[0]);
    expect(ends[2]).toEqual(ends[0]);
  });

  const ends: object[] = [];
  it.each([
    ['--solo', '--engine', 'interpreter'],
    ['--solo', '--engine', 'auto'],
    ['--engine', 'auto', '--engine-backup', 'interpreter'],
  ])('with --clock icount ends alike as real processes: %s %s %s', async (...options) => {
    ends.push(await real(options));
    expect(ends.at(-1)).toEqual(ends[0]);
  });
});

function bootOn(engine: MachineOptions) {
  const guest = new LibraryGuest({ disk: rootDisk() }, engine);
  const boot = guest.boot();
  return { machine: guest.machine, console: guest.console, boot };
}

/** Processes, threads and a disk with their own pace: none of it may be seen. */
async function real(options: readonly string[]): Promise<object> {
  const end = ['--clock', 'icount', '--max-instructions', String(INSTRUCTIONS), '--json'];
  const twin = new LinuxTwin([...onCopy(join(dir, `${options.join('')}.img`)), ...end, ...options]);
  try {
    expect(await twin.ended, twin.notes).toBe(0);
    const { icount, digest, outputs } = JSON.parse(twin.console);
    expect(icount).toBe(INSTRUCTIONS);
    // With --json the guest's console is among the notes.
    expect(twin.notes).toContain('/sbin/init');
    return { digest, outputs };
  } finally {
    twin.dispose();
  }
}

describe.each([
  ['interpreter', 'auto', INTERPRETER, AUTO],
  ['auto', 'interpreter', AUTO, INTERPRETER],
] as const)('a life of Linux recorded on %s and replayed on %s', (_recorded, _replayed, recorded, replayed) => {
  it('has the same digest at every output', () => {
    const config = linuxConfig({ clock: 'host', disk: rootDisk() });
    const host = new Host(rootDisk(), PROMPT);
    const one = createMachine(config, recorded);
    const driver = createDriver({ machine: one, run: RUN, config: CONFIG, role: 'primary' });
    driver.protect(1);
    driver.record(1);
    host.run(driver, [
      'md5sum /bin/busybox /usr/bin/*',
      'dd if=/bin/busybox of=/copy bs=4k; sync; cmp /copy /bin/busybox && echo same',
      'sleep 3',
      'poweroff',
    ]);
    expect(host.console).toContain('same');
    const two = createMachine(config, replayed);
    const { last, outputs } = replayAll(createDriver({ machine: two, run: RUN, config: CONFIG, role: 'backup' }), host.batches, 100_000);
    expect(last.report).toBeUndefined();
    expect([two.icount, two.digest()]).toEqual([one.icount, one.digest()]);
    expect(bySink(outputs)).toEqual(bySink(host.outputs));
  });
});
