/**
 * Regions on their way through the compiler: what is asked while it is busy comes together, as one more job. Those for V8's optimiser, which
 * takes long, go by themselves, so that nothing waits for them.
 */
import type { Region } from './cache.ts';
import type { Compiled, Compiler } from './compiler.ts';
import type { PlanMemory } from './plan.ts';

/** Jobs of each kind that a compiler has at one time. */
const JOBS_MAX = { baseline: 4, optimised: 2 } as const;
/** A compiler that loses jobs is not waited for: after so many flushes it gets the next. */
const HELD_MAX = 16;

type Kind = keyof typeof JOBS_MAX;
const KINDS: readonly Kind[] = ['baseline', 'optimised'];

/** Jobs of one kind. */
interface Lane {
  readonly kind: Kind;
  /** Asked for and not sent. */
  waiting: Region[];
  /** What was sent and has not come back, by number of the job. */
  readonly sent: Map<number, readonly Region[]>;
  /** Flushes since one was sent. */
  held: number;
}

export class Jobs {
  readonly #compiler: Compiler;
  readonly #memory: PlanMemory;
  readonly #lanes: readonly Lane[] = KINDS.map((kind) => ({ kind, waiting: [], sent: new Map(), held: 0 }));
  #next = 0;

  constructor(compiler: Compiler, memory: PlanMemory) {
    this.#compiler = compiler;
    this.#memory = memory;
  }

  add(region: Region): void {
    this.#lanes[region.optimised ? 1 : 0].waiting.push(region);
  }

  /** Sends what waits, unless the compiler is busy. */
  flush(): void {
    for (const lane of this.#lanes) if (lane.waiting.length > 0) this.#flush(lane);
  }

  #flush(lane: Lane): void {
    lane.held++;
    if (lane.sent.size >= JOBS_MAX[lane.kind] && lane.held < HELD_MAX) return;
    lane.held = 0;
    const regions = lane.waiting.filter(({ state }) => state === 'waiting');
    lane.waiting = [];
    if (regions.length === 0) return;
    const id = this.#next++;
    lane.sent.set(id, regions);
    const memory = this.#memory;
    const plans = regions.map(({ slot, groups, optimised, plan }) => ({ slot, groups, optimised, memory, ...plan! }));
    for (const region of regions) region.plan = undefined;
    this.#compiler.request({ id, regions: plans });
  }

  /** What the compiler has done, with the regions of it in their order; undefined when there is nothing. */
  take(): { readonly regions: readonly Region[]; readonly compiled: Compiled } | undefined {
    const compiled = this.#compiler.take();
    if (compiled === undefined) return undefined;
    const regions = this.#lanes.flatMap(({ sent }) => sent.get(compiled.id) ?? []);
    for (const { sent } of this.#lanes) sent.delete(compiled.id);
    return { regions, compiled };
  }
}
