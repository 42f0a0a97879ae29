/**
 * Page tables from which translations were derived: each is watched, and a store to one drops what came from it (machine.md, "Nothing derived
 * is state"). A table may be the root of several spaces, and a leaf table of several: the kernel's are below every root. As a leaf it serves
 * one root entry; when a walk finds it below another one, what came from it below the first is dropped.
 */
import { type Physical, WATCH } from '../physical.ts';
import type { Banks } from './banks.ts';

/** Stores to a table of which nothing was used meanwhile, until it counts as freed: it will be data, and its stores should be fast again. */
const STORES_MAX = 64;

export class Tables {
  readonly #memory: Physical;
  readonly #banks: Banks;
  /** By frame, spaces as sets of bits: those whose root it is, and those in which it is a leaf table. */
  readonly #rootOf: Int32Array;
  readonly #leafOf: Int32Array;
  /** By frame, of a leaf table: index of the root entry that it serves. */
  readonly #serves: Int32Array;
  readonly #stores: Uint8Array;
  readonly #watched = new Set<number>();

  constructor(memory: Physical, banks: Banks) {
    const { frames } = memory.layout;
    this.#memory = memory;
    this.#banks = banks;
    this.#rootOf = new Int32Array(frames);
    this.#leafOf = new Int32Array(frames);
    this.#serves = new Int32Array(frames);
    this.#stores = new Uint8Array(frames);
  }

  /** Something is about to be derived in `space` from a walk for `vaddr` that read these frames; -1: no such table. Call it before learning. */
  derive(space: number, vaddr: number, root: number, leaf: number): void {
    if (root >= 0 && this.#memory.isRam(root)) {
      this.#rootOf[root] |= 1 << space;
      this.#watch(root);
    }
    if (leaf >= 0 && this.#memory.isRam(leaf)) {
      if (this.#serves[leaf] !== vaddr >>> 22) {
        if (this.#leafOf[leaf] !== 0) this.#banks.dropMegapage(this.#leafOf[leaf], this.#serves[leaf]);
        this.#leafOf[leaf] = 0;
        this.#serves[leaf] = vaddr >>> 22;
      }
      this.#leafOf[leaf] |= 1 << space;
      this.#watch(leaf);
    }
  }

  /** Bytes of a watched table were written: drops the translations that read them. */
  written(frame: number, offset: number, length: number): void {
    if (!this.#watched.has(frame)) return;
    this.#stores[frame]++;
    if (this.#stores[frame] >= STORES_MAX || length > 8) {
      this.#release(frame);
      return;
    }
    for (let index = offset >> 2; index <= (offset + length - 1) >> 2; index++) {
      if (this.#rootOf[frame] !== 0) this.#banks.dropMegapage(this.#rootOf[frame], index);
      if (this.#leafOf[frame] !== 0) this.#banks.dropPage(this.#leafOf[frame], (this.#serves[frame] << 22) | (index << 12));
    }
  }

  /** Drops a space: its slot gets another one. */
  dropSpace(space: number): void {
    this.#banks.dropSpace(space);
    for (const frame of this.#watched) {
      this.#rootOf[frame] &= ~(1 << space);
      this.#leafOf[frame] &= ~(1 << space);
      if (this.#rootOf[frame] === 0 && this.#leafOf[frame] === 0) this.#unwatch(frame);
    }
  }

  /** Drops every bank, M-mode's too. */
  dropAll(): void {
    this.#banks.dropAll();
    for (const frame of this.#watched) this.#unwatch(frame);
  }

  /** Test-only: drops tables for which `choose` says so, with all that came from them. */
  dropSome(choose: () => boolean): void {
    for (const frame of this.#watched) if (choose()) this.#release(frame);
  }

  /** Drops everything that was derived from a table, which is watched no more. */
  #release(frame: number): void {
    if (this.#leafOf[frame] !== 0) this.#banks.dropMegapage(this.#leafOf[frame], this.#serves[frame]);
    for (let space = 0; this.#rootOf[frame] >>> space !== 0; space++) {
      if ((this.#rootOf[frame] & (1 << space)) !== 0) this.#banks.dropSpace(space);
    }
    this.#unwatch(frame);
  }

  #watch(frame: number): void {
    this.#stores[frame] = 0;
    if (this.#watched.has(frame)) return;
    this.#watched.add(frame);
    this.#memory.watch(frame, WATCH.pte);
  }

  #unwatch(frame: number): void {
    this.#rootOf[frame] = 0;
    this.#leafOf[frame] = 0;
    this.#watched.delete(frame);
    this.#memory.unwatch(frame, WATCH.pte);
  }
}
