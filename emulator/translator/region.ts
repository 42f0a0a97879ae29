/**
 * What to compile together: from a hot leader along every way that control has gone before, up to a cap. A short callee is taken in once for
 * each call that leads to it, so that its return has one place to go and the caller's loop stays a loop; longer ones when a region grows.
 */
import { BASE } from '../isa/index.ts';
import { BLOCK_MAX, REACH } from './exits.ts';
import type { BlockEnd, PlanBlock, PlanInstruction, Target } from './plan.ts';
import { systemUse } from './system-rows.ts';

/** Code as the explorer sees it, at virtual addresses. */
export interface CodeView {
  /** The instruction at `pc`; undefined where there is none to translate: never executed, another page's matter, illegal, unmapped. */
  instruction(pc: number): PlanInstruction | undefined;
  /** Addresses in [from, to) that jumps were seen to arrive at. */
  arrivals(from: number, to: number): number[];
}

export interface Explored {
  readonly blocks: readonly PlanBlock[];
  /** Numbers of the blocks that may be entered from outside; the first is the head. */
  readonly entries: readonly number[];
  /** Addresses outside that blocks go to. */
  readonly leaves: ReadonlySet<number>;
  /** How many instructions its blocks have. */
  readonly size: number;
  /** It ended at the cap, not where the code did. */
  readonly full: boolean;
}

/** Instructions of a region, at most: V8's time to optimise a function grows faster than its length. */
export const REGION_MAX = 300;
/** Instructions of a function that is taken in for each call of it. */
const SMALL = 30;
/** How far beyond the code at hand the targets of an indirect jump are looked for, in bytes. */
const TARGETS_WITHIN = 2048;
/** Code farther from the head than this is not looked around for them. */
const SPREAD = 32768;

/** A way in: the region's own, or that of a call that was taken in. */
interface Context {
  readonly id: number;
  readonly depth: number;
  /** Register that holds the return address, the address, and where it is. */
  readonly link: number;
  readonly back: number;
  readonly caller: Context | undefined;
}

interface Node {
  readonly context: Context;
  readonly instruction: PlanInstruction;
}

/** The region from `head`, and from the addresses `asked` for, or undefined when there is no instruction to translate at its head. */
export function explore(head: number, asked: readonly number[], view: CodeView, limit = REGION_MAX): Explored | undefined {
  return new Explorer(head, view, limit).explore(asked);
}

class Explorer {
  readonly #head: number;
  readonly #view: CodeView;
  readonly #limit: number;
  readonly #root: Context;
  readonly #nodes = new Map<number, Node>();
  readonly #leaders = new Set<number>();
  /** Keys that control may come to from outside, in the order found. */
  readonly #entries = new Set<number>();
  readonly #asked = new Set<number>();
  readonly #callees = new Map<number, Context>();
  /** Waiting, by depth of context: the region's own code first. */
  readonly #waiting: { pc: number; context: Context }[][] = [];
  #contexts = 0;
  #indirect = false;

  constructor(head: number, view: CodeView, limit: number) {
    this.#head = head;
    this.#view = view;
    this.#limit = limit;
    this.#root = { id: this.#contexts++, depth: 0, link: 0, back: 0, caller: undefined };
  }

  explore(asked: readonly number[]): Explored | undefined {
    for (const pc of asked) this.#asked.add(pc);
    for (const pc of [this.#head, ...asked]) this.#enter(pc, this.#root);
    this.#drain();
    if (this.#indirect) this.#visitTargets();
    const first = this.#nodes.get(key(this.#root, this.#head));
    if (first === undefined || isSlow(first.instruction)) return undefined;
    this.#findEntries();
    return this.#build();
  }

  // --- Which instructions -------------------------------------------------------------------------------------------------------------

  /** A leader that control may come to from outside. */
  #enter(pc: number, context: Context): void {
    this.#entries.add(key(context, pc));
    this.#visit(pc, context);
  }

  #visit(pc: number, context: Context): void {
    this.#leaders.add(key(context, pc));
    this.#wait(pc, context);
  }

  #wait(pc: number, context: Context): void {
    this.#waiting[context.depth] ??= [];
    this.#waiting[context.depth].push({ pc, context });
  }

  #drain(): void {
    for (let depth = 0; depth < this.#waiting.length; depth++) {
      const waiting = this.#waiting[depth] ?? [];
      while (waiting.length > 0) {
        const { pc, context } = waiting.shift()!;
        this.#straight(pc, context);
      }
    }
  }

  /** From `pc` on to where the way parts. */
  #straight(from: number, context: Context): void {
    for (let pc = from; ; ) {
      const at = key(context, pc);
      if (this.#nodes.has(at) || this.#nodes.size >= this.#limit || Math.abs((pc - this.#head) | 0) >= REACH) return;
      const instruction = this.#view.instruction(pc);
      if (instruction === undefined) return;
      this.#nodes.set(at, { context, instruction });
      const next = (pc + instruction.length) | 0;
      const row = BASE[instruction.op];
      if (row.kind === 'system' && endsBlock(instruction)) {
        this.#enter(next, context);
        return;
      }
      if (row.kind === 'branch') {
        this.#visit(next, context);
        this.#visit((pc + instruction.imm) | 0, context);
        return;
      }
      if (row.kind === 'jump') {
        this.#jump(instruction, context);
        return;
      }
      pc = next;
    }
  }

  #jump(instruction: PlanInstruction, context: Context): void {
    const { pc, rd, rs1, imm, length } = instruction;
    const next = (pc + length) | 0;
    if (BASE[instruction.op].name === 'jal') {
      const target = (pc + imm) | 0;
      if (rd === 0) this.#visit(target, context);
      else this.#call(pc, target, rd, next, context);
      return;
    }
    const far = this.#farTarget(instruction, context);
    if (far !== undefined) {
      if (rd === 0) this.#visit(far, context);
      else this.#call(pc, far, rd, next, context);
    } else if (rd !== 0) this.#enter(next, context);
    else if (rs1 === context.link && context.caller !== undefined) this.#visit(context.back, context.caller);
    else if (rs1 !== 1 && rs1 !== 5) this.#indirect = true;
  }

  /** The target of auipc and jalr, one after the other: a guess that is checked when it runs. */
  #farTarget({ pc, rs1, imm }: PlanInstruction, context: Context): number | undefined {
    const before = this.#nodes.get(key(context, (pc - 4) | 0))?.instruction;
    if (before === undefined || before.length !== 4 || BASE[before.op].name !== 'auipc' || before.rd !== rs1) return undefined;
    return (before.pc + before.imm + imm) & -2;
  }

  #call(pc: number, target: number, link: number, next: number, context: Context): void {
    this.#visit(next, context);
    if (this.#asked.has(target) || !this.#isSmall(target)) {
      // The return finds its way by the jump cache. A region that has grown holds one of each function that it calls, one that has not its own alone.
      this.#entries.add(key(context, next));
      if (this.#asked.size > 0 || target === this.#head) this.#visit(target, this.#root);
      return;
    }
    const callee: Context = { id: this.#contexts++, depth: context.depth + 1, link, back: next, caller: context };
    this.#callees.set(key(context, pc), callee);
    this.#visit(target, callee);
  }

  /** Whether the function at `target` is short and calls nothing. */
  #isSmall(target: number): boolean {
    const seen = new Set<number>();
    const waiting = [target];
    while (waiting.length > 0) {
      const pc = waiting.pop()!;
      const instruction = seen.has(pc) ? undefined : this.#view.instruction(pc);
      if (instruction === undefined) continue;
      if (seen.size === SMALL) return false;
      seen.add(pc);
      const row = BASE[instruction.op];
      const next = (pc + instruction.length) | 0;
      if (row.kind === 'jump') {
        if (instruction.rd !== 0) return false;
        if (row.name === 'jal') waiting.push((pc + instruction.imm) | 0);
        else if (instruction.rs1 !== 1 && instruction.rs1 !== 5) return false;
      } else if (row.kind === 'branch') waiting.push(next, (pc + instruction.imm) | 0);
      else if (row.kind !== 'system' || !endsBlock(instruction)) waiting.push(next);
    }
    return true;
  }

  /** Targets of indirect jumps: addresses near by that jumps were seen to arrive at. */
  #visitTargets(): void {
    // Distances, since addresses go round.
    let [low, high] = [0, 0];
    for (const { context, instruction } of this.#nodes.values()) {
      const distance = (instruction.pc - this.#head) | 0;
      if (context !== this.#root || Math.abs(distance) > SPREAD) continue;
      low = Math.min(low, distance);
      high = Math.max(high, distance);
    }
    for (const pc of this.#view.arrivals(this.#head + low, this.#head + high + TARGETS_WITHIN)) this.#enter(pc, this.#root);
    this.#drain();
  }

  /** The rest of the ways in: behind a call that does not return in here, and the heads of the region's own loops. */
  #findEntries(): void {
    const returned = new Set<number>();
    for (const { context, instruction } of this.#nodes.values()) {
      const { rd, rs1, pc, imm } = instruction;
      const row = BASE[instruction.op];
      if (row.name === 'jalr' && rd === 0 && rs1 === context.link) returned.add(context.id);
      const target = (pc + imm) | 0;
      const back = (row.kind === 'branch' || (row.name === 'jal' && rd === 0)) && imm <= 0;
      if (back && context === this.#root && this.#nodes.has(key(context, target))) this.#entries.add(key(context, target));
    }
    for (const callee of this.#callees.values()) {
      if (!returned.has(callee.id)) this.#entries.add(key(callee.caller!, callee.back));
    }
  }

  // --- Blocks -------------------------------------------------------------------------------------------------------------------------

  #build(): Explored {
    const starts: number[] = [];
    const numbers = new Map<number, number>();
    for (const at of this.#leaders) {
      if (!this.#nodes.has(at)) continue;
      numbers.set(at, starts.length);
      starts.push(at);
    }
    const leaves = new Set<number>();
    const blocks: PlanBlock[] = [];
    // A block that is too long ends early, and what is left of it is one more: `starts` grows.
    for (let n = 0; n < starts.length; n++) {
      const { context, instruction: first } = this.#nodes.get(starts[n])!;
      const to = (pc: number, inside: Context = context): Target => {
        const block = numbers.get(key(inside, pc)) ?? -1;
        if (block < 0) leaves.add(pc);
        return { block, pc };
      };
      const instructions: PlanInstruction[] = [];
      let end: BlockEnd | undefined;
      for (let pc = first.pc; end === undefined; ) {
        const at = key(context, pc);
        const instruction = this.#nodes.get(at)?.instruction;
        const full = instructions.length === BLOCK_MAX;
        if (instruction === undefined || (instructions.length > 0 && numbers.has(at)) || full) {
          if (full && instruction !== undefined && !numbers.has(at)) {
            numbers.set(at, starts.length);
            starts.push(at);
          }
          end = { kind: 'fall', to: to(pc) };
          break;
        }
        const row = BASE[instruction.op];
        if (isSlow(instruction)) end = { kind: 'slow', pc };
        else {
          instructions.push(instruction);
          const use = row.kind === 'system' ? systemUse(instruction) : undefined;
          if (use?.kind === 'leave') end = use;
          if (row.kind === 'branch' || row.kind === 'jump') end = this.#endOf(instruction, context, to);
        }
        pc = (pc + instruction.length) | 0;
      }
      blocks.push({ pc: first.pc, instructions, end });
    }
    const seen = new Set<number>();
    const entries: number[] = [];
    for (const at of this.#entries) {
      const number = numbers.get(at);
      // Nothing is won by entering where the first instruction is the interpreter's.
      if (number === undefined || seen.has(blocks[number].pc) || blocks[number].instructions.length === 0) continue;
      seen.add(blocks[number].pc);
      entries.push(number);
    }
    const size = blocks.reduce((sum, { instructions }) => sum + instructions.length, 0);
    return { blocks, entries, leaves, size, full: this.#nodes.size >= this.#limit };
  }

  #endOf(instruction: PlanInstruction, context: Context, to: (pc: number, inside?: Context) => Target): BlockEnd {
    const { pc, rd, rs1, imm, length } = instruction;
    const row = BASE[instruction.op];
    if (row.kind === 'branch') return { kind: 'branch', taken: to((pc + imm) | 0), not: to((pc + length) | 0) };
    const callee = this.#callees.get(key(context, pc)) ?? (rd === 0 ? context : this.#root);
    if (row.name === 'jal') return { kind: 'jump', to: to((pc + imm) | 0, callee) };
    const far = this.#farTarget(instruction, context);
    if (far !== undefined) {
      const expected = to(far, callee);
      // Outside it is one way of many, and farther away than an exit can say.
      return { kind: 'indirect', expected: expected.block < 0 ? undefined : expected };
    }
    if (rd === 0 && rs1 === context.link && context.caller !== undefined) {
      return { kind: 'indirect', expected: to(context.back, context.caller) };
    }
    return { kind: 'indirect', expected: undefined };
  }
}

const isSlow = (instruction: PlanInstruction): boolean => BASE[instruction.op].kind === 'system' && systemUse(instruction).kind === 'slow';

/** A system row behind which a region may be entered: control comes back there, or other TLB banks are in use. */
function endsBlock(instruction: PlanInstruction): boolean {
  const use = systemUse(instruction);
  return use.kind === 'slow' || use.kind === 'leave' || (use.kind === 'csr' && use.csr.choosesBanks);
}

const key = (context: Context, pc: number): number => context.id * 2 ** 32 + (pc >>> 0);
