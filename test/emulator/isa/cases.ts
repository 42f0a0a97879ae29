/**
 * Every row of the instruction table at least once, with the edges that the manual names (Unprivileged 20211203; section numbers below).
 * A case: assembler text, what is given, what must be so afterwards. Names are registers, `[n]` is the word at byte n of a data area,
 * `trap`, `epc` and `tval` are a trap's; values may use `data`, `at` (address of the text) and `after` (address behind it).
 */

export type Case = readonly [text: string, given: string, then: string];

const table =
  (text: string) =>
  (...rows: readonly (readonly [number, number, number])[]): Case[] =>
    rows.map(([a, b, result]): Case => [text, `a1=${a} a2=${b}`, `a0=${result}`]);
/** Cases of a register-register row, and two that every such row must pass: rd = x0 stays 0, rd = rs1 = rs2 reads before it writes. */
const register = (name: string, self: readonly [number, number], ...rows: readonly (readonly [number, number, number])[]): Case[] => [
  ...table(`${name} a0, a1, a2`)(...rows),
  [`${name} x0, a1, a2`, 'a1=0x1234 a2=0x55', 'x0=0'],
  [`${name} a1, a1, a1`, `a1=${self[0]}`, `a1=${self[1]}`],
];
const immediate = (name: string, ...rows: readonly (readonly [number, number, number])[]): Case[] => [
  ...rows.map(([a, imm, result]): Case => [`${name} a0, a1, ${imm}`, `a1=${a}`, `a0=${result}`]),
  [`${name} x0, a1, 1`, 'a1=0x1234', 'x0=0'],
];
/** Taken and not taken, forward and back, and link-free. */
const branch = (name: string, taken: readonly (readonly [number, number])[], not: readonly (readonly [number, number])[]): Case[] => [
  ...taken.map(([a, b]): Case => [`${name} a1, a2, 1f; li a0, 1; 1: nop`, `a0=7 a1=${a} a2=${b}`, 'a0=7']),
  ...not.map(([a, b]): Case => [`${name} a1, a2, 1f; li a0, 1; 1: nop`, `a0=7 a1=${a} a2=${b}`, 'a0=1']),
  [`j 2f; 1: li a0, 1; j 3f; 2: ${name} a1, a2, 1b; li a0, 2; 3: nop`, `a1=${taken[0][0]} a2=${taken[0][1]}`, 'a0=1'],
];

const MIN = 0x8000_0000;
const MAX = 0x7fff_ffff;
const ONES = 0xffff_ffff;

/** §8.4: rd is the word before, memory the result; both edges of the sign, the address in rd, and the traps. */
const amo = (name: string, ...rows: readonly (readonly [memory: number, rs2: number, result: number])[]): Case[] => [
  ...rows.map(([before, b, result]): Case => [`${name} a0, a2, (a1)`, `a1=data+8 a2=${b} [8]=${before}`, `a0=${before} [8]=${result}`]),
  [`${name}.aqrl x0, a2, (a1)`, `a1=data a2=${rows[0][1]} [0]=${rows[0][0]}`, `x0=0 [0]=${rows[0][2]}`],
  [`${name}.aq a1, a2, (a1)`, `a1=data a2=${rows[0][1]} [0]=${rows[0][0]}`, `a1=${rows[0][0]} [0]=${rows[0][2]}`],
  [`${name}.rl a2, a2, (a1)`, `a1=data a2=${rows[0][1]} [0]=${rows[0][0]}`, `a2=${rows[0][0]} [0]=${rows[0][2]}`],
  [`${name} a0, a2, (a1)`, 'a0=5 a1=data+2 a2=1 [0]=9', 'a0=5 [0]=9 trap=6 tval=data+2'],
  [`${name} a0, a2, (a1)`, 'a0=5 a1=0 a2=1', 'a0=5 trap=7 tval=0'],
];

export const CASES: Readonly<Record<string, readonly Case[]>> = {
  // §2.4.1
  addi: immediate('addi', [0, 0, 0], [MAX, 1, MIN], [MIN, -1, MAX], [ONES, 1, 0], [0, -2048, 0xffff_f800], [0, 2047, 2047]),
  slti: immediate('slti', [0, 0, 0], [ONES, 0, 1], [0, -1, 0], [MIN, 2047, 1], [MAX, -2048, 0], [5, 6, 1], [0xffff_f800, -2048, 0]),
  sltiu: immediate('sltiu', [0, 1, 1], [1, 1, 0], [0, -1, 1], [ONES, -1, 0], [0xffff_f7ff, -2048, 1], [0xffff_f800, -2048, 0]),
  xori: immediate('xori', [0x0f0f_0f0f, -1, 0xf0f0_f0f0], [0, 0x7ff, 0x7ff], [0xffff_ffff, -2048, 0x7ff]),
  ori: immediate('ori', [0x1234_5000, 0x678, 0x1234_5678], [0, -1, ONES], [0, -2048, 0xffff_f800]),
  andi: immediate('andi', [0x1234_5678, 0xff, 0x78], [0xffff_ffff, -2048, 0xffff_f800], [0x1234_5678, 0, 0]),
  slli: immediate('slli', [1, 0, 1], [1, 31, MIN], [0x8000_0001, 1, 2], [ONES, 4, 0xffff_fff0]),
  srli: immediate('srli', [MIN, 31, 1], [MIN, 0, MIN], [0xffff_fff0, 4, 0x0fff_ffff]),
  srai: immediate('srai', [MIN, 31, ONES], [MIN, 0, MIN], [0xffff_fff0, 4, ONES], [0x7000_0000, 28, 7]),
  lui: [
    ['lui a0, 0x80000', '', 'a0=0x80000000'],
    ['lui a0, 0xfffff', '', 'a0=0xfffff000'],
    ['lui a0, 0', 'a0=1', 'a0=0'],
    ['lui x0, 5', '', 'x0=0'],
  ],
  auipc: [
    ['auipc a0, 0', '', 'a0=at'],
    ['auipc a0, 1', '', 'a0=at+0x1000'],
    ['c.nop; auipc a0, 0xfffff', '', 'a0=at+2-0x1000'],
    ['auipc a0, 0x80000', '', 'a0=at-0x80000000'],
  ],

  // §2.4.2
  add: register('add', [MIN, 0], [1, 2, 3], [MAX, 1, MIN], [ONES, 1, 0], [MIN, MIN, 0], [MIN, ONES, MAX]),
  sub: register('sub', [5, 0], [3, 2, 1], [0, 1, ONES], [MIN, 1, MAX], [0, MIN, MIN], [MAX, ONES, MIN]),
  sll: register('sll', [1, 2], [1, 31, MIN], [1, 32, 1], [1, 33, 2], [ONES, ONES, MIN], [0x1234, 0xffff_ff04, 0x1_2340]),
  slt: register('slt', [7, 0], [MIN, MAX, 1], [MAX, MIN, 0], [ONES, 0, 1], [0, 0, 0], [0, ONES, 0]),
  sltu: register('sltu', [7, 0], [MIN, MAX, 0], [MAX, MIN, 1], [ONES, 0, 0], [0, ONES, 1], [0, 0, 0]),
  xor: register('xor', [9, 0], [0xff00_ff00, 0x0ff0_0ff0, 0xf0f0_f0f0], [ONES, ONES, 0], [MIN, 1, 0x8000_0001]),
  srl: register('srl', [4, 0], [MIN, 31, 1], [MIN, 32, MIN], [MIN, 63, 1], [ONES, 1, MAX]),
  sra: register('sra', [4, 0], [MIN, 31, ONES], [MIN, 32, MIN], [MAX, 30, 1], [0x8000_0010, 4, 0xf800_0001]),
  or: register('or', [9, 9], [0xff00_0000, 0x00ff_0001, 0xffff_0001], [0, 0, 0], [MIN, MAX, ONES]),
  and: register('and', [9, 9], [0xff00_ff00, 0x0ff0_0ff0, 0x0f00_0f00], [ONES, MIN, MIN], [ONES, 0, 0]),

  // §2.5.1
  jal: [
    ['jal ra, 1f; li a0, 1; 1: nop', 'a0=7', 'a0=7 ra=at+4'],
    ['jal x0, 1f; li a0, 1; 1: nop', 'a0=7', 'a0=7 x0=0'],
    ['c.nop; jal t2, 1f; .half 0; 1: nop', '', 't2=at+6'],
    ['j 2f; 1: li a0, 3; j 3f; 2: jal t0, 1b; 3: nop', '', 'a0=3 t0=at+16'],
  ],
  jalr: [
    ['la a1, 1f; jalr ra, 0(a1); li a0, 1; 1: nop', 'a0=7', 'a0=7 ra=at+12'],
    // rd = rs1: the target is read before the link is written.
    ['la ra, 1f; jalr ra, 0(ra); li a0, 1; 1: nop', 'a0=7', 'a0=7 ra=at+12'],
    // The lowest bit of the sum is cleared.
    ['la a1, 1f; jalr x0, 1(a1); li a0, 1; 1: nop', 'a0=7', 'a0=7'],
    ['la a1, 1f+2048; jalr x0, -2047(a1); li a0, 1; 1: nop', 'a0=7', 'a0=7'],
    ['la a1, 1f; addi a1, a1, -2047; jalr t0, a1, 2047; li a0, 1; 1: nop', 'a0=7', 'a0=7 t0=at+16'],
    // Link and target are architectural before the fetch fails: epc is the target.
    ['jalr ra, 0(a1)', 'a1=0x40000000 ra=9', 'ra=at+4 trap=1 epc=0x40000000 tval=0x40000000'],
  ],

  // §2.5.2
  beq: branch(
    'beq',
    [
      [1, 1],
      [MIN, MIN],
    ],
    [
      [1, 2],
      [0, MIN],
    ],
  ),
  bne: branch(
    'bne',
    [
      [1, 2],
      [0, MIN],
    ],
    [
      [1, 1],
      [ONES, ONES],
    ],
  ),
  blt: branch(
    'blt',
    [
      [MIN, MAX],
      [ONES, 0],
    ],
    [
      [0, ONES],
      [3, 3],
      [MAX, MIN],
    ],
  ),
  bge: branch(
    'bge',
    [
      [MAX, MIN],
      [0, ONES],
      [3, 3],
    ],
    [
      [MIN, MAX],
      [ONES, 0],
    ],
  ),
  bltu: branch(
    'bltu',
    [
      [MAX, MIN],
      [0, ONES],
    ],
    [
      [MIN, MAX],
      [3, 3],
      [ONES, 0],
    ],
  ),
  bgeu: branch(
    'bgeu',
    [
      [MIN, MAX],
      [ONES, 0],
      [3, 3],
    ],
    [
      [0, ONES],
      [MAX, MIN],
    ],
  ),

  // §2.6: sign and zero extension, misaligned in hardware, and rd untouched by a fault
  lb: [
    ['lb a0, 0(a1)', 'a1=data [0]=0x80', 'a0=0xffffff80'],
    ['lb a0, -1(a1)', 'a1=data+4 [0]=0x7f000000', 'a0=0x7f'],
    ['lb a1, 3(a1)', 'a1=data [0]=0xff000000', 'a1=0xffffffff'],
    ['lb x0, 0(a1)', 'a1=data [0]=0x80', 'x0=0'],
    ['lb a0, 0(a1)', 'a0=3 a1=0x40000001', 'a0=3 trap=5 tval=0x40000001'],
  ],
  lh: [
    ['lh a0, 0(a1)', 'a1=data [0]=0x8000', 'a0=0xffff8000'],
    ['lh a0, 1(a1)', 'a1=data [0]=0x007fff00', 'a0=0x7fff'],
    ['lh a0, 3(a1)', 'a1=data [0]=0x34000000 [4]=0x92', 'a0=0xffff9234'],
  ],
  lw: [
    ['lw a0, 4(a1)', 'a1=data [4]=0x89abcdef', 'a0=0x89abcdef'],
    ['lw a0, 1(a1)', 'a1=data [0]=0x33221100 [4]=0x77665544', 'a0=0x44332211'],
    ['lw a0, 3(a1)', 'a1=data [0]=0x33221100 [4]=0x77665544', 'a0=0x66554433'],
    ['lw a0, 0(a0)', 'a0=0x40000000', 'a0=0x40000000 trap=5 tval=0x40000000'],
    ['lw x0, 0(a1)', 'a1=0x40000000', 'x0=0 trap=5 tval=0x40000000'],
    // Across a 4 KiB boundary.
    ['lw a0, -2(a1)', 'a1=data+0x1000 [0xffc]=0xbbaa0000 [0x1000]=0xddcc', 'a0=0xddccbbaa'],
  ],
  lbu: [
    ['lbu a0, 0(a1)', 'a1=data [0]=0x80', 'a0=0x80'],
    ['lbu a0, 2(a1)', 'a1=data [0]=0x00ff0000', 'a0=0xff'],
  ],
  lhu: [
    ['lhu a0, 0(a1)', 'a1=data [0]=0x8000', 'a0=0x8000'],
    ['lhu a0, 3(a1)', 'a1=data [0]=0x34000000 [4]=0x92', 'a0=0x9234'],
  ],
  sb: [
    ['sb a2, 1(a1)', 'a1=data a2=0x12345678 [0]=0xffffffff', '[0]=0xffff78ff'],
    ['sb a2, 0(a1)', 'a1=0x40000000', 'trap=7 tval=0x40000000'],
    ['sb a2, -2048(a1)', 'a1=data+2048 a2=0x180 [0]=1', '[0]=0x80'],
  ],
  sh: [
    ['sh a2, 2(a1)', 'a1=data a2=0x12345678 [0]=0xffffffff', '[0]=0x5678ffff'],
    ['sh a2, 3(a1)', 'a1=data a2=0xabcd [0]=0 [4]=0', '[0]=0xcd000000 [4]=0xab'],
  ],
  sw: [
    ['sw a2, 0(a1)', 'a1=data a2=0x12345678', '[0]=0x12345678'],
    ['sw a2, 2(a1)', 'a1=data a2=0x12345678 [0]=0 [4]=0', '[0]=0x56780000 [4]=0x1234'],
    ['sw a2, -1(a1)', 'a1=data+0x1000 a2=0x44332211 [0xffc]=0 [0x1000]=0', '[0xffc]=0x11000000 [0x1000]=0x443322'],
    ['sw a1, 0(a1)', 'a1=data', '[0]=data'],
  ],

  // §2.7 and §3: fences are no-ops here, reserved fields and sets included
  fence: [
    ['fence', 'a0=1', 'a0=1'],
    ['fence rw, w; fence i, o; fence 0, 0', 'a0=1', 'a0=1'],
    ['.word 0x8330000f', 'a0=1', 'a0=1'], // fence.tso
    ['.word 0xf0b5050f', 'a0=1', 'a0=1'], // reserved fm, rd = a0, rs1 = a0
    ['.word 0x0100000f', 'a0=1', 'a0=1'], // pause
  ],
  'fence.i': [
    ['fence.i', 'a0=1', 'a0=1'],
    ['.word 0xfff5150f', 'a0=1', 'a0=1'],
    // Code that was just written is what runs.
    ['la a1, 1f; li a2, 0x00500513; sw a2, 0(a1); fence.i; 1: li a0, 1', 'a0=0', 'a0=5'],
    // ...with no fence too: fetch is coherent (a rule of this machine, not of the manual).
    ['la a1, 1f; li a2, 0x00500513; sw a2, 0(a1); 1: li a0, 1', 'a0=0', 'a0=5'],
  ],

  // §7.1
  mul: register(
    'mul',
    [3, 9],
    [7, 6, 42],
    [ONES, ONES, 1],
    [MIN, ONES, MIN],
    [0x1_0000, 0x1_0000, 0],
    [0x1234_5678, 0x9abc_def0, 0x242d_2080],
  ),
  mulh: register(
    'mulh',
    [MIN, 0x4000_0000],
    [MIN, MIN, 0x4000_0000],
    [ONES, ONES, 0],
    [MIN, ONES, 0],
    [MAX, MAX, 0x3fff_ffff],
    [ONES, 1, ONES],
    [MIN, MAX, 0xc000_0000],
  ),
  mulhsu: register(
    'mulhsu',
    [ONES, ONES],
    [MIN, MIN, 0xc000_0000],
    [ONES, ONES, ONES],
    [1, ONES, 0],
    [ONES, 1, ONES],
    [MAX, ONES, 0x7fff_fffe],
    [MIN, ONES, MIN],
  ),
  mulhu: register('mulhu', [ONES, 0xffff_fffe], [MIN, MIN, 0x4000_0000], [ONES, ONES, 0xffff_fffe], [1, ONES, 0], [MIN, 2, 1]),
  // §7.2, table 7.1
  div: register(
    'div',
    [5, 1],
    [20, 6, 3],
    [-20 >>> 0, 6, -3 >>> 0],
    [20, -6 >>> 0, -3 >>> 0],
    [-20 >>> 0, -6 >>> 0, 3],
    [7, 0, ONES],
    [MIN, 0, ONES],
    [0, 0, ONES],
    [MIN, ONES, MIN],
    [MIN, 1, MIN],
    [MAX, ONES, 0x8000_0001],
  ),
  divu: register('divu', [5, 1], [20, 6, 3], [ONES, 1, ONES], [MIN, ONES, 0], [7, 0, ONES], [0, 0, ONES], [ONES, MIN, 1]),
  rem: register(
    'rem',
    [5, 0],
    [20, 6, 2],
    [-20 >>> 0, 6, -2 >>> 0],
    [20, -6 >>> 0, 2],
    [-20 >>> 0, -6 >>> 0, -2 >>> 0],
    [7, 0, 7],
    [MIN, 0, MIN],
    [MIN, ONES, 0],
    [MAX, MIN, MAX],
  ),
  remu: register('remu', [5, 0], [20, 6, 2], [ONES, 10, 5], [MIN, ONES, MIN], [7, 0, 7], [ONES, 0, ONES], [ONES, MIN, MAX]),

  // §8.2
  'lr.w': [
    ['lr.w a0, (a1)', 'a1=data [0]=0x87654321', 'a0=0x87654321'],
    ['lr.w.aqrl a1, (a1)', 'a1=data [0]=5', 'a1=5'],
    ['lr.w a0, (a1)', 'a0=3 a1=data+2', 'a0=3 trap=4 tval=data+2'],
    ['lr.w a0, (a1)', 'a0=3 a1=data+1', 'a0=3 trap=4 tval=data+1'],
    ['lr.w a0, (a1)', 'a0=3 a1=0x40000000', 'a0=3 trap=5 tval=0x40000000'],
    ['.word 0x1015a52f', 'a0=3', 'a0=3 trap=2 tval=0x1015a52f'], // rs2 must be 0
  ],
  'sc.w': [
    ['lr.w a0, (a1); sc.w a3, a2, (a1)', 'a1=data a2=9 [0]=7', 'a0=7 a3=0 [0]=9'],
    ['sc.w a3, a2, (a1)', 'a1=data a2=9 [0]=7', 'a3=1 [0]=7'],
    // Any SC ends the reservation, a failed one too.
    ['lr.w a0, (a1); sc.w a3, a2, (a1); sc.w a4, a2, (a1)', 'a1=data a2=9 [0]=7', 'a3=0 a4=1 [0]=9'],
    ['lr.w a0, (a1); addi t0, a1, 4; sc.w a3, a2, (t0); sc.w a4, a2, (a1)', 'a1=data a2=9 [0]=7 [4]=8', 'a3=1 a4=1 [0]=7 [4]=8'],
    // A later LR moves it.
    ['lr.w a0, (a1); addi t0, a1, 4; lr.w a5, (t0); sc.w a3, a2, (a1)', 'a1=data a2=9 [0]=7 [4]=8', 'a3=1 [0]=7'],
    // The hart's own stores leave it alone, even on that word.
    ['lr.w a0, (a1); sw a5, 0(a1); sc.w a3, a2, (a1)', 'a1=data a2=9 a5=1 [0]=7', 'a3=0 [0]=9'],
    // rd = rs2 and rd = x0.
    ['lr.w a0, (a1); sc.w a2, a2, (a1)', 'a1=data a2=9 [0]=7', 'a2=0 [0]=9'],
    ['lr.w a0, (a1); sc.w x0, a2, (a1)', 'a1=data a2=9 [0]=7', 'x0=0 [0]=9'],
    ['sc.w a3, a2, (a1)', 'a3=5 a1=data+2', 'a3=5 trap=6 tval=data+2'],
  ],
  'amoswap.w': amo('amoswap.w', [1, 2, 2], [MIN, ONES, ONES]),
  'amoadd.w': amo('amoadd.w', [1, 2, 3], [MAX, 1, MIN], [ONES, 1, 0]),
  'amoxor.w': amo('amoxor.w', [0xff, 0xf0, 0x0f], [ONES, ONES, 0]),
  'amoand.w': amo('amoand.w', [0xff, 0xf0, 0xf0], [ONES, MIN, MIN]),
  'amoor.w': amo('amoor.w', [0x0f, 0xf0, 0xff], [MIN, 1, 0x8000_0001]),
  'amomin.w': amo('amomin.w', [MIN, MAX, MIN], [MAX, MIN, MIN], [ONES, 0, ONES], [5, 5, 5]),
  'amomax.w': amo('amomax.w', [MIN, MAX, MAX], [MAX, MIN, MAX], [ONES, 0, 0], [5, 5, 5]),
  'amominu.w': amo('amominu.w', [MIN, MAX, MAX], [MAX, MIN, MAX], [ONES, 0, 0], [5, 5, 5]),
  'amomaxu.w': amo('amomaxu.w', [MIN, MAX, MIN], [MAX, MIN, MIN], [ONES, 0, ONES], [5, 5, 5]),

  // §9.1: mscratch holds every bit
  csrrw: [
    ['csrw mscratch, a1; csrrw a0, mscratch, a2; csrr a3, mscratch', 'a1=0x12345678 a2=0xffffffff', 'a0=0x12345678 a3=0xffffffff'],
    ['csrw mscratch, a1; csrrw a1, mscratch, a1', 'a1=5', 'a1=5'],
    ['csrw mscratch, a1; csrrw a2, mscratch, a2; csrr a3, mscratch', 'a1=5 a2=6', 'a2=5 a3=6'],
    ['csrrw a0, mhartid, x0', 'a0=3', 'a0=3 trap=2 tval=0xf1401573'],
    ['csrrw a0, 0x5c0, a1', 'a0=3', 'a0=3 trap=2 tval=0x5c059573'],
  ],
  csrrs: [
    ['csrw mscratch, a1; csrrs a0, mscratch, a2; csrr a3, mscratch', 'a1=0xf0 a2=0x0f', 'a0=0xf0 a3=0xff'],
    // rs1 = x0 writes nothing, so read-only CSRs can be read; another register writes even when it holds 0.
    ['csrrs a0, mhartid, x0', 'a0=3', 'a0=0'],
    ['csrrs a0, mhartid, a1', 'a0=3 a1=0', 'a0=3 trap=2 tval=0xf145a573'],
    ['csrw mscratch, a1; csrrs a1, mscratch, a1; csrr a3, mscratch', 'a1=5', 'a1=5 a3=5'],
  ],
  csrrc: [
    ['csrw mscratch, a1; csrrc a0, mscratch, a2; csrr a3, mscratch', 'a1=0xff a2=0x0f', 'a0=0xff a3=0xf0'],
    ['csrrc a0, mhartid, x0', 'a0=3', 'a0=0'],
    ['csrrc a0, mhartid, a1', 'a0=3 a1=0', 'a0=3 trap=2 tval=0xf145b573'],
  ],
  csrrwi: [
    ['csrw mscratch, a1; csrrwi a0, mscratch, 31; csrr a3, mscratch', 'a1=0x80000000', 'a0=0x80000000 a3=31'],
    ['csrrwi a0, mhartid, 0', 'a0=3', 'a0=3 trap=2 tval=0xf1405573'],
  ],
  csrrsi: [
    ['csrw mscratch, a1; csrrsi a0, mscratch, 17; csrr a3, mscratch', 'a1=0x80000000', 'a0=0x80000000 a3=0x80000011'],
    ['csrrsi a0, mhartid, 0', 'a0=3', 'a0=0'],
    ['csrrsi a0, mhartid, 1', 'a0=3', 'a0=3 trap=2 tval=0xf140e573'],
  ],
  csrrci: [
    ['csrw mscratch, a1; csrrci a0, mscratch, 17; csrr a3, mscratch', 'a1=0xffffffff', 'a0=0xffffffff a3=0xffffffee'],
    ['csrrci a0, mhartid, 0', 'a0=3', 'a0=0'],
  ],

  // §2.8
  ecall: [['ecall', '', 'trap=11 tval=0']],
  ebreak: [['ebreak', '', 'trap=3 tval=at']],

  // Privileged §3.3: returns to the same mode here; other modes have their own tests
  mret: [['la a1, 1f; csrw mepc, a1; li a2, 0x1800; csrs mstatus, a2; mret; li a0, 1; 1: li a2, 0x1800; csrs mstatus, a2', 'a0=7', 'a0=7']],
  sret: [
    // To S, and back by the ecall that it finds there (SPP = 1); tval and cause are the ecall's.
    ['la a1, 1f; csrw sepc, a1; li a2, 0x100; csrs mstatus, a2; sret; li a0, 1; 1: ecall', 'a0=7', 'a0=7 trap=9 tval=0 epc=after-4'],
  ],
  wfi: [['csrsi mie, 2; csrsi mip, 2; wfi; li a0, 1; csrci mip, 2; csrci mie, 2', '', 'a0=1']],
  'sfence.vma': [
    ['sfence.vma; sfence.vma a0; sfence.vma a0, a1', 'a0=1', 'a0=1'],
    ['.word 0x120000f3', '', 'trap=2 tval=0x120000f3'], // rd must be 0
  ],

  // §16.3 to §16.5; the handbook's syntax. Reserved encodings are illegal, with the 16 bits as tval; hints are no-ops.
  'c.addi4spn': [
    ['c.addi4spn a0, sp, 4', 'sp=100', 'a0=104'],
    ['c.addi4spn s0, sp, 1020', 'sp=0xfffffffc', 's0=1016'],
    ['.half 0x0000', '', 'trap=2 tval=0'],
    ['.half 0x0008', 'a0=1', 'trap=2 tval=8'],
  ],
  'c.lw': [
    ['c.lw a0, 0(a1)', 'a1=data [0]=0x81234567', 'a0=0x81234567'],
    ['c.lw a5, 124(a5)', 'a5=data [124]=0x55', 'a5=0x55'],
    ['c.lw a0, 4(a1)', 'a0=3 a1=0x40000000', 'a0=3 trap=5 tval=0x40000004'],
  ],
  'c.sw': [
    ['c.sw a2, 64(a1)', 'a1=data a2=0x87654321', '[64]=0x87654321'],
    ['c.sw a2, 4(a1)', 'a1=data+1 a2=0x44332211 [4]=0 [8]=0', '[4]=0x33221100 [8]=0x44'],
  ],
  'c.addi': [
    ['c.addi a0, -32', 'a0=0', 'a0=0xffffffe0'],
    ['c.addi t6, 31', 't6=1', 't6=32'],
    ['c.nop', 'a0=1', 'a0=1'],
    ['.half 0x0005; .half 0x0501', 'a0=1', 'a0=1 x0=0'], // hints: c.nop with an immediate, c.addi a0, 0
  ],
  'c.jal': [
    ['c.jal 1f; li a0, 1; 1: nop', 'a0=7', 'a0=7 ra=at+2'],
    ['j 2f; 1: li a0, 3; j 3f; 2: c.jal 1b; 3: nop', '', 'a0=3 ra=at+14'],
  ],
  'c.li': [
    ['c.li a0, -1', '', 'a0=0xffffffff'],
    ['c.li s11, 31', '', 's11=31'],
    ['.half 0x4005', '', 'x0=0'],
  ],
  'c.addi16sp': [
    ['c.addi16sp sp, 16', 'sp=100', 'sp=116'],
    ['c.addi16sp sp, -512', 'sp=0', 'sp=0xfffffe00'],
    ['c.addi16sp sp, 496', 'sp=4', 'sp=500'],
    ['.half 0x6101', 'sp=4', 'sp=4 trap=2 tval=0x6101'],
  ],
  'c.lui': [
    ['c.lui a0, 1', '', 'a0=0x1000'],
    ['c.lui a0, 0xfffff', '', 'a0=0xfffff000'],
    ['c.lui a0, 0xfffe0', '', 'a0=0xfffe0000'],
    ['c.lui a0, 31', '', 'a0=0x1f000'],
    ['.half 0x6501', 'a0=4', 'a0=4 trap=2 tval=0x6501'],
    ['.half 0x6005', '', 'x0=0'], // hint
    ['.half 0x6001', '', 'trap=2 tval=0x6001'], // rd = 0 does not make a reserved immediate a hint
  ],
  'c.srli': [
    ['c.srli a0, 31', 'a0=0x80000000', 'a0=1'],
    ['.half 0x8101', 'a0=9', 'a0=9'], // hint: by 0
    ['.half 0x9101', 'a0=9', 'a0=9 trap=2 tval=0x9101'], // shamt[5]
  ],
  'c.srai': [
    ['c.srai a0, 31', 'a0=0x80000000', 'a0=0xffffffff'],
    ['.half 0x9505', 'a0=9', 'a0=9 trap=2 tval=0x9505'],
  ],
  'c.andi': [
    ['c.andi a0, -32', 'a0=0xffff', 'a0=0xffe0'],
    ['c.andi a0, 31', 'a0=0xffffffff', 'a0=31'],
  ],
  'c.sub': [
    ['c.sub a0, a1', 'a0=1 a1=2', 'a0=0xffffffff'],
    ['.half 0x9d0d', 'a0=1', 'a0=1 trap=2 tval=0x9d0d'], // c.subw is RV64's
    ['.half 0x9d2d', 'a0=1', 'a0=1 trap=2 tval=0x9d2d'], // c.addw
    ['.half 0x9d4d; nop', 'a0=1', 'a0=1 trap=2 tval=0x9d4d'], // reserved
  ],
  'c.xor': [['c.xor a0, a1', 'a0=0xff a1=0xf0', 'a0=0x0f']],
  'c.or': [['c.or a0, a1', 'a0=0xf a1=0xf0', 'a0=0xff']],
  'c.and': [['c.and a0, a1', 'a0=0xff a1=0xf0', 'a0=0xf0']],
  'c.j': [
    ['c.j 1f; li a0, 1; 1: nop', 'a0=7 ra=5', 'a0=7 ra=5'],
    ['c.j 2f; 1: li a0, 3; c.j 3f; 2: c.j 1b; 3: nop', '', 'a0=3'],
  ],
  'c.beqz': [
    ['c.beqz a1, 1f; li a0, 1; 1: nop', 'a0=7 a1=0', 'a0=7'],
    ['c.beqz a1, 1f; li a0, 1; 1: nop', 'a0=7 a1=0x80000000', 'a0=1'],
    ['j 2f; 1: li a0, 1; j 3f; 2: c.beqz a1, 1b; 3: nop', 'a0=7 a1=0', 'a0=1'],
  ],
  'c.bnez': [
    ['c.bnez a1, 1f; li a0, 1; 1: nop', 'a0=7 a1=0x80000000', 'a0=7'],
    ['c.bnez a1, 1f; li a0, 1; 1: nop', 'a0=7 a1=0', 'a0=1'],
  ],
  'c.slli': [
    ['c.slli t6, 31', 't6=3', 't6=0x80000000'],
    ['.half 0x0006; .half 0x0502', 'a0=1', 'a0=1 x0=0'], // hints: rd = x0, and by 0
    ['.half 0x1506', 'a0=9', 'a0=9 trap=2 tval=0x1506'],
  ],
  'c.lwsp': [
    ['c.lwsp t0, 0(sp)', 'sp=data [0]=5', 't0=5'],
    ['c.lwsp sp, 252(sp)', 'sp=data [252]=0x80000000', 'sp=0x80000000'],
    ['.half 0x4002', 'sp=data', 'trap=2 tval=0x4002'], // rd = x0
    ['.half 0x5092', 'sp=data [36]=1', 'ra=1'],
  ],
  'c.jr': [
    ['la a1, 1f; c.jr a1; li a0, 1; 1: nop', 'a0=7', 'a0=7'],
    ['la a1, 1f+1; c.jr a1; li a0, 1; 1: nop', 'a0=7', 'a0=7'],
    ['.half 0x8002', '', 'trap=2 tval=0x8002'],
  ],
  'c.mv': [
    ['c.mv a0, t6', 't6=0x80000001', 'a0=0x80000001'],
    ['.half 0x807e', '', 'x0=0'], // hint
  ],
  'c.ebreak': [['c.ebreak', '', 'trap=3 tval=at']],
  'c.jalr': [
    ['la a1, 1f; c.jalr a1; li a0, 1; 1: nop', 'a0=7', 'a0=7 ra=at+10'],
    ['la ra, 1f; c.jalr ra; li a0, 1; 1: nop', 'a0=7', 'a0=7 ra=at+10'],
  ],
  'c.add': [
    ['c.add a0, t6', 'a0=0xffffffff t6=2', 'a0=1'],
    ['c.add a0, a0', 'a0=0x80000001', 'a0=2'],
    ['.half 0x907e', '', 'x0=0'], // hint
  ],
  'c.swsp': [
    ['c.swsp t0, 252(sp)', 'sp=data t0=0x80000001', '[252]=0x80000001'],
    ['c.swsp sp, 4(sp)', 'sp=data', '[4]=data'],
  ],
};

/** Encodings that belong to no row: illegal instructions, tval the bits (§1.5, §16.8; Privileged §3.1.16). */
export const ILLEGAL: readonly number[] = [
  0xffff_ffff,
  0x0000_007f, // longer than 32 bits
  0x0000_703b, // RV64 op-32
  0x0000_3003, // ld
  0x0000_6003, // lwu
  0x0000_7003,
  0x0000_3023, // sd
  0x0000_2063, // branch funct3 2
  0x0000_3063,
  0x0000_1067, // jalr funct3 1
  0x0200_1013, // slli with shamt[5]
  0x4200_5013, // srai with shamt[5]
  0x4000_1033, // funct7 of sub with sll
  0x0400_0033,
  0x0000_200f, // misc-mem funct3 2: cbo
  0x0000_0053, // floating point
  0x0000_2007, // flw
  0x0000_302f, // amoadd.d
  0x0000_002f,
  0x2800_202f, // funct5 with no AMO
  0x0000_4073, // system funct3 4
  0x0020_0073, // uret
  0x7b20_0073, // dret
  0x0010_00f3, // ebreak with rd
  0x0000_8073, // ecall with rs1
  0x1050_80f3, // wfi with fields
  0x2200_0073, // hfence.bvma
  0x0000_2000, // c.fld
  0x0000_6000, // c.flw
  0x0000_8000, // reserved, quadrant 0
  0x0000_a000, // c.fsd
  0x0000_e000, // c.fsw
  0x0000_2002, // c.fldsp
  0x0000_6002, // c.flwsp
  0x0000_a002, // c.fsdsp
  0x0000_e002, // c.fswsp
  0x0000_9c61, // reserved, quadrant 1
  0x0000_9c41,
];
