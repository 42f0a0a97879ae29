/** Virtio network device: one pair of queues, no offloads (virtio 1.2 §5.1). */

import type { NetConfig } from '../../config.ts';
import { FRAME_BYTES_MAX, FRAME_BYTES_MIN } from '../../limits.ts';
import type { Dma, Emit, Line } from '../device.ts';
import { VirtioMmio } from './mmio.ts';
import { gather, scatter, totalLength } from './queue.ts';

const RECEIVE = 0;
const TRANSMIT = 1;
const F_MAC = 1 << 5;
/** virtio_net_hdr, with num_buffers in its last two bytes (§5.1.6). */
const HEADER_BYTES = 12;
const NUM_BUFFERS = 10;
/** mac, status, max_virtqueue_pairs, mtu: only the mac is offered. */
const CONFIG_BYTES = 12;

export class VirtioNet {
  readonly mmio: VirtioMmio;
  readonly #dma: Dma;
  readonly #emit: Emit;

  constructor(dma: Dma, line: Line, emit: Emit, { mac }: NetConfig) {
    this.#dma = dma;
    this.#emit = emit;
    const config = new Uint8Array(CONFIG_BYTES);
    config.set(mac.subarray(0, 6));
    this.mmio = new VirtioMmio(
      'virtio-net',
      {
        deviceId: 1,
        features: F_MAC,
        queues: 2,
        config,
        notified: (queue) => {
          if (queue === TRANSMIT) this.#transmit();
        },
        forget: () => {},
        reset: () => {},
        save: () => ({}),
        restore: () => {},
      },
      dma,
      line,
    );
  }

  /** Why a frame of `length` bytes cannot be delivered now; undefined when it can. Changes nothing. */
  refuses(length: number): string | undefined {
    if (length < FRAME_BYTES_MIN || length > FRAME_BYTES_MAX)
      return `a frame of ${length} bytes, want ${FRAME_BYTES_MIN} to ${FRAME_BYTES_MAX}`;
    const chain = this.mmio.peek(RECEIVE);
    if (chain === undefined) return 'no receive descriptor is free';
    const room = totalLength(chain.writable);
    return room >= HEADER_BYTES + length
      ? undefined
      : `the receive buffer has ${room} bytes, the frame and its header ${HEADER_BYTES + length}`;
  }

  /** Copies a frame into the guest. Throws RangeError when it does not fit: the caller has asked `refuses`. */
  deliver(frame: Uint8Array): void {
    const why = this.refuses(frame.length);
    const chain = why === undefined ? this.mmio.take(RECEIVE) : undefined;
    if (chain === undefined) throw new RangeError(`virtio-net: ${why}`);
    const bytes = new Uint8Array(HEADER_BYTES + frame.length);
    bytes[NUM_BUFFERS] = 1;
    bytes.set(frame, HEADER_BYTES);
    scatter(this.#dma, chain.writable, 0, bytes);
    this.mmio.give(RECEIVE, chain.head, bytes.length);
  }

  /** A frame of a length that no network carries is dropped, as a wire would. */
  #transmit(): void {
    for (let count = this.mmio.waiting(TRANSMIT); count > 0; count--) {
      const chain = this.mmio.take(TRANSMIT);
      if (chain === undefined) return;
      const length = totalLength(chain.readable) - HEADER_BYTES;
      if (length >= FRAME_BYTES_MIN && length <= FRAME_BYTES_MAX) {
        this.#emit({ kind: 'frame', bytes: gather(this.#dma, chain.readable, HEADER_BYTES, length) });
      }
      this.mmio.give(TRANSMIT, chain.head, 0);
    }
  }
}
