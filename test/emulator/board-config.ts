/** A configuration for tests of the board: 64 MiB, everything plugged in, and whatever the test changes. */
import type { MachineConfig } from '../../emulator/config.ts';

export const MIB = 2 ** 20;

export function boardConfig(changes: Partial<MachineConfig> = {}, images: Partial<MachineConfig['images']> = {}): MachineConfig {
  return {
    memoryBytes: 64 * MIB,
    clock: 'icount',
    seed: Uint8Array.from({ length: 32 }, (_, i) => i),
    bootTimeNs: 0n,
    disk: { sectors: 128, readOnly: false, id: 'disk' },
    net: { mac: Uint8Array.of(0x52, 0x54, 0, 0, 0, 1) },
    virtioConsole: true,
    onReset: 'end',
    ...changes,
    images: { firmware: undefined, main: Uint8Array.of(0x6f, 0, 0, 0), initrd: undefined, append: '', dtb: undefined, ...images },
  };
}
