/** A region plan: decoded instructions in blocks, and where each block may go next. Plain data: a compiler on another thread reads it. */

/** As `decode` gave it, with its virtual address. */
export interface PlanInstruction {
  readonly pc: number;
  /** Index of the row in BASE. */
  readonly op: number;
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly imm: number;
  readonly length: 2 | 4;
  /** A store that has met watched pages without code in the granule: it looks at the granule before it gives up. */
  readonly looksAtGranule?: true;
}

/** A block's number, or an address outside the region: -1 with `pc`. */
export interface Target {
  readonly block: number;
  readonly pc: number;
}

export type BlockEnd =
  /** On to the next address. */
  | { readonly kind: 'fall'; readonly to: Target }
  /** The last instruction is a branch. */
  | { readonly kind: 'branch'; readonly taken: Target; readonly not: Target }
  /** The last instruction is a jal. */
  | { readonly kind: 'jump'; readonly to: Target }
  /** The last instruction is a jalr. `expected`: where it probably goes; tried first. */
  | { readonly kind: 'indirect'; readonly expected: Target | undefined }
  /** The last instruction is an ecall, mret or sret: the dispatcher's. */
  | { readonly kind: 'leave'; readonly by: 'ecall' | 'mret' | 'sret' }
  /** The instruction at `pc` is the interpreter's. */
  | { readonly kind: 'slow'; readonly pc: number };

export interface PlanBlock {
  readonly pc: number;
  readonly instructions: readonly PlanInstruction[];
  readonly end: BlockEnd;
}

export interface RegionPlan {
  /** Slot of the dispatcher's table that the region will have. */
  readonly slot: number;
  readonly blocks: readonly PlanBlock[];
  /** Blocks that may be entered from outside, in the order of entry numbers; the first is the head. */
  readonly entries: readonly number[];
  /** Accesses of a block by the same pointer share a look at the TLB. */
  readonly groups: boolean;
  /** V8's optimiser compiles it, which costs ten times as much as its baseline compiler. */
  readonly optimised: boolean;
  /** What is where in the machine's memory. */
  readonly memory: PlanMemory;
}

export interface PlanMemory {
  readonly tlbEntries: number;
  readonly granules: number;
  readonly memory: number;
  readonly ramPages: number;
}
