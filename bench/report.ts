/** What a suite hands back, and the few statistics that all of them use. */

export type Rows = readonly Readonly<Record<string, string | number>>[];

export interface Report {
  readonly rows: Rows;
  /** Further tables, by title. */
  readonly more?: Readonly<Record<string, Rows>>;
  readonly notes: readonly string[];
}

/** What a suite was asked for on the command line; each takes what concerns it. */
export interface Asked {
  readonly runs: number | undefined;
  /** Names of guests; all when undefined. */
  readonly only: readonly string[] | undefined;
  readonly engine: string | undefined;
  readonly instructions: number | undefined;
  /** Runs once, and half the instructions: with fewer, what V8 spends on optimising would show as speed. */
  readonly quick: boolean;
  readonly noQemu: boolean;
  readonly showHeldBack: boolean;
  /** For the node that runs the machine. */
  readonly nodeFlags: readonly string[];
  /** Of `linux`: files, and the kernel's command line. */
  readonly kernel: string | undefined;
  readonly disk: string | undefined;
  readonly append: string | undefined;
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

/** NaN for none. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** A share for people. */
export function percent(share: number): string {
  return `${short(share * 100)} %`;
}
