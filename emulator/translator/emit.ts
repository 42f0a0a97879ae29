/**
 * A region plan as a WebAssembly function: blocks in the order of their flow, the budget checked once a block, the ways from block to block.
 * What a function begins and ends with is in `frame.ts`, what is in a block in `rows.ts`. Whatever is unusual leaves: an instruction that
 * cannot finish has not begun, and the interpreter does the whole of it.
 */
import { BASE } from '../isa/index.ts';
import { JUMP_ENTRIES, SLOT_SHIFT } from '../layout.ts';
import type { SharedLook } from './access.ts';
import { LEFT, REGION_TYPE } from './exits.ts';
import { type Flow, flowOf } from './flow.ts';
import { Frame, type Label, LOCAL } from './frame.ts';
import { groupsOf } from './groups.ts';
import { emitExpression } from './nodes.ts';
import type { BlockEnd, PlanBlock, PlanInstruction, RegionPlan, Target } from './plan.ts';
import { emitInstruction, operandsOf } from './rows.ts';
import { type Code, encodeModule, MEMORY_OP, OP } from './wasm.ts';

/** Pages of the memory that regions import: more than any machine has. */
const MEMORY_PAGES_MAX = 65536;

/** A module of one function a plan, exported as r0, r1, … */
export function emitModule(plans: readonly RegionPlan[]): Uint8Array {
  return encodeModule({
    types: [REGION_TYPE],
    memoryPages: MEMORY_PAGES_MAX,
    table: false,
    functions: plans.map((plan, k) => {
      const { code: body, locals } = new RegionEmitter(plan).emit();
      return { type: 0, locals, name: `r${k}`, body, optimised: plan.optimised };
    }),
  });
}

class RegionEmitter {
  readonly #plan: RegionPlan;
  readonly #frame: Frame;
  readonly #code: Code;
  readonly #successors: readonly (readonly number[])[];

  constructor(plan: RegionPlan) {
    this.#plan = plan;
    this.#frame = new Frame(plan);
    this.#code = this.#frame.code;
    this.#successors = plan.blocks.map(successorsOf);
  }

  emit(): Frame {
    const frame = this.#frame;
    const flow = flowOf(this.#successors, this.#plan.entries);
    frame.begin();
    if (flow.targets.length === 1) this.#sequence(flow.body, undefined, []);
    else this.#dispatch(flow, undefined);
    frame.end();
    return frame;
  }

  // --- Flow ---------------------------------------------------------------------------------------------------------------------------

  /** `follow`: the block that control comes to when it falls out of the end. `table`: targets that a br_table at the start leads to. */
  #sequence(flows: readonly Flow[], follow: number | undefined, table: readonly number[]): void {
    const code = this.#code;
    const wanted = this.#jumpedTo(flows, table);
    for (let n = flows.length - 1; n >= 0; n--) if (wanted[n]) this.#frame.open({ to: 'ahead', flow: flows[n] });
    if (table.length > 0) {
      code
        .get(LOCAL.sel)
        .op(OP.brTable)
        .unsigned(table.length - 1);
      for (const target of table) code.unsigned(this.#depthOf(target));
    }
    for (const [n, flow] of flows.entries()) {
      if (wanted[n]) this.#frame.close();
      const next = n + 1 < flows.length ? firstOf(flows[n + 1]) : follow;
      this.#flow(flow, next);
    }
  }

  #flow(flow: Flow, follow: number | undefined): void {
    switch (flow.kind) {
      case 'block':
        this.#emitBlock(this.#plan.blocks[flow.block], follow);
        return;
      case 'loop':
        this.#frame.open({ to: 'loop', header: flow.header });
        this.#sequence(flow.body, follow, []);
        this.#frame.close();
        return;
      case 'dispatch':
        this.#dispatch(flow, follow);
        return;
    }
  }

  #dispatch(flow: Flow & { readonly kind: 'dispatch' }, follow: number | undefined): void {
    this.#frame.open({ to: 'dispatch', targets: flow.targets });
    this.#sequence(flow.body, follow, flow.targets);
    this.#frame.close();
  }

  /** Which of a sequence are gone to other than by falling into them: they need a label. */
  #jumpedTo(flows: readonly Flow[], table: readonly number[]): boolean[] {
    const position = new Map<number, number>();
    for (const [n, flow] of flows.entries()) for (const start of startsOf(flow)) position.set(start, n);
    const wanted = flows.map(() => false);
    for (const target of table) wanted[position.get(target)!] = true;
    const visit = (flow: Flow, from: number): void => {
      if (flow.kind !== 'block') {
        for (const inner of flow.body) visit(inner, from);
        return;
      }
      for (const to of this.#successors[flow.block]) {
        const n = position.get(to);
        if (n === undefined || n <= from) continue;
        const falls = n === from + 1 && flow === flows[from] && flows[n].kind !== 'dispatch';
        if (!falls || this.#plan.blocks[flow.block].end.kind === 'indirect') wanted[n] = true;
      }
    };
    for (const [n, flow] of flows.entries()) visit(flow, n);
    return wanted;
  }

  /** Depth of the label of a table's target: one that is ahead. */
  #depthOf(block: number): number {
    const { labels } = this.#frame;
    return this.#frame.depthOf(labels.findLastIndex((label) => label.to === 'ahead' && startsAt(label.flow, block)));
  }

  /** Sets what must be set on the way to a target, and returns the depth to branch to. `reason`: of a way out of the region. */
  #towards({ block, pc }: Target, reason: number = LEFT.on): number {
    const frame = this.#frame;
    if (block < 0) {
      frame.setSite(pc, reason, 0);
      return frame.depthTo('leave');
    }
    for (let at = frame.labels.length - 1; at >= 0; at--) {
      const label = frame.labels[at];
      if (label.to === 'loop' && label.header === block) return frame.depthOf(at);
      const number = tableOf(label).indexOf(block);
      if (number >= 0) {
        this.#code.constant(number).set(LOCAL.sel);
        return frame.depthOf(at);
      }
      if (label.to === 'ahead' && startsAt(label.flow, block)) return frame.depthOf(at);
    }
    throw new Error(`no label leads to block ${block} of the region at ${frame.head >>> 0}, which is at ${pc >>> 0}`);
  }

  // --- Blocks -------------------------------------------------------------------------------------------------------------------------

  #emitBlock(block: PlanBlock, follow: number | undefined): void {
    const { pc, instructions, end } = block;
    const frame = this.#frame;
    const count = instructions.length;
    if (count > 0) {
      frame.setSite(pc, LEFT.budget, count);
      this.#code.get(LOCAL.left).constant(count).op(OP.i32Sub).tee(LOCAL.left).constant(0).op(OP.i32LtS);
      frame.leaveIf();
    }
    const looks = this.#sharedLooks(block);
    for (const [at, instruction] of instructions.entries()) {
      emitInstruction(frame, { instruction, unbegun: count - at, group: looks.get(instruction) });
    }
    this.#emitEnd(end, instructions[count - 1], follow);
  }

  /** The group of each access that shares a look at the TLB with others. Blocks use the same locals, one after the other. */
  #sharedLooks(block: PlanBlock): ReadonlyMap<PlanInstruction, SharedLook> {
    const looks = new Map<PlanInstruction, SharedLook>();
    if (!this.#plan.groups) return looks;
    for (const [k, group] of groupsOf(block).entries()) {
      for (const access of group.accesses) looks.set(access, { ...group, addend: this.#frame.addends + k });
    }
    return looks;
  }

  /** `last`: the block's last instruction, which there is where the end has one to speak of. */
  #emitEnd(end: BlockEnd, last: PlanInstruction, follow: number | undefined): void {
    const code = this.#code;
    switch (end.kind) {
      case 'fall':
      case 'jump':
        this.#goTo(end.to, follow);
        return;
      case 'branch':
        this.#branch(end, last, follow);
        return;
      case 'indirect':
        this.#indirect(end.expected);
        return;
      case 'leave':
        code.constant(last.pc).set(LOCAL.pc).constant(LEFT[end.by]).set(LOCAL.sel);
        code.br(OP.br, this.#frame.depthTo('done'));
        return;
      case 'slow':
        code.br(OP.br, this.#towards({ block: -1, pc: end.pc }, LEFT.slow));
        return;
    }
  }

  #goTo(target: Target, follow: number | undefined): void {
    if (target.block !== follow) this.#code.br(OP.br, this.#towards(target));
  }

  #branch({ taken, not }: BlockEnd & { readonly kind: 'branch' }, last: PlanInstruction, follow: number | undefined): void {
    const code = this.#code;
    if (taken.block === not.block && taken.pc === not.pc) {
      this.#goTo(not, follow);
      return;
    }
    const row = BASE[last.op];
    if (row.kind !== 'branch') throw new Error(`${row.name} ends a block as a branch`);
    const falls = taken.block === follow;
    // What the way needs is set before the condition, which is then next to its branch.
    const depth = this.#towards(falls ? not : taken);
    emitExpression(code, row.condition, operandsOf(this.#frame, last));
    if (falls) code.op(OP.i32Eqz);
    code.br(OP.brIf, depth);
    if (!falls) this.#goTo(not, follow);
  }

  /** The target is in `pc`. What is expected is tried first, then the region's own entries by the jump cache. */
  #indirect(expected: Target | undefined): void {
    const frame = this.#frame;
    const code = this.#code;
    const { slot, entries } = this.#plan;
    if (expected !== undefined) {
      const depth = this.#towards(expected);
      code.get(LOCAL.pc).constant(expected.pc).op(OP.i32Eq).br(OP.brIf, depth);
    }
    if (entries.length > 1) {
      code
        .get(LOCAL.jump)
        .get(LOCAL.pc)
        .constant(2)
        .op(OP.i32Shl)
        .constant((JUMP_ENTRIES - 1) << 3)
        .op(OP.i32And)
        .op(OP.i32Add);
      code.tee(LOCAL.e).memory(MEMORY_OP.i32Load, 0).get(LOCAL.pc).op(OP.i32Eq);
      frame.openIf();
      code
        .get(LOCAL.e)
        .memory(MEMORY_OP.i32Load, 4)
        .tee(LOCAL.u)
        .constant((1 << SLOT_SHIFT) - 1)
        .op(OP.i32And)
        .set(LOCAL.sel);
      code.get(LOCAL.u).constant(SLOT_SHIFT).op(OP.i32ShrU).constant(slot).op(OP.i32Eq);
      // The outermost dispatch is the region's own: it takes numbers of entries.
      code.br(OP.brIf, frame.depthOf(frame.labels.findIndex((label) => label.to === 'dispatch')));
      frame.close();
    }
    code.constant(LEFT.on).set(LOCAL.sel).br(OP.br, frame.depthTo('done'));
  }
}

/** Blocks that a label leads to by their number in `sel`. */
function tableOf(label: Label): readonly number[] {
  if (label.to === 'dispatch') return label.targets;
  return label.to === 'ahead' && label.flow.kind === 'dispatch' ? label.flow.targets : [];
}

function successorsOf({ end }: PlanBlock): number[] {
  const targets = (): readonly (Target | undefined)[] => {
    switch (end.kind) {
      case 'fall':
      case 'jump':
        return [end.to];
      case 'branch':
        return [end.taken, end.not];
      case 'indirect':
        return [end.expected];
      case 'leave':
      case 'slow':
        return [];
    }
  };
  return targets().flatMap((target) => (target === undefined || target.block < 0 ? [] : [target.block]));
}

const firstOf = (flow: Flow): number | undefined => {
  if (flow.kind === 'dispatch') return undefined;
  return flow.kind === 'block' ? flow.block : flow.header;
};

/** Blocks at which control may come into it. */
const startsOf = (flow: Flow): readonly number[] => (flow.kind === 'dispatch' ? flow.targets : [firstOf(flow)!]);

const startsAt = (flow: Flow, block: number): boolean => startsOf(flow).includes(block);
