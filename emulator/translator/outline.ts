/**
 * What is kept of a region's plan when the compiler has it: its instructions as objects would be most of what a machine's thread has on its
 * heap.
 */
import { BASE } from '../isa/index.ts';
import type { Explored } from './region.ts';

export interface Outline {
  /** Addresses of its blocks. */
  readonly starts: Int32Array;
  /** Addresses outside that blocks go to. */
  readonly leaves: Int32Array;
  /** Instructions, and how many of them are system rows. */
  readonly size: number;
  readonly system: number;
  /** Physical addresses of its instructions that write to memory. */
  readonly stores: Int32Array;
  /** One of them looks at the granule. */
  readonly looks: boolean;
  /** It ended at the cap, not where the code did. */
  readonly full: boolean;
}

/** `physical`: of an instruction's address. */
export function outlineOf({ blocks, leaves, size, full }: Explored, physical: (pc: number) => number): Outline {
  const stores: number[] = [];
  let system = 0;
  let looks = false;
  for (const { instructions } of blocks) {
    for (const { pc, op, looksAtGranule } of instructions) {
      const { kind } = BASE[op];
      if (kind === 'system') system++;
      if (!WRITES.has(kind)) continue;
      stores.push(physical(pc));
      looks ||= looksAtGranule === true;
    }
  }
  return {
    ...{ size, system, looks, full },
    starts: Int32Array.from(blocks, ({ pc }) => pc),
    leaves: Int32Array.from(leaves),
    stores: Int32Array.from(stores),
  };
}

/** Kinds of rows that write to memory. */
export const WRITES: ReadonlySet<string | undefined> = new Set(['store', 'amo', 'sc']);
