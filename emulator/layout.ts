/** Offsets in the machine's one memory (machine.md, "One memory"): hart state, TLB banks, watch, dirty and granule maps, then RAM and the reset ROM. */
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
  /** HTIF: 1 when the low word of tohost has been written since its high word. */
  tohostLow: 38,
  /** STORED_CSRS, in their order. */
  csrs: 40,
} as const;

export const HART_WORDS = WORD.csrs + STORED_CSRS.length;

/** Word of a stored CSR, by name. */
export const CSR_WORD: Readonly<Record<string, number>> = Object.fromEntries(STORED_CSRS.map((row, k) => [row.name, WORD.csrs + k]));

/** Data TLB banks, by effective privilege: U, S, S with SUM, M. */
export const DATA_BANKS = 4;
/** Fetch banks, by privilege 0 to 3 (2 is unused, and keeps the index simple). */
export const FETCH_BANKS = 4;
/** Words of a data entry: read tag, write tag, addend, unused. Tag: virtual page address; addend: offset in this memory minus it. */
export const DATA_ENTRY_WORDS = 4;
/** Words of a fetch entry: tag, and index of the page's first decoded record. */
export const FETCH_ENTRY_WORDS = 2;
/** A tag that no access can have: accesses compare page address and low bits, and this is neither. */
export const NO_TAG = 4;
export const FETCH_ENTRIES = 256;
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
  take(HART_WORDS * 4);
  const dataTlb = take(DATA_BANKS * tlbEntries * DATA_ENTRY_WORDS * 4);
  const fetchTlb = take(FETCH_BANKS * fetchEntries * FETCH_ENTRY_WORDS * 4);
  const watched = take(frames);
  const dirty = take(frames);
  const writable = take(frames);
  const granules = take(frames * 8);
  const memory = take(frames * PAGE_BYTES, PAGE_BYTES);
  return { tlbEntries, fetchEntries, ramPages, frames, dataTlb, fetchTlb, watched, dirty, writable, granules, memory, totalBytes: end };
}
