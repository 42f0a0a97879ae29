/** Runs an ELF on qemu-system-riscv32 (Debian's 7.2 is what the pages of docs/decisions speak of) and reads the guest's RAM back from a file. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const QEMU = 'qemu-system-riscv32';
/** RV32IMAC, Zicsr, Zifencei, Sstc, and nothing else that 7.2 would add. */
const QEMU_CPU = 'rv32,f=off,d=off,h=off,v=off,zba=off,zbb=off,zbc=off,zbs=off,debug=off,sstc=on';

/** Why QEMU cannot be asked, or undefined. */
export function qemuMissing(): string | undefined {
  try {
    execFileSync(QEMU, ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return `${QEMU} is not installed (Debian: apt-get install qemu-system-misc)`;
  }
}

/**
 * RAM at power-off, from 0x80000000. Throws when the guest has not powered off after `timeoutMs`.
 * Two harts, of which the image must park the second: with one, QEMU makes AMOs of a load and a store, and gives them a load's causes.
 */
export async function runInQemu(image: Uint8Array, ramBytes: number, timeoutMs: number, more: readonly string[] = []): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'twinhart-qemu-'));
  try {
    const elf = join(folder, 'image.elf');
    const ram = join(folder, 'ram');
    writeFileSync(elf, image);
    const size = `${ramBytes >>> 20}M`;
    const board = ['-M', 'virt,memory-backend=ram', '-cpu', QEMU_CPU, '-m', size, '-smp', '2'];
    const memory = ['-object', `memory-backend-file,id=ram,size=${size},mem-path=${ram},share=on`];
    const rest = ['-bios', 'none', '-kernel', elf, '-display', 'none', '-serial', 'none', '-monitor', 'none', ...more];
    const started = Date.now();
    await promisify(execFile)(QEMU, [...board, ...memory, ...rest], { timeout: timeoutMs });
    // Told to end, QEMU exits with 0.
    if (Date.now() - started >= timeoutMs)
      throw Object.assign(new Error(`QEMU: no power-off within ${timeoutMs} ms`), { ram: readFileSync(ram) });
    return readFileSync(ram);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
