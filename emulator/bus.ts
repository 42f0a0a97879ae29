/** Physical addresses of devices. Holes, wrong widths and misaligned accesses are the caller's access faults (machine.md, "Devices"). */
import type { Device } from './devices/device.ts';

interface Place {
  readonly base: number;
  readonly size: number;
  readonly device: Device;
}

export class Bus {
  readonly #places: Place[] = [];
  /** The device found last: a driver talks to one many times. */
  #last: Place | undefined;

  attach(base: number, size: number, device: Device): void {
    this.#places.push({ base, size, device });
  }

  /** An aligned load; undefined is an access fault. `ppn` has 22 bits: nothing above 4 GiB is ever a device. */
  load(ppn: number, offset: number, width: 1 | 2 | 4): number | undefined {
    const address = ppn * 4096 + offset;
    const place = this.#find(address);
    return place?.device.widths.includes(width) ? place.device.load(address - place.base, width) : undefined;
  }

  /** An aligned store; false is an access fault. */
  store(ppn: number, offset: number, width: 1 | 2 | 4, value: number): boolean {
    const address = ppn * 4096 + offset;
    const place = this.#find(address);
    return place?.device.widths.includes(width) ? place.device.store(address - place.base, width, value) : false;
  }

  #find(address: number): Place | undefined {
    const last = this.#last;
    if (last !== undefined && address >= last.base && address < last.base + last.size) return last;
    this.#last = this.#places.find(({ base, size }) => address >= base && address < base + size);
    return this.#last;
  }
}
