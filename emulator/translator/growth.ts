/**
 * What becomes a region: where control arrives often, with what it reaches from there, and what control keeps coming to from a region, which is
 * then made anew with that in it. Speed, never state.
 */
import type { Hart } from '../hart/hart.ts';
import { ENGINE } from '../layout.ts';
import { physical, type Region, type RegionCache, type Wanted } from './cache.ts';
import { SLOTS } from './dispatcher.ts';
import { explore, REGION_MAX } from './region.ts';
import { View } from './view.ts';

/** Arrivals before a region is asked for, where the option does not say. */
const THRESHOLD = { auto: 2000, translator: 1 } as const;
/** A guest that starts runs much of its code once: before this icount it takes so many times as many. */
const YOUNG = { until: 100_000_000, factor: 2 } as const;
/** Arrivals at an address that took another's place in the jump cache before it is looked for again: two that go to and fro find themselves seldom. */
const CROWDED = 64;
/** Addresses whose rounds are remembered. */
const ROUNDS_MAX = 65536;
/** Records count so many arrivals at most before the engine is asked, which counts the rounds. */
const ROUND = 250;
/** A region is made anew so many times to take in ways that were not gone before; then those ways get regions of their own. */
const GENERATIONS_MAX = 6;
/** Instructions of a region that has grown. */
const GROWN_MAX = 1000;
/** Where regions are left for each other more often than once in so many instructions, the two that do it most grow together. */
const TOGETHER_WITHIN = 400;
/**
 * How often each instruction of a region must have run, on average, before V8's optimiser compiles it, where the option does not say: at 1 ns that
 * its code saves, about what the optimiser costs (35 µs an instruction).
 */
const OPTIMISED_AFTER = 30_000;
/** How often a pair must have been found at it, at stops, which are a fair sample. */
const FOUND_TOGETHER = 10;

export interface GrowthOptions {
  /** Arrivals at an address before a region is asked for. */
  readonly threshold?: number;
  /** How often each of a region's instructions has run, on average, before V8's optimiser compiles it. */
  readonly optimisedAfter?: number;
}

/** Arrivals that a decoded record counts down before the engine is asked about it for the first time. `threshold`: of the options. */
export function firstRound(engine: 'interpreter' | 'translator' | 'auto', threshold: number | undefined): number {
  return engine === 'interpreter' ? ROUND : Math.min(ROUND, threshold ?? THRESHOLD[engine]);
}

/** Whether a region may be made anew with more in it. */
export const mayGrow = ({ generation, outline }: Region): boolean => generation < GENERATIONS_MAX && !(outline.full && generation > 0);

export class Growth {
  readonly #hart: Hart;
  readonly #cache: RegionCache;
  readonly #eager: boolean;
  readonly #synchronous: boolean;
  readonly #threshold: number;
  readonly #optimisedAfter: number;
  /** Rounds of arrivals that addresses without a region have had. */
  readonly #rounds = new Map<number, number>();
  /** How often two regions were found one after the other, by both slots. */
  readonly #together = new Map<number, number>();

  /** `eager`: code that was never run is explored too, and nothing is left to the interpreter for a while. `synchronous`: a region is there at once. */
  constructor(hart: Hart, cache: RegionCache, eager: boolean, synchronous: boolean, { threshold, optimisedAfter }: GrowthOptions) {
    this.#hart = hart;
    this.#cache = cache;
    this.#eager = eager;
    this.#synchronous = synchronous;
    this.#threshold = threshold ?? THRESHOLD[eager ? 'translator' : 'auto'];
    this.#optimisedAfter = optimisedAfter ?? OPTIMISED_AFTER;
  }

  /**
   * The arrivals of the record at `at`, which is pc's, have run out: whether there is a region to go on with. `from`: the region that control
   * has just left, if any.
   */
  arrive(at: number, from: Region | undefined): boolean {
    const hart = this.#hart;
    const { pc } = hart;
    const known = this.#cache.has(pc);
    if (known || this.#cache.find(pc)) {
      hart.code.arrivals[at >> 1] = !known && this.#cache.displaced ? CROWDED : 1;
      return true;
    }
    const frame = hart.code.frameOf(at);
    if (!this.#eager && this.#cache.patience.refuses(physical(frame, pc), hart.icount)) return false;
    if (!this.#cache.isWaiting(frame, pc)) {
      if (this.#isWarming(at, physical(frame, pc))) return false;
      // A way that a region did not know is taken into it; one that has changed often enough is left as it is.
      const near = from?.outline.leaves.includes(pc) ? from : this.#cache.covering(frame, pc);
      if (near === undefined || !mayGrow(near)) this.#request(pc, { asked: [], groups: true, generation: 0, replaces: undefined });
      else if (!near.growing) this.remake(near, near.outline.leaves.includes(pc) ? near.asked : [...near.asked, pc]);
    }
    if (!this.#synchronous) return false;
    this.#cache.flush();
    this.#cache.install();
    return this.#cache.find(pc);
  }

  /**
   * A slice of `slice` instructions ended in a region, which stands for where those instructions were; before that, control went through
   * `entries` regions in `instructions`: the last two of them may belong together.
   */
  sample(slice: number, entries: number, instructions: number): void {
    this.#weigh(slice);
    if (entries < 2 || entries * TOGETHER_WITHIN < instructions) return;
    const { engine } = this.#hart;
    const [from, to] = [this.#cache.bySlot(engine[ENGINE.previous]), this.#cache.bySlot(engine[ENGINE.slot])];
    if (from === undefined || to === undefined || from === to || from.growing || to.growing || !mayGrow(from)) return;
    const pair = from.slot * SLOTS + to.slot;
    const found = (this.#together.get(pair) ?? 0) + 1;
    this.#together.set(pair, found);
    if (found < FOUND_TOGETHER) return;
    // Whoever else was found beside one of the two comes along.
    const asked = new Set(from.asked);
    for (const [other, times] of this.#together) {
      const [a, b] = [Math.floor(other / SLOTS), other % SLOTS];
      if (times < 2 || ![a, b].some((slot) => slot === from.slot || slot === to.slot)) continue;
      for (const slot of [a, b]) for (const pc of this.#cache.bySlot(slot)?.entries ?? []) asked.add(pc);
    }
    this.#together.clear();
    this.remake(from, [...asked]);
  }

  /** Asks for another in the region's place. `asked` and `groups` as in `Region`. */
  remake(region: Region, asked: readonly number[], groups = region.groups): void {
    this.#request(region.head, { asked, groups, generation: region.generation + 1, replaces: region });
  }

  /** The region where a slice ended has run for so long that V8's optimiser is worth its time: the same again, by that. */
  #weigh(slice: number): void {
    const region = this.#cache.bySlot(this.#hart.engine[ENGINE.slot])!;
    region.weight += slice;
    const { outline, asked, groups, generation } = region;
    if (region.optimised || region.growing || !this.#isWorthOptimising(outline.size, region.weight)) return;
    this.#request(region.head, { asked, groups, generation, optimised: true, replaces: region });
  }

  #isWorthOptimising(size: number, weight: number): boolean {
    return weight >= this.#optimisedAfter * size;
  }

  #request(head: number, wanted: Omit<Wanted, 'optimised'> & { readonly optimised?: true }): void {
    const { asked, generation, replaces } = wanted;
    const view = new View(this.#hart, this.#cache, this.#eager);
    const explored = explore(head, asked, view, generation === 0 ? REGION_MAX : GROWN_MAX);
    if (explored === undefined) return;
    const optimised = wanted.optimised ?? this.#isWorthOptimising(explored.size, replaces?.weight ?? 0);
    this.#cache.request(explored, view.pages(), { ...wanted, optimised });
  }

  /** Whether the record at `at` has not been arrived at often enough for a region: a round less is left. */
  #isWarming(at: number, address: number): boolean {
    const round = (this.#rounds.get(address) ?? 0) + 1;
    const threshold = this.#threshold * (this.#hart.icount < YOUNG.until ? YOUNG.factor : 1);
    if (round * ROUND >= threshold) {
      this.#rounds.delete(address);
      return false;
    }
    if (this.#rounds.size >= ROUNDS_MAX) this.#rounds.clear();
    this.#rounds.set(address, round);
    this.#hart.code.arrivals[at >> 1] = ROUND - 1;
    return true;
  }
}
