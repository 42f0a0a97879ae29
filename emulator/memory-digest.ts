/** The digest of RAM and ROM: a sum of page digests, of which only those of dirty pages are made anew. */
import { type Halves, hashWords, hex } from './digest.ts';
import type { Digest } from './io.ts';
import { PAGE_BYTES } from './layout.ts';
import type { Physical } from './physical.ts';

const PAGE_WORDS = PAGE_BYTES / 4;

export class MemoryDigest {
  readonly #memory: Physical;
  /** Each page's term of the sum; a page of zeros has 0, so that untouched RAM costs nothing. */
  readonly #high: Int32Array;
  readonly #low: Int32Array;
  readonly #zero: Halves = { high: 0, low: 0 };
  readonly #page: Halves = { high: 0, low: 0 };
  readonly #sum: Halves = { high: 0, low: 0 };

  constructor(memory: Physical) {
    this.#memory = memory;
    this.#high = new Int32Array(memory.layout.frames);
    this.#low = new Int32Array(memory.layout.frames);
    hashWords(new Int32Array(PAGE_WORDS), 0, PAGE_WORDS, 0, this.#zero);
  }

  /** Rehashes the dirty pages for which `choose` says so, and makes them clean. The caller drops fast write entries. */
  refresh(choose: (frame: number) => boolean = () => true): void {
    const { dirty } = this.#memory;
    for (let frame = dirty.indexOf(1); frame >= 0; frame = dirty.indexOf(1, frame + 1)) {
      if (!choose(frame)) continue;
      this.#memory.clean(frame);
      this.#rehash(frame);
    }
  }

  /** The page is all zeros, and clean. */
  zeroed(frame: number): void {
    this.#setTerm(frame, 0, 0);
  }

  value(): Digest {
    this.refresh();
    return hex(this.#sum);
  }

  #rehash(frame: number): void {
    const page = this.#page;
    hashWords(this.#memory.words, this.#memory.offsetOf(frame) >> 2, PAGE_WORDS, 0, page);
    const blank = page.high === this.#zero.high && page.low === this.#zero.low;
    // The page's number goes into its term, so that pages that change places are seen.
    const high = blank ? 0 : mix(page.high + Math.imul(frame + 1, 0x9e3779b1));
    const low = blank ? 0 : mix(page.low + Math.imul(frame + 1, 0x85ebca77));
    this.#setTerm(frame, high, low);
  }

  #setTerm(frame: number, high: number, low: number): void {
    this.#sum.high = (this.#sum.high - this.#high[frame] + high) | 0;
    this.#sum.low = (this.#sum.low - this.#low[frame] + low) | 0;
    this.#high[frame] = high;
    this.#low[frame] = low;
  }
}

function mix(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
