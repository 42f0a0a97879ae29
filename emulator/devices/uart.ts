/** 16550A UART, console port 0 (National PC16550D data sheet §8; QEMU virt at 0x10000000, irq 10). */
import { CONSOLE_QUEUE_BYTES } from '../limits.ts';
import { fieldsOf } from '../snapshot.ts';
import type { Device, Emit, Line, State } from './device.ts';

export const UART_BASE = 0x10000000;
export const UART_SIZE = 0x100;
export const UART_IRQ = 10;

const RBR_THR = 0;
const IER = 1;
const IIR_FCR = 2;
const LCR = 3;
const MCR = 4;
const LSR = 5;
const MSR = 6;
const SCR = 7;

const IER_RECEIVE = 1;
const IER_TRANSMIT = 2;
const IER_LINE_STATUS = 4;
const IIR_NONE = 0x1;
const IIR_TRANSMIT = 0x2;
const IIR_RECEIVE = 0x4;
const IIR_LINE_STATUS = 0x6;
const IIR_TIMEOUT = 0xc;
const IIR_FIFO = 0xc0;
const FCR_ENABLE = 1;
const FCR_RESET_RECEIVER = 2;
const LCR_DLAB = 0x80;
const MCR_LOOPBACK = 0x10;
const LSR_DATA_READY = 1;
const LSR_OVERRUN = 2;
/** Holding and shift register are always empty: a byte has left at the instruction that wrote it. */
const LSR_TRANSMITTER_EMPTY = 0x60;
/** DCD, DSR and CTS: the other end is there and ready. */
const MSR_READY = 0xb0;
const FIFO_BYTES = 16;
/** At reset: 9600 baud from QEMU's clock. */
const DIVISOR = 12;
const TRIGGER_LEVEL = [1, 4, 8, 14] as const;

export class Uart implements Device {
  readonly name = 'uart';
  /** A wider access is one access to the register at its address, as on QEMU's serial-mm. */
  readonly widths = [1, 2, 4] as const;
  readonly #emit: Emit;
  readonly #line: Line;
  /**
   * Console input. The receiver's FIFO is the front of this queue, so that a guest which resets its FIFOs while it probes
   * does not lose what was typed ahead: to it, the bytes arrive right after the reset.
   */
  #queue: number[] = [];
  /** Bytes that the guest sent to itself in loopback mode; they are in the FIFO before those of the queue. */
  #looped: number[] = [];
  #ier = 0;
  #fcr = 0;
  #lcr = 0;
  #mcr = 0;
  #scr = 0;
  #divisor = DIVISOR;
  #overrun = false;
  /** The transmitter has become empty, and the guest has not been told yet. */
  #transmitted = false;
  /** The byte on its way out: whoever is told of it takes a copy. */
  readonly #sent = new Uint8Array(1);

  constructor(emit: Emit, line: Line) {
    this.#emit = emit;
    this.#line = line;
  }

  /** Bytes that `deliver` takes now. */
  room(): number {
    return CONSOLE_QUEUE_BYTES - this.#queue.length;
  }

  /** Console input. Throws RangeError when there is no room: the caller has asked `room`. */
  deliver(bytes: Uint8Array): void {
    if (bytes.length > this.room()) throw new RangeError(`uart: ${bytes.length} bytes of console input, room for ${this.room()}`);
    for (const byte of bytes) this.#queue.push(byte);
    this.#drive();
  }

  load(offset: number): number | undefined {
    if ((this.#lcr & LCR_DLAB) !== 0 && offset <= IER) return (this.#divisor >> (8 * offset)) & 0xff;
    switch (offset) {
      case RBR_THR: {
        const byte = this.#take();
        this.#drive();
        return byte;
      }
      case IER:
        return this.#ier;
      case IIR_FCR: {
        const cause = this.#cause();
        // Reading IIR acknowledges THRE, but only when it is THRE that the read reports.
        if (cause === IIR_TRANSMIT) {
          this.#transmitted = false;
          this.#drive();
        }
        return cause | ((this.#fcr & FCR_ENABLE) !== 0 ? IIR_FIFO : 0);
      }
      case LCR:
        return this.#lcr;
      case MCR:
        return this.#mcr;
      case LSR: {
        const status = LSR_TRANSMITTER_EMPTY | (this.#level() > 0 ? LSR_DATA_READY : 0) | (this.#overrun ? LSR_OVERRUN : 0);
        this.#overrun = false;
        this.#drive();
        return status;
      }
      case MSR:
        return this.#modemStatus();
      case SCR:
        return this.#scr;
      default:
        return undefined;
    }
  }

  store(offset: number, _width: 1 | 2 | 4, wide: number): boolean {
    const value = wide & 0xff;
    if ((this.#lcr & LCR_DLAB) !== 0 && offset <= IER) {
      const shift = 8 * offset;
      this.#divisor = (this.#divisor & ~(0xff << shift)) | (value << shift);
      return true;
    }
    switch (offset) {
      case RBR_THR:
        this.#send(value);
        break;
      case IER: {
        const was = this.#ier;
        this.#ier = value & 0x0f;
        // Enabling ETBEI with an empty transmitter interrupts at once: drivers start to send that way.
        if (((was ^ this.#ier) & IER_TRANSMIT) !== 0) this.#transmitted = (this.#ier & IER_TRANSMIT) !== 0;
        break;
      }
      case IIR_FCR:
        // Turning FIFOs on or off resets them; the other bits count only while they are on.
        if (((value ^ this.#fcr) & FCR_ENABLE) !== 0 || (value & FCR_RESET_RECEIVER) !== 0) this.#looped = [];
        this.#fcr = (value & FCR_ENABLE) !== 0 ? value & 0xc9 : 0;
        break;
      case LCR:
        this.#lcr = value;
        break;
      case MCR:
        this.#mcr = value & 0x1f;
        break;
      case LSR:
      case MSR:
        break;
      case SCR:
        this.#scr = value;
        break;
      default:
        return false;
    }
    this.#drive();
    return true;
  }

  /** What was typed and not read is gone: it was typed at another guest. */
  reset(): void {
    this.#queue = [];
    this.#looped = [];
    this.#ier = 0;
    this.#fcr = 0;
    this.#lcr = 0;
    this.#mcr = 0;
    this.#scr = 0;
    this.#divisor = DIVISOR;
    this.#overrun = false;
    this.#transmitted = false;
    this.#drive();
  }

  save(): State {
    return {
      queue: Uint8Array.from(this.#queue),
      looped: Uint8Array.from(this.#looped),
      ier: this.#ier,
      fcr: this.#fcr,
      lcr: this.#lcr,
      mcr: this.#mcr,
      scr: this.#scr,
      divisor: this.#divisor,
      overrun: this.#overrun,
      transmitted: this.#transmitted,
    };
  }

  restore(state: State): void {
    const fields = fieldsOf(this.name, state);
    this.#queue = Array.from(fields.bytes('queue', CONSOLE_QUEUE_BYTES));
    this.#looped = Array.from(fields.bytes('looped', FIFO_BYTES));
    this.#ier = fields.integer('ier', 0, 0x0f);
    this.#fcr = fields.integer('fcr', 0, 0xff);
    this.#lcr = fields.integer('lcr', 0, 0xff);
    this.#mcr = fields.integer('mcr', 0, 0x1f);
    this.#scr = fields.integer('scr', 0, 0xff);
    this.#divisor = fields.integer('divisor', 0, 0xffff);
    this.#overrun = fields.boolean('overrun');
    this.#transmitted = fields.boolean('transmitted');
    this.#drive();
  }

  #send(byte: number): void {
    this.#transmitted = true;
    if ((this.#mcr & MCR_LOOPBACK) === 0) {
      this.#sent[0] = byte;
      this.#emit({ kind: 'console', bytes: this.#sent });
      return;
    }
    if (this.#looped.length < this.#capacity()) {
      this.#looped.push(byte);
      return;
    }
    this.#overrun = true;
    // Without a FIFO the newer byte replaces the older one; with a full FIFO the newer byte is lost (§8.6.3).
    if ((this.#fcr & FCR_ENABLE) === 0) this.#looped = [byte];
  }

  #take(): number {
    if (this.#looped.length > 0) return this.#looped.shift()!;
    if ((this.#mcr & MCR_LOOPBACK) === 0 && this.#queue.length > 0) return this.#queue.shift()!;
    return 0;
  }

  #capacity(): number {
    return (this.#fcr & FCR_ENABLE) !== 0 ? FIFO_BYTES : 1;
  }

  /** Bytes in the receiver's FIFO. In loopback mode the receiver hears only its own transmitter. */
  #level(): number {
    const waiting = this.#looped.length + ((this.#mcr & MCR_LOOPBACK) === 0 ? this.#queue.length : 0);
    return Math.min(waiting, this.#capacity());
  }

  /** Loopback wires RTS to CTS, DTR to DSR, OUT1 to RI and OUT2 to DCD (§8.6.7). */
  #modemStatus(): number {
    const mcr = this.#mcr;
    if ((mcr & MCR_LOOPBACK) === 0) return MSR_READY;
    return ((mcr & 2) << 3) | ((mcr & 1) << 5) | ((mcr & 4) << 4) | ((mcr & 8) << 4);
  }

  /**
   * The interrupt of the highest priority (table 3 of §8.6.5). Below the trigger level the character timeout is reported at
   * once instead of after four character times: no guest can tell how long a character takes here.
   */
  #cause(): number {
    const level = this.#level();
    if (this.#overrun && (this.#ier & IER_LINE_STATUS) !== 0) return IIR_LINE_STATUS;
    if (level > 0 && (this.#ier & IER_RECEIVE) !== 0) {
      const trigger = (this.#fcr & FCR_ENABLE) !== 0 ? TRIGGER_LEVEL[(this.#fcr >> 6) & 3] : 1;
      return level >= trigger ? IIR_RECEIVE : IIR_TIMEOUT;
    }
    if (this.#transmitted && (this.#ier & IER_TRANSMIT) !== 0) return IIR_TRANSMIT;
    return IIR_NONE;
  }

  #drive(): void {
    this.#line(this.#cause() !== IIR_NONE);
  }
}
