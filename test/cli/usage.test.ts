/** Questions to the command line, asked as a user does: does bad input get a clear answer and the right exit status, and is help there? */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorTable } from '../../src/cli/errors.ts';
import { createProgram, settle } from '../../src/cli/program.ts';
import { parseCount, parseMemory } from '../../src/cli/run-options.ts';
import { twinhart } from '../support/twin.ts';

/** The same program in this process: a process of its own for each question would take a minute. */
async function ask(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  let stdout = '';
  const program = createProgram();
  for (const command of [program, ...program.commands]) {
    command.configureOutput({
      writeOut: (text) => {
        stdout += text;
      },
      writeErr: () => undefined,
    });
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return { status: 0, stdout, stderr: '' };
  } catch (error) {
    const { status, text } = settle(error);
    return { status, stdout, stderr: text };
  }
}

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'twinhart-cli-'));
  writeFileSync(join(dir, 'empty'), '');
  writeFileSync(join(dir, 'x86.elf'), Buffer.from('7f454c46010101000000000000000000020003000100000000000000', 'hex'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const VERBS = ['run', 'demo', 'record', 'replay', 'kill', 'ps', 'image'];
const LATER = [
  'verify',
  'log',
  'backup',
  'top',
  'console',
  'switchover',
  'protect',
  'unprotect',
  'snapshot',
  'gateway',
  'disk-server',
  'bench',
  'doctor',
  'completion',
];

describe('help', () => {
  it('lists the verbs that are there, and each has help with an example', async () => {
    const { status, stdout } = twinhart('--help');
    expect(status).toBe(0);
    for (const verb of VERBS) {
      expect(stdout).toMatch(new RegExp(`^ {2}${verb} `, 'm'));
      const help = await ask(verb, '--help');
      expect([verb, help.status]).toEqual([verb, 0]);
      expect(help.stdout).toContain(`Example:\n  twinhart ${verb}`);
    }
  });

  it('answers no verb with usage, and status 64', () => {
    expect(twinhart()).toMatchObject({ status: 64 });
  });
});

describe('verbs that are not there yet', () => {
  it.each(LATER)('%s says so in one line and ends with 64', async (verb) => {
    const { status, stderr, stdout } = await ask(verb, '--anything', 'x');
    expect(status).toBe(64);
    expect(stderr.split('\n')[0]).toMatch(new RegExp(`^twinhart: ${verb} .*is not there yet`));
    expect(stdout).toBe('');
  });
});

describe('bad input', () => {
  const cases: [string, string[], number, RegExp][] = [
    ['an unknown verb', ['frob'], 64, /unknown command 'frob'/],
    ['an unknown option', ['run', '--frob'], 64, /unknown option '--frob'/],
    ['a memory size that is none', ['run', '--memory', '3'], 64, /--memory 3: a size from 64K to 1G/],
    ['a profile in no folder', ['run', '--profile', '/nowhere/p.cpuprofile'], 64, /--profile \/nowhere\/p.cpuprofile: ENOENT/],
    ['an engine that nobody knows', ['run', '--engine', 'warp'], 64, /Allowed choices are auto, interpreter, translator/],
    ['a network that is not there', ['run', '--net', 'user'], 64, /--net user is not there yet/],
    ['a network that nobody knows', ['run', '--net', 'pigeon'], 64, /--net pigeon: none, or stream=PATH/],
    ['an arbiter that is not there', ['run', '--arbiter', 'etcd:http://x'], 64, /etcd is not there yet/],
    ['a name with a slash', ['run', '--name', '../x'], 64, /--name \.\.\/x/],
    ['a seed that is not hex', ['run', '--seed', 'xyz'], 64, /--seed: 1 to 64 hex digits/],
    ['two images', ['run', 'os', '--kernel', 'os'], 64, /give one of them/],
    ['an image that is not there', ['run', 'no-such-image'], 65, /image no-such-image: no such file, and images\/ has only .*os/],
    ['a record in a folder that is not there', ['run', '--record', '/nonexistent/x'], 64, /--record \/nonexistent\/x: ENOENT/],
    ['a record where a folder is', ['run', '--record', tmpdir()], 64, /--record .*: a folder is there/],
    ['a port that is none', ['run', '--net', 'stream=127.0.0.1:99999'], 64, /--net stream=127\.0\.0\.1:99999: a port is a number/],
    ['an image that is a folder', ['run', tmpdir()], 65, /image .*: not a regular file/],
    ['an image that never ends', ['run', '/dev/zero'], 65, /image \/dev\/zero: not a regular file/],
    ['a recording that is not there', ['replay', '/nonexistent/x'], 65, /x: no such file\n {2}LOG_MISSING/],
    ['an image for another machine', ['run', process.execPath], 65, /image .*node.*: a 64-bit ELF file/],
    ['a recording that never ends', ['replay', '/dev/zero'], 65, /\/dev\/zero: not a regular file/],
    ['kill without a side', ['kill', 'vm'], 64, /give --primary or --backup/],
    ['kill of nobody', ['kill', 'nobody', '--primary', '--state', '/nonexistent'], 64, /no guest named nobody/],
  ];
  it.each(['linux', 'linux-initramfs'])('%s where it is not built', async (name) => {
    const before = process.env.XDG_CACHE_HOME;
    process.env.XDG_CACHE_HOME = dir;
    try {
      const { status, stderr } = await ask('run', name);
      expect(status).toBe(65);
      expect(stderr).toMatch(/the Linux guest is not built here\n {2}IMAGE_NOT_BUILT: twinhart image build linux builds it/);
    } finally {
      if (before === undefined) delete process.env.XDG_CACHE_HOME;
      else process.env.XDG_CACHE_HOME = before;
    }
  });

  it.each(cases)('%s', async (_, args, want, why) => {
    const { status, stderr, stdout } = await ask(...args);
    expect(stderr).toMatch(why);
    expect([status, stdout]).toEqual([want, '']);
    // What and why, then the stable code and what to do.
    expect(stderr).toMatch(/^twinhart: .+\n {2}[A-Z_]+: .+\n$/);
  });

  it('a disk that is not there ends with 69 and leaves nothing in the state folder', async () => {
    const { status, stderr } = await ask('run', '--disk', join(dir, 'none.img'), '--state', join(dir, 'state'));
    expect(stderr).toMatch(/--disk .*none\.img: ENOENT/);
    expect(status).toBe(69);
    expect(existsSync(join(dir, 'state'))).toBe(false);
  });

  it('a network peer that is not there ends with 69', async () => {
    const { status, stderr } = await ask('run', '--net', `stream=${join(dir, 'none.sock')}`, '--state', join(dir, 'state'));
    expect(stderr).toMatch(/--net stream=.*cannot reach .*none\.sock/);
    expect(status).toBe(69);
  });

  it('a state folder that cannot be made ends with 69', async () => {
    const { status, stderr } = await ask('run', '--state', join(dir, 'empty', 'below'));
    expect(stderr).toMatch(/cannot make a folder in/);
    expect(status).toBe(69);
  });

  it('an image that is none ends with 65 before anything is started', async () => {
    expect(twinhart('run', join(dir, 'empty'), '--bios', 'none', '--state', dir)).toMatchObject({ status: 65, stdout: '' });
    const { status, stderr } = await ask('run', join(dir, 'x86.elf'), '--bios', 'none', '--state', dir);
    expect(stderr).toMatch(/IMAGE_BAD/);
    expect(status).toBe(65);
  });
});

describe('the table of errors', () => {
  it('has a known exit status and a sentence of advice for every code', () => {
    for (const [code, { status, cure }] of Object.entries(errorTable)) {
      expect([64, 65, 69, 70, 73, 75], code).toContain(status);
      expect(cure, code).toMatch(/\.$|\)\.$/);
    }
  });
});

describe('sizes and counts', () => {
  it('reads K, M and G as QEMU does', () => {
    expect([parseMemory('64M'), parseMemory('128k'), parseMemory('1G'), parseMemory('65536')]).toEqual([
      64 << 20,
      128 << 10,
      2 ** 30,
      65_536,
    ]);
    for (const bad of ['', 'M', '2G', '63K', '-1M', '1.5M', '65537']) expect(() => parseMemory(bad), bad).toThrow(/--memory/);
  });

  it('reads whole numbers, with underscores', () => {
    expect(parseCount('--to', '1_000_000')).toBe(1e6);
    for (const bad of ['0', '-1', '1e6', 'x', '']) expect(() => parseCount('--to', bad), bad).toThrow(/--to/);
  });
});
