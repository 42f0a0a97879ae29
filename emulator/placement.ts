/** Where firmware, kernel, initrd and device tree lie in RAM: as QEMU 7.2's virt machine places them (machine.md "Devices", last rule). */
import type { MachineConfig } from './config.ts';
import { boardTree } from './devicetree.ts';
import { givenTree } from './given-tree.ts';
import { PAGE_BYTES, RAM_BASE } from './layout.ts';
import { checkPlaces, loadImage, type Segment } from './loader.ts';

export interface Placement {
  /** What to write into RAM, which is zero otherwise. No two overlap, and all lie in RAM. */
  readonly segments: readonly Segment[];
  /** Where the reset ROM jumps to, in M-mode: the firmware, or the image itself when there is none. */
  readonly start: number;
  /** Where the firmware is to go on, in S-mode (`next_addr` of fw_dynamic_info): the image's entry. */
  readonly entry: number;
  readonly deviceTree: number;
  /** Of the main image. */
  readonly symbols: ReadonlyMap<string, number>;
}

const MIB = 2 ** 20;
/** RV32 kernels map themselves with megapages. */
const KERNEL_ALIGNMENT = 4 * MIB;
const DEVICE_TREE_ALIGNMENT = 2 * MIB;
const INITRD_OFFSET_MAX = 128 * MIB;
/** Below this, the device tree goes into the last pages: QEMU's alignment would put it onto the image. */
const SMALL_RAM = 4 * MIB;

/** For the boot after so many resets. Throws `LoadError` when an image is damaged, not for this machine, or does not fit. */
export function placeImages(config: MachineConfig, boot = 0): Placement {
  const { firmware, main, initrd, dtb } = config.images;
  const ram = { base: RAM_BASE, size: config.memoryBytes };
  const first = firmware === undefined ? undefined : loadImage('firmware', firmware, RAM_BASE);
  const image = loadImage('image', main, first === undefined ? RAM_BASE : alignUp(endOf(first.segments), KERNEL_ALIGNMENT));
  const segments: Segment[] = [...(first?.segments ?? []), ...image.segments];

  let initrdAt: { address: number; size: number } | undefined;
  if (initrd !== undefined && initrd.length > 0) {
    const base = Math.min(...image.segments.map(({ address }) => address));
    initrdAt = { address: alignDown(base + Math.min(config.memoryBytes / 2, INITRD_OFFSET_MAX), PAGE_BYTES), size: initrd.length };
    segments.push({ what: 'initrd', bytes: initrd, ...initrdAt });
  }

  const tree = dtb === undefined ? boardTree(config, initrdAt, boot) : givenTree(dtb, config, initrdAt, boot);
  const alignment = config.memoryBytes < SMALL_RAM ? PAGE_BYTES : DEVICE_TREE_ALIGNMENT;
  const deviceTree = alignDown(RAM_BASE + config.memoryBytes - tree.length, alignment);
  segments.push({ what: 'device tree', address: deviceTree, bytes: tree, size: tree.length });

  checkPlaces(segments, ram);
  return { segments, start: first?.entry ?? image.entry, entry: image.entry, deviceTree, symbols: image.symbols };
}

const endOf = (segments: readonly Segment[]): number => Math.max(...segments.map(({ address, size }) => address + size));
const alignUp = (value: number, to: number): number => Math.ceil(value / to) * to;
const alignDown = (value: number, to: number): number => Math.floor(value / to) * to;
