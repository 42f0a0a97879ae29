/** The records of the ring's stress test: lengths from 0 to the largest, mostly short, bytes from a small generator. */
export function recordOf(seed: number, index: number, largest: number): Uint8Array {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 8;
  };
  const length = next() % 16 === 0 ? next() % (largest + 1) : next() % Math.min(64, largest + 1);
  return Uint8Array.from({ length }, () => next() & 0xff);
}

/** As `recordOf`, but never empty: what goes over a link. */
export function batchOf(seed: number, index: number): Uint8Array {
  return Buffer.concat([Buffer.of(index & 0xff), recordOf(seed, index, 4000)]);
}
