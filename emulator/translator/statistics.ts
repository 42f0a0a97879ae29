/** What the engines did: for `--json`, the terminal's status line and the benchmark. Speed, never state. */

/** Why control came back from translated code to TypeScript. */
export const EXITS = ['noRegion', 'budget', 'slow', 'look'] as const;
export type ExitCause = (typeof EXITS)[number];

export interface Statistics {
  readonly instructions: { readonly interpreter: number; readonly translator: number };
  readonly regions: {
    /** Present now. */
    readonly installed: number;
    readonly compiled: number;
    /** Dropped because their code was written, evicted for room, or sent back to the interpreter. */
    readonly invalidated: number;
    readonly evicted: number;
    readonly demoted: number;
    /** Times that one was entered. */
    readonly entered: number;
  };
  readonly modules: { readonly installed: number; readonly compiled: number };
  /** Wasm bytes of the modules present now. */
  readonly wasmBytes: number;
  /** Wall time of the compiler, where it looks at a clock. */
  readonly compileMs: number;
  readonly exits: Readonly<Record<ExitCause, number>>;
}

/** Of a machine that has the interpreter alone. */
export const interpreted = (instructions: number): Statistics => ({
  instructions: { interpreter: instructions, translator: 0 },
  regions: { installed: 0, compiled: 0, invalidated: 0, evicted: 0, demoted: 0, entered: 0 },
  modules: { installed: 0, compiled: 0 },
  wasmBytes: 0,
  compileMs: 0,
  exits: { noRegion: 0, budget: 0, slow: 0, look: 0 },
});
