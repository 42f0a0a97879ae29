/**
 * A region plan as a WebAssembly function: guest registers in locals, the budget in a local and checked once a block, the TLB looked up
 * inline. Whatever is unusual leaves: an instruction that cannot finish has not begun, and the interpreter does the whole of it.
 */
import { BASE, type Expression, routine, type Width } from '../isa/index.ts';
import { DATA_ENTRY_WORDS, ENGINE, JUMP_ENTRIES, RAM_BASE, SLOT_SHIFT, WORD } from '../layout.ts';
import { type Flow, flowOf } from './flow.ts';
import { type Group, groupsOf } from './groups.ts';
import { emitExpression, loadOp, type Operands, storeOp } from './nodes.ts';
import type { PlanBlock, PlanInstruction, RegionPlan, Target } from './plan.ts';
import { emitRoutine, emitValue } from './routine-wasm.ts';
import { type CsrUse, systemUse } from './system-rows.ts';
import { Code, encodeModule, type FunctionType, MEMORY_OP, OP } from './wasm.ts';

/** Why a region came back: the low bits of what its function returns. */
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

/** A region's function: the number of an entry in, a reason of `LEFT` out. */
export const REGION_TYPE: FunctionType = { parameters: 1, results: 1 };

/** Instructions that one block may have: the exits of a block count back in eight bits. */
export const BLOCK_MAX = 200;
/** How far a block may be from the region's head, in bytes: exits have 21 bits for half of it. */
export const REACH = 1 << 20;

/** Pages of the memory that regions import: more than any machine has. */
const MEMORY_PAGES_MAX = 65536;

/** A module of one function a plan, exported as r0, r1, … */
export function emitModule(plans: readonly RegionPlan[]): Uint8Array {
  return encodeModule({
    types: [REGION_TYPE],
    memoryPages: MEMORY_PAGES_MAX,
    table: false,
    functions: plans.map((plan, k) => {
      const { body, locals } = new RegionEmitter(plan).emit();
      return { type: 0, locals, name: `r${k}`, body };
    }),
  });
}

const LOCAL = { sel: 0, left: 1, bank: 2, site: 3, pc: 4, v: 5, e: 6, u: 7, jump: 8 } as const;
const FIRST_REGISTER = 9;
/** Locals that the routines of system rows have: two of an instruction, and what the routine names. */
const SCRATCH = 16;

/** What an enclosing label leads to. */
type Label =
  | { readonly to: 'leave' | 'done' | 'plain' }
  /** The end of it is followed by this block, or by a dispatch of these targets. */
  | { readonly to: 'ahead'; readonly flow: Flow }
  | { readonly to: 'loop'; readonly header: number }
  | { readonly to: 'dispatch'; readonly targets: readonly number[] };

class RegionEmitter {
  readonly #plan: RegionPlan;
  readonly #successors: readonly (readonly number[])[];
  readonly #code = new Code();
  readonly #labels: Label[] = [];
  /** Local of each guest register that the region uses, or -1. */
  readonly #local = new Int32Array(32).fill(-1);
  readonly #written: number[] = [];
  readonly #head: number;
  /** Of the block in hand: the group of each access that shares a look at the TLB with others, and the local of its addend. */
  readonly #groups = new Map<PlanInstruction, Group & { readonly addend: number }>();
  /** First of the locals for addends. */
  #addends = 0;
  /** First of the locals for routines. */
  #scratch = 0;
  #block!: PlanBlock;
  /** Index in its block of the instruction in hand. */
  #at = 0;

  constructor(plan: RegionPlan) {
    this.#plan = plan;
    this.#successors = plan.blocks.map(successorsOf);
    this.#head = plan.blocks[plan.entries[0]].pc;
  }

  emit(): { body: Code; locals: number } {
    const { entries } = this.#plan;
    const locals = this.#assignLocals();
    const code = this.#code;
    for (let x = 1; x < 32; x++) if (this.#local[x] >= 0) this.#loadWord(WORD.x + x).set(this.#local[x]);
    this.#loadWord(ENGINE.left).set(LOCAL.left);
    this.#loadWord(ENGINE.dataBank).set(LOCAL.bank);
    if (entries.length > 1) this.#loadWord(ENGINE.jumpBank).set(LOCAL.jump);

    const flow = flowOf(this.#successors, entries);
    this.#open({ to: 'done' });
    this.#open({ to: 'leave' });
    if (flow.targets.length === 1) this.#sequence(flow.body, undefined, []);
    else this.#dispatch(flow, undefined);
    code.op(OP.unreachable);
    this.#close();
    // A site is half the distance from the head, the reason, and how many instructions were counted and not begun.
    code.get(LOCAL.site).constant(11).op(OP.i32ShrS).constant(1).op(OP.i32Shl).constant(this.#head).op(OP.i32Add).set(LOCAL.pc);
    code.get(LOCAL.left).get(LOCAL.site).constant(0xff).op(OP.i32And).op(OP.i32Add).set(LOCAL.left);
    code.get(LOCAL.site).constant(8).op(OP.i32ShrU).constant(7).op(OP.i32And).set(LOCAL.sel);
    this.#close();
    for (const x of this.#written) this.#storeWord(WORD.x + x, () => code.get(this.#local[x]));
    this.#storeWord(ENGINE.left, () => code.get(LOCAL.left));
    this.#storeWord(WORD.pc, () => code.get(LOCAL.pc));
    code.get(LOCAL.sel);
    return { body: code, locals };
  }

  /** Locals for the registers that occur; the number of locals besides the parameter. */
  #assignLocals(): number {
    let next = FIRST_REGISTER;
    const written = new Set<number>();
    const use = (x: number): void => {
      if (x !== 0 && this.#local[x] < 0) this.#local[x] = next++;
    };
    for (const { instructions } of this.#plan.blocks) {
      for (const instruction of instructions) {
        const { rd, rs1, rs2 } = instruction;
        const { reads, writes } = usesOf(instruction);
        if (reads.rs1) use(rs1);
        if (reads.rs2) use(rs2);
        if (!writes || rd === 0) continue;
        use(rd);
        written.add(rd);
      }
    }
    this.#written.push(...[...written].sort((a, b) => a - b));
    this.#addends = next;
    const addends = this.#plan.groups ? Math.max(...this.#plan.blocks.map((block) => groupsOf(block).length)) : 0;
    this.#scratch = next + addends;
    return this.#scratch - 1 + SCRATCH;
  }

  // --- Flow ---------------------------------------------------------------------------------------------------------------------------

  /** `follow`: the block that control comes to when it falls out of the end. `table`: targets that a br_table at the start leads to. */
  #sequence(flows: readonly Flow[], follow: number | undefined, table: readonly number[]): void {
    const code = this.#code;
    const wanted = this.#jumpedTo(flows, table);
    for (let n = flows.length - 1; n >= 0; n--) if (wanted[n]) this.#open({ to: 'ahead', flow: flows[n] });
    if (table.length > 0) {
      code
        .get(LOCAL.sel)
        .op(OP.brTable)
        .unsigned(table.length - 1);
      for (const target of table) code.unsigned(this.#depthOf(target));
    }
    for (const [n, flow] of flows.entries()) {
      if (wanted[n]) this.#close();
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
        this.#open({ to: 'loop', header: flow.header });
        this.#sequence(flow.body, follow, []);
        this.#close();
        return;
      case 'dispatch':
        this.#dispatch(flow, follow);
        return;
    }
  }

  #dispatch(flow: Flow & { readonly kind: 'dispatch' }, follow: number | undefined): void {
    this.#open({ to: 'dispatch', targets: flow.targets });
    this.#sequence(flow.body, follow, flow.targets);
    this.#close();
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

  #open(label: Label): void {
    this.#code.block(label.to === 'loop' || label.to === 'dispatch' ? OP.loop : OP.block);
    this.#labels.push(label);
  }

  #close(): void {
    this.#code.op(OP.end);
    this.#labels.pop();
  }

  /** Depth of the label of a table's target: one that is ahead. */
  #depthOf(block: number): number {
    const at = this.#labels.findLastIndex((label) => label.to === 'ahead' && startsAt(label.flow, block));
    return this.#labels.length - 1 - at;
  }

  /** Sets what must be set on the way to a target, and returns the depth to branch to. */
  #towards({ block, pc }: Target, reason: number = LEFT.on, undo = 0): number {
    if (block < 0) {
      this.#setSite(pc, reason, undo);
      return this.#depthTo('leave');
    }
    for (let at = this.#labels.length - 1; at >= 0; at--) {
      const label = this.#labels[at];
      const depth = this.#labels.length - 1 - at;
      if (label.to === 'loop' && label.header === block) return depth;
      const targets =
        label.to === 'dispatch' ? label.targets : label.to === 'ahead' && label.flow.kind === 'dispatch' ? label.flow.targets : [];
      const number = targets.indexOf(block);
      if (number >= 0) {
        this.#code.constant(number).set(LOCAL.sel);
        return depth;
      }
      if (label.to === 'ahead' && startsAt(label.flow, block)) return depth;
    }
    throw new Error(`block ${block} of the region at ${this.#head >>> 0} cannot be reached from ${this.#block.pc >>> 0}`);
  }

  #depthTo(kind: 'leave' | 'done'): number {
    return this.#labels.length - 1 - this.#labels.findLastIndex((label) => label.to === kind);
  }

  #setSite(pc: number, reason: number, undo: number): void {
    this.#code.constant((((pc - this.#head) >> 1) << 11) | (reason << 8) | undo).set(LOCAL.site);
  }

  // --- Blocks -------------------------------------------------------------------------------------------------------------------------

  #emitBlock(block: PlanBlock, follow: number | undefined): void {
    const { instructions, end } = block;
    const code = this.#code;
    this.#block = block;
    this.#groups.clear();
    if (this.#plan.groups) {
      for (const [k, group] of groupsOf(block).entries()) {
        for (const access of group.accesses) this.#groups.set(access, { ...group, addend: this.#addends + k });
      }
    }
    const count = instructions.length;
    if (count > 0) {
      this.#setSite(block.pc, LEFT.budget, count);
      code.get(LOCAL.left).constant(count).op(OP.i32Sub).tee(LOCAL.left).constant(0).op(OP.i32LtS);
      code.br(OP.brIf, this.#depthTo('leave'));
    }
    for (this.#at = 0; this.#at < count; this.#at++) this.#instruction(instructions[this.#at]);
    switch (end.kind) {
      case 'fall':
      case 'jump':
        if (end.to.block !== follow) code.br(OP.br, this.#towards(end.to));
        return;
      case 'branch': {
        if (end.taken.block === end.not.block && end.taken.pc === end.not.pc) {
          if (end.not.block !== follow) code.br(OP.br, this.#towards(end.not));
          return;
        }
        const last = instructions[count - 1];
        const row = BASE[last.op];
        if (row.kind !== 'branch') throw new Error(`${row.name} ends a block as a branch`);
        const condition = () => emitExpression(code, row.condition, this.#operands(last));
        if (end.taken.block >= 0 && end.taken.block === follow) {
          const depth = this.#towards(end.not);
          condition();
          code.op(OP.i32Eqz).br(OP.brIf, depth);
          return;
        }
        const depth = this.#towards(end.taken);
        condition();
        code.br(OP.brIf, depth);
        if (end.not.block < 0 || end.not.block !== follow) code.br(OP.br, this.#towards(end.not));
        return;
      }
      case 'indirect':
        this.#indirect(end.expected);
        return;
      case 'leave':
        code
          .constant(instructions[count - 1].pc)
          .set(LOCAL.pc)
          .constant(LEFT[end.by])
          .set(LOCAL.sel)
          .br(OP.br, this.#depthTo('done'));
        return;
      case 'slow':
        code.br(OP.br, this.#towards({ block: -1, pc: end.pc }, LEFT.slow));
        return;
    }
  }

  /** The target is in `pc`. What is expected is tried first, then the region's own entries by the jump cache. */
  #indirect(expected: Target | undefined): void {
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
      code.tee(LOCAL.e).memory(MEMORY_OP.i32Load, 0).get(LOCAL.pc).op(OP.i32Eq).block(OP.if);
      this.#labels.push({ to: 'plain' });
      code
        .get(LOCAL.e)
        .memory(MEMORY_OP.i32Load, 4)
        .tee(LOCAL.u)
        .constant((1 << SLOT_SHIFT) - 1)
        .op(OP.i32And)
        .set(LOCAL.sel);
      const root = this.#labels.findIndex((label) => label.to === 'dispatch');
      code
        .get(LOCAL.u)
        .constant(SLOT_SHIFT)
        .op(OP.i32ShrU)
        .constant(slot)
        .op(OP.i32Eq)
        .br(OP.brIf, this.#labels.length - 1 - root);
      this.#close();
    }
    code.constant(LEFT.on).set(LOCAL.sel).br(OP.br, this.#depthTo('done'));
  }

  // --- Instructions -------------------------------------------------------------------------------------------------------------------

  #instruction(instruction: PlanInstruction): void {
    const row = BASE[instruction.op];
    const operands = this.#operands(instruction);
    const code = this.#code;
    switch (row.kind) {
      case 'rd':
        if (instruction.rd === 0) return;
        emitExpression(code, row.rd, operands);
        code.set(this.#local[instruction.rd]);
        return;
      case 'load':
        if (row.rd.node !== 'load') throw new Error(`${row.name}: a load row is one load node`);
        this.#load(instruction, row.rd.width, row.rd.signed, row.rd.address);
        return;
      case 'store':
        this.#translated(instruction, () => emitExpression(code, row.address, operands), row.width, WRITE_TAG);
        emitExpression(code, row.value, operands);
        code.memory(storeOp(row.width), 0);
        return;
      case 'branch':
        return;
      case 'jump':
        if (this.#block.end.kind === 'indirect') {
          emitExpression(code, row.target, operands);
          code.set(LOCAL.pc);
        }
        if (instruction.rd !== 0) {
          operands.next();
          code.set(this.#local[instruction.rd]);
        }
        return;
      case 'amo':
        this.#translated(instruction, operands.rs1, 4, WRITE_TAG);
        code.tee(LOCAL.v).get(LOCAL.v).memory(MEMORY_OP.i32Load, 0).set(LOCAL.u);
        emitExpression(code, row.value, operands);
        code.memory(MEMORY_OP.i32Store, 0);
        if (instruction.rd !== 0) code.get(LOCAL.u).set(this.#local[instruction.rd]);
        return;
      case 'lr':
        this.#translated(instruction, operands.rs1, 4, READ_TAG);
        code.set(LOCAL.v);
        // The reset ROM comes after RAM in this memory and not in the address space: a reservation of it is the interpreter's.
        this.#slowExit();
        code
          .get(LOCAL.v)
          .constant(this.#plan.memory.memory + this.#plan.memory.ramPages * 4096)
          .op(OP.i32GeU);
        code.br(OP.brIf, this.#depthTo('leave'));
        this.#storeWord(WORD.reserved, () => code.constant(1));
        this.#storeWord(WORD.reservedWord, () => this.#physicalWord());
        if (instruction.rd !== 0) code.get(LOCAL.v).memory(MEMORY_OP.i32Load, 0).set(this.#local[instruction.rd]);
        return;
      case 'sc':
        this.#translated(instruction, operands.rs1, 4, WRITE_TAG);
        code.set(LOCAL.v);
        this.#loadWord(WORD.reserved).constant(0).op(OP.i32Ne);
        this.#loadWord(WORD.reservedWord);
        this.#physicalWord();
        code.op(OP.i32Eq).op(OP.i32And).tee(LOCAL.u).block(OP.if).get(LOCAL.v);
        operands.rs2();
        code.memory(MEMORY_OP.i32Store, 0).op(OP.end);
        this.#storeWord(WORD.reserved, () => code.constant(0));
        if (instruction.rd !== 0) code.get(LOCAL.u).op(OP.i32Eqz).set(this.#local[instruction.rd]);
        return;
      case 'system':
        this.#system(instruction);
        return;
    }
  }

  #system(instruction: PlanInstruction): void {
    const code = this.#code;
    const use = systemUse(instruction);
    switch (use.kind) {
      case 'slow':
        throw new Error(`the instruction at ${instruction.pc >>> 0} is the interpreter's: it ends a block`);
      case 'leave':
        return;
      case 'fence':
        this.#slowExit();
        emitRoutine(code, use.routine, this.#scratch);
        code.op(OP.i32Eqz).br(OP.brIf, this.#depthTo('leave'));
        return;
      case 'csr':
        this.#csr(instruction, use.csr);
        return;
    }
  }

  /** Operands are read, then the CSR is written, then rd; where the routine leaves, nothing has been. */
  #csr(instruction: PlanInstruction, { words, privilege, operation, immediate, writes, choosesBanks }: CsrUse): void {
    const code = this.#code;
    const [old, value] = [this.#scratch, this.#scratch + 1];
    this.#slowExit();
    if (privilege > 0) this.#loadWord(WORD.privilege).constant(privilege).op(OP.i32LtS).br(OP.brIf, this.#depthTo('leave'));
    emitValue(code, words.read);
    code.set(old);
    if (writes) {
      if (operation !== 'write') code.get(old);
      if (immediate) code.constant(instruction.rs1);
      else this.#operands(instruction).rs1();
      if (operation === 'set') code.op(OP.i32Or);
      if (operation === 'clear') code.constant(-1).op(OP.i32Xor).op(OP.i32And);
      code.set(value);
      emitRoutine(code, words.write, value);
      code.tee(value).op(OP.i32Eqz).br(OP.brIf, this.#depthTo('leave'));
    }
    if (instruction.rd !== 0) code.get(old).set(this.#local[instruction.rd]);
    if (choosesBanks) this.#loadWord(ENGINE.dataBank).set(LOCAL.bank);
    if (!writes) return;
    this.#setSite(instruction.pc + instruction.length, LEFT.look, this.#block.instructions.length - this.#at - 1);
    code.get(value).constant(routine.OUTCOME.look).op(OP.i32Eq).br(OP.brIf, this.#depthTo('leave'));
  }

  #load(instruction: PlanInstruction, width: Width, signed: boolean, address: Expression): void {
    const code = this.#code;
    this.#translated(instruction, () => emitExpression(code, address, this.#operands(instruction)), width, READ_TAG);
    if (instruction.rd === 0) code.op(OP.drop);
    else code.memory(loadOp(width, signed), 0).set(this.#local[instruction.rd]);
  }

  /** Puts the offset in this memory of a guest address on the stack; leaves when the TLB does not have it, or it is not aligned. */
  #translated(instruction: PlanInstruction, address: () => void, width: Width, tag: number): void {
    const code = this.#code;
    const { tlbEntries } = this.#plan.memory;
    const entryBytes = DATA_ENTRY_WORDS * 4;
    const group = this.#groups.get(instruction);
    if (group !== undefined && group.leader !== instruction) {
      // The group's first access has seen that this one is in the same page, and aligned.
      address();
      code.get(group.addend).op(OP.i32Add);
      return;
    }
    this.#slowExit();
    address();
    code.tee(LOCAL.v);
    code
      .constant(12 - (31 - Math.clz32(entryBytes)))
      .op(OP.i32ShrU)
      .constant((tlbEntries - 1) * entryBytes)
      .op(OP.i32And);
    code.get(LOCAL.bank).op(OP.i32Add).tee(LOCAL.e).memory(MEMORY_OP.i32Load, tag);
    code
      .get(LOCAL.v)
      .constant(-4096 + width - 1)
      .op(OP.i32And)
      .op(OP.i32Ne);
    if (instruction.looksAtGranule) this.#lookAtGranule(width);
    else code.br(OP.brIf, this.#depthTo('leave'));
    if (group !== undefined) {
      this.#setSite(instruction.pc, LEFT.split, this.#block.instructions.length - this.#at);
      for (const reach of [group.low, group.high]) {
        if (reach === 0) continue;
        code.get(LOCAL.v).constant(reach).op(OP.i32Add).get(LOCAL.v).op(OP.i32Xor).constant(-4096).op(OP.i32And);
        code.br(OP.brIf, this.#depthTo('leave'));
      }
      code.get(LOCAL.v).get(LOCAL.e).memory(MEMORY_OP.i32Load, ADDEND).tee(group.addend).op(OP.i32Add);
      return;
    }
    code.get(LOCAL.v).get(LOCAL.e).memory(MEMORY_OP.i32Load, ADDEND).op(OP.i32Add);
  }

  /**
   * A number is on the stack: not 0 where the write tag of entry `e` is not that of address `v`. Then leaves unless the page is watched for
   * code alone and there is none in the granule. An aligned store lies in one.
   */
  #lookAtGranule(width: Width): void {
    const code = this.#code;
    const { granules, memory } = this.#plan.memory;
    code.block(OP.if);
    this.#labels.push({ to: 'plain' });
    code.get(LOCAL.e).memory(MEMORY_OP.i32Load, CODE_TAG).get(LOCAL.v);
    code
      .constant(-4096 + width - 1)
      .op(OP.i32And)
      .op(OP.i32Ne)
      .br(OP.brIf, this.#depthTo('leave'));
    // Bit n of the map is granule n of this memory, counted from the first frame.
    code.get(LOCAL.v).get(LOCAL.e).memory(MEMORY_OP.i32Load, ADDEND).op(OP.i32Add).tee(LOCAL.u);
    code
      .constant(9)
      .op(OP.i32ShrU)
      .memory(MEMORY_OP.i32Load8U, granules - (memory >>> 9));
    code.get(LOCAL.u).constant(6).op(OP.i32ShrU).constant(7).op(OP.i32And).op(OP.i32ShrU);
    code.constant(1).op(OP.i32And).br(OP.brIf, this.#depthTo('leave'));
    this.#close();
  }

  /** What follows may leave before the instruction in hand. */
  #slowExit(): void {
    const { instructions } = this.#block;
    this.#setSite(instructions[this.#at].pc, LEFT.slow, instructions.length - this.#at);
  }

  /** The number of the physical word at offset `v` of this memory, as `WORD.reservedWord` has it. */
  #physicalWord(): void {
    this.#code.get(LOCAL.v).constant(this.#plan.memory.memory).op(OP.i32Sub).constant(2).op(OP.i32ShrU);
    this.#code.constant(RAM_BASE / 4).op(OP.i32Add);
  }

  #operands({ pc, rs1, rs2, imm, length }: PlanInstruction): Operands {
    const code = this.#code;
    const register = (x: number) => () => {
      if (x === 0) code.constant(0);
      else code.get(this.#local[x]);
    };
    const constant = (value: number) => () => {
      code.constant(value);
    };
    return {
      rs1: register(rs1),
      rs2: register(rs2),
      imm: constant(imm),
      pc: constant(pc),
      next: constant(pc + length),
      old: () => code.get(LOCAL.u),
    };
  }

  #loadWord(word: number): Code {
    return this.#code.constant(0).memory(MEMORY_OP.i32Load, word * 4);
  }

  #storeWord(word: number, value: () => void): void {
    this.#code.constant(0);
    value();
    this.#code.memory(MEMORY_OP.i32Store, word * 4);
  }
}

const READ_TAG = 0;
const WRITE_TAG = 4;
const ADDEND = 8;
const CODE_TAG = 12;

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
