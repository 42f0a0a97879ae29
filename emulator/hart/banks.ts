/**
 * Translations that are remembered: data TLB, fetch TLB and jump cache, in banks (machine.md, "Nothing derived is state"). A bank belongs to
 * an address space and a privilege, so that changing either is to use another bank. This file drops; who must be dropped is `tables.ts`.
 *
 * What holds of a data entry {read tag, write tag, addend, code tag} whose tag is `page`, for each tag:
 * - the bank's context may make that access to any byte of the page, and addend + page is the page's frame in this memory;
 * - write tag: the frame is RAM that nobody watches; code tag: RAM of which code at most is watched (whoever uses the tag looks at the granule);
 * - write or code tag: the frame is marked `dirty` and `writable`. So both go when the frame becomes watched for one more reason, or clean.
 */
import {
  DATA_BANKS,
  DATA_ENTRY_WORDS,
  FETCH_BANKS,
  FETCH_ENTRY_WORDS,
  JUMP_ENTRIES,
  JUMP_ENTRY_WORDS,
  type Layout,
  NO_JUMP,
  NO_TAG,
  SPACE_DATA_BANKS,
  SPACE_FETCH_BANKS,
  SPACES,
} from '../layout.ts';
import { type Physical, WATCH } from '../physical.ts';

const READ = 0;
const WRITE = 1;
const ADDEND = 2;
const CODE = 3;

/** Entries of a root table, and pages below each. */
const ROOT_ENTRIES = 1024;
const MEGAPAGE = 1024;
/** More virtual pages of a frame than are remembered by name. */
const MANY = NO_TAG + 1;
/** Places of fast write entries that are remembered; with more of them, all entries are looked at. */
const PLACES = 16384;

export class Banks {
  readonly data: Int32Array;
  readonly fetch: Int32Array;
  readonly jump: Int32Array;
  readonly #memory: Physical;
  readonly #dataWords: number;
  readonly #fetchWords: number;
  readonly #jumpWords: number;
  /** Two virtual pages a frame through which it has write or code tags; they mean something while the frame is `writable`. */
  readonly #aliases: Int32Array;
  /** Entries that got a write or code tag since all of them were dropped. */
  readonly #places = new Int32Array(PLACES);
  #placed = 0;
  /** By space and root entry: 1 where a data or fetch entry may be of a page below it. */
  readonly #learnt = new Uint8Array((SPACES + 1) * ROOT_ENTRIES);
  /** Frames of the pages that were asked for to be translated, by bank. Where a page is here, nothing that decides its frame has changed. */
  readonly #frames = Array.from({ length: FETCH_BANKS }, () => new Map<number, number>());
  /** A bit a page, of each space: its jump-cache banks may hold translated code of that page. Undefined: they are empty. */
  readonly #translated: (Int32Array | undefined)[] = Array.from({ length: SPACES });

  constructor(buffer: SharedArrayBuffer, layout: Layout, memory: Physical) {
    const words = (from: number, banks: number, bytes: number) => new Int32Array(buffer, from, (banks * bytes) >> 2);
    this.#memory = memory;
    this.#dataWords = layout.tlbEntries * DATA_ENTRY_WORDS;
    this.#fetchWords = layout.fetchEntries * FETCH_ENTRY_WORDS;
    this.#jumpWords = JUMP_ENTRIES * JUMP_ENTRY_WORDS;
    this.data = words(layout.dataTlb, DATA_BANKS, this.#dataWords * 4);
    this.fetch = words(layout.fetchTlb, FETCH_BANKS, this.#fetchWords * 4);
    this.jump = words(layout.jumpCache, FETCH_BANKS, this.#jumpWords * 4);
    this.#aliases = new Int32Array(layout.frames * 2);
    this.dropAll();
  }

  learnRead(bank: number, page: number, frame: number): void {
    this.data[this.#place(bank, page, frame) + READ] = page;
  }

  /** A store to the page went well: the next may be fast, if the frame's watchers allow it. */
  learnWrite(bank: number, page: number, frame: number): void {
    const { watched, writable, dirty } = this.#memory;
    const why = watched[frame];
    if (why !== 0 && why !== WATCH.code) return;
    const at = this.#place(bank, page, frame);
    if (this.data[at + (why === 0 ? WRITE : CODE)] === page) return;
    this.data[at + WRITE] = why === 0 ? page : NO_TAG;
    this.data[at + CODE] = why === 0 ? NO_TAG : page;
    this.#remember(at, page, frame, writable[frame] !== 0);
    writable[frame] = 1;
    dirty[frame] = 1;
  }

  learnFetch(bank: number, page: number, base: number): void {
    const at = bank * this.#fetchWords + ((page >>> 11) & (this.#fetchWords - FETCH_ENTRY_WORDS));
    this.#learnt[Math.floor(bank / SPACE_FETCH_BANKS) * ROOT_ENTRIES + (page >>> 22)] = 1;
    this.fetch[at] = page;
    this.fetch[at + 1] = base;
  }

  /** The decoded records at `base` are no more. */
  forgetFetch(base: number): void {
    for (let at = 0; at < this.fetch.length; at += FETCH_ENTRY_WORDS) {
      if (this.fetch[at] !== NO_TAG && this.fetch[at + 1] === base) this.fetch[at] = NO_TAG;
    }
  }

  /** The frame of a page with translated code, in a fetch bank; undefined when it is not known. */
  translatedFrame(bank: number, page: number): number | undefined {
    return this.#frames[bank].get(page);
  }

  /** From now on a change of this page's translation empties the space's jump-cache banks. M-mode's never changes but by `dropAll`. */
  learnTranslated(bank: number, page: number, frame: number): void {
    this.#frames[bank].set(page, frame);
    if (bank === FETCH_BANKS - 1) return;
    const space = Math.floor(bank / SPACE_FETCH_BANKS);
    let marks = this.#translated[space];
    if (marks === undefined) {
      marks = new Int32Array(2 ** 20 / 32);
      this.#translated[space] = marks;
    }
    marks[page >>> 17] |= 1 << ((page >>> 12) & 31);
  }

  /** Drops what is remembered of one page in each of `spaces`, a set of bits. */
  dropPage(spaces: number, page: number): void {
    const { fetch } = this;
    for (let left = spaces; left !== 0; left &= left - 1) {
      const space = lowest(left);
      for (let k = 0; k < SPACE_DATA_BANKS; k++) {
        const at = (space * SPACE_DATA_BANKS + k) * this.#dataWords + ((page >>> 10) & (this.#dataWords - DATA_ENTRY_WORDS));
        this.#dropEntry(at, page);
      }
      for (let k = 0; k < SPACE_FETCH_BANKS; k++) {
        const at = (space * SPACE_FETCH_BANKS + k) * this.#fetchWords + ((page >>> 11) & (this.#fetchWords - FETCH_ENTRY_WORDS));
        if (fetch[at] === page) fetch[at] = NO_TAG;
      }
      const marks = this.#translated[space];
      if (marks !== undefined && (marks[page >>> 17] & (1 << ((page >>> 12) & 31))) !== 0) this.dropJumps(space);
    }
  }

  /** As `dropPage`, for the 1024 pages that entry `vpn1` of a root table serves. */
  dropMegapage(spaces: number, vpn1: number): void {
    const { data, fetch } = this;
    for (let left = spaces; left !== 0; left &= left - 1) {
      const space = lowest(left);
      const marks = this.#translated[space];
      if (marks?.subarray(vpn1 * 32, vpn1 * 32 + 32).some((word) => word !== 0)) this.dropJumps(space);
      // Where nothing was learnt there is nothing to look for: a root that is cleared has most of its entries so.
      if (this.#learnt[space * ROOT_ENTRIES + vpn1] === 0) continue;
      this.#learnt[space * ROOT_ENTRIES + vpn1] = 0;
      for (let k = 0; k < SPACE_DATA_BANKS; k++) {
        const bank = (space * SPACE_DATA_BANKS + k) * this.#dataWords;
        const first = ((vpn1 * MEGAPAGE) << 2) & (this.#dataWords - DATA_ENTRY_WORDS);
        const end = Math.min(first + MEGAPAGE * DATA_ENTRY_WORDS, this.#dataWords);
        for (let at = bank + first; at < bank + end; at += DATA_ENTRY_WORDS) {
          if (data[at + READ] >>> 22 === vpn1) data[at + READ] = NO_TAG;
          if (data[at + WRITE] >>> 22 === vpn1) data[at + WRITE] = NO_TAG;
          if (data[at + CODE] >>> 22 === vpn1) data[at + CODE] = NO_TAG;
        }
      }
      for (let k = 0; k < SPACE_FETCH_BANKS; k++) {
        const bank = (space * SPACE_FETCH_BANKS + k) * this.#fetchWords;
        for (let at = bank; at < bank + this.#fetchWords; at += FETCH_ENTRY_WORDS) if (fetch[at] >>> 22 === vpn1) fetch[at] = NO_TAG;
      }
    }
  }

  dropSpace(space: number): void {
    const data = space * SPACE_DATA_BANKS * this.#dataWords;
    const fetch = space * SPACE_FETCH_BANKS * this.#fetchWords;
    this.data.fill(NO_TAG, data, data + SPACE_DATA_BANKS * this.#dataWords);
    this.fetch.fill(NO_TAG, fetch, fetch + SPACE_FETCH_BANKS * this.#fetchWords);
    this.#learnt.fill(0, space * ROOT_ENTRIES, (space + 1) * ROOT_ENTRIES);
    if (this.#translated[space] !== undefined) this.dropJumps(space);
  }

  /** Empties the jump-cache banks of a space. */
  dropJumps(space: number): void {
    const at = space * SPACE_FETCH_BANKS * this.#jumpWords;
    this.jump.fill(NO_JUMP, at, at + SPACE_FETCH_BANKS * this.#jumpWords);
    this.#translated[space]?.fill(0);
    for (let k = 0; k < SPACE_FETCH_BANKS; k++) this.#frames[space * SPACE_FETCH_BANKS + k].clear();
  }

  dropAll(): void {
    this.data.fill(NO_TAG);
    this.fetch.fill(NO_TAG);
    this.jump.fill(NO_JUMP);
    this.#translated.fill(undefined);
    for (const frames of this.#frames) frames.clear();
    this.#memory.writable.fill(0);
    this.#placed = 0;
  }

  /** Drops the data entries of every space but M-mode's, which no page table decides. */
  dropVirtualData(): void {
    this.data.fill(NO_TAG, 0, SPACES * SPACE_DATA_BANKS * this.#dataWords);
  }

  /** Drops fast write entries to a frame, whatever their virtual address. `Physical` calls it for a frame that is `writable`. */
  dropWrites(frame: number): void {
    const offset = this.#memory.offsetOf(frame);
    const { data } = this;
    if (this.#aliases[frame * 2 + 1] === MANY) {
      for (let at = 0; at < data.length; at += DATA_ENTRY_WORDS) this.#dropWritesTo(at, offset);
      return;
    }
    for (const page of [this.#aliases[frame * 2], this.#aliases[frame * 2 + 1]]) {
      if (page === NO_TAG) continue;
      const index = (page >>> 10) & (this.#dataWords - DATA_ENTRY_WORDS);
      for (let at = index; at < data.length; at += this.#dataWords) this.#dropWritesTo(at, offset);
    }
  }

  /** Drops each fast write entry: from now on a first write to a page marks it dirty again. */
  dropAllWrites(): void {
    const { data } = this;
    if (this.#placed < PLACES) {
      for (let k = 0; k < this.#placed; k++) {
        data[this.#places[k] + WRITE] = NO_TAG;
        data[this.#places[k] + CODE] = NO_TAG;
      }
    } else {
      for (let at = 0; at < data.length; at += DATA_ENTRY_WORDS) {
        data[at + WRITE] = NO_TAG;
        data[at + CODE] = NO_TAG;
      }
    }
    this.#placed = 0;
    this.#memory.writable.fill(0);
  }

  /** Test-only: drops the entries for which `choose` says so. */
  dropSome(choose: () => boolean): void {
    for (let at = 0; at < this.data.length; at += DATA_ENTRY_WORDS) {
      const { data } = this;
      // Most are empty: this is asked often.
      if (data[at + READ] === NO_TAG && data[at + WRITE] === NO_TAG && data[at + CODE] === NO_TAG) continue;
      for (const tag of [READ, WRITE, CODE]) if (data[at + tag] !== NO_TAG && choose()) data[at + tag] = NO_TAG;
    }
    for (let at = 0; at < this.fetch.length; at += FETCH_ENTRY_WORDS) {
      if (this.fetch[at] !== NO_TAG && choose()) this.fetch[at] = NO_TAG;
    }
    for (let at = 0; at < this.jump.length; at += JUMP_ENTRY_WORDS) {
      if (this.jump[at] !== NO_JUMP && choose()) this.jump[at] = NO_JUMP;
    }
  }

  /** The entry of a page. One addend serves all three tags: those of another page go. */
  #place(bank: number, page: number, frame: number): number {
    const { data } = this;
    this.#learnt[Math.floor(bank / SPACE_DATA_BANKS) * ROOT_ENTRIES + (page >>> 22)] = 1;
    const at = bank * this.#dataWords + ((page >>> 10) & (this.#dataWords - DATA_ENTRY_WORDS));
    const addend = (this.#memory.offsetOf(frame) - page) | 0;
    if (data[at + ADDEND] !== addend || (data[at + READ] !== page && data[at + WRITE] !== page && data[at + CODE] !== page)) {
      data[at + READ] = NO_TAG;
      data[at + WRITE] = NO_TAG;
      data[at + CODE] = NO_TAG;
      data[at + ADDEND] = addend;
    }
    return at;
  }

  #remember(at: number, page: number, frame: number, others: boolean): void {
    if (this.#placed < PLACES) this.#places[this.#placed++] = at;
    const aliases = this.#aliases;
    const first = frame * 2;
    if (!others) {
      aliases[first] = page;
      aliases[first + 1] = NO_TAG;
    } else if (aliases[first] !== page && aliases[first + 1] !== page) {
      aliases[first + 1] = aliases[first + 1] === NO_TAG ? page : MANY;
    }
  }

  #dropWritesTo(at: number, offset: number): void {
    const { data } = this;
    const page = (offset - data[at + ADDEND]) | 0;
    if (data[at + WRITE] === page) data[at + WRITE] = NO_TAG;
    if (data[at + CODE] === page) data[at + CODE] = NO_TAG;
  }

  #dropEntry(at: number, page: number): void {
    const { data } = this;
    if (data[at + READ] === page) data[at + READ] = NO_TAG;
    if (data[at + WRITE] === page) data[at + WRITE] = NO_TAG;
    if (data[at + CODE] === page) data[at + CODE] = NO_TAG;
  }
}

/** Number of the lowest bit that is set. */
const lowest = (bits: number): number => 31 - Math.clz32(bits & -bits);
