/**
 * Do the benchmark guests compute on QEMU what they say they compute? Each checks its own checksum and ends by the finisher. And is the machine
 * that runs them in the same state, whichever engine ran it?
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMachine } from '../../emulator/index.ts';
import { IMAGES, qemuMissing } from './qemu-guest.ts';

const missing = qemuMissing();
if (missing !== undefined) console.warn(`skipped: benchmark guests on QEMU: ${missing}`);

const guests = readdirSync(join(IMAGES, 'bench'), { encoding: 'utf8', recursive: true }).filter((name) => name.endsWith('.elf'));

describe.skipIf(missing !== undefined)(`benchmark guests on QEMU${missing === undefined ? '' : ` (${missing})`}`, () => {
  it.each(guests)('%s ends with its checksum right', (name) => {
    const args = ['-M', 'virt', '-m', '64M', '-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-bios', 'none'];
    const result = spawnSync('qemu-system-riscv32', [...args, '-kernel', join(IMAGES, 'bench', name)], {
      encoding: 'utf8',
      timeout: 60_000,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect(result.stdout).toMatch(new RegExp(`^${basename(name).replace(/(-sv32)?\.elf$/, '')} [0-9a-f]{8}\r\n$`));
    expect(result.status).toBe(0);
  });
});

describe('benchmark guests on our engines', () => {
  const stops = [1, 1_000, 1_000_003, 5_000_001];
  it.each(guests)('%s: the same digest at the same instruction', (name) => {
    const digests = (['interpreter', 'translator', 'auto'] as const).map((engine) => {
      const machine = createMachine(
        {
          memoryBytes: 32 << 20,
          clock: 'icount',
          seed: new Uint8Array(32),
          bootTimeNs: 0n,
          disk: undefined,
          net: undefined,
          virtioConsole: false,
          onReset: 'end',
          images: { firmware: undefined, main: readFileSync(join(IMAGES, 'bench', name)), initrd: undefined, append: '', dtb: undefined },
        },
        { engine },
      );
      const seen = stops.map((stop) => {
        while (machine.icount < stop && machine.exit === undefined) machine.run(stop);
        return `${machine.icount} ${machine.digest()}`;
      });
      expect(machine.statistics().instructions.translator > 0).toBe(engine !== 'interpreter');
      return seen;
    });
    expect(digests[1]).toEqual(digests[0]);
    expect(digests[2]).toEqual(digests[0]);
  });
});
