/** SiFive's test finisher: the guest ends its own run with one store (QEMU virt at 0x00100000; cli.md, "How a guest ends"). */
import type { Exit } from '../io.ts';
import type { Device, State } from './device.ts';

export const FINISHER_BASE = 0x00100000;
export const FINISHER_SIZE = 0x1000;

const FAIL = 0x3333;
const PASS = 0x5555;
const RESET = 0x7777;

/** `off` is called when the guest asks to end, `reset` when it asks to start again; other values and offsets do nothing, and reads give 0. */
export class Finisher implements Device {
  readonly name = 'finisher';
  readonly widths = [2, 4] as const;
  readonly #off: (exit: Exit) => void;
  readonly #reset: () => void;

  constructor(off: (exit: Exit) => void, reset: () => void) {
    this.#off = off;
    this.#reset = reset;
  }

  load(): number {
    return 0;
  }

  store(offset: number, _width: 1 | 2 | 4, value: number): boolean {
    if (offset !== 0) return true;
    switch (value & 0xffff) {
      case FAIL:
        this.#off({ code: value >>> 16, reason: 'fail' });
        break;
      case PASS:
        this.#off({ code: 0, reason: 'poweroff' });
        break;
      case RESET:
        this.#reset();
        break;
    }
    return true;
  }

  reset(): void {}

  save(): State {
    return {};
  }

  restore(): void {}
}
