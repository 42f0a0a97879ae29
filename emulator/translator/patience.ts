/**
 * Code that is left to the interpreter for a while: granules that are written again and again, and places from which regions left too often
 * to pay. A while is a number of instructions; it doubles each time that it was too short. Speed, never state.
 */
import { GRANULE_BYTES } from '../layout.ts';

/** After the first write over the code of a region. */
const QUIET = 256;
/** A region that has lived so long has paid for itself. */
const LIVED = 1_000_000;
/** After the first time that a region did not pay. */
const DEMOTED = 100_000;
const LEVEL_MAX = 24;
/** Of each kind that are remembered; those that were touched last. */
const REMEMBERED = 4096;

interface Rest {
  level: number;
  until: number;
}

export class Patience {
  /** By number of a granule among all of memory. */
  readonly #granules = new Map<number, Rest>();
  /** By physical address: frame and offset, as all addresses here. */
  readonly #places = new Map<number, Rest>();

  /** Code of this granule, which may not be remembered, has been written. */
  written(granule: number, icount: number): void {
    const rest = this.#granules.get(granule);
    if (rest !== undefined) rest.until = icount + QUIET * 2 ** rest.level;
  }

  /** A region that was asked for at `since` went because this granule was written. */
  invalidated(granule: number, since: number, icount: number): void {
    const paid = icount - since >= LIVED;
    const rest = this.#granules.get(granule);
    if (rest === undefined) {
      if (!paid) remember(this.#granules, granule, { level: 0, until: icount + QUIET });
      return;
    }
    rest.level = Math.max(0, Math.min(LEVEL_MAX, rest.level + (paid ? -1 : 1)));
    rest.until = icount + QUIET * 2 ** rest.level;
    remember(this.#granules, granule, rest);
  }

  /** A region with entries at these addresses did not pay. */
  demoted(addresses: readonly number[], icount: number): void {
    for (const address of addresses) {
      const level = Math.min(LEVEL_MAX, (this.#places.get(address)?.level ?? -1) + 1);
      remember(this.#places, address, { level, until: icount + DEMOTED * 2 ** level });
    }
  }

  /** Whether code at `address` is written too often to be translated now. */
  restless(address: number, icount: number): boolean {
    return this.#granules.size > 0 && icount < (this.#granules.get(Math.floor(address / GRANULE_BYTES))?.until ?? 0);
  }

  /** Whether a region at `address` would not pay now. */
  refuses(address: number, icount: number): boolean {
    return (this.#places.size > 0 && icount < (this.#places.get(address)?.until ?? 0)) || this.restless(address, icount);
  }
}

function remember(rests: Map<number, Rest>, key: number, rest: Rest): void {
  rests.delete(key);
  rests.set(key, rest);
  if (rests.size <= REMEMBERED) return;
  for (const oldest of rests.keys()) {
    rests.delete(oldest);
    return;
  }
}
