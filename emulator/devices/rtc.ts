/** Goldfish real-time clock: nanoseconds since 1970 as boot time + ticks * 100, with one alarm (QEMU's hw/rtc/goldfish_rtc; 0x00101000, irq 11). */
import { fieldsOf } from '../snapshot.ts';
import type { Device, Line, State, Time } from './device.ts';

export const RTC_BASE = 0x00101000;
export const RTC_SIZE = 0x1000;
export const RTC_IRQ = 11;

const TIME_LOW = 0x00;
const TIME_HIGH = 0x04;
const ALARM_LOW = 0x08;
const ALARM_HIGH = 0x0c;
const IRQ_ENABLED = 0x10;
const CLEAR_ALARM = 0x14;
const ALARM_STATUS = 0x18;
const CLEAR_INTERRUPT = 0x1c;

const NS_PER_TICK = 100n;

export class Rtc implements Device {
  readonly name = 'rtc';
  readonly widths = [4] as const;
  readonly #time: Time;
  readonly #line: Line;
  /** What the clock read at tick 0, ns modulo 2^64: boot time plus what the guest has set it by. */
  #origin: bigint;
  #latchedHigh = 0;
  /** The alarm registers: they take effect with the write to ALARM_LOW, which comes second. */
  #alarm = 0n;
  /** The count at which the alarm rings, once armed. */
  #ringsAt: bigint | null = null;
  #pending = false;
  #enabled = false;

  constructor(time: Time, line: Line, bootTimeNs: bigint) {
    this.#time = time;
    this.#line = line;
    this.#origin = u64(bootTimeNs);
  }

  /** The first tick at which the alarm is due, or undefined. The board calls `update` at the icount of that tick. */
  deadline(): bigint | undefined {
    if (this.#ringsAt === null) return undefined;
    const now = this.#time.now();
    const count = this.#count(now);
    return this.#ringsAt <= count ? now : now + (this.#ringsAt - count + NS_PER_TICK - 1n) / NS_PER_TICK;
  }

  /** Raises the interrupt when the alarm is due; harmless at any other moment. */
  update(): void {
    if (this.#ringsAt !== null && this.#ringsAt <= this.#count(this.#time.now())) {
      this.#ringsAt = null;
      this.#pending = true;
      this.#drive();
    }
  }

  load(offset: number): number {
    switch (offset) {
      case TIME_LOW: {
        const count = this.#count(this.#time.now());
        this.#latchedHigh = Number(count >> 32n);
        return Number(count & 0xffff_ffffn);
      }
      case TIME_HIGH:
        return this.#latchedHigh;
      case ALARM_LOW:
        return Number(this.#alarm & 0xffff_ffffn);
      case ALARM_HIGH:
        return Number(this.#alarm >> 32n);
      case IRQ_ENABLED:
        return this.#enabled ? 1 : 0;
      case ALARM_STATUS:
        return this.#ringsAt !== null ? 1 : 0;
      default:
        return 0;
    }
  }

  store(offset: number, _width: 1 | 2 | 4, value: number): boolean {
    const word = BigInt(value >>> 0);
    switch (offset) {
      case TIME_LOW:
        this.#set((count) => (count & ~0xffff_ffffn) | word);
        break;
      case TIME_HIGH:
        this.#set((count) => (count & 0xffff_ffffn) | (word << 32n));
        break;
      case ALARM_HIGH:
        this.#alarm = (this.#alarm & 0xffff_ffffn) | (word << 32n);
        break;
      case ALARM_LOW:
        this.#alarm = (this.#alarm & ~0xffff_ffffn) | word;
        this.#ringsAt = this.#alarm;
        this.#rearm();
        break;
      case IRQ_ENABLED:
        this.#enabled = (value & 1) !== 0;
        this.#drive();
        break;
      case CLEAR_ALARM:
        this.#ringsAt = null;
        this.#time.changed();
        break;
      case CLEAR_INTERRUPT:
        this.#pending = false;
        this.#drive();
        break;
    }
    return true;
  }

  /** The clock itself goes on, as the guest has set it: it is the part that a battery keeps. */
  reset(): void {
    this.#latchedHigh = 0;
    this.#alarm = 0n;
    this.#ringsAt = null;
    this.#pending = false;
    this.#enabled = false;
    this.#drive();
    this.#time.changed();
  }

  save(): State {
    return {
      origin: this.#origin,
      latchedHigh: this.#latchedHigh,
      alarm: this.#alarm,
      ringsAt: this.#ringsAt,
      pending: this.#pending,
      enabled: this.#enabled,
    };
  }

  restore(state: State): void {
    const fields = fieldsOf(this.name, state);
    this.#origin = u64(fields.bigint('origin'));
    this.#latchedHigh = fields.integer('latchedHigh', 0, 0xffff_ffff);
    this.#alarm = u64(fields.bigint('alarm'));
    this.#ringsAt = state.ringsAt === null ? null : u64(fields.bigint('ringsAt'));
    this.#pending = fields.boolean('pending');
    this.#enabled = fields.boolean('enabled');
    this.#drive();
    this.#time.changed();
  }

  #count(ticks: bigint): bigint {
    return u64(this.#origin + ticks * NS_PER_TICK);
  }

  #set(change: (count: bigint) => bigint): void {
    const count = this.#count(this.#time.now());
    this.#origin = u64(this.#origin + change(count) - count);
    this.#rearm();
  }

  /** An alarm in the past rings at once. */
  #rearm(): void {
    this.update();
    this.#time.changed();
  }

  #drive(): void {
    this.#line(this.#pending && this.#enabled);
  }
}

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
