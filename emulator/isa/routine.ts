/**
 * What several words of hart state become at once, as data: trap entry, returns, writes to mstatus. Both engines are folded from the same
 * statements, so that neither has a second opinion of what a trap is. Values are 32-bit words, as in `expression.ts`.
 */
import type { Binary } from './expression.ts';

/** Run in order; the last one gives an outcome on every path. */
export interface Routine {
  /** Names of its arguments. */
  readonly parameters: readonly string[];
  readonly statements: readonly Statement[];
}

export type Statement =
  /** Names a value once, for all statements after it. */
  | { readonly kind: 'let'; readonly name: string; readonly value: Value }
  | { readonly kind: 'set'; readonly word: number; readonly value: Value }
  | { readonly kind: 'when'; readonly condition: Value; readonly then: readonly Statement[]; readonly otherwise: readonly Statement[] }
  /** Ends the routine with one of `OUTCOME`. */
  | { readonly kind: 'end'; readonly outcome: Value };

export const OUTCOME = {
  /** Nothing was changed: this case is for the precise path in TypeScript. */
  leave: 0,
  done: 1,
  /** Done, and an interrupt may be taken now that was not before: the run loop looks. */
  look: 2,
} as const;

export type Value =
  | { readonly node: 'constant'; readonly value: number }
  /** A parameter, or what a `let` named. */
  | { readonly node: 'named'; readonly name: string }
  /** A word of hart state or of ENGINE (`layout.ts`), as it is when this is evaluated. */
  | { readonly node: 'word'; readonly word: number }
  /** The word at `first` + `index`. */
  | { readonly node: 'element'; readonly first: number; readonly index: Value }
  /** `a` when the condition is not 0, else `b`. Both may be evaluated. */
  | { readonly node: 'choose'; readonly condition: Value; readonly a: Value; readonly b: Value }
  | { readonly node: Binary; readonly a: Value; readonly b: Value };

export const constant = (value: number): Value => ({ node: 'constant', value });
export const named = (name: string): Value => ({ node: 'named', name });
export const word = (at: number): Value => ({ node: 'word', word: at });
export const element = (first: number, index: Value): Value => ({ node: 'element', first, index });
export const choose = (condition: Value, a: Value, b: Value): Value => ({ node: 'choose', condition, a, b });
export const binary = (node: Binary, a: Value, b: Value): Value => ({ node, a, b });

export const define = (name: string, value: Value): Statement => ({ kind: 'let', name, value });
export const set = (at: number, value: Value): Statement => ({ kind: 'set', word: at, value });
export const when = (condition: Value, then: readonly Statement[], otherwise: readonly Statement[] = []): Statement => ({
  ...{ kind: 'when', condition, then, otherwise },
});
export const end = (outcome: Value): Statement => ({ kind: 'end', outcome });
