/** Is every console byte there once, in and out, when the primary is killed while both directions run as fast as they can? */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { assemble } from '../../emulator/isa/assemble.ts';
import { elf } from '../support/elf.ts';
import { Twin } from '../support/twin.ts';

const ECHO = `
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
`;
const BYTES = 400_000;

let dir: string;
let twin: Twin;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'twinhart-bulk-'));
  const { bytes, symbols } = assemble(ECHO, { origin: 0x8000_0000 });
  writeFileSync(join(dir, 'echo.elf'), elf([{ address: 0x8000_0000, bytes }], 0x8000_0000, symbols));
});
afterEach(() => twin.dispose());
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it.each([0.1, 0.5, 0.8])('an echo of 400 kB is exact, with a kill -9 after %d of it', async (share) => {
  let text = '';
  for (let line = 0; text.length < BYTES; line++) text += `line ${line}\n`;
  twin = new Twin([join(dir, 'echo.elf'), '--bios', 'none', '--memory', '1M']);
  await twin.note(/PROTECTED/);
  twin.type(`${text}.`);
  await twin.see(text.slice(Math.floor(text.length * share), Math.floor(text.length * share) + 40));
  twin.kill('primary');
  await twin.note(/takeover epoch 2/);
  expect(await twin.ended).toBe(0);
  expect(twin.console).toBe(`${text}.`);
});
