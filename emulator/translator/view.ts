/** What the translator sees of a hart's code: its decoded records, at the virtual addresses that they have now. */
import { RECORD } from '../hart/code.ts';
import type { Hart } from '../hart/hart.ts';
import { OPERATION_ROW } from '../hart/operations.ts';
import { FETCH_ENTRY_WORDS, PAGE_BYTES, WORD } from '../layout.ts';
import { physical, type RegionCache } from './cache.ts';
import type { PlanInstruction } from './plan.ts';
import type { CodeView } from './region.ts';

/** Code at virtual addresses of the hart as it is now, by its decoded records. */
export class View implements CodeView {
  readonly #hart: Hart;
  readonly #cache: RegionCache;
  readonly #eager: boolean;
  /** Frame of each virtual page that was looked at; -1 where there is no code to be had. */
  readonly #frames = new Map<number, number>();
  /** By address: what was asked is asked again. */
  readonly #instructions = new Map<number, PlanInstruction | undefined>();

  constructor(hart: Hart, cache: RegionCache, eager: boolean) {
    this.#hart = hart;
    this.#cache = cache;
    this.#eager = eager;
  }

  pages(): { page: number; frame: number }[] {
    return [...this.#frames].flatMap(([page, frame]) => (frame < 0 ? [] : [{ page, frame }]));
  }

  instruction(pc: number): PlanInstruction | undefined {
    let instruction = this.#instructions.get(pc);
    if (instruction === undefined && !this.#instructions.has(pc)) {
      instruction = this.#decoded(pc);
      this.#instructions.set(pc, instruction);
    }
    return instruction;
  }

  #decoded(pc: number): PlanInstruction | undefined {
    const { code } = this.#hart;
    const base = this.#base(pc);
    if (base < 0) return undefined;
    const at = base + (pc & (PAGE_BYTES - 1));
    if (code.records[at] === 0) {
      if (!this.#eager) return undefined;
      code.fill(at);
    }
    const word = code.records[at];
    const op = OPERATION_ROW[word & 255];
    if (op < 0) return undefined;
    const rd = (word >> RECORD.rd) & 63;
    const place = physical(code.frameOf(at), pc);
    if (!this.#eager && this.#cache.patience.restless(place, this.#hart.icount)) return undefined;
    return {
      pc,
      op,
      rd: rd === WORD.sink ? 0 : rd,
      rs1: (word >> RECORD.rs1) & 31,
      rs2: (word >> RECORD.rs2) & 31,
      imm: code.records[at + 1],
      length: (word >> RECORD.length) as 2 | 4,
      ...(this.#cache.granuleStores.has(place) && { looksAtGranule: true }),
    };
  }

  arrivals(from: number, to: number): number[] {
    const { code } = this.#hart;
    const found: number[] = [];
    for (let pc = from; pc < to; pc += 2) {
      const base = this.#base(pc);
      if (base < 0) {
        // Not by its sign: `to` may lie beyond the end of the address space.
        pc += PAGE_BYTES - 2 - (pc & (PAGE_BYTES - 1));
        continue;
      }
      const at = base + (pc & (PAGE_BYTES - 1));
      if (code.records[at] !== 0 && code.arrivals[at >> 1] !== code.threshold) found.push(pc | 0);
    }
    return found;
  }

  /** Index of the first record word of the page at `pc`, or -1. */
  #base(pc: number): number {
    const page = pc & -PAGE_BYTES;
    let frame = this.#frames.get(page);
    if (frame === undefined) {
      frame = this.#hart.mmu.translateCode(page, this.#hart.privilege);
      if (frame >= 0 && this.#hart.code.baseOf(frame) < 0) {
        // Never in another's place: that may be the page at which the hart is, or one that was looked at before and is watched no more then.
        if (this.#eager && this.#hart.code.hasRoom) this.#hart.code.page(frame);
        else frame = -1;
      }
      this.#frames.set(page, frame);
    }
    return frame < 0 ? -1 : this.#hart.code.baseOf(frame);
  }
}

/** Index of the first word of the decoded record at `pc`, or -1 when the fetch TLB does not have its page. */
export function recordAt({ fetch, fetchBank, memory }: Hart, pc: number): number {
  const f = fetchBank + ((pc >>> 11) & ((memory.layout.fetchEntries - 1) * FETCH_ENTRY_WORDS));
  return fetch[f] === (pc & -PAGE_BYTES) ? fetch[f + 1] + (pc & (PAGE_BYTES - 1)) : -1;
}
