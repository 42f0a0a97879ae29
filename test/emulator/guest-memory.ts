/** RAM for device tests: refuses what lies outside, and remembers that somebody tried. */
import type { Dma } from '../../emulator/devices/device.ts';

export const RAM_BASE = 0x80000000;

export class GuestMemory implements Dma {
  readonly base = RAM_BASE;
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Accesses outside RAM: a device has to look before it leaps. */
  strayed = 0;
  /** Accesses of any kind: a measure of work. */
  accesses = 0;

  constructor(size = 0x40000) {
    this.size = size;
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }

  read(address: number, length: number): Uint8Array | undefined {
    if (!this.#has(address, length)) return undefined;
    return this.bytes.slice(address - RAM_BASE, address - RAM_BASE + length);
  }

  write(address: number, bytes: Uint8Array): boolean {
    if (!this.#has(address, bytes.length)) return false;
    this.bytes.set(bytes, address - RAM_BASE);
    return true;
  }

  u16(address: number): number {
    return this.view.getUint16(address - RAM_BASE, true);
  }

  u32(address: number): number {
    return this.view.getUint32(address - RAM_BASE, true);
  }

  setU16(address: number, value: number): void {
    this.view.setUint16(address - RAM_BASE, value, true);
  }

  setU32(address: number, value: number): void {
    this.view.setUint32(address - RAM_BASE, value, true);
  }

  #has(address: number, length: number): boolean {
    this.accesses++;
    const inside = address >= RAM_BASE && address + length <= RAM_BASE + this.size;
    if (!inside) this.strayed++;
    return inside;
  }
}
