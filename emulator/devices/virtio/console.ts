/** Virtio console, console port 1: one port, no multiport, no size (virtio 1.2 §5.3). */
import { CONSOLE_BUFFER_BYTES_MAX, CONSOLE_QUEUE_BYTES } from '../../limits.ts';
import { fieldsOf } from '../../snapshot.ts';
import type { Dma, Emit, Line } from '../device.ts';
import { VirtioMmio } from './mmio.ts';
import { gather, scatter, totalLength } from './queue.ts';

const RECEIVE = 0;
const TRANSMIT = 1;
/** cols, rows, max_nr_ports, emerg_wr: all unused without their features. */
const CONFIG_BYTES = 12;

export class VirtioConsole {
  readonly mmio: VirtioMmio;
  readonly #dma: Dma;
  readonly #emit: Emit;
  /** Input that the guest has given no buffer for yet. */
  #queue = new Uint8Array(0);

  constructor(dma: Dma, line: Line, emit: Emit) {
    this.#dma = dma;
    this.#emit = emit;
    this.mmio = new VirtioMmio(
      'virtio-console',
      {
        deviceId: 3,
        features: 0,
        queues: 2,
        config: new Uint8Array(CONFIG_BYTES),
        notified: (queue) => (queue === RECEIVE ? this.#receive() : this.#transmit()),
        // Typed input outlives a reset of the device, as it does on the UART.
        forget: () => {},
        reset: () => {
          this.#queue = new Uint8Array(0);
        },
        save: () => ({ queue: this.#queue.slice() }),
        restore: (state) => {
          this.#queue = Uint8Array.from(fieldsOf('virtio-console.device', state).bytes('queue', CONSOLE_QUEUE_BYTES));
        },
      },
      dma,
      line,
    );
  }

  /** Bytes that `deliver` takes now. */
  room(): number {
    return CONSOLE_QUEUE_BYTES - this.#queue.length;
  }

  /** Console input. Throws RangeError when there is no room: the caller has asked `room`. */
  deliver(bytes: Uint8Array): void {
    if (bytes.length > this.room()) throw new RangeError(`virtio-console: ${bytes.length} bytes of console input, room for ${this.room()}`);
    const queue = new Uint8Array(this.#queue.length + bytes.length);
    queue.set(this.#queue);
    queue.set(bytes, this.#queue.length);
    this.#queue = queue;
    this.#receive();
  }

  #receive(): void {
    if (this.#queue.length === 0) return;
    for (let count = this.mmio.waiting(RECEIVE); count > 0 && this.#queue.length > 0; count--) {
      const chain = this.mmio.take(RECEIVE);
      if (chain === undefined) return;
      const length = Math.min(totalLength(chain.writable), this.#queue.length);
      scatter(this.#dma, chain.writable, 0, this.#queue.subarray(0, length));
      this.#queue = this.#queue.slice(length);
      this.mmio.give(RECEIVE, chain.head, length);
    }
  }

  #transmit(): void {
    for (let count = this.mmio.waiting(TRANSMIT); count > 0; count--) {
      const chain = this.mmio.take(TRANSMIT);
      if (chain === undefined) return;
      const length = totalLength(chain.readable);
      if (length > CONSOLE_BUFFER_BYTES_MAX) {
        this.mmio.fail();
        return;
      }
      if (length > 0) this.#emit({ kind: 'console', bytes: gather(this.#dma, chain.readable, 0, length) });
      this.mmio.give(TRANSMIT, chain.head, 0);
    }
  }
}
