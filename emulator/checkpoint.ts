/**
 * Checkpoints: states of one machine that share the pages which were not written between them (protocol.md, "The log": copy-on-write
 * pages). Taking one costs what was written since the one before it; the bytes of a snapshot are made when somebody asks.
 */
import type { Snapshot } from './index.ts';
import type { Physical } from './physical.ts';
import { readSnapshot, type Sections, writeSnapshot } from './snapshot.ts';
import { memoryState, type Page, pageOf } from './state.ts';

/** The machine as it was when this was taken. It holds its pages for as long as somebody holds it, and those alone. */
export interface Checkpoint {
  /** The bytes that `save` gave then. Costs a pass over RAM at each call. */
  snapshot(): Snapshot;
}

export class Checkpoints {
  readonly #memory: Physical;
  /** Of the last one taken; before the first, memory is all zeros. Never changed: the next one begins as a copy. */
  #pages: readonly Page[];

  constructor(memory: Physical) {
    this.#memory = memory;
    this.#pages = new Array<Page>(memory.layout.frames).fill(undefined);
  }

  /** `sections`: everything but memory. */
  take(sections: Sections): Checkpoint {
    const { dirty, unsaved } = this.#memory;
    const pages = this.#pages.slice();
    for (let frame = 0; frame < pages.length; frame++) {
      // A dirty page stays so, for the digest: it will be unsaved again once that has made it clean, whatever comes until then.
      if ((dirty[frame] | unsaved[frame]) === 0) continue;
      unsaved[frame] = 0;
      pages[frame] = pageOf(this.#memory, frame)?.slice();
    }
    this.#pages = pages;
    const others = writeSnapshot(sections);
    return { snapshot: () => writeSnapshot(readSnapshot(others).set('memory', memoryState(pages))) };
  }
}
