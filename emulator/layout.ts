/** Offsets in the machine's one memory (machine.md, "One memory"): hart state, TLB and jump-cache banks, watch, dirty and granule maps, then RAM and the reset ROM. */
import { STORED_CSRS } from './isa/index.ts';
import { RAM_BYTES_MAX, RAM_BYTES_MIN } from './limits.ts';

export const PAGE_BYTES = 4096;
export const RAM_BASE = 0x80000000;
export const RAM_PPN = RAM_BASE / PAGE_BYTES;
/** The reset ROM: one page, read-only, executable. */
export const ROM_BASE = 0x1000;
export const ROM_PPN = ROM_BASE / PAGE_BYTES;

/** Words of hart state, from offset 0. */
export const WORD = {
  /** x0 to x31; x0 is never written. */
  x: 0,
  /** Where a write to x0 goes. Not state. */
  sink: 32,
  pc: 33,
  privilege: 34,
  /** 1 after a wfi that nothing has ended. */
  waiting: 35,
  /** 1 while there is a reservation, and the physical address of its word, divided by 4. */
  reserved: 36,
  reservedWord: 37,
  /** Which word of tohost has been written and waits for the other (`htif.ts`). */
  tohostLow: 38,
  /** STORED_CSRS, in their order. */
  csrs: 40,
} as const;

export const HART_WORDS = WORD.csrs + STORED_CSRS.length;

/** Word of a stored CSR, by name. */
export const CSR_WORD: Readonly<Record<string, number>> = Object.fromEntries(STORED_CSRS.map((row, k) => [row.name, WORD.csrs + k]));

/** Words that both engines read and write and that are not state: which banks are in use, and how a region was left. */
export const ENGINE = {
  /** Instructions that may still begin, while regions run; `Hart.left` at all other times. */
  left: HART_WORDS,
  /** Byte offsets in this memory of the data TLB bank and the jump-cache bank in use. */
  dataBank: HART_WORDS + 1,
  jumpBank: HART_WORDS + 2,
  /** Of the address space in use: data banks by effective privilege (U, S, S with SUM, M), jump-cache banks by privilege 0 to 3. */
  dataBanks: HART_WORDS + 3,
  jumpBanks: HART_WORDS + 7,
  /** Interrupts pending since the run loop last looked (`Hart.pending`). */
  pending: HART_WORDS + 11,
  /** Synchronous traps that regions have taken since the run loop last looked. */
  traps: HART_WORDS + 12,
  /** Regions entered. */
  entered: HART_WORDS + 13,
  /** Table slots of the region entered last, and of the one before it. */
  slot: HART_WORDS + 14,
  previous: HART_WORDS + 15,
} as const;
/** Hart state and ENGINE, in words. */
export const ENGINE_END = HART_WORDS + 16;

/** Address spaces (values of satp) that have banks of their own at the same time. */
export const SPACES = 8;
/** Data TLB banks of a space, by effective privilege: U, S, S with SUM. One more, M-mode's, belongs to no space and comes after all. */
export const SPACE_DATA_BANKS = 3;
export const DATA_BANKS = SPACES * SPACE_DATA_BANKS + 1;
/** Fetch and jump-cache banks of a space, by privilege: U, S. One more, M-mode's, comes after all. */
export const SPACE_FETCH_BANKS = 2;
export const FETCH_BANKS = SPACES * SPACE_FETCH_BANKS + 1;
/** Words of a data entry: read tag, write tag, addend, code tag. Tag: virtual page address; addend: offset in this memory minus it. The code tag
 * stands for a write to a page of which nothing but code is watched: such a write may go ahead where its granule holds none. */
export const DATA_ENTRY_WORDS = 4;
/** Words of a fetch entry: tag, and index of the page's first decoded record. */
export const FETCH_ENTRY_WORDS = 2;
/** A tag that no access can have: accesses compare page address and low bits, and this is neither. */
export const NO_TAG = 4;
export const FETCH_ENTRIES = 256;
/** Words of a jump-cache entry: virtual pc (1 when empty: no pc is odd), and where to go: table slot << SLOT_SHIFT | entry of the region. */
export const JUMP_ENTRY_WORDS = 2;
export const NO_JUMP = 1;
export const SLOT_SHIFT = 10;
export const JUMP_ENTRIES = 16384;
export const JUMP_BANK_BYTES = JUMP_ENTRIES * JUMP_ENTRY_WORDS * 4;
/** Code is tracked in granules of 64 bytes: 64 a page, one bit each. */
export const GRANULE_BYTES = 64;

export interface Layout {
  readonly tlbEntries: number;
  readonly fetchEntries: number;
  readonly ramPages: number;
  /** RAM pages, then the ROM: a frame is an index into all of them. */
  readonly frames: number;
  /** Byte offsets. */
  readonly dataTlb: number;
  readonly fetchTlb: number;
  readonly jumpCache: number;
  /** A byte a frame: CODE | PTE | HTIF. */
  readonly watched: number;
  /** A byte a frame: 1 when its digest is out of date. */
  readonly dirty: number;
  /** A byte a frame: 1 when a fast write entry may exist. */
  readonly writable: number;
  /** 8 bytes a frame: granules from which code was decoded. */
  readonly granules: number;
  /** RAM and ROM, 4096-aligned. */
  readonly memory: number;
  readonly totalBytes: number;
}

/** `tlbEntries` (each bank) is a power of two. Throws RangeError for RAM sizes that the board cannot have. */
export function layoutOf(memoryBytes: number, tlbEntries: number, fetchEntries: number): Layout {
  if (!Number.isInteger(memoryBytes / PAGE_BYTES) || memoryBytes < RAM_BYTES_MIN || memoryBytes > RAM_BYTES_MAX) {
    throw new RangeError(`cannot make a machine with ${memoryBytes} bytes of RAM: want a multiple of 4096 from 64 KiB to 1 GiB`);
  }
  const ramPages = memoryBytes / PAGE_BYTES;
  const frames = ramPages + 1;
  let end = 0;
  const take = (bytes: number, align = 64): number => {
    const at = Math.ceil(end / align) * align;
    end = at + bytes;
    return at;
  };
  take(ENGINE_END * 4);
  const dataTlb = take(DATA_BANKS * tlbEntries * DATA_ENTRY_WORDS * 4);
  const fetchTlb = take(FETCH_BANKS * fetchEntries * FETCH_ENTRY_WORDS * 4);
  const jumpCache = take(FETCH_BANKS * JUMP_BANK_BYTES);
  const watched = take(frames);
  const dirty = take(frames);
  const writable = take(frames);
  const granules = take(frames * 8);
  const memory = take(frames * PAGE_BYTES, PAGE_BYTES);
  return {
    tlbEntries,
    fetchEntries,
    ramPages,
    frames,
    dataTlb,
    fetchTlb,
    jumpCache,
    watched,
    dirty,
    writable,
    granules,
    memory,
    totalBytes: end,
  };
}
