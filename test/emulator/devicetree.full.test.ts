/** Do dtc and QEMU agree with our device tree? Needs Debian's device-tree-compiler and qemu-system-misc. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { boardTree } from '../../emulator/devicetree.ts';
import { boardConfig } from './board-config.ts';

const runs = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
const [dtc, qemu] = [runs('dtc'), runs('qemu-system-riscv32')];

/** Decompiles a tree; fails on any warning. */
function decompile(tree: Uint8Array): string {
  const { status, stdout, stderr } = spawnSync('dtc', ['-I', 'dtb', '-O', 'dts', '-s'], { input: tree });
  expect([status, stderr.toString()]).toEqual([0, '']);
  return stdout.toString();
}

/** Node path -> property -> value as dtc writes it; phandles left out, since the numbers are free. */
function properties(source: string): Map<string, string> {
  const found = new Map<string, string>();
  const path: string[] = [];
  for (const line of source.split('\n').map((text) => text.trim())) {
    if (line.endsWith('{')) path.push(line.slice(0, -1).trim());
    else if (line === '};') path.pop();
    else if (line.endsWith(';') && path.length > 0) {
      const [name, value = ''] = line.slice(0, -1).split(' = ');
      if (!/phandle|interrupt-parent|regmap|^cpu$|interrupts-extended/.test(name)) found.set(`${path.join('/')} ${name}`, value);
    }
  }
  return found;
}

describe('the board’s tree', () => {
  it.skipIf(!dtc)('is read by dtc without a warning (skipped without device-tree-compiler)', () => {
    expect(decompile(boardTree(boardConfig({}, { append: 'quiet' }), { address: 0x82400000, size: 4096 }))).toContain('bootargs = "quiet"');
  });

  it.skipIf(!dtc || !qemu)(
    'says of every node that QEMU’s virt has too what QEMU says (skipped without dtc or qemu-system-riscv32)',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'twinhart-tree-'));
      try {
        const file = join(folder, 'virt.dtb');
        execFileSync('qemu-system-riscv32', ['-M', `virt,dumpdtb=${file}`, '-bios', 'none', '-m', '64M', '-display', 'none'], {
          stdio: 'ignore',
        });
        const theirs = properties(execFileSync('dtc', ['-I', 'dtb', '-O', 'dts', '-s', '-q', file]).toString());
        const ours = properties(decompile(boardTree(boardConfig(), undefined)));
        expect(readFileSync(file).length).toBeGreaterThan(0);
        // Its name, instruction set, seed and number of interrupt sources are its own; the last is a cell that dtc misses in QEMU's tree.
        const own = [' model', ' riscv,isa', ' rng-seed', ' riscv,ndev', '/interrupt-controller #address-cells'];
        const differences = [...ours].filter(([name, value]) => !own.some((ending) => name.endsWith(ending)) && theirs.get(name) !== value);
        expect(differences).toEqual([]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
});
