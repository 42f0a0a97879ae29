/** A small seeded generator for tests (xorshift128 seeded by splitmix32): the same seed gives the same test on every host. */

export class Random {
  private readonly state = new Uint32Array(4);

  constructor(seed: number) {
    let z = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      z = (z + 0x9e37_79b9) >>> 0;
      let t = z ^ (z >>> 16);
      t = Math.imul(t, 0x21f0_aaad);
      t ^= t >>> 15;
      t = Math.imul(t, 0x735a_2d97);
      this.state[i] = t ^ (t >>> 15);
    }
  }

  /** 32 random bits, unsigned. */
  word(): number {
    const s = this.state;
    let t = s[3];
    const first = s[0];
    s[3] = s[2];
    s[2] = s[1];
    s[1] = first;
    t ^= t << 11;
    t ^= t >>> 8;
    s[0] = t ^ first ^ (first >>> 19);
    return s[0];
  }

  /** An integer from 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor((this.word() / 0x1_0000_0000) * count);
  }

  /** True once in `count` times. */
  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  /** A word that is likely to be an edge of something. */
  edge(): number {
    return this.oneIn(3) ? this.word() : (this.pick(EDGES) ^ (this.oneIn(4) ? 1 << this.below(32) : 0)) >>> 0;
  }
}

/** The seed of a random test: the environment's `SEED`, or one that the caller fixes. Print it. */
export const seedFromEnvironment = (fallback: number): number => Number(process.env.SEED ?? fallback) >>> 0;

const EDGES: readonly number[] = [
  0, 1, 2, 3, 4, 31, 32, 0x7f, 0x80, 0xff, 0x7ff, 0x800, 0xfff, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0x8000_0001,
  0xffff_fffe, 0xffff_ffff, 0x5555_5555, 0xaaaa_aaaa, 0x0001_0001, 0xffff_0000,
];
