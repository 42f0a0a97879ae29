/**
 * Samples of the guest as a CPU profile that Chrome DevTools opens (`Profiler.Profile` of the DevTools protocol): below the root a node for
 * each privilege mode, below that one for each function by the images' symbols, or for a raw address where there is none.
 */
import { type CodeSymbol, codeSymbols } from '../../emulator/index.ts';
import type { Sample } from './profile-samples.ts';

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Microseconds. */
  readonly startTime: number;
  readonly endTime: number;
  /** Ids of nodes, and the time from each sample (of the first: the start) to the one before: a sample lasts until the next. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly scriptId: string;
    readonly url: string;
    readonly lineNumber: number;
    readonly columnNumber: number;
  };
  hitCount: number;
  readonly children: number[];
}

/** An image's file, and its name for people. */
export interface ProfiledImage {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const MODES = { 0: 'U-mode', 1: 'S-mode', 3: 'M-mode' } as const;
/** Raw addresses that have a node each; beyond them, one for each page. */
const RAW_MAX = 10_000;
const PAGE_BYTES = 4096;

export function cpuProfile(recorded: Iterable<Sample>, images: readonly ProfiledImage[]): CpuProfile {
  const symbols = images.flatMap(({ name, bytes }) => codeSymbols(bytes).map((symbol) => ({ ...symbol, image: name })));
  symbols.sort((a, b) => a.address - b.address);
  const nodes: ProfileNode[] = [];
  const ids = new Map<string, ProfileNode>();
  const node = (parent: ProfileNode | undefined, functionName: string, url: string): ProfileNode => {
    const key = `${parent?.id ?? 0} ${url} ${functionName}`;
    const known = ids.get(key);
    if (known !== undefined) return known;
    const callFrame = { functionName, scriptId: '0', url, lineNumber: -1, columnNumber: -1 };
    const made: ProfileNode = { id: nodes.length + 1, callFrame, hitCount: 0, children: [] };
    nodes.push(made);
    parent?.children.push(made.id);
    ids.set(key, made);
    return made;
  };
  const root = node(undefined, '(root)', '');
  const raw = new Set<number>();
  const samples: number[] = [];
  const timeDeltas: number[] = [];
  let [endTime, before] = [0, 0];
  for (const { at, micros } of recorded) {
    let here: ProfileNode;
    if (at === undefined) here = node(root, '(idle)', '');
    else {
      const mode = node(root, MODES[at.privilege], '');
      const symbol = symbolAt(symbols, at.pc);
      if (symbol === undefined && raw.size < RAW_MAX) raw.add(at.pc);
      here =
        symbol !== undefined
          ? node(mode, symbol.name, symbol.image)
          : node(mode, raw.has(at.pc) ? hex(at.pc) : `page ${hex(at.pc - (at.pc % PAGE_BYTES))}`, '');
    }
    here.hitCount += 1;
    samples.push(here.id);
    timeDeltas.push(before);
    before = micros;
    endTime += micros;
  }
  return { nodes, startTime: 0, endTime, samples, timeDeltas };
}

/** The last symbol at or below `pc`, if `pc` is in it. */
function symbolAt<S extends CodeSymbol>(symbols: readonly S[], pc: number): S | undefined {
  let [low, high] = [0, symbols.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (symbols[middle].address <= pc) low = middle + 1;
    else high = middle;
  }
  const found = symbols[low - 1];
  return found !== undefined && pc < found.end ? found : undefined;
}

const hex = (address: number): string => `0x${address.toString(16).padStart(8, '0')}`;
