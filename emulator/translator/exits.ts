/** How a region's function is called and comes back: the agreement between regions, the dispatcher and the engine. */
import type { FunctionType } from './wasm.ts';

/** A region's function: the number of an entry in, a reason of `LEFT` out. */
export const REGION_TYPE: FunctionType = { parameters: 1, results: 1 };

/** Why a region came back. */
export const LEFT = {
  /** The pc is elsewhere: look for its region. */
  on: 0,
  /** Fewer instructions may begin than the block at pc has. */
  budget: 1,
  /** The instruction at pc is the interpreter's. */
  slow: 2,
  /** As `slow`: accesses that were taken for one page's lie in two. */
  split: 3,
  /** An interrupt that is pending may be taken now. */
  look: 4,
  /** The instruction at pc has been counted and is the dispatcher's. */
  ecall: 5,
  mret: 6,
  sret: 7,
} as const;

/** Instructions that one block may have: a site has eight bits for those that have not begun. */
export const BLOCK_MAX = 200;
/** How far a block may be from the region's head, in bytes: a site has 21 bits for half of it. */
export const REACH = 1 << 20;

/** Fields of a site: where a region is left, in one number. The upper bits are half the distance from the head. */
export const SITE = { unbegun: 0xff, reason: 8, reasons: 7, distance: 11 } as const;

/** The site `distance` bytes from the head. `unbegun`: instructions of the block that were counted and have not begun. */
export function siteOf(distance: number, reason: number, unbegun: number): number {
  const half = (distance | 0) >> 1;
  // A pc that is wrong would be a wrong guest: rather no module.
  if ((half << SITE.distance) >> SITE.distance !== half) throw new Error(`an exit ${distance} bytes from its region's head`);
  return (half << SITE.distance) | (reason << SITE.reason) | unbegun;
}
