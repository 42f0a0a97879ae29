/** Virtio entropy device (virtio 1.2 §5.4). Its bytes are a function of the machine's seed and of how many were taken before. */
import { keystream } from '../../chacha.ts';
import { ENTROPY_BUFFER_BYTES_MAX } from '../../limits.ts';
import { fieldsOf } from '../../snapshot.ts';
import type { Dma, Line } from '../device.ts';
import { VirtioMmio } from './mmio.ts';
import { scatter, totalLength } from './queue.ts';

/** ChaCha20 streams of config.seed: one for each use, so that no two uses see the same bytes. */
export const SEED_STREAM = { entropy: 1, deviceTree: 2 } as const;

export class VirtioEntropy {
  readonly mmio: VirtioMmio;
  readonly #dma: Dma;
  readonly #seed: Uint8Array;
  /** Bytes given to the guest so far. */
  #position = 0;

  constructor(dma: Dma, line: Line, seed: Uint8Array) {
    this.#dma = dma;
    this.#seed = seed;
    this.mmio = new VirtioMmio(
      'virtio-entropy',
      {
        deviceId: 4,
        features: 0,
        queues: 1,
        config: new Uint8Array(0),
        notified: () => this.#serve(),
        forget: () => {},
        // No two boots get the same bytes: the position goes on.
        reset: () => {},
        save: () => ({ position: this.#position }),
        restore: (state) => {
          this.#position = fieldsOf('virtio-entropy.device', state).integer('position');
        },
      },
      dma,
      line,
    );
  }

  #serve(): void {
    for (let count = this.mmio.waiting(0); count > 0; count--) {
      const chain = this.mmio.take(0);
      if (chain === undefined) return;
      const length = Math.min(totalLength(chain.writable), ENTROPY_BUFFER_BYTES_MAX);
      scatter(this.#dma, chain.writable, 0, keystream(this.#seed, SEED_STREAM.entropy, this.#position, length));
      this.#position += length;
      this.mmio.give(0, chain.head, length);
    }
  }
}
