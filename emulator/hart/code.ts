/**
 * Decoded pages: two words for each halfword of a page of code, filled when first executed and dropped when the bytes are written. The first
 * word packs operation, registers and length, the second is the immediate. A cache: 16 MiB at most, evicted in turn; nothing in it is state
 * (machine.md, "Nothing derived is state").
 */
import { decode } from '../isa/index.ts';
import { GRANULE_BYTES, PAGE_BYTES, WORD } from '../layout.ts';
import { type Physical, WATCH } from '../physical.ts';
import { OPERATION, ROW_OPERATION } from './operations.ts';

/** A record is two words and a halfword two bytes, so that the record of the byte at offset n of its page is n words from the page's first. */
const RECORDS_END = PAGE_BYTES;
/** One more record ends the page; sizes that are a multiple of 64 bytes keep pages apart. */
const PAGE_WORDS = PAGE_BYTES + 16;
/** Bits of a record's first word: operation 0 to 7, rd (six bits, 32 for x0), rs1, rs2, length in bytes. */
export const RECORD = { rd: 8, rs1: 14, rs2: 19, length: 24 } as const;
const CODE_CACHE_BYTES = 16 * 1024 * 1024;

export class DecodedPages {
  readonly records: Int32Array;
  readonly #memory: Physical;
  readonly #granules: Int32Array;
  /** First record word of each frame, or -1. */
  readonly #base: Int32Array;
  /** Frame of each slot, or -1. */
  readonly #frame: Int32Array;
  #nextSlot = 0;
  /** For each record (at half the index of its first word): arrivals of jumps that are left before `hot` is asked about it. */
  readonly arrivals: Uint8Array;
  /** Arrivals that an instruction has before the first question. */
  readonly threshold: number;
  /** Called when a page's records are dropped as a whole: no fetch entry may lead there. */
  onEvict: (base: number) => void = () => {};
  /** Called when code that was derived from a granule of a frame is none any more; all granules of it when undefined. */
  onLost: (frame: number, granule: number | undefined) => void = () => {};

  constructor(buffer: SharedArrayBuffer, memory: Physical, threshold: number) {
    const { layout } = memory;
    const slots = Math.min(layout.frames, Math.floor(CODE_CACHE_BYTES / (PAGE_WORDS * 4)));
    this.records = new Int32Array(slots * PAGE_WORDS);
    this.arrivals = new Uint8Array(this.records.length >> 1);
    this.threshold = threshold;
    this.#memory = memory;
    this.#granules = new Int32Array(buffer, layout.granules, layout.frames * 2);
    this.#base = new Int32Array(layout.frames).fill(-1);
    this.#frame = new Int32Array(slots).fill(-1);
  }

  /** Index of the first record word of a frame's page, which gets a slot if it has none. */
  page(frame: number): number {
    const known = this.#base[frame];
    if (known >= 0) return known;
    const slot = this.#nextSlot;
    this.#nextSlot = (slot + 1) % this.#frame.length;
    if (this.#frame[slot] >= 0) this.#evict(this.#frame[slot]);
    const base = slot * PAGE_WORDS;
    this.#frame[slot] = frame;
    this.#base[frame] = base;
    this.records[base + RECORDS_END] = OPERATION.pageEnd;
    this.arrivals.fill(this.threshold, base >> 1, (base + RECORDS_END) >> 1);
    return base;
  }

  /** Whether a page that has no slot can get one at no other page's cost. */
  get hasRoom(): boolean {
    return this.#frame[this.#nextSlot] < 0;
  }

  /** Index of the first record word of a frame's page, or -1 when it has none. */
  baseOf(frame: number): number {
    return this.#base[frame];
  }

  /** The frame whose page holds the record at word `at`. */
  frameOf(at: number): number {
    return this.#frame[Math.floor(at / PAGE_WORDS)];
  }

  /** Fills the record at word `at` from memory. */
  fill(at: number): void {
    const slot = Math.floor(at / PAGE_WORDS);
    const frame = this.#frame[slot];
    const offset = at - slot * PAGE_WORDS;
    const low = this.#memory.read(frame, offset, 2);
    const long = (low & 3) === 3;
    if (long && offset === PAGE_BYTES - 2) {
      // Nothing is derived from the next page: such an instruction is fetched anew each time.
      this.#put(at, OPERATION.crossing, 4, 0);
      this.#derive(frame, offset, 2);
      return;
    }
    const bits = long ? this.#memory.read(frame, offset, 4) : low;
    this.#derive(frame, offset, long ? 4 : 2);
    const decoded = decode(bits);
    if (decoded === undefined) {
      this.#put(at, OPERATION.illegal, 2, 0);
      return;
    }
    const { op, row, length, rd, rs1, rs2, imm } = decoded;
    // Branches within the page go a distance in records, since whatever maps this page maps the target.
    const far = (row.kind === 'branch' || row.name === 'jal') && (offset + imm < 0 || offset + imm >= PAGE_BYTES);
    const operation = ROW_OPERATION[op] + (far ? 1 : 0);
    const registers = ((rd === 0 ? WORD.sink : rd) << RECORD.rd) | (rs1 << RECORD.rs1) | (rs2 << RECORD.rs2);
    this.#put(at, operation | registers, length, imm);
  }

  /** Bytes of a watched page were written: drops the records of the granules they lie in. */
  written(frame: number, offset: number, length: number): void {
    const base = this.#base[frame];
    const granules = this.#granules;
    let left = false;
    for (let g = Math.floor(offset / GRANULE_BYTES); g <= Math.floor((offset + length - 1) / GRANULE_BYTES); g++) {
      const word = frame * 2 + (g >> 5);
      if ((granules[word] & (1 << (g & 31))) === 0) continue;
      granules[word] &= ~(1 << (g & 31));
      left = true;
      this.onLost(frame, g);
      if (base < 0) continue;
      // The instruction that begins two bytes before the granule may reach into it.
      this.records.fill(0, base + Math.max(0, g * GRANULE_BYTES - 2), base + (g + 1) * GRANULE_BYTES);
    }
    if (left && granules[frame * 2] === 0 && granules[frame * 2 + 1] === 0) this.#memory.unwatch(frame, WATCH.code);
  }

  /** Drops all there is. The caller has dropped every fetch entry. */
  dropAll(): void {
    for (const frame of this.#frame) if (frame >= 0) this.#forget(frame);
  }

  /** Test-only: drops granules and pages for which `choose` says so. */
  dropSome(choose: () => boolean): void {
    for (const frame of this.#frame) {
      if (frame < 0) continue;
      if (choose()) this.#evict(frame);
      else for (let at = 0; at < PAGE_BYTES; at += GRANULE_BYTES) if (choose()) this.written(frame, at, 1);
    }
  }

  #evict(frame: number): void {
    this.onEvict(this.#base[frame]);
    this.#forget(frame);
  }

  #forget(frame: number): void {
    const base = this.#base[frame];
    this.onLost(frame, undefined);
    this.records.fill(0, base, base + RECORDS_END);
    this.#base[frame] = -1;
    this.#frame[base / PAGE_WORDS] = -1;
    this.#granules[frame * 2] = 0;
    this.#granules[frame * 2 + 1] = 0;
    this.#memory.unwatch(frame, WATCH.code);
  }

  #put(at: number, operation: number, length: number, imm: number): void {
    this.records[at] = operation | (length << RECORD.length);
    this.records[at + 1] = imm;
  }

  #derive(frame: number, offset: number, length: number): void {
    for (const byte of [offset, offset + length - 1]) {
      const g = Math.floor(byte / GRANULE_BYTES);
      this.#granules[frame * 2 + (g >> 5)] |= 1 << (g & 31);
    }
    this.#memory.watch(frame, WATCH.code);
  }
}
