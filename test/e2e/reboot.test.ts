/** A protected guest that resets itself: does it start again on both replicas, whoever is killed meanwhile, and what does `--no-reboot` do? */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { assemble } from '../../emulator/isa/assemble.ts';
import { elf } from '../support/elf.ts';
import { Random, seedFromEnvironment } from '../support/random.ts';
import { Twin, twinhart } from '../support/twin.ts';
import { kill9 } from './workload.ts';

/** Says which boot it is (the RTC remembers, in bits that take days to change by themselves), fills some memory, waits for a key: `r` resets, `q` powers off. */
const GUEST = `
  li s0, 0x10000000
  li s1, 0x00101000
  lw t0, 0(s1)
  lw s2, 4(s1)
  srli s2, s2, 16
  li t0, 4096
  bltu s2, t0, known
  li s2, 0
known:
  addi t0, s2, 1
  slli t0, t0, 16
  sw t0, 4(s1)
  la a0, text
  call print
  addi a0, s2, 65
  sb a0, 0(s0)
  li a0, 10
  sb a0, 0(s0)
  li t0, 0x80010000
  li t1, 0x80050000
fill: lw t2, 0(t0)
  bnez t2, stale
  sw t0, 0(t0)
  addi t0, t0, 256
  bltu t0, t1, fill
wait: lbu t1, 5(s0)
  andi t1, t1, 1
  beqz t1, wait
  lbu t1, 0(s0)
  li t0, 0x100000
  li t2, 'r'
  beq t1, t2, again
  li t1, 0x5555
  sw t1, 0(t0)
  j .
again: li t1, 0x7777
  sw t1, 0(t0)
stale: la a0, wrong
  call print
  j .
print: lbu t1, 0(a0)
  beqz t1, printed
  sb t1, 0(s0)
  addi a0, a0, 1
  j print
printed: ret
text: .asciz "boot "
wrong: .asciz "memory was not zero\\n"
`;
const BOOTS = 8;
const EXPECTED = Array.from({ length: BOOTS }, (_, n) => `boot ${String.fromCharCode(65 + n)}\n`).join('');

const seed = seedFromEnvironment(Date.now() % 100_000);
let dir: string;
let guest: string;
let twin: Twin;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'twinhart-reboot-'));
  guest = join(dir, 'reboot.elf');
  const { bytes, symbols } = assemble(GUEST, { origin: 0x8000_0000 });
  writeFileSync(guest, elf([{ address: 0x8000_0000, bytes }], 0x8000_0000, symbols));
});
afterEach(() => twin.dispose());
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Reboots it again and again; `strike` just after the key for boot `at` was sent. */
async function session(options: readonly string[], at: number, strike: (twin: Twin) => void): Promise<number | null> {
  twin = new Twin([guest, '--bios', 'none', '--memory', '8M', ...options]);
  if (!options.includes('--solo')) await twin.note(/PROTECTED/);
  for (let boot = 0; boot < BOOTS; boot++) {
    await twin.see(`boot ${String.fromCharCode(65 + boot)}\n`);
    twin.type(boot === BOOTS - 1 ? 'q' : 'r');
    if (boot === at) strike(twin);
  }
  return await twin.ended;
}

describe(`a guest that resets itself (seed ${seed})`, () => {
  const at = new Random(seed).below(BOOTS - 1);

  it.each(['interpreter', 'auto', 'translator'])(
    'goes on in the backup when the primary is killed at a reboot, with the engine %s',
    async (engine) => {
      const record = join(dir, `${engine}.log`);
      expect(await session(['--engine', engine, '--record', record], at, kill9('primary'))).toBe(0);
      expect(twin.console).toBe(EXPECTED);
      expect(twin.notes).toMatch(/takeover epoch 2/);
      expect(twin.notes).not.toMatch(/divergence/);
      // Each digest in the log is checked again, on another engine.
      const replay = twinhart('replay', record, '--json', '--engine', engine === 'auto' ? 'interpreter' : 'auto');
      expect([replay.status, replay.stderr]).toEqual([0, '']);
      expect(JSON.parse(replay.stdout)).toMatchObject({ exit: 0, epochs: [1, 2], divergence: null });
    },
  );

  it('goes on alone when the backup is killed at a reboot', async () => {
    expect(await session([], at, kill9('backup'))).toBe(0);
    expect(twin.console).toBe(EXPECTED);
  });

  it('ends at its first reset with --no-reboot', async () => {
    twin = new Twin([guest, '--bios', 'none', '--memory', '8M', '--solo', '--no-reboot']);
    await twin.see('boot A\n');
    twin.type('r');
    expect(await twin.ended).toBe(0);
    expect(twin.console).toBe('boot A\n');
  });
});
