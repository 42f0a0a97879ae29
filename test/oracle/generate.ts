/**
 * Random programs from the instruction table: rows by their mask and match, operands at random, with the few restraints that keep a program
 * alive (data pointers stay put, branches go forward) and comparable (docs/decisions/0014-where-qemu-is-not-the-oracle.md).
 */
import { CSR_BY_NUMBER, CSRS } from '../../emulator/isa/csr.ts';
import { decode } from '../../emulator/isa/decode.ts';
import { extract, type Field, type Fields, insert } from '../../emulator/isa/format.ts';
import { BASE, COMPRESSED } from '../../emulator/isa/instructions.ts';
import { fieldsOf, findRow, type Row } from '../../emulator/isa/syntax.ts';
import type { Random } from '../support/random.ts';
import { CODE_S, CODE_U, type InitCsr, RAM, RAM_BYTES, RUNTIME, SCRATCH, TABLES } from './runtime.ts';

export type Privilege = 'M' | 'S' | 'U';

export interface Program {
  readonly privilege: Privilege;
  /** Instructions in order; each has 16 or 32 bits. */
  readonly code: readonly number[];
  /** Offset in bytes of the entry and of the final ecall are 0 and the length of `code`. */
  readonly csrs: Readonly<Record<InitCsr, number>>;
  /** x1..x31. */
  readonly registers: readonly number[];
  /** Virtual alias that the code runs at, less RAM's own address. */
  readonly alias: number;
}

/** What the programs contained: how often each row and each CSR was put into a program for each privilege. */
export interface Coverage {
  readonly rows: Map<string, Record<Privilege, number>>;
  readonly csrs: Map<string, Record<Privilege, number>>;
}

export const newCoverage = (): Coverage => ({
  rows: new Map([...BASE, ...COMPRESSED].map((row) => [row.name, { M: 0, S: 0, U: 0 }])),
  csrs: new Map(CSRS.map((csr) => [csr.name, { M: 0, S: 0, U: 0 }])),
});

/** Registers that no random instruction writes: sp, s0 and s1 point into scratch memory, gp counts loops, tp is the harness's. */
const POINTERS = [8, 9];
const KEPT = new Set([2, 3, 4, 8, 9]);
const FREE = Array.from({ length: 31 }, (_, n) => n + 1).filter((n) => !KEPT.has(n));

// --- Page tables, one set for all programs of an ELF -------------------------------------------------------------------------------

const [V, R, W, X, U, G, A, D] = [1, 2, 4, 8, 16, 32, 64, 128];
const SCRATCH_S = 0x6000_0000;
const SCRATCH_U = 0x6000_2000;
const WILD_PAGES = 0x6000_4000;
const WILD_PAGE_COUNT = 60;
/** Pages of every space whose frames lie outside RAM. QEMU gives an AMO there the cause of a load: none is sent. */
const isHole = (page: number): boolean => page % 8 === 7;
const MEGAPAGES = 0x6400_0000;
const MEGAPAGE_COUNT = 8;
/** The tables themselves, for S. */
const TABLES_S = 0x5400_0000;

export interface Space {
  /** To be placed at TABLES. */
  readonly bytes: Uint8Array;
  /** Values for satp. */
  readonly satps: readonly number[];
}

const scratchPage = SCRATCH >>> 12;
const leaf = (ppn: number, flags: number) => ((ppn << 10) | flags | A | (flags & W ? D : 0)) >>> 0;

function randomFlags(random: Random): number {
  const permissions = random.pick([R, R | W, X, R | X, R | W | X, R, R | W, R | W, W, W | X]);
  return (random.oneIn(10) ? 0 : V) | permissions | (random.oneIn(2) ? U : 0) | (random.oneIn(4) ? G : 0) | (random.below(4) << 8);
}

/** An entry for one of the wild pages. Frames not past 32 bits: QEMU 7.2 drops the upper two of the 34. */
function randomLeaf(random: Random, page: number): number {
  const ppn = isHole(page) ? random.pick([0x9_0000, 0x8_1000, 0x0_8000]) : scratchPage + random.below(2);
  return leaf(ppn, randomFlags(random));
}

/** Address spaces of an ELF. */
const SPACES = 8;

/** SPACES root tables with a leaf table each. A is always set, and D wherever W is: QEMU sets them by itself, Twinhart faults. */
export function randomSpace(random: Random): Space {
  const bytes = new Uint8Array(SPACES * 8192);
  const view = new DataView(bytes.buffer);
  const satps: number[] = [];
  for (let n = 0; n < SPACES; n++) {
    const root = n * 8192;
    const table = root + 4096;
    const tablePpn = (TABLES + table) >>> 12;
    const set = (at: number, index: number, pte: number) => view.setUint32(at + 4 * index, pte, true);
    set(root, CODE_S >>> 22, leaf(RAM >>> 12, V | X | G | (random.oneIn(2) ? R : 0)));
    set(root, CODE_U >>> 22, leaf(RAM >>> 12, V | X | U | (random.oneIn(2) ? R : 0)));
    set(root, TABLES_S >>> 22, leaf(RAM >>> 12, V | R | W));
    set(root, SCRATCH_S >>> 22, ((tablePpn << 10) | V) >>> 0);
    for (const [page, more] of [
      [0, 0],
      [1, 0],
      [2, U],
      [3, U],
    ]) {
      set(table, page, leaf(scratchPage + (page & 1), V | R | W | more));
    }
    for (let page = 4; page < 4 + WILD_PAGE_COUNT; page++) set(table, page, randomLeaf(random, page));
    for (let mega = 0; mega < MEGAPAGE_COUNT; mega++) {
      const at = (MEGAPAGES >>> 22) + mega;
      const kind = random.below(8);
      if (kind === 0) set(root, at, leaf(scratchPage + 1 + random.below(1023), randomFlags(random)));
      // Never a table outside RAM: QEMU calls that a page fault.
      else if (kind === 1) set(root, at, ((((TABLES + root) >>> 12) << 10) | V) >>> 0);
      else set(root, at, leaf(scratchPage, randomFlags(random)));
    }
    satps.push((0x8000_0000 | ((TABLES + root) >>> 12)) >>> 0);
  }
  return { bytes, satps };
}

// --- CSRs --------------------------------------------------------------------------------------------------------------------------

const MSTATUS_FREE = 0x000c_0022 | 0x80 | 0x100; // SIE SPIE MPIE SPP SUM MXR
/** Bits that a random write may change; a CSR that is missing here is only read. */
const WRITABLE: Readonly<Record<string, number>> = {
  mstatus: MSTATUS_FREE,
  sstatus: 0x000c_0122,
  medeleg: 0xb1fd & ~0x1003,
  mideleg: 0x222,
  mie: 0xaaa,
  sie: 0x222,
  mip: 0x222,
  sip: 0x2,
  mscratch: -1,
  sscratch: -1,
  mepc: ~1,
  sepc: ~1,
  mcause: -1,
  scause: -1,
  mtval: -1,
  stval: -1,
  mcounteren: 0x7,
  scounteren: 0x7,
  pmpaddr0: -1,
  pmpaddr7: -1,
};
/** Read-only numbers (bits 11:10 = 3) may be written: it is illegal on both. */
const SWAPPED: Readonly<Record<string, number>> = { mtvec: ~2, stvec: ~2 };
/** Reads that two machines cannot agree on, or that QEMU 7.2 lacks: the value is thrown away, or the CSR left out. */
const VALUE_DIFFERS = /^(m?cycleh?|m?instreth?|minstreth?|timeh?|mvendorid|marchid|mimpid|mhpm.*|hpm.*)$/;
const NOT_IN_QEMU = /^(tselect|tdata[123])$/;
/** QEMU implements 16 of the 29 hpm counters; the rest are illegal there (Twinhart: zero). */
const isMissingCounter = (name: string) => {
  const n = Number(/hpm(?:counter|event)(\d+)h?$/.exec(name)?.[1] ?? 0);
  return n > 18;
};
const PLAYED = CSRS.filter(({ name }) => !NOT_IN_QEMU.test(name) && !isMissingCounter(name));

// --- Units: what a program is a sequence of --------------------------------------------------------------------------------------

interface Unit {
  /** Bits, or for a transfer a function of its distance. */
  readonly code: readonly (number | ((distance: number) => number))[];
  /** Index of the unit that the transfer's distance is measured to, from the instruction `from` of `code`. */
  readonly target?: number;
  readonly from?: number;
  /** Not to be jumped over. */
  readonly barrier?: boolean;
}

const lengthOf = (bits: number): number => ((bits & 3) === 3 ? 4 : 2);

/** One instruction by name. Operands must fit: a generator that makes one that does not is wrong. */
function make(name: string, values: Partial<Record<keyof Fields, number>>): number {
  const row = findRow(name)!;
  let bits = row.match;
  for (const [field, value] of Object.entries(values) as [keyof Fields, number][]) {
    bits |= placed(fieldsOf(row)[field]!, value);
  }
  return bits >>> 0;
}

/** As `insert`, for values that must fit: a RangeError where they do not. */
function placed(field: Field, value: number): number {
  const bits = insert(field, value);
  if (bits === undefined) throw new RangeError(`operand ${value} does not fit`);
  return bits;
}

const setRegister = (rd: number, value: number): number[] => [
  make('lui', { rd, imm: (value + 0x800) & ~0xfff }),
  make('addi', { rd, rs1: rd, imm: (value << 20) >> 20 }),
];

export class Generator {
  private readonly random: Random;
  private readonly coverage: Coverage;
  private readonly space: Space;
  private privilege: Privilege = 'M';
  private started: Privilege = 'M';
  private paged = false;
  private pmpSplit = false;
  private waitTraps = false;
  private trapFence = false;
  private trapSret = false;
  private stimecmp = false;
  /** The one supervisor interrupt that this program makes pending: QEMU without AIA takes the lowest number first, not the manual's order. */
  private interruptBit = 2;
  private timerDue = false;
  /** Where AMOs may go. */
  private hole = false;
  private pointers: readonly number[] = POINTERS;

  constructor(random: Random, space: Space, coverage: Coverage) {
    this.random = random;
    this.space = space;
    this.coverage = coverage;
  }

  program(): Program {
    const { random } = this;
    this.started = this.privilege = random.pick(['M', 'S', 'U'] as const);
    this.paged = random.below(4) !== 0;
    this.pmpSplit = random.oneIn(6);
    const csrs = this.initialCsrs();
    const registers = this.registers();
    const alias = !this.paged || this.privilege === 'M' ? 0 : (this.privilege === 'S' ? CODE_S : CODE_U) - RAM;
    const code = this.body(10 + random.below(40));
    csrs.mepc = 0; // the ELF's builder knows the entry
    return { privilege: this.started, code, csrs, registers, alias };
  }

  private registers(): number[] {
    const { random, privilege, paged } = this;
    const registers = Array.from({ length: 31 }, () => random.edge());
    const base = paged && privilege !== 'M' ? (privilege === 'S' ? SCRATCH_S : SCRATCH_U) : SCRATCH;
    registers[8 - 1] = base + 2048;
    registers[9 - 1] = base + 4096;
    if (paged && privilege !== 'M' && random.oneIn(2)) {
      const page = WILD_PAGES + 4096 * random.below(WILD_PAGE_COUNT);
      registers[9 - 1] = random.oneIn(4) ? MEGAPAGES + 0x40_0000 * random.below(MEGAPAGE_COUNT) + 2048 : page + 2048;
    }
    const page = (registers[9 - 1] - SCRATCH_S) >>> 12;
    this.hole = page >= 4 && page < 4 + WILD_PAGE_COUNT && isHole(page);
    this.pointers = this.hole ? [8] : POINTERS;
    registers[2 - 1] = base + 64 * random.below(60);
    return registers;
  }

  private initialCsrs(): Record<InitCsr, number> {
    const { random, privilege } = this;
    const mpp = privilege === 'M' ? 3 : privilege === 'S' ? 1 : 0;
    const delegated = random.oneIn(2);
    this.trapSret = !delegated && random.oneIn(4);
    this.waitTraps = random.oneIn(4);
    this.trapFence = random.oneIn(4);
    this.stimecmp = random.oneIn(3);
    this.timerDue = this.stimecmp && random.oneIn(3);
    this.interruptBit = this.timerDue ? 0x20 : random.pick([0x2, 0x20, 0x200]);
    const csrs = Object.fromEntries([['menvcfgh', 0]]) as Record<InitCsr, number>;
    for (let n = 0; n < 16; n++) csrs[`pmpaddr${n}` as InitCsr] = n === 15 ? 0xffff_ffff : 0;
    csrs.pmpcfg0 = csrs.pmpcfg1 = csrs.pmpcfg2 = 0;
    csrs.pmpcfg3 = 0x1f00_0000;
    if (this.pmpSplit) {
      for (let n = 0; n < 8; n++) {
        csrs[`pmpaddr${n}` as InitCsr] = ((SCRATCH >>> 2) + random.below(SCRATCH_BYTES_WORDS)) >>> 0;
        const permissions = random.pick([0, 1, 3, 4, 5, 7]);
        // Entry 0 as TOR would begin at address 0 and take the code away.
        const config = permissions | ((n === 0 ? random.pick([0, 2, 3]) : random.below(4)) << 3);
        const register = n < 4 ? 'pmpcfg0' : 'pmpcfg1';
        csrs[register] = (csrs[register] | (config << (8 * (n & 3)))) >>> 0;
      }
      // NAPOT with a random address can be a giant: keep the code and the harness's tables out of reach.
      for (let n = 0; n < 8; n++) {
        const name = `pmpaddr${n}` as InitCsr;
        csrs[name] = (csrs[name] & ~(1 << 8)) >>> 0;
      }
    }
    csrs.menvcfgh = this.stimecmp ? 0x8000_0000 : 0;
    csrs.stimecmp = csrs.stimecmph = this.timerDue ? 0 : 0xffff_ffff;
    csrs.mtvec = (RUNTIME.symbols.get('m_table')! | random.below(2)) >>> 0;
    const table = RUNTIME.symbols.get('s_table')!;
    csrs.stvec = (table + (this.paged ? CODE_S - RAM : 0)) | random.below(2);
    // Fetch faults stay in M, with a lost stvec they would never end; so does ecall from S, which the S table calls M by.
    csrs.medeleg = delegated ? random.word() & 0xb1fd & ~0x1003 : 0;
    csrs.mideleg = delegated ? random.word() & 0x222 : 0;
    csrs.mip = random.oneIn(3) ? this.interruptBit : 0;
    csrs.mie = random.word() & 0xaaa;
    csrs.sscratch = random.edge();
    csrs.sepc = (random.edge() & ~1) >>> 0;
    csrs.scause = random.edge();
    csrs.stval = random.edge();
    csrs.scounteren = random.below(8);
    csrs.mcounteren = random.below(8);
    csrs.mscratch = random.edge();
    csrs.mcause = random.edge();
    csrs.mtval = random.edge();
    csrs.satp = this.paged ? random.pick(this.space.satps) : 0;
    csrs.mstatus =
      ((mpp << 11) |
        (random.word() & MSTATUS_FREE & ~8) |
        (this.waitTraps ? 1 << 21 : 0) |
        (this.trapFence ? 1 << 20 : 0) |
        (this.trapSret ? 1 << 22 : 0)) >>>
      0;
    csrs.mepc = 0;
    return csrs;
  }

  // --- Body ---------------------------------------------------------------------------------------------------------------------

  private body(count: number): number[] {
    const units: Unit[] = [];
    while (units.length < count) {
      const index = units.length;
      const unit = this.unit();
      units.push(unit.target === undefined ? unit : { ...unit, target: index + 1 + this.random.below(4) });
    }
    return layOut(units);
  }

  private unit(): Unit {
    const { random } = this;
    const roll = random.below(100);
    if (roll < 4) return this.illegal();
    if (roll < 8) return this.wild();
    if (roll < 19) return this.csr();
    if (roll < 21) return this.changePrivilege();
    if (roll < 24) return this.interrupt();
    if (roll < 26) return this.loop();
    if (roll < 28 && this.privilege === 'M') return this.borrowPrivilege();
    if (roll < 29 && this.privilege !== 'M' && this.paged) return this.changeSpace();
    // Where TVM makes the fence trap, QEMU would go on with what it remembers.
    if (roll < 31 && this.paged && (this.privilege === 'M' || (this.privilege === 'S' && !this.trapFence))) return this.retable();
    if (roll < 32) return this.lostJump();
    if (roll < 33) return this.rewrite();
    // The one row that can raise cause 4.
    if (roll < 35) return this.atomic(findRow('lr.w')!);
    return this.row(this.rarer(ROWS, this.coverage.rows));
  }

  /** Of two at random the one that this privilege has seen less: coverage evens out. */
  private rarer<T extends { readonly name: string }>(list: readonly T[], counts: Coverage['rows']): T {
    const [a, b] = [this.random.pick(list), this.random.pick(list)];
    return counts.get(a.name)![this.privilege] <= counts.get(b.name)![this.privilege] ? a : b;
  }

  private count(row: string): void {
    this.coverage.rows.get(row)![this.privilege] += 1;
  }

  private free(): number {
    return this.random.pick(FREE);
  }

  /** Random bits for the row, with a harmless destination; undefined when this roll has none. */
  private bitsOf(row: Row): number {
    for (;;) {
      const bits = ((this.random.word() & ~row.mask) | row.match) >>> 0;
      const half = lengthOf(row.match) === 2 ? bits & 0xffff : bits;
      const decoded = decode(half);
      if (decoded === undefined || (decoded.compressed ?? decoded.row) !== row) continue;
      if (KEPT.has(decoded.rd) && row.name !== 'c.addi16sp') continue;
      return half;
    }
  }

  private row(row: Row): Unit {
    const { random } = this;
    const base = 'expands' in row ? BASE.find(({ name }) => name === row.expands)! : row;
    switch (base.kind) {
      case 'rd': {
        this.count(row.name);
        const bits = this.bitsOf(row);
        if (row.name !== 'c.addi16sp') return { code: [bits] };
        const step = extract(fieldsOf(row).imm!, bits);
        return { code: [bits, make('addi', { rd: this.free(), rs1: 2 }), make('addi', { rd: 2, rs1: 2, imm: -step })] };
      }
      case 'load':
      case 'store':
        this.count(row.name);
        return { code: [this.memory(row)] };
      case 'lr':
      case 'sc':
      case 'amo':
        return this.atomic(row);
      case 'branch':
        this.count(row.name);
        return this.branch(row);
      case 'jump':
        this.count(row.name);
        return this.jump(row);
      case 'system':
        if (base.system.startsWith('csr')) return this.csr(row.name);
        if (base.system === 'wfi') return this.wait();
        if (base.system === 'mret' || base.system === 'sret') return this.changePrivilege(base.system);
        this.count(row.name);
        return { code: [base.system === 'sfenceVma' ? make(row.name, { rs1: random.below(32), rs2: random.below(32) }) : row.match] };
    }
  }

  private memory(row: Row): number {
    const fields = fieldsOf(row);
    for (;;) {
      let bits = this.bitsOf(row);
      const low = lengthOf(bits) === 4 ? 15 : 7;
      if (fields.rs1!.kind !== 'fixed') {
        const pointer = this.random.pick(POINTERS);
        const size = fields.rs1!.kind === 'compact' ? 7 : 31;
        bits = ((bits & ~(size << low)) | (size === 7 ? (pointer - 8) << low : pointer << low)) >>> 0;
      }
      // QEMU checks split pages at the aligned address when an access crosses, and reports it for a hole: aligned offsets only.
      const offset = extract(fields.imm!, bits);
      const aligned = this.pmpSplit || this.hole;
      if ((aligned || this.random.oneIn(2)) && offset % 4 !== 0) continue;
      if (!aligned && lengthOf(bits) === 4 && this.random.oneIn(4) && fields.imm !== undefined) {
        // Around the end of s1's page.
        const near = insert(fields.imm, this.random.below(8) - 4)!;
        const cleared = insert(fields.imm, -1)!;
        bits = ((bits & ~cleared) | near) >>> 0;
      }
      return bits;
    }
  }

  private atomic(row: Row): Unit {
    const { random } = this;
    const address = this.free();
    // A page whose frame lies outside RAM answers a misaligned access differently; atomics check alignment first on both.
    const misaligned = random.oneIn(row.name === 'lr.w' ? 2 : 8) && !row.name.startsWith('sc');
    const offset = (random.below(1000) - 500) * 4 + (misaligned ? 1 + random.below(3) : 0);
    const pointer = make('addi', { rd: address, rs1: random.pick(this.pointers), imm: offset });
    const ordering = random.below(4) << 25;
    let value = this.free();
    if (random.oneIn(8)) value = address;
    const rd = random.oneIn(6) ? 0 : this.free();
    this.count(row.name);
    if (row.name === 'lr.w') return { code: [pointer, (make('lr.w', { rd, rs1: address }) | ordering) >>> 0] };
    if (row.name !== 'sc.w') return { code: [pointer, (make(row.name, { rd, rs1: address, rs2: value }) | ordering) >>> 0] };
    // QEMU remembers a value, not a store, and without a reservation it fails before it looks at the address: only where that is accessible.
    if (this.privilege !== this.started || this.pmpSplit) return { code: [make('addi', {})] };
    this.count('lr.w');
    const pointerHere = make('addi', { rd: address, rs1: 8, imm: (random.below(1000) - 500) * 4 });
    const spare = FREE.filter((n) => n !== address);
    const code = [pointerHere, (make('lr.w', { rd: random.pick(spare), rs1: address }) | ordering) >>> 0];
    if (random.oneIn(4)) code.push(make('ecall', {}));
    if (random.oneIn(4)) code.push(make('addi', { rd: address, rs1: address, imm: 4 * random.below(2) }));
    code.push((make('sc.w', { rd, rs1: address, rs2: value }) | ordering) >>> 0);
    if (random.oneIn(3)) code.push(make('sc.w', { rd: this.free(), rs1: 8, rs2: value }));
    return { code };
  }

  private branch(row: Row): Unit {
    const bits = this.bitsOf(row);
    const field = fieldsOf(row).imm!;
    const cleared = (bits & ~insert(field, -2)!) >>> 0;
    return { code: [(distance) => (cleared | placed(field, distance)) >>> 0], target: 0, from: 0 };
  }

  private jump(row: Row): Unit {
    const { random } = this;
    if (row.name === 'jal' || row.name === 'c.jal' || row.name === 'c.j') return this.branch(row);
    const base = this.free();
    const link = random.oneIn(4) ? 0 : random.oneIn(3) ? base : this.free();
    const here = make('auipc', { rd: base });
    if (row.name === 'jalr') {
      const odd = random.below(2);
      return { code: [here, (distance) => make('jalr', { rd: link, rs1: base, imm: distance + odd })], target: 0, from: 0 };
    }
    return {
      code: [here, (distance) => make('addi', { rd: base, rs1: base, imm: distance }), make(row.name, { rs1: base })],
      target: 0,
      from: 0,
    };
  }

  private illegal(): Unit {
    const { random } = this;
    for (;;) {
      const bits = random.oneIn(2) ? random.word() & 0xffff : random.word();
      const word = lengthOf(bits) === 2 ? bits & 0xffff : bits;
      if (decode(word) === undefined) return { code: [word] };
    }
  }

  /** An access to an address that is likely to be refused. Aligned, since QEMU reports the aligned address for a hole. */
  private wild(): Unit {
    const { random } = this;
    const virtual = this.paged && this.privilege !== 'M';
    const where = random.pick(virtual ? WILD_VIRTUAL : WILD_PHYSICAL);
    const hole = !virtual || (where >= WILD_PAGES && where < MEGAPAGES && isHole((where - SCRATCH_S) >>> 12));
    const row = random.pick(hole ? MEMORY_ROWS.filter(({ kind }) => kind !== 'amo') : MEMORY_ROWS);
    const address = this.free();
    const offset = 4 * random.below(64);
    const fields = row.format === 'S' || row.format === 'amo' ? { rs2: random.below(32) } : {};
    const rd = row.format === 'S' ? {} : { rd: random.oneIn(4) ? address : this.free() };
    this.count(row.name);
    if (row.format === 'amo' || row.format === 'lr') {
      return { code: [...setRegister(address, where + offset), make(row.name, { ...fields, ...rd, rs1: address })] };
    }
    return { code: [...setRegister(address, where), make(row.name, { ...fields, ...rd, rs1: address, imm: offset })] };
  }

  private csr(name: string = this.random.pick(CSR_ROWS)): Unit {
    const { random } = this;
    this.count(name);
    const immediate = name.endsWith('i');
    const op = name.slice(0, 5);
    const rd = random.oneIn(4) ? 0 : this.free();
    const raw = (number: number, source: number) =>
      make(name, immediate ? { rd, imm: number, uimm: source } : { rd, imm: number, rs1: source });
    if (random.oneIn(12)) {
      // A number that nobody has.
      const number = random.below(4096);
      if (CSR_BY_NUMBER.has(number) || isQemuOnlyCsr(number)) return { code: [raw(0x5c0, 1)] };
      return { code: [raw(number, random.below(32))] };
    }
    const csr = random.oneIn(4)
      ? CSR_BY_NUMBER.get(random.pick([0x300, 0x100, 0x304, 0x104, 0x344, 0x144, 0x341, 0x141, 0x180]))!
      : this.rarer(PLAYED, this.coverage.csrs);
    this.coverage.csrs.get(csr.name)![this.privilege] += 1;
    const readOnly = csr.number >>> 10 === 3;
    const swap = SWAPPED[csr.name];
    if (swap !== undefined) {
      const [first, value] = [this.free(), this.free()];
      const second = random.pick(FREE.filter((n) => n !== first));
      const code = [...setRegister(value, random.edge() & swap), make('csrrw', { rd: first, imm: csr.number, rs1: value })];
      // Where the CSR is out of reach both writes trap, and where it is not the first gives the old value back.
      if (first === value) return { code: [make('csrrs', { rd: first, imm: csr.number })] };
      return { code: [...code, make('csrrw', { rd: second, imm: csr.number, rs1: first })], barrier: true };
    }
    const mask = WRITABLE[csr.name] ?? 0;
    const forget = VALUE_DIFFERS.test(csr.name) && rd !== 0 ? setRegister(rd, 0) : [];
    if (readOnly) {
      if (immediate || op === 'csrrw' || random.oneIn(2)) return { code: [raw(csr.number, immediate ? random.below(32) : 0), ...forget] };
      // Not 0: with a register that holds 0 QEMU forgets that csrrs and csrrc still write.
      const source = this.free();
      return { code: [...setRegister(source, (random.edge() | 1) >>> 0), raw(csr.number, source), ...forget] };
    }
    if (mask === 0 || this.wouldNotReturn(csr.name)) {
      return {
        code: [
          immediate ? make('csrrsi', { rd, imm: csr.number }) : make(random.pick(['csrrs', 'csrrc']), { rd, imm: csr.number }),
          ...forget,
        ],
      };
    }
    if (op === 'csrrw' && csr.name.endsWith('status')) {
      // A whole write would touch MPP, TVM and the rest: set or clear instead.
      return this.csr(immediate ? 'csrrsi' : 'csrrs');
    }
    if (csr.name === 'mip' || csr.name === 'sip') {
      const bit = random.oneIn(2) ? this.interruptBit : 0;
      if (immediate) return { code: [make(name, { rd, imm: csr.number, uimm: bit & 31 })] };
      const source = this.free();
      return { code: [...setRegister(source, bit), make(name, { rd, imm: csr.number, rs1: source })] };
    }
    if (immediate) return { code: [raw(csr.number, random.below(32) & mask)] };
    const source = this.free();
    return { code: [...setRegister(source, random.edge() & mask), raw(csr.number, source)] };
  }

  /** Delegation must stay away while sret traps, or the way back from S ends in M for ever. */
  private wouldNotReturn(name: string): boolean {
    return name === 'medeleg' || name === 'mideleg' ? this.started === 'M' : false;
  }

  /** mret or sret to a lower privilege, or to the same one. */
  private changePrivilege(name: 'mret' | 'sret' = this.random.pick(['mret', 'sret'])): Unit {
    const { random, privilege } = this;
    this.count(name);
    if (privilege === 'U' || (privilege === 'S' && (name === 'mret' || this.trapSret))) return { code: [make(name, {})] };
    const to: Privilege = random.oneIn(2)
      ? privilege
      : name === 'sret'
        ? random.pick(['S', 'U'] as const)
        : random.pick(['M', 'S', 'U'] as const);
    if (name === 'sret' && to === 'M') return { code: [make(name === 'sret' ? 'ecall' : 'ebreak', {})] };
    const address = this.free();
    const other = random.pick(FREE.filter((n) => n !== address));
    const code: (number | ((distance: number) => number))[] = [
      make('auipc', { rd: address }),
      (distance) => make('addi', { rd: address, rs1: address, imm: distance }),
    ];
    const aliasOf = (p: Privilege) => (p === 'M' || !this.paged ? RAM : p === 'S' ? CODE_S : CODE_U);
    code.push(...setRegister(other, (aliasOf(to) - aliasOf(privilege)) | 0), make('add', { rd: address, rs1: address, rs2: other }));
    code.push(make('csrrw', { imm: name === 'mret' ? 0x341 : 0x141, rs1: address }));
    const status = name === 'mret' ? 0x300 : 0x100;
    const field = name === 'mret' ? 0x1800 : 0x100;
    const value = name === 'mret' ? (to === 'M' ? 0x1800 : to === 'S' ? 0x800 : 0) : to === 'S' ? 0x100 : 0;
    code.push(...setRegister(other, field), make('csrrc', { imm: status, rs1: other }));
    code.push(...setRegister(other, value), make('csrrs', { imm: status, rs1: other }));
    code.push(make(name, {}));
    this.privilege = to;
    return { code, target: 0, from: 0, barrier: true };
  }

  /** Makes interrupts pending and enabled; the harness disables what it takes. */
  private interrupt(): Unit {
    const { random, privilege } = this;
    const register = this.free();
    const s = privilege === 'M' ? { ip: 0x344, ie: 0x304, status: 0x300 } : { ip: 0x144, ie: 0x104, status: 0x100 };
    const set = (csr: number, value: number, name = 'csrrs') => [...setRegister(register, value), make(name, { imm: csr, rs1: register })];
    const code = [...set(s.ie, privilege === 'M' ? random.word() & 0xaaa : random.word() & 0x222)];
    if (privilege === 'M' && !this.timerDue && random.oneIn(2)) {
      code.push(...set(0x344, 0, 'csrrw'));
      // The ACLINT: msip, or mtimecmp below the time. QEMU notices at the end of a block, which every CSR access is.
      const timer = random.oneIn(2);
      code.push(...set(0x300, 8, 'csrrc'), ...setRegister(register, timer ? 0x0200_4000 : 0x0200_0000));
      const other = random.pick(FREE.filter((n) => n !== register));
      code.push(...setRegister(other, timer ? 0 : 1), make('sw', { rs1: register, rs2: other }));
      if (timer) code.push(make('sw', { rs1: register, rs2: other, imm: 4 }));
      code.push(make('csrrs', { rd: 0, imm: 0x340 }), make('csrrsi', { imm: 0x300, uimm: 8 }), make('addi', {}));
      code.push(...setRegister(register, timer ? 0x0200_4000 : 0x0200_0000), ...setRegister(other, timer ? -1 : 0));
      if (timer) code.push(make('sw', { rs1: register, rs2: other, imm: 4 }));
      code.push(make('sw', { rs1: register, rs2: other }), make('csrrs', { rd: 0, imm: 0x340 }), make('csrrci', { imm: 0x300, uimm: 8 }));
      return { code, barrier: true };
    }
    code.push(...set(s.ip, this.interruptBit), ...set(s.status, privilege === 'M' ? 8 : 2));
    code.push(...set(s.status, privilege === 'M' ? 8 : 2, 'csrrc'));
    return { code, barrier: true };
  }

  /** wfi only where it traps, or where something is pending: QEMU would sleep for ever. */
  private wait(): Unit {
    const { privilege, waitTraps } = this;
    if (privilege === 'U' || (privilege === 'S' && this.started === 'S' && waitTraps)) {
      this.count('wfi');
      return { code: [make('wfi', {})] };
    }
    if (privilege === 'M' && this.interruptBit === 2) {
      this.count('wfi');
      return {
        code: [
          make('csrrci', { imm: 0x300, uimm: 8 }),
          make('csrrsi', { imm: 0x304, uimm: 2 }),
          make('csrrsi', { imm: 0x344, uimm: 2 }),
          make('wfi', {}),
          make('csrrci', { imm: 0x344, uimm: 2 }),
        ],
        barrier: true,
      };
    }
    return { code: [make('addi', {})] };
  }

  /** A short loop on gp, so that the same instructions run again. */
  private loop(): Unit {
    const { random } = this;
    const rows = ['add', 'xor', 'sub', 'mul', 'sltu', 'lw', 'sw', 'c.addi', 'c.xor', 'lbu', 'div'];
    const inner = Array.from({ length: 1 + random.below(4) }, () => {
      const row = findRow(random.pick(rows))!;
      this.count(row.name);
      return row.name === 'lw' || row.name === 'sw' || row.name === 'lbu' ? this.memory(row) : this.bitsOf(row);
    });
    const length = inner.reduce((sum, bits) => sum + lengthOf(bits), 0);
    return {
      code: [
        make('addi', { rd: 3, imm: 2 + random.below(6) }),
        ...inner,
        make('addi', { rd: 3, rs1: 3, imm: -1 }),
        make('bne', { rs1: 3, imm: -length - 4 }),
      ],
      barrier: true,
    };
  }

  /** M-mode with MPRV: loads and stores as S or U would do them. */
  private borrowPrivilege(): Unit {
    const { random } = this;
    const register = this.free();
    const [address, result] = [this.free(), this.free()];
    const mpp = random.pick([0, 0x800, 0x1800]);
    const where =
      this.paged && mpp !== 0x1800 ? random.pick([SCRATCH_S, SCRATCH_U, WILD_PAGES + 4096 * random.below(WILD_PAGE_COUNT)]) : SCRATCH;
    const row = random.pick(MEMORY_ROWS.filter(({ format }) => format === 'I' || format === 'S'));
    this.count(row.name);
    const access = row.format === 'S' ? { rs2: result } : { rd: result };
    return {
      code: [
        ...setRegister(address, where + 4 * random.below(512)),
        ...setRegister(register, 0x1800),
        make('csrrc', { imm: 0x300, rs1: register }),
        ...setRegister(register, 0x2_0000 | mpp),
        ...(register === address ? [] : [make('csrrs', { imm: 0x300, rs1: register }), make(row.name, { ...access, rs1: address })]),
        ...setRegister(register, 0x2_0000),
        make('csrrc', { imm: 0x300, rs1: register }),
      ],
      barrier: true,
    };
  }

  private changeSpace(): Unit {
    const register = this.free();
    this.coverage.csrs.get('satp')![this.privilege] += 1;
    return {
      code: [
        ...setRegister(register, this.random.pick(this.space.satps)),
        make('csrrw', { imm: 0x180, rs1: register }),
        make('sfence.vma', {}),
      ],
      barrier: true,
    };
  }

  /** An access to a wild page, a new entry for it, the fence that QEMU needs, and the access again. M writes the table by its own address. */
  private retable(): Unit {
    const { random, privilege } = this;
    const page = 4 + random.below(WILD_PAGE_COUNT);
    const [address, value] = [this.free(), this.free()];
    if (address === value) return { code: [make('addi', {})] };
    const row = random.pick(MEMORY_ROWS.filter(({ format }) => format === 'I' || format === 'S'));
    this.count(row.name);
    const operands = row.format === 'S' ? { rs2: value } : { rd: value };
    const touch = [
      ...setRegister(address, SCRATCH_S + 4096 * page + 4 * random.below(1024)),
      make(row.name, { ...operands, rs1: address }),
    ];
    const entry = random.below(SPACES) * 8192 + 4096 + 4 * page;
    const table = privilege === 'M' ? TABLES : TABLES_S + (TABLES - RAM);
    const fence = make('sfence.vma', random.oneIn(2) ? {} : { rs1: address });
    const change = [
      ...setRegister(address, table + entry),
      ...setRegister(value, randomLeaf(random, page)),
      make('sw', { rs1: address, rs2: value }),
    ];
    const at = setRegister(address, SCRATCH_S + 4096 * page);
    return { code: [...(privilege === 'M' ? [] : touch), ...change, ...at, fence, ...(privilege === 'M' ? [] : touch)], barrier: true };
  }

  /** A jump to where nothing can be fetched: the program ends there, so it is rare. */
  private lostJump(): Unit {
    const { random, privilege, paged } = this;
    if (!random.oneIn(6)) return this.row(findRow('jalr')!);
    const register = this.free();
    const mine = paged && privilege !== 'M';
    const wrong = mine ? [privilege === 'S' ? CODE_U : CODE_S, SCRATCH_S, SCRATCH_U, 0, 0xffff_f000, 0x7000_0000] : WILD_PHYSICAL;
    return { code: [...setRegister(register, random.pick(wrong)), make('jalr', { rd: this.free(), rs1: register, imm: random.below(3) })] };
  }

  /** Code that writes the instruction after next, where stores to code are allowed. */
  private rewrite(): Unit {
    const { random, privilege, paged } = this;
    if (privilege !== 'M' && paged) return this.row(findRow('fence.i')!);
    this.count('fence.i');
    const [address, value] = [this.free(), this.free()];
    const row = findRow(random.pick(['addi', 'xori', 'lui', 'slli', 'sub', 'mulhu']))!;
    const other = random.pick(FREE.filter((n) => n !== address));
    // auipc, then eight bytes for the value, a store, the fence: the patched word is 20 bytes on.
    return {
      code: [
        make('auipc', { rd: address }),
        ...setRegister(other, this.bitsOf(row)),
        make('sw', { rs1: address, rs2: other, imm: 20 }),
        make('fence.i', {}),
        make('addi', { rd: value, rs1: value, imm: 1 }),
      ],
      barrier: true,
    };
  }
}

/** Resolves distances. A transfer never passes a barrier, so that what a unit knows of its privilege stays true. */
function layOut(units: readonly Unit[]): number[] {
  const sizes = units.map(({ code }) => code.map((item) => lengthOf(typeof item === 'number' ? item : item(4))));
  const starts: number[] = [];
  let end = 0;
  for (const size of sizes) {
    starts.push(end);
    end += size.reduce((sum, bytes) => sum + bytes, 0);
  }
  starts.push(end);
  return units.flatMap(({ code, target, from, barrier }, index) => {
    let goal = barrier ? index + 1 : Math.min(target ?? 0, units.length);
    for (let passed = index + 1; passed < goal; passed++) if (units[passed].barrier) goal = passed;
    const origin = starts[index] + sizes[index].slice(0, from ?? 0).reduce((sum, bytes) => sum + bytes, 0);
    for (; ; goal--) {
      try {
        return code.map((item) => (typeof item === 'number' ? item : item(starts[goal] - origin)));
      } catch (error) {
        // Out of reach of a compressed branch: nearer.
        if (!(error instanceof RangeError) || goal <= index + 1) throw error;
      }
    }
  });
}

const SCRATCH_BYTES_WORDS = 2048;
const CSR_ROWS = ['csrrw', 'csrrs', 'csrrc', 'csrrwi', 'csrrsi', 'csrrci'];
const ROWS: readonly Row[] = [...BASE, ...COMPRESSED];
const MEMORY_ROWS = BASE.filter(({ kind }) => kind === 'load' || kind === 'store' || kind === 'amo' || kind === 'lr');

/** Holes of the board, past the end of RAM, and the far ends of the address space. */
const WILD_PHYSICAL = [0x0800_0000, 0x0b00_0000, RAM + RAM_BYTES, 0x9000_0000, 0xc000_0000, 0xffff_f000];
const WILD_VIRTUAL = [
  0,
  0x0000_1000,
  CODE_S,
  CODE_U,
  RAM,
  0x7000_0000,
  0xffff_f000,
  SCRATCH_S,
  SCRATCH_U,
  ...Array.from({ length: MEGAPAGE_COUNT }, (_, n) => MEGAPAGES + n * 0x40_0000),
  ...Array.from({ length: WILD_PAGE_COUNT }, (_, n) => WILD_PAGES + n * 4096),
];

/** CSR numbers that QEMU 7.2 has and Twinhart does not. */
const isQemuOnlyCsr = (number: number): boolean => number === 0x24d || number === 0x25d; // vstimecmp, vstimecmph, with h=off too
