/**
 * Hot random programs as assembler text: loops, calls, recursion, jump tables, memory of every width wherever it may hurt, MMIO, LR/SC, traps,
 * CSRs, interrupts, code that patches itself, page tables that change underneath, in M, S and U. A program is a tree, so that a failing one
 * can be made smaller by leaving nodes out.
 */
import type { Random } from '../../support/random.ts';
import {
  CLINT_U,
  COPY,
  DATA,
  DATA_PAGES,
  INIT_CSRS,
  type InitCsr,
  leafTable,
  MEGA_U,
  OVER,
  PROGRAMS,
  RAISE,
  RAM,
  RAM_BYTES,
  RUNTIME,
  SATPS,
  STACK_TOP,
  TABLES_AT,
  UART_U,
  WINDOW_S,
  WINDOW_U,
} from './runtime.ts';

/** Text around nodes; a leaf has none inside. */
export interface Node {
  readonly head: string;
  readonly body: readonly Node[];
  readonly tail: string;
}

/** Privilege, and how code is mapped: by physical address, by a megapage, or by 4 KiB pages. */
export const PLACES = ['M', 'S', 'S mega', 'S pages', 'U', 'U mega', 'U pages'] as const;
export type Place = (typeof PLACES)[number];

export interface HotProgram {
  readonly place: Place;
  /** The main part, then the functions. */
  readonly root: Node;
  readonly csrs: Readonly<Record<InitCsr, number>>;
  /** x1 to x31. */
  readonly registers: readonly number[];
  readonly timer: number;
  /** Virtual address of the code less its physical one. */
  readonly alias: number;
}

const leaf = (head: string): Node => ({ head, body: [], tail: '' });
export const textOf = ({ head, body, tail }: Node): string => [head, ...body.map(textOf), tail].filter((text) => text !== '').join('\n');

const FREE = ['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 't0', 't1', 't2', 't3', 't4', 's7', 's8', 's9', 's10', 's11'];
/** Registers of compressed rows that have three bits. */
const SHORT = ['a0', 'a1', 'a2', 'a3', 'a4', 'a5'];
/** Loop counters by depth. */
const COUNTERS = ['s2', 's3', 's4', 's5'];
const BINARY = [
  'add',
  'sub',
  'sll',
  'slt',
  'sltu',
  'xor',
  'srl',
  'sra',
  'or',
  'and',
  'mul',
  'mulh',
  'mulhsu',
  'mulhu',
  'div',
  'divu',
  'rem',
  'remu',
];
const IMMEDIATE = ['addi', 'slti', 'sltiu', 'xori', 'ori', 'andi'];
const BRANCHES = ['beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'];
const AMOS = ['amoswap', 'amoadd', 'amoxor', 'amoand', 'amoor', 'amomin', 'amomax', 'amominu', 'amomaxu'].map((name) => `${name}.w`);
const LOADS = ['lb', 'lh', 'lw', 'lbu', 'lhu'];
const STORES = ['sb', 'sh', 'sw'];
const COUNTS = ['cycle', 'cycleh', 'instret', 'instreth', 'time', 'timeh', 'hpmcounter3'];
const FUNCTIONS = 4;
const [V, R, W, X, U, A, D] = [1, 2, 4, 8, 16, 64, 128];

export class HotGenerator {
  private readonly random: Random;
  private labels = 0;
  private place: Place = 'M';
  private functions = 0;
  /** The function being made; -1 is the main part. */
  private within = -1;
  private gaps = 0;
  /** Forks and inner loops around the node being made: their branches reach 4 KiB, so that no gap may be inside. */
  private nested = 0;
  /** Nodes that may still be made: bounds the program. */
  private left = 0;

  constructor(random: Random) {
    this.random = random;
  }

  program(): HotProgram {
    const { random } = this;
    this.labels = 0;
    this.place = random.pick(PLACES);
    this.functions = random.below(FUNCTIONS + 1);
    this.gaps = random.oneIn(3) ? 2 : 0;
    this.left = 12 + random.below(50);
    this.within = -1;
    const main = this.loop(0, true);
    const functions = Array.from({ length: this.functions }, (_, n) => {
      this.left += 6;
      const made = this.function(n);
      // In another page than what calls it.
      return n === 0 && this.place.endsWith('pages') && !random.oneIn(3) ? { head: '.balign 4096', body: [made], tail: '' } : made;
    });
    const root: Node = {
      head: random.oneIn(2) ? '' : 'c.nop',
      body: [...this.nodes(1 + random.below(4), 1), main, { head: `over: li a7, ${OVER}\necall\nj over`, body: functions, tail: '' }],
      tail: '',
    };
    const csrs = this.csrs();
    return {
      place: this.place,
      root,
      csrs,
      registers: this.registers(csrs.satp === SATPS[1] ? 1 : 0),
      timer: 1 + random.below(120),
      alias: this.alias(),
    };
  }

  private alias(): number {
    switch (this.place) {
      case 'M':
      case 'S':
      case 'U':
      case 'S mega':
        return 0;
      case 'S pages':
        return WINDOW_S - RAM;
      case 'U mega':
        return MEGA_U - RAM;
      case 'U pages':
        return WINDOW_U - RAM;
    }
  }

  private get user(): boolean {
    return this.place[0] === 'U';
  }
  private get paged(): boolean {
    return this.place.length > 1;
  }

  private registers(space: 0 | 1): number[] {
    const { random, place } = this;
    const registers = Array.from({ length: 31 }, () => random.edge());
    const set = (n: number, value: number) => {
      registers[n - 1] = value >>> 0;
    };
    const own = this.alias();
    const other = place === 'U pages' ? MEGA_U - RAM : place === 'U mega' ? WINDOW_U - RAM : place === 'S mega' ? WINDOW_S - RAM : 0;
    set(1, RUNTIME.symbols.get('lost')! + own);
    set(2, STACK_TOP + own);
    set(3, this.user && this.paged ? UART_U : 0x1000_0000);
    set(
      4,
      TABLES_AT + (this.user && this.paged ? MEGA_U - RAM : 0) + leafTable(random.oneIn(6) ? (space === 0 ? 1 : 0) : space, this.user),
    );
    const page = 4096 * (1 + random.below(DATA_PAGES - 2));
    set(8, DATA + own + page);
    set(9, DATA + other + page);
    set(22, 0);
    return registers;
  }

  private csrs(): Record<InitCsr, number> {
    const { random } = this;
    const csrs = Object.fromEntries(INIT_CSRS.map((name) => [name, 0])) as Record<InitCsr, number>;
    csrs.medeleg = random.oneIn(2) ? random.word() & 0xb1fc : 0;
    csrs.mideleg = random.oneIn(2) ? random.word() & 0x222 : 0;
    csrs.mcounteren = random.oneIn(4) ? random.below(8) : 7;
    csrs.scounteren = random.oneIn(4) ? random.below(8) : 7;
    csrs.menvcfgh = random.oneIn(2) ? 0x8000_0000 : 0;
    csrs.stimecmph = 0xffff_ffff;
    csrs.stvec = RUNTIME.symbols.get('s_table')! | random.below(2);
    csrs.satp = this.paged || (this.place === 'M' && random.oneIn(2)) ? random.pick(SATPS) : 0;
    csrs.mip = random.oneIn(6) ? random.word() & 0x222 : 0;
    csrs.mie = 0x888 | (random.oneIn(2) ? 0x222 : 0);
    const mpp = this.place === 'M' ? 3 : this.user ? 0 : 1;
    const traps = random.oneIn(6) ? random.below(8) << 20 : 0;
    csrs.mstatus = (mpp << 11) | 0x80 | (random.word() & 0x000c_0022) | traps;
    return csrs;
  }

  // --- Structure ---------------------------------------------------------------------------------------------------------------------

  private label(): string {
    this.labels += 1;
    return `l${this.labels}`;
  }
  private reg(): string {
    return this.random.pick(FREE);
  }
  /** Another one. */
  private but(...taken: readonly string[]): string {
    return this.random.pick(FREE.filter((name) => !taken.includes(name)));
  }

  private nodes(count: number, depth: number): Node[] {
    const made: Node[] = [];
    for (let n = 0; n < count && this.left > 0; n++) made.push(this.node(depth));
    return made;
  }

  private node(depth: number): Node {
    const { random } = this;
    this.left -= 1;
    const roll = random.below(100);
    if (roll < 24 || (roll >= 33 && roll < 37)) {
      this.nested += 1;
      const node = roll < 12 && depth < COUNTERS.length ? this.loop(depth, false) : roll < 24 ? this.fork(depth) : this.jumpTable(depth);
      this.nested -= 1;
      return node;
    }
    if (roll < 33) return this.call();
    if (roll < 60) return leaf(Array.from({ length: 1 + random.below(6) }, () => this.compute()).join('\n'));
    if (roll < 80) return leaf(Array.from({ length: 1 + random.below(3) }, () => this.access()).join('\n'));
    if (roll < 84) return leaf(this.atomic());
    if (roll < 88) return leaf(this.csr());
    if (roll < 90) return leaf(this.trap());
    if (roll < 92) return leaf(this.device());
    if (roll < 94) return leaf(this.patch());
    if (roll < 97) return leaf(this.paged || this.place === 'M' ? this.tables() : this.compute());
    if (roll < 98) return leaf(this.wait());
    if (roll < 99) return leaf(this.change());
    if (this.gaps > 0 && this.nested === 0) {
      this.gaps -= 1;
      return leaf(this.gap());
    }
    return this.drop(depth);
  }

  private loop(depth: number, outer: boolean): Node {
    const { random } = this;
    const counter = COUNTERS[depth];
    const [top, end, middle] = [this.label(), this.label(), this.label()];
    const count = outer ? 3 + random.below(random.pick([8, 40])) : 1 + random.below(random.pick([4, 20, 60]));
    const body = this.nodes(outer ? 4 + random.below(14) : 1 + random.below(5), depth + 1);
    const first = this.nodes(random.below(2), depth + 1);
    const set = `li ${counter}, ${count}`;
    const down = `addi ${counter}, ${counter}, -1`;
    // Loops that nothing holds back end by the counter alone: it is tested with a comparison that a lost step cannot pass by.
    switch (outer ? 0 : random.below(5)) {
      case 0: // Tested at the top.
        return outer
          ? {
              head: `${set}\n${top}: ${down}${this.place === 'M' ? '\ncsrsi mstatus, 8' : ''}`,
              body,
              tail: `blez ${counter}, ${end}\nj ${top}\n${end}:`,
            }
          : { head: `${set}\n${top}: blez ${counter}, ${end}\n${down}`, body, tail: `j ${top}\n${end}:` };
      case 1: // Entered in the middle.
        return {
          head: `${set}\nj ${middle}\n${top}:`,
          body: [...first, leaf(`${middle}:`), ...body],
          tail: `${down}\nbgtz ${counter}, ${top}`,
        };
      case 2: // Left and gone on with early.
        return {
          head: `${set}\n${top}: ${down}`,
          body: [
            ...first,
            leaf(`${random.pick(BRANCHES)} ${this.reg()}, ${this.reg()}, ${middle}`),
            ...body,
            leaf(`${random.pick(BRANCHES)} ${this.reg()}, ${this.reg()}, ${end}`),
          ],
          tail: `${middle}: bgtz ${counter}, ${top}\n${end}:`,
        };
      default:
        return { head: `${set}\n${top}:`, body, tail: `${down}\nbgtz ${counter}, ${top}` };
    }
  }

  private fork(depth: number): Node {
    const { random } = this;
    const [other, end] = [this.label(), this.label()];
    const short = random.pick(SHORT);
    // c.beqz reaches 256 bytes: only over what is small.
    const condition = `${random.pick(BRANCHES)} ${this.reg()}, ${random.oneIn(3) ? 'x0' : this.reg()}, ${other}`;
    if (random.oneIn(4)) {
      const inside = Array.from({ length: 1 + random.below(4) }, () => this.compute()).join('\n');
      return leaf(`${random.pick(['c.beqz', 'c.bnez'])} ${short}, ${other}\n${inside}\n${other}:`);
    }
    const mixed = `${random.oneIn(2) ? `andi ${short}, ${this.reg()}, ${1 << random.below(4)}\n` : ''}${condition}`;
    if (random.oneIn(2)) return { head: mixed, body: this.nodes(1 + random.below(3), depth), tail: `${other}:` };
    return {
      head: mixed,
      body: [...this.nodes(1 + random.below(3), depth), leaf(`j ${end}\n${other}:`), ...this.nodes(1 + random.below(3), depth)],
      tail: `${end}:`,
    };
  }

  private function(n: number): Node {
    const { random } = this;
    this.within = n;
    const recursive = random.oneIn(3);
    const save = `f${n}: addi sp, sp, -32\nsw ra, 28(sp)\nsw s2, 24(sp)\nsw s3, 20(sp)\nc.swsp s4, 16(sp)\nsw s5, 12(sp)`;
    const again = recursive ? `blez s6, 2f\naddi s6, s6, -1\n${random.oneIn(2) ? `call f${n}` : `jal ra, f${n}`}\n2:` : '';
    const restore = 'lw ra, 28(sp)\nlw s2, 24(sp)\nlw s3, 20(sp)\nc.lwsp s4, 16(sp)\nlw s5, 12(sp)\naddi sp, sp, 32';
    if (random.oneIn(4))
      return { head: `f${n}:`, body: [leaf(this.compute()), leaf(this.access())], tail: random.pick(['ret', 'c.jr ra']) };
    return {
      head: save,
      body: [...this.nodes(1 + random.below(4), random.below(3)), leaf(again), ...this.nodes(random.below(3), 2)],
      tail: `${restore}\n${random.pick(['ret', 'c.jr ra'])}`,
    };
  }

  private call(): Node {
    const { random } = this;
    const later = this.functions - this.within - 1;
    if (later <= 0) return leaf(this.compute());
    const callee = `f${this.within + 1 + random.below(later)}`;
    const set = `li s6, ${random.below(7)}`;
    const register = this.but('a6');
    switch (random.below(6)) {
      case 0:
        return leaf(`${set}\nla ${register}, ${callee}\n${random.pick([`jalr ${register}`, `c.jalr ${register}`])}`);
      case 1: {
        // One of two, as a guest's function pointers are.
        const over = this.label();
        const other = `f${this.within + 1 + random.below(later)}`;
        return leaf(
          `${set}\nla ${register}, ${callee}\n${random.pick(BRANCHES)} ${this.reg()}, ${this.reg()}, ${over}\nla ${register}, ${other}\n${over}: jalr ra, 0(${register})`,
        );
      }
      case 2: // The link in another register: t0 is one that returns, a6 is none.
        return leaf(`${set}\njal a6, ${callee}`);
      case 3:
        return leaf(`${set}\ncall ${callee}`);
      default:
        return leaf(`${set}\njal ra, ${callee}`);
    }
  }

  private jumpTable(depth: number): Node {
    const { random } = this;
    const [base, index] = ['t0', 't1'];
    const cases = 2 << random.below(2);
    const [table, end] = [this.label(), this.label()];
    const names = Array.from({ length: cases }, () => this.label());
    const body = names.flatMap((name) => [leaf(`${name}:`), ...this.nodes(random.below(2), depth), leaf(`j ${end}`)]);
    return {
      head: `la ${base}, ${table}
andi ${index}, ${this.but(base, index)}, ${(cases - 1) * 4}
add ${index}, ${index}, ${base}
lw ${index}, 0(${index})
add ${index}, ${index}, ${base}
${random.pick([`jr ${index}`, `c.jr ${index}`, `jalr t2, 0(${index})`])}
${table}: .word ${names.map((name) => `${name} - ${table}`).join(', ')}`,
      body,
      tail: `${end}:`,
    };
  }

  // --- Leaves ------------------------------------------------------------------------------------------------------------------------

  private compute(): string {
    const { random } = this;
    switch (random.below(8)) {
      case 0:
      case 1:
        return `${random.pick(BINARY)} ${random.oneIn(12) ? 'x0' : this.reg()}, ${this.reg()}, ${this.reg()}`;
      case 2:
        return `${random.pick(IMMEDIATE)} ${this.reg()}, ${random.oneIn(6) ? 'x0' : this.reg()}, ${random.below(4096) - 2048}`;
      case 3:
        return `${random.pick(['slli', 'srli', 'srai'])} ${this.reg()}, ${this.reg()}, ${random.below(32)}`;
      case 4:
        return `li ${this.reg()}, ${random.edge()}`;
      case 5:
        return random.pick([
          `c.addi ${this.reg()}, ${1 + random.below(31)}`,
          `c.li ${this.reg()}, ${random.below(64) - 32}`,
          `c.mv ${this.reg()}, ${this.reg()}`,
          `c.add ${this.reg()}, ${this.reg()}`,
          `c.slli ${this.reg()}, ${1 + random.below(31)}`,
          `c.srli ${random.pick(SHORT)}, ${1 + random.below(31)}`,
          `c.srai ${random.pick(SHORT)}, ${1 + random.below(31)}`,
          `c.andi ${random.pick(SHORT)}, ${random.below(64) - 32}`,
          `c.sub ${random.pick(SHORT)}, ${random.pick(SHORT)}`,
          `c.xor ${random.pick(SHORT)}, ${random.pick(SHORT)}`,
          `c.lui ${this.reg()}, ${1 + random.below(31)}`,
        ]);
      case 6: // One whose immediate the copy has differently.
        return `${VARIED}${this.label()}: addi ${this.reg()}, ${this.reg()}, ${random.below(1024)}`;
      default:
        return random.pick([
          `auipc ${this.reg()}, ${random.below(1 << 20)}`,
          'fence',
          `lui ${this.reg()}, ${random.below(1 << 20)}`,
          'nop',
        ]);
    }
  }

  /** Somewhere in data, by one of its two addresses: the register, and an offset. */
  private address(align = 1): { set: string; register: string; offset: number } {
    const { random } = this;
    const base = random.pick(['s0', 's0', 's1']);
    const offset = (random.pick([0, 4, 8, 64, 1024, -4, -8, 2044, -2048, random.below(4096) - 2048]) & -align) | 0;
    switch (random.below(4)) {
      case 0: {
        const register = this.reg();
        const index = this.but(register);
        const mask = random.pick([0xffc, 0xffc, 0xfff, 0x1ffe, 0x7c, 0x40]) & -align;
        return {
          set: `li ${register}, ${mask}\nand ${register}, ${register}, ${index}\nadd ${register}, ${register}, ${base}`,
          register,
          offset: offset & 0x1ff,
        };
      }
      case 1: {
        // Around a page's end.
        const register = this.reg();
        const distance = (4096 * random.pick([-1, 0, 1]) - random.pick([0, 1, 2, 3, 4, 8])) & -align;
        return { set: `li ${register}, ${distance}\nadd ${register}, ${register}, ${base}`, register, offset: 0 };
      }
      default:
        return { set: '', register: base, offset };
    }
  }

  private access(): string {
    const { random } = this;
    const align = random.oneIn(4) ? 1 : 4;
    const { set, register, offset } = this.address(align);
    const lines = [set];
    for (let n = 1 + random.below(3); n > 0; n--) {
      const at = Math.min(2047, offset + (random.oneIn(2) ? 0 : 4 * random.below(4)));
      const value = this.but(register);
      lines.push(
        random.oneIn(2)
          ? `${random.pick(LOADS)} ${random.oneIn(20) ? 'x0' : value}, ${at}(${register})`
          : `${random.pick(STORES)} ${value}, ${at}(${register})`,
      );
    }
    if (random.oneIn(8)) lines.push(`lw ${register === 's0' || register === 's1' ? this.reg() : register}, 0(${register})`);
    if (random.oneIn(8))
      lines.push(`c.lw ${random.pick(SHORT)}, ${4 * random.below(8)}(s0)\nc.sw ${random.pick(SHORT)}, ${4 * random.below(8)}(s1)`);
    if (random.oneIn(30)) lines.push(this.wild());
    return lines.filter((line) => line !== '').join('\n');
  }

  /** Where nothing is, or not for us. */
  private wild(): string {
    const { random } = this;
    const at = random.pick([
      0,
      0x1000,
      0x7fff_f000,
      RAM + RAM_BYTES,
      RAM + RAM_BYTES - 2,
      0xffff_fffe,
      WINDOW_S,
      WINDOW_U,
      MEGA_U + RAM_BYTES,
      RAM + 0x3f_0000,
    ]);
    const register = this.reg();
    return `li ${register}, ${at}\n${random.oneIn(2) ? `${random.pick(LOADS)} ${this.reg()}` : `${random.pick(STORES)} ${this.reg()}`}, ${random.below(8)}(${register})`;
  }

  private atomic(): string {
    const { random } = this;
    const { set, register, offset } = this.address(random.oneIn(12) ? 1 : 4);
    const at = register === 's0' || register === 's1' ? this.reg() : register;
    const lines = [set, `addi ${at}, ${register}, ${offset & ~3}`];
    const value = this.but(at);
    const between = [
      '',
      '',
      `sw ${value}, 0(${at})`,
      `xor ${value}, ${value}, s2`,
      'ecall',
      `lw ${value}, 0(s0)`,
      `amoadd.w x0, x0, (${at})`,
    ];
    switch (random.below(4)) {
      case 0:
        lines.push(`lr.w ${value}, (${at})`, random.pick(between), `sc.w ${this.but(at, value)}, ${value}, (${at})`);
        break;
      case 1: {
        const again = this.label();
        const done = this.but(at, value);
        lines.push(`${again}: lr.w ${value}, (${at})`, `addi ${value}, ${value}, 1`, `sc.w ${done}, ${value}, (${at})`);
        if (random.oneIn(2)) lines.push(`beqz ${done}, ${again}x`, `sc.w ${done}, ${value}, (${at})`, `${again}x:`);
        break;
      }
      case 2:
        lines.push(random.pick([`lr.w ${value}, (${at})`, `sc.w ${value}, ${this.reg()}, (${at})`]));
        break;
      default:
        for (let n = 1 + random.below(3); n > 0; n--)
          lines.push(`${random.pick(AMOS)} ${random.oneIn(5) ? 'x0' : this.but(at)}, ${this.reg()}, (${at})`);
    }
    return lines.filter((line) => line !== '').join('\n');
  }

  private csr(): string {
    const { random, place } = this;
    const rd = random.oneIn(3) ? 'x0' : this.reg();
    const rs = this.reg();
    if (random.oneIn(4)) return `csrr ${this.reg()}, ${random.pick(COUNTS)}`;
    const bits = (name: string, mask: number) =>
      random.oneIn(2) && (mask & 31) !== 0
        ? `${random.pick(['csrrsi', 'csrrci'])} ${rd}, ${name}, ${mask & 31}`
        : `li ${rs}, ${mask}\n${random.pick(['csrrs', 'csrrc'])} ${rd}, ${name}, ${rs}`;
    if (place === 'M' || (this.user && random.oneIn(12))) {
      return random.pick([
        bits('mstatus', random.pick([8, 8, 0x80, 0x4_0000, 0x8_0000, 0x2, 0x1800])),
        bits('mstatus', 8),
        bits('mie', random.pick([0x8, 0x80, 0x800, 0x222])),
        bits('mip', random.pick([0x2, 0x20, 0x200])),
        `csrrw ${rd}, ${random.pick(['mcause', 'mtval', 'mepc', 'mcounteren', 'sepc', 'scause'])}, ${rs}`,
        `csrr ${this.reg()}, ${random.pick(['mstatus', 'mip', 'mie', 'mepc', 'mhartid', 'misa', 'satp', 'mscratch', 'minstret', 'mcycleh'])}`,
        random.pick([`csrw minstret, ${rs}`, `csrw mcycle, ${rs}`, `csrwi mcountinhibit, ${random.below(8)}`, `csrw minstreth, ${rs}`]),
        this.borrow(),
        `li ${rs}, ${random.word() & 0xb1fc}\ncsrw medeleg, ${rs}`,
        random.oneIn(4) ? this.protect() : 'csrsi mstatus, 8',
      ]);
    }
    return random.pick([
      bits('sstatus', random.pick([0x4_0000, 0x8_0000, 0x2, 0x20, 0x100])),
      bits('sstatus', random.pick([2, 0x4_0000])),
      bits('sie', random.pick([0x2, 0x20, 0x200])),
      bits('sip', 2),
      `csrrw ${rd}, ${random.pick(['scause', 'stval', 'sepc', 'scounteren', 'senvcfg'])}, ${rs}`,
      `csrr ${this.reg()}, ${random.pick(['sstatus', 'sip', 'sie', 'satp', 'sscratch', 'stimecmp', 'stvec'])}`,
      this.other(),
      random.oneIn(4) ? `csrr ${rd}, ${random.pick(['mstatus', 'mscratch', 'tselect', 'cycle'])}` : bits('sstatus', 2),
    ]);
  }

  /** M-mode reads and writes as another privilege would. */
  private borrow(): string {
    const { random } = this;
    const [status, at] = ['t0', 't1'];
    const page = DATA + 4096 * random.below(DATA_PAGES) + 4 * random.below(1024);
    const mpp = random.pick([0, 0x800]);
    return `li ${status}, 0x1800
csrc mstatus, ${status}
li ${status}, ${0x2_0000 | mpp}
csrs mstatus, ${status}
li ${at}, ${page + random.pick([0, (mpp === 0 ? WINDOW_U : WINDOW_S) - RAM, WINDOW_U - RAM])}
${random.oneIn(2) ? `lw ${this.but(at, status)}, 0(${at})` : `sw ${this.but(at, status)}, 0(${at})`}
li ${status}, 0x20000
csrc mstatus, ${status}`;
  }

  /** A PMP entry over some of data, which splits pages or takes them away from S and U. */
  private protect(): string {
    const { random } = this;
    const at = ((DATA >>> 2) + random.below(0x2000)) | random.pick([0, 1, 7, 0x1ff]);
    return `li t0, ${at}\ncsrw pmpaddr8, t0\nli t0, ${random.pick([0, 0x18, 0x10, 0x11, 0x19, 0x1b, 0x1f])}\ncsrw pmpcfg2, t0`;
  }

  /** S reaches into U's window, with or without SUM. */
  private other(): string {
    const { random } = this;
    const at = 't1';
    const toggle = random.oneIn(2);
    return `${toggle ? 'li t0, 0x40000\ncsrs sstatus, t0\n' : ''}li ${at}, ${WINDOW_U - RAM + DATA + 4096 * random.below(DATA_PAGES)}
${random.oneIn(2) ? 'lw a0, 8(t1)' : 'sw a1, 8(t1)'}
${toggle ? 'csrc sstatus, t0' : ''}`;
  }

  private trap(): string {
    const { random } = this;
    return random.pick(['ecall', 'ebreak', 'c.ebreak', '.word 0', '.half 0', '.word 0xffffffff', 'ecall', this.wild(), this.wild()]);
  }

  private device(): string {
    const { random } = this;
    const clint = this.user && this.paged ? CLINT_U : 0x0200_0000;
    switch (random.below(7)) {
      case 0:
      case 1:
        return `sb ${this.reg()}, 0(gp)`;
      case 2:
        return `${random.pick(['lbu', 'lb'])} ${this.reg()}, ${random.pick([2, 5, 7])}(gp)`;
      case 3:
        return `li t0, ${clint + 0xbff8}\nlw ${this.but('t0')}, ${random.pick([0, 4, 2])}(t0)`;
      case 4:
        return `li t0, ${clint}\n${random.oneIn(2) ? `li t1, 1\nsw t1, 0(t0)` : `lw t1, 0(t0)\n${random.pick(['sw', 'sb', 'sh'])} t1, 0(t0)`}`;
      case 5: // The timer, soon.
        return `li t0, ${clint + 0xbff8}\nlw t1, 0(t0)\naddi t1, t1, ${1 + random.below(40)}\nli t0, ${clint + 0x4000}\nsw t1, 0(t0)`;
      default:
        return random.pick([`lr.w t1, (gp)`, `amoadd.w t1, t1, (gp)`, `lw t1, 0(gp)`, `sw t1, 3(gp)`]);
    }
  }

  private wait(): string {
    const { random } = this;
    if (this.user) return 'wfi';
    if (this.place === 'M' || random.oneIn(2)) {
      return `li t0, 0x0200bff8\nlw t1, 0(t0)\naddi t1, t1, ${random.below(60)}\nli t0, 0x02004000\nsw t1, 0(t0)${random.oneIn(2) ? '\ncsrsi sstatus, 2' : ''}\nwfi`;
    }
    return `rdtime t0\naddi t0, t0, ${random.below(60)}\ncsrw stimecmp, t0\ncsrw stimecmph, x0\nli t0, 0x20\ncsrs sie, t0\n${random.oneIn(2) ? 'csrsi sstatus, 2\n' : ''}wfi`;
  }

  /** Code written over while it is hot. */
  private patch(): string {
    const { random } = this;
    const [here, there, over] = [this.label(), this.label(), this.label()];
    const rd = random.pick(SHORT);
    const first = `${here}: addi ${rd}, ${rd}, ${random.below(100)}`;
    const other = random.oneIn(3) ? `mul ${rd}, ${rd}, ${random.pick(SHORT)}` : `addi ${rd}, ${random.pick(SHORT)}, ${random.below(100)}`;
    // Through the other address of RAM, where there is one.
    const through = random.oneIn(2) ? 'sub t3, s1, s0\nadd t0, t0, t3\n' : '';
    const fence = random.oneIn(2) ? 'fence.i\n' : '';
    const swap = `la t1, ${there}\nlw t2, 0(t1)\nla t0, ${here}\nlw t4, 0(t0)\n${through}sw t2, 0(t0)\nsw t4, 0(t1)\n`;
    const data = `${there}: ${other}`;
    switch (random.below(4)) {
      case 0: // Ahead, at once.
        return `${swap}${fence}${first}\nj ${over}\n${data}\n${over}:`;
      case 1: // Behind: next time round.
        return `${first}\n${swap}${fence}j ${over}\n${data}\n${over}:`;
      case 2: // Data beside code.
        return `j ${over}\n${here}: .word 0\n${over}: la t0, ${here}\n${through}${random.pick(STORES)} ${rd}, 0(t0)\nlw ${rd}, 0(t0)`;
      default: // The top byte of an immediate alone.
        return `la t0, ${here}\n${through}andi t1, ${rd}, 63\nsb t1, 3(t0)\n${fence}${first}`;
    }
  }

  /** A page of code, this one or a function's, becomes its copy, or the page that it was. */
  private remap(): string {
    const { random } = this;
    const [over, target] = [this.label(), this.functions > 0 && random.oneIn(2) ? `f${random.below(this.functions)}` : undefined];
    const set = target === undefined ? 'auipc t0, 0' : `la t0, ${target}`;
    return `${set}
slli t0, t0, 12
srli t0, t0, 24
slli t0, t0, 2
add t0, t0, tp
lw t1, 0(t0)
li t2, ${((PROGRAMS + COPY) >>> 12) << 10}
li t3, ${(COPY >>> 12) << 10}
bltu t1, t2, ${over}
neg t3, t3
${over}: add t1, t1, t3
sw t1, 0(t0)${random.oneIn(2) && !this.user ? '\nsfence.vma' : ''}`;
  }

  /** Entries of the tables that are, or are not, in use. */
  private tables(): string {
    const { random } = this;
    if (this.place.endsWith('pages') && random.oneIn(2)) return this.remap();
    if (random.oneIn(5) && !this.user) {
      if (random.oneIn(3))
        return `csrr t0, satp\nli t1, ${(SATPS[0] ^ SATPS[1]) | 0}\nxor t0, t0, t1\ncsrw satp, t0\n${random.oneIn(2) ? 'sfence.vma' : ''}`;
      return random.pick(['sfence.vma', 'sfence.vma s0', 'fence.i', 'sfence.vma x0, s0']);
    }
    // Mostly data's, now and then one of code, the stack, or the tables.
    const page = random.oneIn(5) ? random.below(RAM_BYTES >>> 12) : ((DATA - RAM) >>> 12) + random.below(DATA_PAGES);
    const flags = random.pick([
      V | R | W | X | A | D,
      V | R | W | X | A | D,
      V | R | W | A | D,
      V | R | X | A,
      V | X | A,
      V | R | W | D,
      V | R | W | A,
      V | W | A | D,
      R,
    ]);
    const user = random.oneIn(6) ? !this.user : this.user;
    const odd = random.oneIn(3);
    const frame = odd ? ((DATA - RAM) >>> 12) + random.below(DATA_PAGES) : page;
    const ppn = odd && random.oneIn(8) ? random.pick([0x9_0000, 0x18_0000, 0x1_0000]) : 0x8_0000 + frame;
    const wide = random.oneIn(8) ? random.pick(['sb', 'sh']) : 'sw';
    return `li t0, ${(ppn << 10) | flags | (user ? U : 0) | 0}\n${wide} t0, ${page * 4}(tp)${random.oneIn(2) && !this.user ? `\nsfence.vma${random.oneIn(2) ? ' s0' : ''}` : ''}`;
  }

  /** mret or sret to here; from M with another privilege until an ecall. */
  private change(): string {
    const { random, place } = this;
    const after = this.label();
    if (this.user) return random.pick(['mret', 'sret', 'sfence.vma', 'ecall']);
    if (place !== 'M' || random.oneIn(3)) {
      const set = place === 'M' ? ['mepc', '0x1800', 'mstatus', 'mret'] : ['sepc', '0x100', 'sstatus', 'sret'];
      return `la t0, ${after}\ncsrw ${set[0]}, t0\nli t0, ${set[1]}\ncsrs ${set[2]}, t0\n${random.oneIn(3) ? `li t1, 0x80\ncsrs ${set[2]}, t1\n` : ''}${set[3]}\n${after}:`;
    }
    return `${this.lower(after)}\n${this.compute()}\n${this.compute()}\nlw a0, 0(s0)\nli a7, ${RAISE}\necall`;
  }

  private lower(after: string): string {
    return `la t0, ${after}\ncsrw mepc, t0\nli t0, 0x1800\ncsrc mstatus, t0\nli t0, 0x${this.random.pick(['800', '880'])}\ncsrs mstatus, t0\nmret\n${after}:`;
  }

  /** Part of an M program in S. */
  private drop(depth: number): Node {
    if (this.place !== 'M') return leaf(this.compute());
    this.place = 'S';
    this.nested += 1;
    const body = this.nodes(1 + this.random.below(3), depth);
    this.nested -= 1;
    this.place = 'M';
    return { head: this.lower(this.label()), body, tail: `li a7, ${RAISE}\necall` };
  }

  /** On into another page, the instructions across its end at odd halfwords. */
  private gap(): string {
    const { random } = this;
    const on = this.label();
    const halves = 1 + random.below(20);
    const room = Array.from({ length: halves + random.below(6) }, () => this.compute()).join('\n');
    return `j ${on}\n.balign 4096\n.space ${4096 - 2 * halves}\n${on}: ${random.oneIn(2) ? 'c.nop\n' : ''}${room}`;
  }
}

/** Labels of instructions whose immediate differs in the copy. */
export const VARIED = 'varied_';
