/** ACLINT with one hart: MSWI and MTIMER in the places that SiFive's CLINT has them (RISC-V ACLINT 1.0 §2, §3; QEMU virt at 0x02000000). */
import { fieldsOf } from '../snapshot.ts';
import type { Device, Line, State, Time } from './device.ts';

export const ACLINT_BASE = 0x02000000;
export const ACLINT_SIZE = 0x10000;

const MSIP = 0x0000;
const MTIMECMP = 0x4000;
const MTIMECMPH = 0x4004;
const MTIME = 0xbff8;
const MTIMEH = 0xbffc;
const NEVER = 0xffff_ffff_ffff_ffffn;

/** MTIP is no line: it is `time >= mtimecmp`, which the board compares at every icount it matters. */
export class Aclint implements Device {
  readonly name = 'aclint';
  readonly widths = [4] as const;
  /** Ticks, 64 bits. All ones at reset, so that no timer is armed (the spec leaves it open). */
  mtimecmp = NEVER;
  msip = false;
  readonly #time: Time;
  readonly #softwareInterrupt: Line;

  constructor(time: Time, softwareInterrupt: Line) {
    this.#time = time;
    this.#softwareInterrupt = softwareInterrupt;
  }

  load(offset: number): number {
    switch (offset) {
      case MSIP:
        return this.msip ? 1 : 0;
      case MTIMECMP:
        return low(this.mtimecmp);
      case MTIMECMPH:
        return high(this.mtimecmp);
      case MTIME:
        return low(this.#time.now());
      case MTIMEH:
        return high(this.#time.now());
      default:
        return 0; // Registers of harts that are not there.
    }
  }

  store(offset: number, _width: 1 | 2 | 4, value: number): boolean {
    switch (offset) {
      case MSIP:
        this.msip = (value & 1) !== 0;
        this.#softwareInterrupt(this.msip);
        break;
      case MTIMECMP:
        this.mtimecmp = withLow(this.mtimecmp, value);
        this.#time.changed();
        break;
      case MTIMECMPH:
        this.mtimecmp = withHigh(this.mtimecmp, value);
        this.#time.changed();
        break;
      case MTIME:
        this.#time.set(withLow(this.#time.now(), value));
        break;
      case MTIMEH:
        this.#time.set(withHigh(this.#time.now(), value));
        break;
    }
    return true;
  }

  /** mtime goes on. */
  reset(): void {
    this.msip = false;
    this.mtimecmp = NEVER;
    this.#softwareInterrupt(false);
    this.#time.changed();
  }

  save(): State {
    return { msip: this.msip, mtimecmp: this.mtimecmp };
  }

  restore(state: State): void {
    const fields = fieldsOf(this.name, state);
    this.msip = fields.boolean('msip');
    this.mtimecmp = BigInt.asUintN(64, fields.bigint('mtimecmp'));
    this.#softwareInterrupt(this.msip);
    this.#time.changed();
  }
}

const low = (value: bigint): number => Number(value & 0xffff_ffffn);
const high = (value: bigint): number => Number((value >> 32n) & 0xffff_ffffn);
const withLow = (value: bigint, word: number): bigint => (value & 0xffff_ffff_0000_0000n) | BigInt(word >>> 0);
const withHigh = (value: bigint, word: number): bigint => (value & 0xffff_ffffn) | (BigInt(word >>> 0) << 32n);
