/** Does the small OS keep its promises on QEMU's virt board, as firmware/README.md gives them? */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NetPeer } from '../support/net-peer.ts';
import { type GuestOptions, PROMPT, QemuGuest, qemuMissing } from './qemu-guest.ts';

const missing = qemuMissing();
if (missing !== undefined) console.warn(`skipped: the small OS on QEMU: ${missing}`);

const SECTOR = 512;
const LOG_SECTOR = 16;

describe.skipIf(missing !== undefined)(`the small OS on QEMU${missing === undefined ? '' : ` (${missing})`}`, () => {
  let dir: string;
  let disk: string;
  let guest: QemuGuest;
  let peer: NetPeer | undefined;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'os-test-'));
    disk = join(dir, 'disk.img');
    writeFileSync(disk, '');
    truncateSync(disk, 4 << 20);
  });
  afterEach(async () => {
    peer?.close();
    peer = undefined;
    guest.kill();
    await guest.ended;
    rmSync(dir, { recursive: true, force: true });
  });

  /** Boots to the prompt; resolves with the banner's lines. */
  async function boot(options: GuestOptions = {}): Promise<string[]> {
    guest = new QemuGuest(options);
    return (await guest.see(PROMPT)).split('\n').slice(0, -1);
  }

  async function powerOff(): Promise<void> {
    guest.type('poweroff\r');
    expect(await guest.ended).toBe(0);
  }

  async function crashMachine(): Promise<void> {
    guest.kill();
    await guest.ended;
  }

  it('boots to its prompt, says what it found, and powers off with status 0', async () => {
    const banner = await boot({ disk, entropy: true });
    expect(banner).toEqual([
      'twinhart os: memory 64 MiB, disk 4096 KiB, no net, entropy',
      'kv: 0 keys, on disk, sequence 0, log 0 of 4088 sectors, generation 1',
      'ready',
    ]);
    await powerOff();
  });

  it.each(['rv32', 'rv32,sstc=off'])('shares the hart between its tasks by the timer, on -cpu %s', async (cpu) => {
    await boot({ cpu });
    expect(await guest.command('sum 20000000')).toEqual([`sum 20000000 = ${sum(20_000_000)}`]);
    const rows = (await guest.command('ps')).slice(1).map((line) => line.trim().split(/\s+/));
    expect(rows.map((row) => row[1])).toEqual(['shell', 'kv', 'worker0', 'worker1']);
    for (const row of rows.slice(2)) expect(Number(row[4]), `switches to ${row[1]}`).toBeGreaterThan(2);
    await powerOff();
  });

  it('runs a scripted session that was typed before it booted', async () => {
    guest = new QemuGuest({ disk });
    guest.type('kv set city Lisbon by the sea\nkv get city\nkv get country\nkv del city\nkv del city\nkv list\nnonsense\npoweroff\n');
    expect(await guest.ended).toBe(0);
    const session = guest.transcript.slice(guest.transcript.indexOf(PROMPT));
    expect(session.split('\n')).toEqual([
      'twin> kv set city Lisbon by the sea',
      'ok',
      'twin> kv get city',
      'Lisbon by the sea',
      'twin> kv get country',
      'no such key',
      'twin> kv del city',
      'ok',
      'twin> kv del city',
      'no such key',
      'twin> kv list',
      '0 keys',
      'twin> nonsense',
      'nonsense: no such command; try help',
      'twin> poweroff',
      '',
    ]);
  });

  it('edits a line: backspace takes one character, Ctrl-C the line', async () => {
    await boot();
    guest.type('kv set a wrong\x7f\x7f\x7f\x7f\x7fright\r');
    await guest.see('ok\n');
    guest.type('kv del a\x03');
    await guest.see('^C\n');
    await guest.see(PROMPT);
    expect(await guest.command('kv get a')).toEqual(['right']);
  });

  it('stops a long command at Ctrl-C', async () => {
    await boot();
    await guest.command('kv set k100 v100');
    guest.type('kv check 1 4000000000\r');
    await guest.see('wrong k101\n');
    guest.type('\x03');
    await guest.see('^C\n');
    await guest.see(PROMPT);
    expect(await guest.command('kv get k100')).toEqual(['v100']);
  });

  it('survives a task that faults, and restarts it', async () => {
    await boot({ disk });
    await guest.command('kv set a 1');
    for (const task of ['worker0', 'worker1', 'kv']) {
      const lines = await guest.command(`crash ${task}`);
      expect(lines[1]).toMatch(new RegExp(`^kernel: task ${task}: store page fault at pc 4[0-9a-f]{7}, address 000dead0: restarted$`));
      expect(lines[2]).toBe('crash: it died and was restarted');
    }
    expect(await guest.command('kv get a'), 'the server recovered from the disk').toEqual(['1']);
    expect(await guest.command('sum 1000')).toEqual([`sum 1000 = ${sum(1000)}`]);
    await guest.command('crash shell');
    expect(await guest.command('kv get a')).toEqual(['1']);
    await powerOff();
  });

  it('keeps every write that it said ok to, when the machine is killed at any time', async () => {
    await boot({ disk });
    let acknowledged = 0;
    for (const [round, until] of [40, 25, 60].entries()) {
      const first = round * 1000 + 1;
      guest.type(`kv load ${first} 300\r`);
      await guest.see(`ok k${first + until}\n`);
      await crashMachine();
      acknowledged = guest.transcript.match(/^ok k\d+$/gm)?.length ?? 0;
      expect(acknowledged).toBeGreaterThan(until);
      await boot({ disk });
      expect(await guest.command(`kv check ${first} ${acknowledged}`)).toEqual([`checked ${acknowledged}, wrong 0`]);
    }
  });

  it('compacts its log when a half is full, and loses nothing', async () => {
    truncateSync(disk, (LOG_SECTOR + 2 * 256) * SECTOR);
    await boot({ disk });
    for (let round = 0; round < 12; round++) await guest.command('kv load 1 50');
    await guest.command('kv load 51 14');
    expect((await guest.command('kv load 65 1')).at(-1), 'a half of 256 sectors has room for 64 keys').toBe('error: the store is full k65');
    expect((await guest.command('kv status'))[0]).toMatch(/^64 keys, on disk, sequence \d+, log \d+ of 256 sectors, generation [3-9]$/);
    await crashMachine();
    await boot({ disk });
    expect(await guest.command('kv check 1 64')).toEqual(['checked 64, wrong 0']);
    await powerOff();
  });

  it('takes a torn record for the end of the log', async () => {
    await boot({ disk });
    await guest.command('kv load 1 5');
    await powerOff();
    const bytes = readFileSync(disk);
    bytes.fill(0, (LOG_SECTOR + 4) * SECTOR + 48, (LOG_SECTOR + 5) * SECTOR);
    writeFileSync(disk, bytes);
    expect((await boot({ disk }))[1]).toBe('kv: 4 keys, on disk, sequence 4, log 4 of 4088 sectors, generation 1');
    expect(await guest.command('kv check 1 4')).toEqual(['checked 4, wrong 0']);
    await guest.command('kv set new 1');
    await crashMachine();
    expect((await boot({ disk }))[1]).toMatch(/^kv: 5 keys/);
    await powerOff();
  });

  it.each([
    [
      'a disk that holds something else',
      (path: string) => writeFileSync(path, Buffer.alloc(1 << 20, 'ext4')),
      {},
      'the disk holds something else',
    ],
    ['a disk that is too small', (path: string) => truncateSync(path, 64 << 10), {}, 'the disk is too small'],
    ['a read-only disk', () => {}, { readOnly: true }, 'the disk is read-only'],
  ])('leaves %s as it is, and keeps its keys in memory', async (_, prepare, options, reason) => {
    prepare(disk);
    const before = readFileSync(disk);
    expect((await boot({ disk, ...options }))[1]).toBe(`kv: 0 keys, in memory only: ${reason}`);
    expect(await guest.command('kv set a 1')).toEqual(['ok']);
    expect(await guest.command('kv get a')).toEqual(['1']);
    await powerOff();
    expect(readFileSync(disk).equals(before)).toBe(true);
  });

  it('answers ARP, ping and numbered requests, and a repeated request changes nothing, not even after a crash', async () => {
    const stream = join(dir, 'net.sock');
    peer = await NetPeer.listen(stream);
    await boot({ disk, stream });
    await peer.arp();
    expect(await peer.ping(7, Buffer.from('seven'))).toEqual(Buffer.from('seven'));
    expect(await peer.kv('ann', 1, 'set city Lisbon')).toBe('ok');
    expect(await peer.kv('ann', 2, 'get city')).toBe('value Lisbon');
    expect(await peer.kv('bob', 1, 'set city Porto')).toBe('ok');
    expect(await peer.kv('ann', 1, 'set city Lisbon'), 'a repeat gets its first answer').toBe('ok');
    expect(await peer.kv('bob', 2, 'get city')).toBe('value Porto');
    expect(await peer.kv('ann', 3, 'del city')).toBe('ok');
    expect(await peer.kv('ann', 3, 'del city'), 'and so does a repeated del').toBe('ok');
    expect(await peer.kv('ann', 2, 'set city Faro'), 'an older change is never done').toBe('stale 3');
    expect(await peer.kv('ann', 4, 'del city')).toBe('none');
    expect(await peer.kv('bob', 3, 'set city Braga')).toBe('ok');
    expect(await peer.kv('ann', 4, 'del city'), 'a refusal is remembered, too').toBe('none');
    expect(await peer.kv('bob', 4, 'get nowhere')).toBe('none');
    expect(await peer.kv('bob', 5, 'count')).toBe('count 1');
    expect(await peer.kv('bob', 6, 'fly')).toBe('error syntax');
    expect(await peer.kv('bob', 7, `set ${'k'.repeat(32)} v`)).toBe('error key');
    expect(await peer.kv('bob', 8, `set k ${'v'.repeat(96)}`)).toBe('error value');
    await crashMachine();
    peer.close();
    rmSync(stream, { force: true });
    peer = await NetPeer.listen(stream);
    await boot({ disk, stream });
    await peer.arp();
    expect(await peer.kv('ann', 4, 'del city'), 'done before the crash, so not done again').toBe('none');
    expect(await peer.kv('bob', 9, 'get city')).toBe('value Braga');
    await powerOff();
  });

  it('refuses to boot in too little memory, with a reason', async () => {
    guest = new QemuGuest({ memory: '7M' });
    expect(await guest.ended).not.toBe(0);
    expect(guest.transcript).toContain('kernel panic: too little memory: 7340032 bytes at 0x80000000, want 8 MiB');
  });
});

/** What `sum N` prints. */
function sum(count: number): string {
  let total = 0;
  for (let i = 0; i < count; i++) total = (total + ((Math.imul(i, 2654435761) ^ (i >>> 7)) >>> 0)) >>> 0;
  return total.toString(16).padStart(8, '0');
}
