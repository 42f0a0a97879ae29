/** Loads and stores that are not of bytes in one page of memory: across two pages, and of devices. All are the slow path's. */
import { CAUSES } from '../isa/index.ts';
import type { Hart } from './hart.ts';
import { LOAD, STORE } from './mmu.ts';

/** `room`: bytes in the first page. After a trap, the value means nothing. */
export function loadAcross(hart: Hart, vaddr: number, width: number, room: number): number {
  const frames = framesOf(hart, vaddr, width, room, LOAD);
  if (frames === undefined) return 0;
  const { memory } = hart;
  let value = 0;
  for (let k = 0; k < width; k++) {
    const byte = k < room ? memory.read(frames[0], (vaddr & 0xfff) + k, 1) : memory.read(frames[1], k - room, 1);
    value |= byte << (8 * k);
  }
  return value;
}

export function storeAcross(hart: Hart, vaddr: number, width: number, value: number, room: number): void {
  const frames = framesOf(hart, vaddr, width, room, STORE);
  if (frames === undefined) return;
  const { memory } = hart;
  for (let k = 0; k < width; k++) {
    if (k < room) memory.write(frames[0], (vaddr & 0xfff) + k, 1, value >> (8 * k));
    else memory.write(frames[1], k - room, 1, value >> (8 * k));
  }
}

/** Both pages are translated before either is touched; neither may be a device's. Undefined after a trap. */
function framesOf(hart: Hart, vaddr: number, width: number, room: number, access: 1 | 2): readonly [number, number] | undefined {
  const second = (vaddr + room) | 0;
  const frames = [-1, -1];
  for (const [k, at, length] of [
    [0, vaddr, room],
    [1, second, width - room],
  ]) {
    const ppn = hart.translate(at, length, access);
    if (ppn < 0) return undefined;
    frames[k] = hart.memory.frameOf(ppn);
    if (frames[k] < 0 || (access === STORE && !hart.memory.isRam(frames[k]))) {
      hart.trap(access === LOAD ? CAUSES.loadAccess : CAUSES.storeAccess, at);
      return undefined;
    }
  }
  return [frames[0], frames[1]];
}

export function loadDevice(hart: Hart, ppn: number, vaddr: number, width: number): number {
  const value = (vaddr & (width - 1)) === 0 ? hart.bus.load(ppn, vaddr & 0xfff, width as 1 | 2 | 4) : undefined;
  hart.attention = true;
  if (value === undefined) {
    hart.trap(CAUSES.loadAccess, vaddr);
    return 0;
  }
  return value;
}

export function storeDevice(hart: Hart, ppn: number, vaddr: number, width: number, value: number): void {
  const unsigned = width === 4 ? value >>> 0 : value & ((1 << (8 * width)) - 1);
  hart.attention = true;
  if ((vaddr & (width - 1)) !== 0 || !hart.bus.store(ppn, vaddr & 0xfff, width as 1 | 2 | 4, unsigned)) {
    hart.trap(CAUSES.storeAccess, vaddr);
  }
}
