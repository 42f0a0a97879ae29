/** What a suite hands back, and the few statistics that all of them use. */

export interface Report {
  readonly rows: readonly Readonly<Record<string, string | number>>[];
  readonly notes: readonly string[];
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value at rank ceil(q * n); NaN for none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

/** `x` with three significant digits. */
export function short(x: number): number {
  return Number(x.toPrecision(3));
}

/** Wall seconds that `work` takes. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}
