/**
 * Linux on a terminal, as a person at it: line editing, job control, vi, the window's size, a fast paste; alone, protected, and while the
 * primary is killed. The screen is raw bytes: what a real terminal would be sent.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { noPty, Pty, twinhartCommand } from '../support/pty.ts';
import { Random, seedFromEnvironment } from '../support/random.ts';
import { between, linuxImage, PROMPT } from './guest.ts';

const seed = seedFromEnvironment(Date.now() % 100_000);
const CTRL = (letter: string): string => String.fromCharCode(letter.charCodeAt(0) & 0x1f);
const [LEFT, UP, ESCAPE] = ['\x1b[D', '\x1b[A', '\x1b'];

let dir: string;
let pty: Pty;
beforeAll(() => {
  linuxImage();
  dir = mkdtempSync(join(tmpdir(), 'twinhart-terminal-'));
});
afterEach(async () => {
  pty.dispose();
  await pty.ended;
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function boot(...options: string[]): Promise<void> {
  // What twinhart itself says would come between the guest's bytes.
  pty = new Pty(`${twinhartCommand('run', 'linux', '--state', dir, ...options)} 2>&3 3>&-`);
  if (!options.includes('--solo')) await pty.note('PROTECTED');
  await pty.see(PROMPT);
}

async function powerOff(): Promise<void> {
  pty.type('poweroff\r');
  await pty.see('reboot: Power down');
  await pty.ended;
}

let commands = 0;
/** Types a line at the prompt; resolves at the next one with what the command printed, as the terminal got it. */
async function run(line: string): Promise<string> {
  const text = between(line, ++commands);
  pty.type(`${text.typed}\r`);
  await pty.see(`\n${text.begins}`);
  const said = await pty.see(text.ends);
  await pty.see(PROMPT);
  return said.trim();
}

/** Types a command that is to be typed at: what comes before its word is typed at the shell's line editor, where a return is no line's end. */
async function begin(command: string): Promise<void> {
  pty.type(`echo @g""o; ${command}\r`);
  await pty.see('\n@go\r\n');
}

/** Lines of text, `bytes` long, none near the 4096 bytes that a terminal takes in a line. */
function pasteOf(bytes: number, random: Random): string {
  let text = '';
  while (text.length < bytes) {
    const word = random.below(2 ** 31).toString(36);
    text += random.oneIn(9) ? `${word}\n` : `${word} `;
  }
  return `${text.slice(0, bytes - 1)}\n`;
}

/**
 * Without DC3 and DC1: busybox's init asks for flow control by them, so the kernel sends them to the terminal while a paste is ahead of its reader.
 * A terminal shows neither.
 */
const shown = (screen: string): string => screen.replaceAll('\x11', '').replaceAll('\x13', '').replaceAll('\r\n', '\n');

/** Pastes into `cat`; returns the sum of what reached the file, and what was echoed. `halfway` is called when so much has been echoed. */
async function paste(text: string, halfway?: () => void): Promise<{ sha256: string; echo: string }> {
  await begin('cat > /tmp/paste');
  const from = pty.screen.length;
  const echoed = (): string => shown(pty.screen.slice(from));
  pty.type(text.replaceAll('\n', '\r'));
  await pty.until(() => echoed().length >= text.length / 2);
  halfway?.();
  await pty.until(() => echoed().length >= text.length);
  const echo = echoed();
  pty.type(CTRL('D'));
  await pty.see(PROMPT);
  return { sha256: (await run('sha256sum < /tmp/paste')).split(' ')[0]!, echo };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe.skipIf(noPty)(`Linux on a terminal (seed ${seed})${noPty === undefined ? '' : ` (skipped: ${noPty})`}`, () => {
  it('is raw: each byte of the guest once, and none added', async () => {
    await boot('--solo');
    expect(await run("printf 'a\\nb\\tc\\rd'; stty -opost; printf '1\\n2\\n'; stty opost")).toBe('a\r\nb\tc\rd1\n2');
    await powerOff();
  });

  it('has line editing, history, completion and Ctrl-A as keys of the shell', async () => {
    await boot('--solo');
    pty.type(`cho hellX\x7fo${CTRL('A')}ae\r`);
    await pty.see('\r\nhello\r\n');
    pty.type(`${UP}${LEFT}${LEFT}12\r`);
    await pty.see('\r\nhel12lo\r\n');
    await run('touch /tmp/a-long-name');
    pty.type('ls /tmp/a-l\t\r');
    await pty.see('\r\n/tmp/a-long-name\r\n');
    await powerOff();
  });

  it('passes Ctrl-C, Ctrl-Z and Ctrl-\\ to the guest, whose shell has job control', async () => {
    await boot('--solo');
    for (const [key, says] of [
      ['C', '^C'],
      ['Z', 'Stopped'],
      ['\\', 'Quit'],
    ] as const) {
      await begin('cat');
      pty.type('hello\r');
      await pty.see('hello\r\nhello\r\n');
      pty.type(CTRL(key));
      await pty.see(says);
      await pty.see(PROMPT);
    }
    expect(await run('jobs | grep -c Stopped; kill %1')).toContain('1');
    await powerOff();
  });

  it('edits with vi', async () => {
    await boot('--solo');
    pty.type('vi /tmp/letter\r');
    // Its last line says that it waits for a command.
    await pty.see('- /tmp/letter');
    pty.type(`ifirst line\rsecond lime${ESCAPE}`);
    await pty.see('- /tmp/letter [Modified]');
    pty.type('hrn:wq\r');
    await pty.see(PROMPT);
    expect(await run('cat /tmp/letter')).toBe('first line\r\nsecond line');
    await powerOff();
  });

  it('learns the window’s size from the terminal by resize', async () => {
    await boot('--solo');
    pty.type('resize\r');
    // Where a cursor that was sent to the far corner has come to: the question goes to the terminal, its answer to the guest.
    await pty.see('\x1b[6n');
    pty.type('\x1b[40;132R');
    await pty.see(PROMPT);
    expect(await run('stty size')).toBe('40 132');
    expect(await run('stty rows 50 cols 100; stty size')).toBe('50 100');
    await powerOff();
  });

  it.each([
    ['alone', ['--solo']],
    ['protected', []],
  ])('takes a paste of 10 KB whole, %s', async (_, options) => {
    const text = pasteOf(10_240, new Random(seed));
    await boot(...options);
    expect(await paste(text)).toEqual({ sha256: sha256(text), echo: text });
    await powerOff();
  });

  it('takes a paste of 10 KB whole though the primary is killed in its middle', async () => {
    const text = pasteOf(10_240, new Random(seed + 1));
    await boot();
    expect(await paste(text, () => pty.type(`${CTRL('A')}k`))).toEqual({ sha256: sha256(text), echo: text });
    await pty.note('takeover epoch 2');
    await powerOff();
  });
});
