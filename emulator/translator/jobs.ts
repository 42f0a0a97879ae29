/** Regions on their way through the compiler: what is asked while it is busy comes together, as one more job. */
import type { Region } from './cache.ts';
import type { Compiled, Compiler } from './compiler.ts';
import type { PlanMemory } from './plan.ts';

/** Jobs that a compiler has at one time. One that loses jobs is not waited for: after so many flushes it gets the next. */
const JOBS_MAX = 4;
const HELD_MAX = 16;

export class Jobs {
  readonly #compiler: Compiler;
  readonly #memory: PlanMemory;
  /** Asked for and not sent. */
  #waiting: Region[] = [];
  /** What was sent and has not come back, by number of the job. */
  readonly #sent = new Map<number, readonly Region[]>();
  #next = 0;
  /** Flushes since one was sent. */
  #held = 0;

  constructor(compiler: Compiler, memory: PlanMemory) {
    this.#compiler = compiler;
    this.#memory = memory;
  }

  add(region: Region): void {
    this.#waiting.push(region);
  }

  /** Sends what waits, unless the compiler is busy. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    this.#held++;
    if (this.#sent.size >= JOBS_MAX && this.#held < HELD_MAX) return;
    this.#held = 0;
    const regions = this.#waiting.filter(({ state }) => state === 'waiting');
    this.#waiting = [];
    if (regions.length === 0) return;
    const id = this.#next++;
    this.#sent.set(id, regions);
    const memory = this.#memory;
    const plans = regions.map(({ slot, groups, explored: { blocks, entries } }) => ({ slot, blocks, entries, groups, memory }));
    this.#compiler.request({ id, regions: plans });
  }

  /** What the compiler has done, with the regions of it in their order; undefined when there is nothing. */
  take(): { readonly regions: readonly Region[]; readonly compiled: Compiled } | undefined {
    const compiled = this.#compiler.take();
    if (compiled === undefined) return undefined;
    const regions = this.#sent.get(compiled.id) ?? [];
    this.#sent.delete(compiled.id);
    return { regions, compiled };
  }
}
