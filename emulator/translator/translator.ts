/**
 * The engine that mixes: translated regions where there are some, the interpreter for everything else, and the interpreter's counts to say what
 * is worth a region. Which of the two ran an instruction is invisible (machine.md, "Nothing derived is state").
 */

import { RECORD } from '../hart/code.ts';
import type { Hart } from '../hart/hart.ts';
import { type Execute, makeInterpreter } from '../hart/interpreter.ts';
import { OPERATION_ROW } from '../hart/operations.ts';
import { BASE } from '../isa/index.ts';
import { DATA_ENTRY_WORDS, ENGINE, FETCH_ENTRY_WORDS, GRANULE_BYTES, PAGE_BYTES, WORD } from '../layout.ts';
import { physical, type Region, RegionCache } from './cache.ts';
import { synchronousCompiler } from './compile.ts';
import type { Compiler } from './compiler.ts';
import { dispatcherModule, NO_REGION, SLOTS } from './dispatcher.ts';
import { LEFT } from './exits.ts';
import { explore, REGION_MAX } from './region.ts';
import type { ExitCause, Statistics } from './statistics.ts';
import { View } from './view.ts';

export interface TranslatorOptions {
  /** Arrivals at an address before a region is asked for. */
  readonly threshold?: number;
  readonly compiler?: Compiler;
  /** Wasm bytes of modules present at one time. */
  readonly codeBytes?: number;
  /** Asks WebAssembly.validate about each module first. */
  readonly validate?: boolean;
}

/** Arrivals before a region is asked for, where the option does not say. */
const THRESHOLD = { auto: 1000, translator: 1 } as const;
/** Records count so many arrivals at most before the engine is asked, which counts the rounds. */
const ROUND = 250;

/** Arrivals that a decoded record counts down before the engine is asked about it for the first time. */
export function firstRound(engine: 'interpreter' | 'translator' | 'auto', options: TranslatorOptions | undefined): number {
  return engine === 'interpreter' ? ROUND : Math.min(ROUND, options?.threshold ?? THRESHOLD[engine]);
}

const CODE_BYTES = 16 << 20;
/** A region is made anew so many times to take in ways that were not gone before; then those ways get regions of their own. */
const GENERATIONS_MAX = 6;
/** Where regions are left for each other more often than once in so many instructions, the two that do it most grow together. */
const TOGETHER_WITHIN = 400;
/** How often a pair must have been found at it, at stops, which are a fair sample. */
const FOUND_TOGETHER = 10;
const SPLITS_MAX = 16;
/** Exits for the interpreter's sake after which a region is judged. */
const JUDGED_AFTER = 64;
/** Where one access in so many instructions is the interpreter's, the region is entered again behind it. */
const RESUMED_WITHIN = 400;
/** With fewer instructions from one such exit to the next, the interpreter alone is faster. */
const BREAK_EVEN = 12;
/** How many plain instructions more a system row costs the interpreter. */
const SYSTEM_COST = 12;
/** A region that was found below so many times in a row goes back to the interpreter for a while. */
const POOR_MAX = 8;
/** Instructions of a region that has grown. */
const GROWN_MAX = 1000;

export class Translator {
  /** The interpreter alone, which asks for no region before the first `execute`: for the warm-up. */
  readonly interpret: Execute;
  readonly #hart: Hart;
  readonly #cache: RegionCache;
  readonly #precisely: (at: number) => void;
  readonly #dispatch: () => number;
  readonly #synchronous: boolean;
  /** Code that was never run is explored too. */
  readonly #eager: boolean;
  readonly #threshold: number;
  /** Rounds of arrivals that addresses without a region have had. */
  readonly #rounds = new Map<number, number>();
  #started = false;
  /** The interpreter stopped behind an instruction that the run loop had to look at. */
  #came = false;
  /** How often two regions were found one after the other, by both slots. */
  readonly #together = new Map<number, number>();
  #translated = 0;
  readonly #exits: Record<ExitCause, number> = { noRegion: 0, budget: 0, slow: 0, look: 0 };

  constructor(hart: Hart, memory: WebAssembly.Memory, eager: boolean, options: TranslatorOptions) {
    const compiler = options.compiler ?? synchronousCompiler(options.validate ?? false);
    this.#hart = hart;
    this.#eager = eager;
    this.#synchronous = options.compiler === undefined;
    this.#threshold = options.threshold ?? THRESHOLD[eager ? 'translator' : 'auto'];
    this.#cache = new RegionCache(hart, memory, compiler, options.codeBytes ?? CODE_BYTES);
    const module = new WebAssembly.Module(dispatcherModule(hart.memory.layout));
    const { exports } = new WebAssembly.Instance(module, { env: { memory, table: this.#cache.table } });
    this.#dispatch = exports.dispatch as () => number;
    const { execute, precisely } = makeInterpreter(hart, (at) => this.#arrive(at, undefined));
    this.interpret = execute;
    this.#precisely = precisely;
  }

  /** As the interpreter's `execute`. */
  readonly execute: Execute = () => {
    const hart = this.#hart;
    const { engine, words } = hart;
    this.#started = true;
    this.#cache.flush();
    this.#cache.install();
    for (;;) {
      const { left } = hart;
      const entered = engine[ENGINE.entered];
      engine[ENGINE.left] = left;
      const reason = this.#dispatch();
      const rest = engine[ENGINE.left];
      hart.left = rest;
      hart.absorbEngine();
      this.#translated += left - rest;
      if (reason === LEFT.slow) this.#slow(this.#cache.bySlot(engine[ENGINE.slot])!, left - rest);
      else if (reason === LEFT.split) this.#split(this.#cache.bySlot(engine[ENGINE.slot])!);
      else if (reason === LEFT.budget) {
        this.#exits.budget++;
        this.#sample((engine[ENGINE.entered] - entered) | 0, left - rest);
      } else if (reason === LEFT.look) {
        this.#exits.look++;
        hart.attention = true;
        return;
      } else {
        this.#exits.noRegion++;
        if (left !== rest && !this.#eager) this.#leftRestless(left - rest);
        if (reason !== NO_REGION) throw new Error(`the dispatcher left with ${reason}`);
        // Where nothing has run it is no arrival, unless there is a region that the jump cache has lost.
        const at = this.#record(words[WORD.pc]);
        const { arrivals } = hart.code;
        if (at >= 0 && (left !== rest || this.#came || arrivals[at >> 1] === 1)) {
          arrivals[at >> 1]--;
          if (arrivals[at >> 1] === 0 && this.#arrive(at, left === rest ? undefined : this.#cache.bySlot(engine[ENGINE.slot]))) continue;
        }
      }
      this.#came = false;
      if (rest === 0) return;
      const at = reason === LEFT.slow ? this.#record(words[WORD.pc]) : -1;
      if (at >= 0) {
        hart.left--;
        this.#precisely(at);
      } else this.interpret();
      if (hart.attention) {
        // Behind a device's access a region may begin, as behind a system row.
        this.#came = true;
        return;
      }
      if (hart.left === 0) return;
    }
  };

  dropSome(choose: () => boolean): void {
    this.#cache.dropSome(choose);
  }

  statistics(instructions: number): Statistics {
    const { installed, compiled, invalidated, evicted, demoted, modules, wasmBytes, compileMs } = this.#cache.counts();
    const entered = this.#hart.engine[ENGINE.entered] >>> 0;
    return {
      instructions: { interpreter: instructions - this.#translated, translator: this.#translated },
      regions: { installed, compiled, invalidated, evicted, demoted, entered },
      ...{ modules, wasmBytes, compileMs, exits: { ...this.#exits } },
    };
  }

  /** Index of the first word of the decoded record at `pc`, or -1 when the fetch TLB does not have its page. */
  #record(pc: number): number {
    const { fetch, fetchBank, memory } = this.#hart;
    const f = fetchBank + ((pc >>> 11) & ((memory.layout.fetchEntries - 1) * FETCH_ENTRY_WORDS));
    return fetch[f] === (pc & -PAGE_BYTES) ? fetch[f + 1] + (pc & (PAGE_BYTES - 1)) : -1;
  }

  /** The arrivals of the record at `at`, which is pc's, have run out: whether there is a region to go on with. */
  #arrive(at: number, from: Region | undefined): boolean {
    if (!this.#started) return false;
    const hart = this.#hart;
    const { pc } = hart;
    if (this.#cache.has(pc) || this.#cache.find(pc)) {
      hart.code.arrivals[at >> 1] = 1;
      return true;
    }
    const frame = hart.code.frameOf(at);
    if (!this.#eager && this.#cache.patience.refuses(physical(frame, pc), hart.icount)) return false;
    if (!this.#cache.isWaiting(frame, pc)) {
      // A way that a region did not know is taken into it; one that has changed often enough is left as it is.
      const near = from?.explored.leaves.has(pc) ? from : this.#cache.covering(frame, pc);
      if (this.#isWarming(at, physical(frame, pc))) return false;
      if (near === undefined || !mayGrow(near)) this.#ask(pc, [], undefined);
      else if (!near.growing) this.#ask(near.head, near.explored.leaves.has(pc) ? near.asked : [...near.asked, pc], near);
    }
    if (!this.#synchronous) return false;
    this.#cache.flush();
    this.#cache.install();
    return this.#cache.find(pc);
  }

  /** Whether the record at `at` has not been arrived at often enough for a region: a round less is left. */
  #isWarming(at: number, address: number): boolean {
    const round = (this.#rounds.get(address) ?? 0) + 1;
    if (round * ROUND >= this.#threshold) {
      this.#rounds.delete(address);
      return false;
    }
    this.#rounds.set(address, round);
    this.#hart.code.arrivals[at >> 1] = ROUND - 1;
    return true;
  }

  /** Control stopped in a region after `entries` of some: the last two of them may belong together. */
  #sample(entries: number, instructions: number): void {
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
    this.#ask(from.head, [...asked], from);
  }

  /** Accesses that share a look at the TLB lay in two pages: a region to which that happens again and again looks for each. */
  #split(region: Region): void {
    this.#exits.slow++;
    region.splits++;
    if (region.splits >= SPLITS_MAX && !region.growing) this.#ask(region.head, region.asked, region, false);
  }

  /** Regions were left after `ran` instructions: counted where the code at pc may not be translated now. */
  #leftRestless(ran: number): void {
    const { code, engine, icount, pc } = this.#hart;
    const region = this.#cache.bySlot(engine[ENGINE.slot]);
    const at = this.#record(pc);
    if (region === undefined || at < 0) return;
    if (this.#cache.patience.restless(physical(code.frameOf(at), pc), icount)) this.#count(region, ran);
  }

  /** `region` was left for the interpreter's sake, after so many instructions in it and others. */
  #slow(region: Region, ran: number): void {
    this.#exits.slow++;
    this.#count(region, ran);
  }

  #count(region: Region, ran: number): void {
    region.ran += ran;
    region.slow++;
    if (region.slow < JUDGED_AFTER) return;
    this.#judge(region);
    this.#cache.flush();
    if (this.#synchronous) this.#cache.install();
  }

  #judge(region: Region): void {
    const apart = region.ran / JUDGED_AFTER;
    region.slow = 0;
    region.ran = 0;
    if (region.growing) return;
    const store = this.#granuleStore();
    if (store !== undefined) {
      this.#cache.granuleStores.add(store);
      // A region that has such a store already has more of them: from now on all its stores look.
      if (storesOf(region).some((one) => one.looksAtGranule)) for (const at of storesOf(region)) this.#cache.granuleStores.add(at.place);
      this.#ask(region.head, region.asked, region);
      return;
    }
    const next = apart < RESUMED_WITHIN && mayGrow(region) ? this.#behindAccess() : undefined;
    if (next !== undefined && !region.entries.includes(next)) {
      this.#ask(region.head, [...region.asked, next], region);
      return;
    }
    region.poor = apart >= BREAK_EVEN || apart * worthOf(region) >= BREAK_EVEN ? 0 : region.poor + 1;
    if (region.poor >= POOR_MAX && !this.#eager) this.#cache.drop(region, 'demoted');
  }

  /** The address behind the instruction at pc, if that is an access to memory. */
  #behindAccess(): number | undefined {
    const { code, pc } = this.#hart;
    const at = this.#record(pc);
    if (at < 0 || !ACCESSES.has(BASE[OPERATION_ROW[code.records[at] & 255]]?.kind)) return undefined;
    return (pc + (code.records[at] >> RECORD.length)) | 0;
  }

  /** Physical address of the instruction at pc if it writes to a granule without code, and only that the page has code is in its way. */
  #granuleStore(): number | undefined {
    const { code, words, data, dataBank, memory, pc } = this.#hart;
    const at = this.#record(pc);
    const op = at < 0 ? -1 : OPERATION_ROW[code.records[at] & 255];
    const row = op < 0 ? undefined : BASE[op];
    if (row === undefined || (row.kind !== 'store' && row.kind !== 'amo' && row.kind !== 'sc')) return undefined;
    const address = words[WORD.x + ((code.records[at] >> RECORD.rs1) & 31)] + (row.kind === 'store' ? code.records[at + 1] : 0);
    const width = row.kind === 'store' ? row.width : 4;
    const { tlbEntries, granules } = memory.layout;
    const entry = dataBank + ((address >>> 12) & (tlbEntries - 1)) * DATA_ENTRY_WORDS;
    if (data[entry + 3] !== (address & (-PAGE_BYTES + width - 1))) return undefined;
    const granule = (((address + data[entry + 2]) | 0) - memory.layout.memory) / GRANULE_BYTES;
    if ((memory.bytes[granules + (granule >>> 3)] & (1 << (granule & 7))) !== 0) return undefined;
    return physical(code.frameOf(at), pc);
  }

  #ask(head: number, asked: readonly number[], replaces: Region | undefined, groups = replaces?.groups ?? true): void {
    const view = new View(this.#hart, this.#cache, this.#eager);
    const explored = explore(head, asked, view, replaces === undefined ? REGION_MAX : GROWN_MAX);
    if (explored !== undefined) this.#cache.request(explored, view.pages(), asked, groups, replaces);
  }
}

/** What one of the region's instructions costs the interpreter, where plain ones cost it 1. */
function worthOf({ explored }: Region): number {
  let [all, system] = [0, 0];
  for (const { instructions } of explored.blocks) {
    all += instructions.length;
    for (const { op } of instructions) if (BASE[op].kind === 'system') system++;
  }
  return 1 + (SYSTEM_COST * system) / Math.max(1, all);
}

/** Instructions of a region that write, and the physical address of each. */
const storesOf = ({ explored, pages }: Region): { place: number; looksAtGranule: boolean }[] =>
  explored.blocks.flatMap(({ instructions }) =>
    instructions
      .filter(({ op }) => WRITES.has(BASE[op].kind))
      .map(({ pc, looksAtGranule = false }) => ({
        place: physical(pages.find(({ page }) => page === (pc & -PAGE_BYTES))!.frame, pc),
        looksAtGranule,
      })),
  );

const WRITES: ReadonlySet<string | undefined> = new Set(['store', 'amo', 'sc']);
const ACCESSES: ReadonlySet<string | undefined> = new Set([...WRITES, 'load', 'lr']);

const mayGrow = ({ generation, explored }: Region): boolean => generation < GENERATIONS_MAX && !(explored.full && generation > 0);
