/** A seeded generator (xorshift32): the simulation's only source of chance, so that a seed is the whole bug report. */

export interface Random {
  /** A whole number from 0 to below - 1. */
  below(limit: number): number;
  /** True once in `times`. */
  oneIn(times: number): boolean;
}

export function random(seed: number): Random {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x6d2b79f5) | 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  for (let i = 0; i < 8; i++) next();
  return { below: (limit) => next() % limit, oneIn: (times) => next() % times === 0 };
}
