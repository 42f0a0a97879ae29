/** Questions to `run`, `record`, `replay`, `kill` and `ps` with real processes and tiny guests, each a few instructions from the in-repo assembler. */
import { spawnSync } from 'node:child_process';
import { linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { assemble } from '../../emulator/isa/assemble.ts';
import { built } from '../support/dist.ts';
import { elf } from '../support/elf.ts';
import { emptyDisk, Twin, twinhart } from '../support/twin.ts';

const RAM = 0x8000_0000;
let dir: string;
let twin: Twin | undefined;
const image = (name: string): string => join(dir, `${name}.elf`);

/** Writes a string to the UART: clobbers t0 to t2. */
const say = (label: string): string => `
  la t1, ${label}
1: lbu t2, 0(t1)
  beqz t2, 2f
  sb t2, 0(t0)
  addi t1, t1, 1
  j 1b
2:`;

const GUESTS: Readonly<Record<string, string>> = {
  // Ends by tohost with code 3, and leaves a signature of two words.
  tohost: `
  la t0, begin_signature
  li t1, 0x12345678
  sw t1, 0(t0)
  li t1, 0xcafe
  sw t1, 4(t0)
  la t0, tohost
  li t1, 7
  sw t1, 0(t0)
  sw zero, 4(t0)
spin: j spin
  .align 4
tohost: .word 0
  .word 0
fromhost: .word 0
  .word 0
begin_signature: .word 0
  .word 0
end_signature: .word 0
`,
  // Says hello and powers off by the finisher with code 5.
  hello: `
  li t0, 0x10000000${say('text')}
  li t0, 0x100000
  li t1, 0x53333
  sw t1, 0(t0)
spin: j spin
text: .asciz "hello\\n"
`,
  // Echoes what it reads, one byte at a time, and powers off after a full stop.
  echo: `
  li t0, 0x10000000
  li t3, 46
read: lbu t1, 5(t0)
  andi t1, t1, 1
  beqz t1, read
  lbu t2, 0(t0)
  sb t2, 0(t0)
  bne t2, t3, read
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
spin: j spin
`,
  // Says hello and waits, with no interrupt enabled.
  wait: `
  li t0, 0x10000000${say('text')}
wait: wfi
  j wait
text: .asciz "hello\\n"
`,
  spin: 'spin: j spin\n',
  flood: `
  li t0, 0x10000000
  li t1, 46
more: sb t1, 0(t0)
  j more
`,
};

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'twinhart-run-'));
  for (const [name, source] of Object.entries(GUESTS)) {
    const { bytes, symbols } = assemble(source, { origin: RAM });
    writeFileSync(image(name), elf([{ address: RAM, bytes }], RAM, symbols));
  }
});
afterEach(() => twin?.dispose());
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A state folder whose sockets' paths would be too long for the system. */
const deep = (): string => join(dir, 'd'.repeat(100));
const run = (...args: string[]) =>
  twinhart('run', '--bios', 'none', '--memory', '1M', '--clock', 'icount', '--state', join(dir, 'state'), ...args);

describe('run', () => {
  it.each([
    ['one machine', ['--solo']],
    ['a pair', []],
  ])('%s: ends by tohost with the code of the guest, and writes its signature', (_, options) => {
    const { status, stderr } = run(image('tohost'), ...options, '--signature', join(dir, 'signature'));
    expect([status, stderr.includes('twinhart:')]).toEqual([3, false]);
    expect(readFileSync(join(dir, 'signature'), 'utf8')).toBe('12345678\n0000cafe\n');
  });

  it('puts the console on stdout, and ends with the code of the guest', () => {
    expect(run(image('hello'), '--solo')).toMatchObject({ status: 5, stdout: 'hello\n' });
  });

  it('with --json: the console on stderr, one object on stdout, and with --clock icount the same digest alone or protected', () => {
    const [solo, pair] = [run(image('hello'), '--json', '--solo'), run(image('hello'), '--json', '--state', deep())];
    expect([pair.status, pair.stderr.includes('hello\n')]).toEqual([5, true]);
    const result = JSON.parse(pair.stdout);
    expect(Object.keys(result)).toEqual(
      'exit icount seconds mips epoch role takeovers takeoverMs logBytes outputs divergences digest engine'.split(' '),
    );
    expect(result).toMatchObject({ exit: 5, epoch: 1, takeovers: 0, takeoverMs: null, outputs: 7, divergences: 0 });
    expect(result.digest).toMatch(/^[0-9a-f]{16}$/);
    expect(JSON.parse(solo.stdout)).toMatchObject({ icount: result.icount, digest: result.digest });
  });

  it('refuses --signature for an image without the symbols, before it runs', () => {
    const { status, stderr } = run(image('hello'), '--signature', join(dir, 'none'));
    expect(stderr).toMatch(/no symbols begin_signature and end_signature/);
    expect(status).toBe(65);
  });

  it('stops at --max-instructions, exactly, with status 0', () => {
    const { status, stdout, stderr } = run(image('spin'), '--solo', '--json', '--max-instructions', '12_345');
    expect([status, JSON.parse(stdout).icount]).toEqual([0, 12_345]);
    expect(stderr).toMatch(/limit of 12345 instructions/);
  });

  it.each([
    ['one machine', ['--solo']],
    ['a pair', []],
  ])('%s: with --clock icount, a guest that waits with no timer and no input to come has come to its end', (_, options) => {
    const { status, stdout, stderr } = run(image('wait'), ...options);
    expect([status, stdout]).toEqual([0, 'hello\n']);
    expect(stderr).toMatch(/the guest waits, and nothing can come/);
  });

  it('leaves nothing behind in the state folder', () => {
    expect(readdirSync(join(dir, 'state'))).toEqual([]);
  });

  it('takes standard input that is no terminal as console input, byte for byte, and its end is not a power-off', async () => {
    twin = new Twin([image('echo'), '--bios', 'none', '--memory', '1M']);
    twin.type('a\x01xb');
    await twin.see('a\x01xb');
    twin.type('\n.');
    twin.child.stdin?.end();
    expect(await twin.ended).toBe(0);
    expect(twin.console).toBe('a\x01xb\n.');
  });
});

describe('kill, ps and signals', () => {
  it('the guest outlives its primary; without any replica the run ends with 69', async () => {
    twin = new Twin([image('echo'), '--bios', 'none', '--memory', '1M', '--json']);
    await twin.note(/PROTECTED/);
    const ps = () => JSON.parse(twinhart('ps', '--json', '--state', twin!.dir).stdout)[0];
    expect(ps()).toMatchObject({ name: 'vm', state: 'protected', epoch: 1 });
    twin.kill('primary');
    await twin.note(/takeover epoch 2/);
    twin.type('still here');
    await twin.note(/still here/);
    expect(ps()).toMatchObject({ state: 'unprotected', reason: 'needs-backup', epoch: 2, takeovers: 1 });
    expect(ps().replicas).toHaveLength(1);
    expect(twinhart('kill', 'vm', '--backup', '--state', twin.dir).stderr).toMatch(/vm has no backup now/);
    twin.kill('primary');
    expect(await twin.ended).toBe(69);
    expect(twin.notes).toMatch(/no replica is left/);
  });

  it('the guest goes on when its backup is killed', async () => {
    twin = new Twin([image('echo'), '--bios', 'none', '--memory', '1M']);
    await twin.note(/PROTECTED/);
    twin.kill('backup');
    await twin.note(/UNPROTECTED \(/);
    twin.type('on.');
    expect(await twin.ended).toBe(0);
    expect(twin.console).toBe('on.');
  });

  it('SIGTERM ends the world and its replicas, with 143; a second guest of the name is refused meanwhile', async () => {
    twin = new Twin([image('spin'), '--bios', 'none', '--memory', '1M']);
    await twin.note(/PROTECTED/);
    const pids: number[] = JSON.parse(twinhart('ps', '--json', '--state', twin.dir).stdout)[0].replicas.map(
      ({ pid }: { pid: number }) => pid,
    );
    expect(twinhart('run', image('spin'), '--bios', 'none', '--name', 'vm', '--state', twin.dir)).toMatchObject({ status: 64 });
    twin.child.kill('SIGTERM');
    expect(await twin.ended).toBe(143);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
    expect(twinhart('ps', '--state', twin.dir).stdout).toBe('no guest runs\n');
  });

  // Elsewhere than on Linux only what the state folder tells keeps two guests apart.
  it.runIf(platform() === 'linux')("a disk is one guest's, also under another name and from another state folder", async () => {
    twin = new Twin((dir) => [image('spin'), '--bios', 'none', '--memory', '1M', '--disk', emptyDisk(dir)]);
    await twin.note(/PROTECTED/);
    const again = join(dir, 'again.img');
    linkSync(join(twin.dir, 'disk.img'), again);
    const second = twinhart('run', image('hello'), '--bios', 'none', '--disk', again, '--state', join(dir, 'elsewhere'));
    expect(second).toMatchObject({ status: 64, stdout: '' });
    expect(second.stderr).toMatch(/DISK_BUSY/);
    expect(twinhart('run', image('hello'), '--bios', 'none', '--disk', `${again},ephemeral`, '--state', dir)).toMatchObject({ status: 5 });
  });

  it('a reader that takes nothing does not keep a run from ending', async () => {
    twin = new Twin([image('flood'), '--solo', '--bios', 'none', '--memory', '1M']);
    await twin.see('...');
    const { child } = twin;
    child.stdout?.pause();
    const exited = new Promise((resolve) => child.once('exit', resolve));
    // Until the console is full the machine runs.
    for (let before = -1, now = 0; now !== before; ) [before, now] = [now, (await twin.status()).replicas[0]?.status?.icount ?? -1];
    child.kill('SIGTERM');
    expect(await exited).toBe(143);
    child.stdout?.resume();
  });

  it('replicas go when their world is killed', async () => {
    twin = new Twin([image('spin'), '--bios', 'none', '--memory', '1M']);
    await twin.note(/PROTECTED/);
    const pids: number[] = JSON.parse(twinhart('ps', '--json', '--state', twin.dir).stdout)[0].replicas.map(
      ({ pid }: { pid: number }) => pid,
    );
    twin.child.kill('SIGKILL');
    await twin.ended;
    for (const pid of pids) await gone(pid);
    expect(twinhart('ps', '--state', twin.dir).stdout).toBe('no guest runs\n');
  });
});

describe('record and replay', () => {
  let hello: ReturnType<typeof record>;
  beforeAll(() => {
    hello = record('hello');
  });
  const record = (name: string): { file: string; digest: string; icount: number } => {
    const file = join(dir, `${name}.twh`);
    const { stdout } = twinhart(
      'record',
      image(name),
      '-o',
      file,
      '--bios',
      'none',
      '--memory',
      '1M',
      '--json',
      '--state',
      join(dir, 'state'),
    );
    return { file, ...JSON.parse(stdout) };
  };

  it('replays a recording to the digest that it ended with, and stops where it is told', () => {
    const { file, digest, icount } = hello;
    const whole = twinhart('replay', file, '--json');
    expect(JSON.parse(whole.stdout)).toMatchObject({ icount, digest, exit: 5, epochs: [1], divergence: null });
    expect(JSON.parse(twinhart('replay', file, '--to', '20', '--json').stdout)).toMatchObject({ icount: 20, exit: null });
    expect(twinhart('replay', file, '--console').stdout).toMatch(/^hello\nicount \d+\ndigest [0-9a-f]{16}\n/);
  });

  it('refuses a damaged recording with its offset, replays one that was cut off, and refuses another image with both named', () => {
    const { file } = hello;
    const bytes = readFileSync(file);
    bytes[bytes.length - 3] ^= 1;
    writeFileSync(join(dir, 'damaged.twh'), bytes);
    const damaged = twinhart('replay', join(dir, 'damaged.twh'));
    expect(damaged.stderr).toMatch(/damaged\.twh: at byte \d+: .*checksum/);
    expect(damaged.status).toBe(65);
    const whole = readFileSync(file);
    writeFileSync(join(dir, 'cut.twh'), whole.subarray(0, whole.length - 5));
    const cut = twinhart('replay', join(dir, 'cut.twh'));
    expect([cut.status, cut.stderr]).toEqual([0, expect.stringMatching(/was cut off at byte \d+ .*: replayed to its last whole batch/)]);
    const other = twinhart('replay', file, '--kernel', image('echo'));
    expect(other.stderr).toMatch(/image: recorded with .*hello\.elf \(sha256 [0-9a-f]{64}\), but .*echo\.elf is sha256 [0-9a-f]{64}/);
    expect(other.status).toBe(65);
  });

  it('a record that can no longer be written ends there, whole, and the guest goes on', () => {
    const file = join(dir, 'full.twh');
    const args = ['run', image('flood'), '--record', file, '--bios', 'none', '--memory', '1M', '--state', join(dir, 'state')];
    // A guest whose every 256 bytes are an entry: how much a guest that only computes has to say depends on how long it takes.
    // The shell's limit on the size of files stands for a full file system: 16 blocks of 512 bytes, or of 1,024.
    const limited = ['-c', 'ulimit -f 16; exec "$@"', 'sh', process.execPath, fileURLToPath(built('src/cli/main.ts'))];
    const { status, stderr } = spawnSync('sh', [...limited, ...args, '--max-instructions', '1_000_000'], { encoding: 'utf8' });
    expect(stderr).toMatch(/record {3}of pid \d+ ends here: EFBIG.*the guest goes on/);
    expect(stderr).toMatch(/limit of 1000000 instructions[\s\S]*RECORD: /);
    expect(status).toBe(69);
    const replayed = twinhart('replay', file, '--json');
    expect([replayed.status, JSON.parse(replayed.stdout)]).toMatchObject([0, { cut: false, exit: null }]);
  });

  it('a state folder without room ends with 69 and what to do, not as a defect', () => {
    const state = join(dir, 'small');
    const limited = ['-c', 'ulimit -f 0; exec "$@"', 'sh', process.execPath, fileURLToPath(built('src/cli/main.ts'))];
    const { status, stderr } = spawnSync('sh', [...limited, 'run', image('hello'), '--bios', 'none', '--state', state], {
      encoding: 'utf8',
    });
    expect(stderr).toMatch(/^twinhart: cannot write .*run\.json: EFBIG.*\n {2}STATE: /);
    expect([status, readdirSync(state)]).toEqual([69, []]);
  });

  it("the survivor's record of a pair whose primary was killed replays across the takeover", async () => {
    const file = join(dir, 'pair.twh');
    twin = new Twin([image('echo'), '--bios', 'none', '--memory', '1M', '--json', '--record', file]);
    await twin.note(/PROTECTED/);
    twin.type('before');
    await twin.note(/before/);
    twin.kill('primary');
    await twin.note(/takeover epoch 2/);
    twin.type('after.');
    expect(await twin.ended).toBe(0);
    const { stdout, stderr } = twinhart('replay', file, '--json', '--console');
    expect(JSON.parse(stdout)).toMatchObject({ epochs: [1, 2], exit: 0, divergence: null });
    expect(stderr).toBe('beforeafter.');
  });
});

/** When the process is no more. It is nobody's child here, so there is no event: asked again on each turn of the loop. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}
