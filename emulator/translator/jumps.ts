/** The jump cache, which the dispatcher reads: in each bank, which entry of which region a virtual pc leads to. */
import type { Hart } from '../hart/hart.ts';
import { ENGINE, FETCH_BANKS, JUMP_BANK_BYTES, JUMP_ENTRIES, JUMP_ENTRY_WORDS, NO_JUMP, SLOT_SHIFT } from '../layout.ts';

export class Jumps {
  readonly #hart: Hart;
  /** Entries of all banks, one bank after the other. */
  readonly #words: Int32Array;

  constructor(hart: Hart) {
    this.#hart = hart;
    this.#words = hart.mmu.banks.jump;
  }

  /** Whether `pc` leads to a region in the bank in use. */
  has(pc: number): boolean {
    return this.#words[this.#index(this.#bankInUse(), pc)] === pc;
  }

  /** From now on `pc` leads to this entry of the region in this slot, in the bank in use. Whether another address led somewhere from there. */
  lead(pc: number, slot: number, entry: number): boolean {
    const at = this.#index(this.#bankInUse(), pc);
    const was = this.#words[at];
    this.#words[at] = pc;
    this.#words[at + 1] = (slot << SLOT_SHIFT) | entry;
    return was !== NO_JUMP && was !== pc;
  }

  /** `pc` leads to this slot in no bank any more. */
  forget(pc: number, slot: number): void {
    for (let bank = 0; bank < FETCH_BANKS; bank++) {
      const at = this.#index(bank, pc);
      if (this.#words[at] === pc && this.#words[at + 1] >>> SLOT_SHIFT === slot) this.#words[at] = NO_JUMP;
    }
  }

  /** Test-only: forgets the entries for which `choose` says so. */
  dropSome(choose: () => boolean): void {
    for (let at = 0; at < this.#words.length; at += JUMP_ENTRY_WORDS) {
      if (this.#words[at] !== NO_JUMP && choose()) this.#words[at] = NO_JUMP;
    }
  }

  #bankInUse(): number {
    const { engine, memory } = this.#hart;
    return (engine[ENGINE.jumpBank] - memory.layout.jumpCache) / JUMP_BANK_BYTES;
  }

  /** Index of the first word of the entry for `pc` in a bank. */
  #index(bank: number, pc: number): number {
    return (bank * JUMP_ENTRIES + ((pc >> 1) & (JUMP_ENTRIES - 1))) * JUMP_ENTRY_WORDS;
  }
}
