/**
 * The frame of a region's function: which local is what, the labels that are open, and the one end, which takes a site apart and writes back
 * what the region has changed. What is emitted between `begin` and `end` leaves through `leave` or `done`. Guest registers are locals where
 * V8's optimiser puts those into registers; its baseline compiler would have them in memory too, and store all of them at each exit.
 */
import { BASE, type Expression } from '../isa/index.ts';
import { ENGINE, WORD } from '../layout.ts';
import { LEFT, SITE, siteOf } from './exits.ts';
import type { Flow } from './flow.ts';
import { groupsOf } from './groups.ts';
import type { PlanInstruction, RegionPlan } from './plan.ts';
import { systemUse } from './system-rows.ts';
import { Code, MEMORY_OP, OP } from './wasm.ts';

/** Locals that every region has; those of guest registers, of groups and of routines follow. */
export const LOCAL = {
  /** What comes next: the entry's number, then that of a dispatch's target, at the end the reason. */
  sel: 0,
  /** Instructions that may still begin. */
  left: 1,
  /** Offset of the data TLB bank in use. */
  bank: 2,
  /** Where control is left for if it leaves now (`siteOf`). */
  site: 3,
  /** The target of an indirect jump, and the pc that the end writes back. */
  pc: 4,
  /** An access's address, the offset of its TLB entry, and what else it has to keep. */
  v: 5,
  e: 6,
  u: 7,
  /** Offset of the jump-cache bank in use. */
  jump: 8,
} as const;
const FIRST_REGISTER = 9;
/** Locals that the routines of system rows have: two of an instruction, and what the routine names. */
const SCRATCH = 16;

/** What an enclosing label leads to. */
export type Label =
  /** `leave`: the end, by the site. `done`: the end, with `pc` and `sel` set. `plain`: nowhere but out of a condition. */
  | { readonly to: 'leave' | 'done' | 'plain' }
  /** The end of it is followed by this block, or by a dispatch of these targets. */
  | { readonly to: 'ahead'; readonly flow: Flow }
  | { readonly to: 'loop'; readonly header: number }
  | { readonly to: 'dispatch'; readonly targets: readonly number[] };

export class Frame {
  readonly code = new Code();
  readonly plan: RegionPlan;
  /** Address of the region's first entry. */
  readonly head: number;
  /** Outermost first. */
  readonly labels: Label[] = [];
  /** How many locals there are besides the parameter. */
  readonly locals: number;
  /** First of the locals for addends of groups. */
  readonly addends: number;
  /** First of the locals for routines. */
  readonly scratch: number;
  /** Local of each guest register that the region uses, or -1: its word in memory is used. */
  readonly #registers = new Int32Array(32).fill(-1);
  /** Local for a value on its way to a guest register that has none. */
  readonly #passing: number;
  /** Registers that are written back, in their order. */
  readonly #written: readonly number[];

  constructor(plan: RegionPlan) {
    this.plan = plan;
    this.head = plan.blocks[plan.entries[0]].pc;
    let next = FIRST_REGISTER;
    this.#passing = next;
    if (!plan.optimised) next++;
    const use = (x: number): void => {
      if (x !== 0 && this.#registers[x] < 0) this.#registers[x] = next++;
    };
    const written = new Set<number>();
    for (const instruction of plan.optimised ? plan.blocks.flatMap(({ instructions }) => instructions) : []) {
      const { rd, rs1, rs2 } = instruction;
      const { reads, writes } = usesOf(instruction);
      if (reads.rs1) use(rs1);
      if (reads.rs2) use(rs2);
      if (!writes || rd === 0) continue;
      use(rd);
      written.add(rd);
    }
    this.#written = [...written].sort((a, b) => a - b);
    this.addends = next;
    const addends = plan.groups ? Math.max(...plan.blocks.map((block) => groupsOf(block).length)) : 0;
    this.scratch = next + addends;
    this.locals = this.scratch - 1 + SCRATCH;
  }

  /** Reads what the region uses, and opens the labels of its end. */
  begin(): void {
    for (let x = 1; x < 32; x++) if (this.#registers[x] >= 0) this.loadWord(WORD.x + x).set(this.#registers[x]);
    this.loadWord(ENGINE.left).set(LOCAL.left);
    this.loadWord(ENGINE.dataBank).set(LOCAL.bank);
    if (this.plan.entries.length > 1) this.loadWord(ENGINE.jumpBank).set(LOCAL.jump);
    this.open({ to: 'done' });
    this.open({ to: 'leave' });
  }

  /** Control does not fall into the end: it leaves, or is done. */
  end(): void {
    const { code } = this;
    code.op(OP.unreachable);
    this.close();
    code.get(LOCAL.site).constant(SITE.distance).op(OP.i32ShrS).constant(1).op(OP.i32Shl).constant(this.head).op(OP.i32Add).set(LOCAL.pc);
    code.get(LOCAL.left).get(LOCAL.site).constant(SITE.unbegun).op(OP.i32And).op(OP.i32Add).set(LOCAL.left);
    code.get(LOCAL.site).constant(SITE.reason).op(OP.i32ShrU).constant(SITE.reasons).op(OP.i32And).set(LOCAL.sel);
    this.close();
    for (const x of this.#written) this.storeWord(WORD.x + x, () => code.get(this.#registers[x]));
    this.storeWord(ENGINE.left, () => code.get(LOCAL.left));
    this.storeWord(WORD.pc, () => code.get(LOCAL.pc));
    code.get(LOCAL.sel);
  }

  // --- Labels and exits ---------------------------------------------------------------------------------------------------------------

  open(label: Label): void {
    this.code.block(label.to === 'loop' || label.to === 'dispatch' ? OP.loop : OP.block);
    this.labels.push(label);
  }

  /** Opens an `if`. */
  openIf(): void {
    this.code.block(OP.if);
    this.labels.push({ to: 'plain' });
  }

  close(): void {
    this.code.op(OP.end);
    this.labels.pop();
  }

  /** How many labels are inside the one at this index: the immediate of a branch to it. */
  depthOf(index: number): number {
    return this.labels.length - 1 - index;
  }

  depthTo(kind: 'leave' | 'done'): number {
    return this.depthOf(this.labels.findLastIndex((label) => label.to === kind));
  }

  /** Where control will be if it leaves from here on: at `pc`, with so many instructions counted that have not begun. */
  setSite(pc: number, reason: number, unbegun: number): void {
    this.code.constant(siteOf(pc - this.head, reason, unbegun)).set(LOCAL.site);
  }

  /** What follows may leave before the instruction in hand, which has then not begun either. */
  mayMiss(instruction: PlanInstruction, unbegun: number): void {
    this.setSite(instruction.pc, LEFT.slow, unbegun);
  }

  /** A number is on the stack: leaves by the site unless it is 0. */
  leaveIf(): void {
    this.code.br(OP.brIf, this.depthTo('leave'));
  }

  // --- State --------------------------------------------------------------------------------------------------------------------------

  /** Puts a guest register on the stack. */
  get(x: number): void {
    if (x === 0) this.code.constant(0);
    else if (this.#registers[x] < 0) this.loadWord(WORD.x + x);
    else this.code.get(this.#registers[x]);
  }

  /** Takes a guest register, which is not x0, from the stack. */
  set(x: number): void {
    if (this.#registers[x] >= 0) this.code.set(this.#registers[x]);
    else {
      this.code.set(this.#passing);
      this.storeWord(WORD.x + x, () => this.code.get(this.#passing));
    }
  }

  /** Puts a word of the machine's memory on the stack. */
  loadWord(word: number): Code {
    return this.code.constant(0).memory(MEMORY_OP.i32Load, word * 4);
  }

  storeWord(word: number, value: () => void): void {
    this.code.constant(0);
    value();
    this.code.memory(MEMORY_OP.i32Store, word * 4);
  }
}

/** Which operands a row reads and whether it writes rd, by its tree. */
function usesOf(instruction: PlanInstruction): { reads: { rs1: boolean; rs2: boolean }; writes: boolean } {
  const row = BASE[instruction.op];
  switch (row.kind) {
    case 'rd':
    case 'load':
      return { reads: readsOf([row.rd]), writes: true };
    case 'store':
      return { reads: readsOf([row.address, row.value]), writes: false };
    case 'branch':
      return { reads: readsOf([row.condition]), writes: false };
    case 'jump':
      return { reads: readsOf([row.target]), writes: true };
    case 'amo':
    case 'sc':
      return { reads: { rs1: true, rs2: true }, writes: true };
    case 'lr':
      return { reads: { rs1: true, rs2: false }, writes: true };
    case 'system': {
      const use = systemUse(instruction);
      const csr = use.kind === 'csr' ? use.csr : undefined;
      return { reads: { rs1: csr?.immediate === false, rs2: false }, writes: csr !== undefined };
    }
  }
}

function readsOf(nodes: readonly Expression[]): { rs1: boolean; rs2: boolean } {
  const reads = { rs1: false, rs2: false };
  const visit = (node: Expression): void => {
    if (node.node === 'rs1' || node.node === 'rs2') reads[node.node] = true;
    else if (node.node === 'load') visit(node.address);
    else if ('a' in node) {
      visit(node.a);
      visit(node.b);
    }
  };
  for (const node of nodes) visit(node);
  return reads;
}
