/**
 * The host-target interface of RISC-V test programs: a double word `tohost` in RAM (machine.md, "Memory corners"). Taken when both words have been
 * written, or the low one twice; a program that writes the low word of an exit alone, and then spins, has PATIENCE instructions to write the other.
 * By physical address, so that every alias and both engines agree.
 */
import type { Emit } from './devices/device.ts';
import type { Exit, Icount } from './io.ts';
import { PAGE_BYTES, RAM_BASE, WORD } from './layout.ts';
import { type Physical, WATCH } from './physical.ts';

const SYSCALL_WRITE = 64;
const ENOSYS = -38n;
const EFAULT = -14n;
/** A syscall block: number, then its first three arguments, 64 bits each. */
const BLOCK_BYTES = 32;
/** One write, at most: what is longer is cut short, as write(2) may. */
const WRITE_BYTES_MAX = 65536;

/** Instructions from a low word that says "exit" to the exit, when nothing else is written. */
export const PATIENCE = 2 ** 20;
/** WORD.tohostLow: nothing waits; the high word does; the low word does, for good, or until the icount in the other bits. */
const NONE = 0;
const HIGH = 2;
const LOW = 3;
const LOW_UNTIL = 1;
/** What fits there of an icount: no wait is as long as this. */
const WRAP = 2 ** 29;

export interface HtifPorts {
  readonly memory: Physical;
  /** Hart state: which word of a command has been written, and when it is taken without the other. */
  readonly words: Int32Array;
  readonly icount: () => Icount;
  /** The machine must look at `deadline` again. */
  readonly changed: () => void;
  readonly emit: Emit;
  readonly off: (exit: Exit) => void;
}

export class Htif {
  readonly #ports: HtifPorts;
  readonly #tohost: number;
  readonly #fromhost: number | undefined;
  #writing = false;

  /** Addresses from the ELF's symbols; `tohost` lies in RAM, 8 bytes. */
  constructor(ports: HtifPorts, tohost: number, fromhost: number | undefined) {
    this.#ports = ports;
    this.#tohost = tohost;
    this.#fromhost = fromhost;
    for (const address of [tohost, tohost + 4]) ports.memory.watch(Math.floor((address - RAM_BASE) / PAGE_BYTES), WATCH.htif);
  }

  /** Bytes of a watched frame were written. */
  written(frame: number, offset: number, length: number): void {
    if (this.#writing) return;
    const { words } = this.#ports;
    const start = RAM_BASE + frame * PAGE_BYTES + offset;
    const touches = (address: number): boolean => start < address + 4 && start + length > address;
    const was = words[WORD.tohostLow];
    const [low, high] = [touches(this.#tohost), touches(this.#tohost + 4)];
    if ((low && (high || was !== NONE)) || (high && (was & LOW_UNTIL) !== 0)) this.#take();
    else if (high) words[WORD.tohostLow] = HIGH;
    else if (low) {
      words[WORD.tohostLow] = (((this.#ports.icount() + PATIENCE) % WRAP) << 2) | LOW_UNTIL;
      this.#ports.changed();
    }
  }

  /** The first icount at which `look` must be called. Infinity: no low word waits until then. */
  get deadline(): Icount {
    const word = this.#ports.words[WORD.tohostLow];
    if ((word & LOW) !== LOW_UNTIL) return Number.POSITIVE_INFINITY;
    const icount = this.#ports.icount();
    return icount + (((((word >>> 2) - icount) % WRAP) + WRAP) % WRAP);
  }

  /** Takes the low word of an exit that has waited for long enough; a hart that waits for an interrupt writes nothing more. */
  look(waiting: boolean): void {
    const { deadline } = this;
    if (deadline === Number.POSITIVE_INFINITY || (!waiting && this.#ports.icount() < deadline)) return;
    const command = this.#read64(this.#tohost) ?? 0n;
    if (command >> 32n === 0n && (command & 1n) !== 0n) this.#take();
    else this.#ports.words[WORD.tohostLow] = LOW;
  }

  #take(): void {
    const { memory, words, emit, off } = this.#ports;
    words[WORD.tohostLow] = NONE;
    const command = this.#read64(this.#tohost);
    if (command === undefined || command === 0n) return;
    const device = command >> 56n;
    const action = (command >> 48n) & 0xffn;
    const payload = Number(command & 0xffffffffffffn);
    if (device === 0n && action === 0n && payload % 2 === 1) {
      off({ code: Math.floor(payload / 2) % 2 ** 31, reason: 'tohost' });
      return;
    }
    if (device === 0n && action === 0n) this.#syscall(payload);
    else if (device === 1n && action === 1n) emit({ kind: 'console', bytes: Uint8Array.of(payload & 0xff) });
    this.#writing = true;
    memory.writeRam(this.#tohost, new Uint8Array(8));
    if (this.#fromhost !== undefined) memory.writeRam(this.#fromhost, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
    this.#writing = false;
  }

  #syscall(block: number): void {
    const { memory, emit } = this.#ports;
    if (memory.readRam(block, BLOCK_BYTES) === undefined) return;
    let result = ENOSYS;
    if (this.#read64(block) === BigInt(SYSCALL_WRITE)) {
      const length = Math.min(Number(this.#read64(block + 24)), WRITE_BYTES_MAX);
      const bytes = memory.readRam(Number(this.#read64(block + 16)), length);
      result = bytes === undefined ? EFAULT : BigInt(length);
      if (bytes !== undefined && length > 0) emit({ kind: 'console', bytes });
    }
    const answer = new Uint8Array(8);
    new DataView(answer.buffer).setBigInt64(0, result, true);
    memory.writeRam(block, answer);
  }

  #read64(address: number): bigint | undefined {
    const bytes = this.#ports.memory.readRam(address, 8);
    return bytes === undefined ? undefined : new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  }
}
