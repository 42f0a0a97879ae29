/**
 * The engine that mixes: translated regions where there are some, the interpreter for everything else. What is worth a region is for `growth.ts`
 * and `judge.ts` to say. Which of the two ran an instruction is invisible (machine.md, "Nothing derived is state").
 */
import type { Hart } from '../hart/hart.ts';
import { type Execute, makeInterpreter } from '../hart/interpreter.ts';
import { ENGINE } from '../layout.ts';
import { RegionCache } from './cache.ts';
import { synchronousCompiler } from './compile.ts';
import type { Compiler } from './compiler.ts';
import { dispatcherModule, NO_REGION } from './dispatcher.ts';
import { LEFT } from './exits.ts';
import { Growth, type GrowthOptions } from './growth.ts';
import { Judge } from './judge.ts';
import type { ExitCause, Statistics } from './statistics.ts';
import { recordAt } from './view.ts';

export interface TranslatorOptions extends GrowthOptions {
  readonly compiler?: Compiler;
  /** Wasm bytes of modules present at one time. */
  readonly codeBytes?: number;
  /** Asks WebAssembly.validate about each module first. */
  readonly validate?: boolean;
}

/** Where the option does not say. */
const CODE_BYTES = 16 << 20;

export class Translator {
  /** The interpreter alone, which asks for no region before the first `execute`: for the warm-up. */
  readonly interpret: Execute;
  readonly #hart: Hart;
  readonly #cache: RegionCache;
  readonly #growth: Growth;
  readonly #judge: Judge;
  /** Does the instruction of the record at an index. */
  readonly #precisely: (at: number) => void;
  readonly #dispatch: () => number;
  /** `execute` has been called: the warm-up is over. */
  #started = false;
  /** The interpreter stopped behind an instruction that the run loop had to look at. */
  #came = false;
  #translated = 0;
  /** Instructions of the slice in hand. */
  #slice = 0;
  readonly #exits: Record<ExitCause, number> = { noRegion: 0, budget: 0, slow: 0, look: 0 };

  /** `eager` as in `Growth`. */
  constructor(hart: Hart, memory: WebAssembly.Memory, eager: boolean, options: TranslatorOptions) {
    const synchronous = options.compiler === undefined;
    const compiler = options.compiler ?? synchronousCompiler(options.validate ?? false);
    this.#hart = hart;
    this.#cache = new RegionCache(hart, memory, compiler, options.codeBytes ?? CODE_BYTES);
    this.#growth = new Growth(hart, this.#cache, eager, synchronous, options);
    this.#judge = new Judge(hart, this.#cache, this.#growth, eager, synchronous);
    const module = new WebAssembly.Module(dispatcherModule(hart.memory.layout));
    const { exports } = new WebAssembly.Instance(module, { env: { memory, table: this.#cache.table } });
    this.#dispatch = exports.dispatch as () => number;
    const { execute, precisely } = makeInterpreter(hart, (at) => this.#started && this.#growth.arrive(at, undefined));
    this.interpret = execute;
    this.#precisely = precisely;
  }

  /** As the interpreter's `execute`. */
  readonly execute: Execute = () => {
    const hart = this.#hart;
    this.#started = true;
    this.#slice = hart.left;
    this.#cache.flush();
    this.#cache.install();
    for (;;) {
      const { left } = hart;
      const reason = this.#translate();
      const ran = left - hart.left;
      if (reason === LEFT.look) {
        hart.attention = true;
        return;
      }
      if (reason === NO_REGION && this.#arrives(ran)) continue;
      this.#came = false;
      if (hart.left === 0) return;
      this.#interpretFrom(reason);
      if (hart.attention) {
        // Behind a device's access a region may begin, as behind a system row.
        this.#came = true;
        return;
      }
      if (hart.left === 0) return;
    }
  };

  /** Runs what is translated from pc on, and returns the dispatcher's reason. */
  #translate(): number {
    const hart = this.#hart;
    const { engine } = hart;
    const { left } = hart;
    const entered = engine[ENGINE.entered];
    engine[ENGINE.left] = left;
    const reason = this.#dispatch();
    hart.left = engine[ENGINE.left];
    hart.absorbEngine();
    const ran = left - hart.left;
    this.#translated += ran;
    this.#learn(reason, ran, (engine[ENGINE.entered] - entered) | 0);
    return reason;
  }

  /** What each way out of translated code says about the region, or the regions, that it was. */
  #learn(reason: number, ran: number, entries: number): void {
    const slot = this.#hart.engine[ENGINE.slot];
    switch (reason) {
      case LEFT.budget:
        this.#exits.budget++;
        this.#growth.sample(this.#slice, entries, ran);
        return;
      case LEFT.slow:
        this.#exits.slow++;
        this.#judge.slow(this.#cache.bySlot(slot)!, ran);
        return;
      case LEFT.split:
        this.#exits.slow++;
        this.#judge.split(this.#cache.bySlot(slot)!);
        return;
      case LEFT.look:
        this.#exits.look++;
        return;
      case NO_REGION:
        this.#exits.noRegion++;
        if (ran > 0) this.#judge.noRegion(ran);
        return;
      default:
        throw new Error(`the dispatcher left with ${reason}`);
    }
  }

  /** The jump cache has no region for pc: whether there is one to go on with, after all. */
  #arrives(ran: number): boolean {
    const { code, engine, pc } = this.#hart;
    const { arrivals } = code;
    const at = recordAt(this.#hart, pc);
    // Where nothing has run it is no arrival, unless there is a region that the jump cache has lost.
    if (at < 0 || (ran === 0 && !this.#came && arrivals[at >> 1] !== 1)) return false;
    arrivals[at >> 1]--;
    if (arrivals[at >> 1] > 0) return false;
    return this.#growth.arrive(at, ran === 0 ? undefined : this.#cache.bySlot(engine[ENGINE.slot]));
  }

  /** From pc on: one instruction where a region has left for its sake, else to the next address at which a region may be. */
  #interpretFrom(reason: number): void {
    const at = reason === LEFT.slow ? recordAt(this.#hart, this.#hart.pc) : -1;
    if (at < 0) {
      this.interpret();
      return;
    }
    this.#hart.left--;
    this.#precisely(at);
  }

  dropSome(choose: () => boolean): void {
    this.#cache.dropSome(choose);
  }

  statistics(instructions: number): Statistics {
    const { installed, compiled, invalidated, evicted, demoted, modules, wasmBytes, compileMs } = this.#cache.counts();
    const entered = this.#hart.engine[ENGINE.entered] >>> 0;
    return {
      instructions: { interpreter: instructions - this.#translated, translator: this.#translated },
      regions: { installed, compiled, invalidated, evicted, demoted, entered },
      modules,
      wasmBytes,
      compileMs,
      exits: { ...this.#exits },
    };
  }
}
