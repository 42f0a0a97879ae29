/**
 * Is every access translated as Sv32 says, at the instruction that makes it? (Privileged 20211203 §4.3; machine.md: Svade, walks never write,
 * every access behaves as if it walked the tables then, 34-bit physical addresses.) No test here uses a fence.
 */
import { describe, expect, test } from 'vitest';
import { BACK, DATA, play, type Scene } from './scene.ts';

const ROOT = 0x8006_0000;
const LEAF = 0x8006_1000;
const LEAF2 = 0x8006_2000;
/** The page under test, by leaf table: root entry 1, leaf entry 5. */
const VPAGE = 0x0040_5000;
const V = 1;
const R = 2;
const W = 4;
const X = 8;
const U = 16;
const A = 64;
const D = 128;
const ALL = V | R | W | X | A | D;

const pte = (address: number, flags: number) => (Math.floor(address / 4096) * 1024 + flags) >>> 0;
const store = (table: number, index: number, value: number) => `li t0, ${table + 4 * index}\nli t1, ${value}\nsw t1, 0(t0)`;

/** Root: RAM identity-mapped for S (megapage 0x80000000) and at 0xc0000000 for U; root[1] -> LEAF. satp on. */
const TABLES = `
  ${store(ROOT, 0x200, pte(0x8000_0000, ALL))}
  ${store(ROOT, 0x300, pte(0x8000_0000, ALL | U))}
  ${store(ROOT, 1, pte(LEAF, V))}
  li t0, ${(0x8000_0000 | (ROOT >>> 12)) >>> 0}
  csrw satp, t0`;

/** What §4.3.2 says about a leaf-level PTE, for an access of any kind. True: a page fault. */
function faults(flags: number, access: 'load' | 'store' | 'fetch', mode: 'S' | 'U', sum: boolean, mxr: boolean): boolean {
  const has = (bit: number) => (flags & bit) !== 0;
  if (!has(V) || (has(W) && !has(R))) return true;
  if (!has(R) && !has(X)) return true; // a pointer where no further level is (or, in the root, to a table of zeros)
  if (mode === 'U' && !has(U)) return true;
  if (mode === 'S' && has(U) && (access === 'fetch' || !sum)) return true;
  if (!has(A) || (access === 'store' && !has(D))) return true;
  if (access === 'load') return !(has(R) || (mxr && has(X)));
  return access === 'store' ? !has(W) : !has(X);
}

/** For all 256 flag values one access each; the results are causes, or 0xff for none. PTE `index` of `table` is rewritten every time. */
function everyFlag(table: number, index: number, address: number, vaddr: number, access: string, status: number): number[] {
  const scene = play(`
    ${TABLES}
    la t0, handler
    csrw mtvec, t0
    li s0, ${DATA}
    li s1, 0
    li s2, ${table + 4 * index}
    li s3, ${vaddr}
    li s4, ${pte(address, 0)}
    li s6, ${0x2_0000 | 0x1800 | 0x4_0000 | 0x8_0000}
    li s7, ${0x2_0000 | status}
    li s8, 256
  loop:
    or t0, s4, s1
    sw t0, 0(s2)
    li s5, 0xff
    csrc mstatus, s6
    csrs mstatus, s7
    ${access}
    csrc mstatus, s6
    sb s5, 0(s0)
    addi s0, s0, 1
    addi s1, s1, 1
    bne s1, s8, loop
    j done
    .balign 4
  handler:
    csrr s5, mcause
    csrr t2, mtval
    bne t2, s3, wrong
    csrr t2, mepc
    addi t2, t2, 4
    csrw mepc, t2
    mret
  wrong: li s5, 0xee
    j wrong`);
  return bytesAt(scene, 256);
}

const bytesAt = (scene: Scene, count: number) =>
  Array.from({ length: count }, (_, n) => (scene.word(DATA + (n & ~3)) >>> (8 * (n & 3))) & 0xff);

describe('permissions of a leaf', () => {
  for (const level of ['page', 'megapage'] as const) {
    for (const mode of ['S', 'U'] as const) {
      test(`${level}, ${mode}: loads and stores for all 256 flags, with each of SUM and MXR`, () => {
        for (const [sum, mxr] of [
          [false, false],
          [true, false],
          [false, true],
          [true, true],
        ]) {
          const status = (mode === 'S' ? 0x800 : 0) | (sum ? 0x4_0000 : 0) | (mxr ? 0x8_0000 : 0);
          for (const [access, text, cause] of [
            ['load', 'lw t2, 0(s3)', 13],
            ['store', 'sw x0, 0(s3)', 15],
            ['store', 'amoor.w t2, x0, (s3)', 15],
          ] as const) {
            const got =
              level === 'page'
                ? everyFlag(LEAF, 5, 0x8007_0000, VPAGE, text, status)
                : everyFlag(ROOT, 2, 0x8000_0000, 0x0087_0000, text, status);
            const wanted = Array.from({ length: 256 }, (_, flags) => (faults(flags, access, mode, sum, mxr) ? cause : 0xff));
            // The root's pointer with a zero table behind it faults as the leaf level's does: `faults` serves both.
            expect(got, `${text} SUM ${sum} MXR ${mxr}`).toEqual(wanted);
          }
        }
      });
    }
  }

  test.each(['S', 'U'] as const)('%s: fetches for all 256 flags', (mode) => {
    const scene = play(`
      ${TABLES}
      la t0, handler
      csrw mtvec, t0
      li t0, 0x80070000      # the page holds an ecall
      li t1, 0x73
      sw t1, 0(t0)
      li s0, ${DATA}
      li s1, 0
      li s2, ${LEAF + 20}
      li s3, ${VPAGE}
      li s4, ${pte(0x8007_0000, 0)}
      li s8, 256
      li s6, 0x1800
      li s7, ${(mode === 'S' ? 0x800 : 0) | 0xc_0000}   # neither SUM nor MXR helps a fetch
    loop:
      or t0, s4, s1
      sw t0, 0(s2)
      csrw mepc, s3
      csrc mstatus, s6
      csrs mstatus, s7
      mret
    back:
      sb s5, 0(s0)
      addi s0, s0, 1
      addi s1, s1, 1
      bne s1, s8, loop
      j done
      .balign 4
    handler:
      csrr s5, mcause
      csrr t2, mepc
      bne t2, s3, wrong
      j back
    wrong: j wrong`);
    const wanted = Array.from({ length: 256 }, (_, flags) => (faults(flags, 'fetch', mode, true, true) ? 12 : mode === 'S' ? 9 : 8));
    expect(bytesAt(scene, 256)).toEqual(wanted);
  });
});

/** One load or store in S under MPRV: cause and mtval, or undefined. */
const access = (text: string) => `
  li t0, 0x1800
  csrc mstatus, t0
  li t0, 0x20800
  csrs mstatus, t0
  ${text}
  li t0, 0x20000
  csrc mstatus, t0`;

const causes = ({ traps }: Scene) => traps.map(({ cause, tval }) => [cause, tval]);

describe('the walk', () => {
  test('a megapage whose low ppn is not 0 is a page fault, of the kind of the access', () => {
    const scene = play(`${TABLES}
      ${store(ROOT, 2, pte(0x8000_1000, ALL))}
      li s0, 0x00800000
      ${access('lw t2, 4(s0)')}
      ${access('sw t2, 8(s0)')}
      call enter_s
      jalr ra, 0(s0)
      ${BACK}`);
    expect(causes(scene).slice(0, 3)).toEqual([
      [13, 0x0080_0004],
      [15, 0x0080_0008],
      [12, 0x0080_0000],
    ]);
  });

  test('a page beyond RAM is an access fault, and 34 bits do not wrap to 32', () => {
    // ppn 0x180000 is physical 0x1_8000_0000: cut to 32 bits it would be RAM.
    for (const ppn of [0x18_0000, 0x28_0070, 0x38_0070, 0x8_1000, 0x0_0000]) {
      const scene = play(`${TABLES}
        ${store(LEAF, 5, (ppn * 1024 + ALL) >>> 0)}
        li s0, ${VPAGE}
        ${access('lw t2, 4(s0)')}
        ${access('sw t2, 8(s0)')}
        ${access('amoadd.w t2, t2, (s0)')}
        ${access('lr.w t2, (s0)')}
        call enter_s
        jalr ra, 0(s0)
        ${BACK}`);
      expect(causes(scene).slice(0, 5), ppn.toString(16)).toEqual([
        [5, VPAGE + 4],
        [7, VPAGE + 8],
        [7, VPAGE],
        [5, VPAGE],
        [1, VPAGE],
      ]);
    }
  });

  test('a table beyond RAM is an access fault of the original kind, at both levels', () => {
    for (const [setup, vpage] of [
      [store(ROOT, 3, (0x18_0060 * 1024 + V) >>> 0), 0x00c0_0000],
      // satp's own ppn has 22 bits too.
      [`li t0, ${(0x8000_0000 | 0x18_0060) >>> 0}\ncsrw satp, t0`, VPAGE],
    ] as const) {
      const scene = play(`${TABLES}\n${setup}
        li s0, ${vpage}
        ${access('lw t2, 4(s0)')}
        ${access('sw t2, 8(s0)')}
        ${access('amoadd.w t2, t2, (s0)')}
        la t0, out
        csrw mtvec, t0
        csrw mepc, s0
        li t0, 0x1800
        csrc mstatus, t0
        mret
        .balign 4
        out: csrr s1, mcause
        csrr s2, mtval`);
      expect([...causes(scene), [scene.x[9], scene.x[18]]]).toEqual([
        [5, vpage + 4],
        [7, vpage + 8],
        [7, vpage],
        [1, vpage],
      ]);
    }
  });

  test('PMP is asked for the table as S reads it: denied is an access fault of the original kind', () => {
    const scene = play(`${TABLES}
      ${store(LEAF, 5, pte(0x8007_0000, ALL))}
      li t0, ${(LEAF + 20) >>> 2}
      csrw pmpaddr0, t0
      li t0, 0x12          # NA4, W alone is refused
      csrw pmpcfg0, t0
      li t0, 0x10          # NA4, nothing
      csrw pmpcfg0, t0
      li s0, ${VPAGE}
      ${access('lw t2, 4(s0)')}
      ${access('sw t2, 8(s0)')}
      csrw pmpcfg0, x0
      ${access('lw t2, 4(s0)')}`);
    expect(causes(scene)).toEqual([
      [5, VPAGE + 4],
      [7, VPAGE + 8],
    ]);
  });

  test('A and D are never set by a walk', () => {
    const scene = play(`${TABLES}
      ${store(LEAF, 5, pte(0x8007_0000, V | R | W | A))}
      li s0, ${VPAGE}
      ${access('lw t2, 0(s0)')}
      ${access('sw t2, 0(s0)')}
      li t0, ${LEAF + 20}
      lw s1, 0(t0)`);
    expect(causes(scene)).toEqual([[15, VPAGE]]);
    expect(scene.x[9]).toBe(pte(0x8007_0000, V | R | W | A));
  });

  test('satp off is no translation; M is never translated but by MPRV', () => {
    const scene = play(`${TABLES}
      li s0, ${DATA}
      lw t2, 0(s0)
      csrw satp, x0
      ${access(`li t0, 0x80070000\nlw t2, 0(t0)`)}
      call enter_s
      li t0, 0x80070000
      lw t2, 0(t0)
      ${BACK}`);
    expect(causes(scene)).toEqual([[9, 0]]);
  });
});

describe('two pages', () => {
  const pair = (first: number, second: number) => `${TABLES}
    ${store(LEAF, 5, first)}
    ${store(LEAF, 6, second)}
    li s0, ${VPAGE + 0x1000}`;
  const good = pte(0x8007_0000, ALL);
  // The second page of the pair is the frame before the first: contiguous only in virtual memory.
  const before = pte(0x8006_f000, ALL);

  test('an access across them takes its bytes from each', () => {
    const scene = play(`${pair(good, before)}
      li t1, 0x44332211
      ${access('sw t1, -3(s0)\nlw s1, -3(s0)\nlhu s2, -1(s0)\nsh t1, -1(s0)')}
      li t0, 0x80070ffc
      lw s3, 0(t0)
      li t0, 0x8006f000
      lw s4, 0(t0)`);
    expect([scene.x[9], scene.x[18]]).toEqual([0x4433_2211, 0x4433]);
    // Bytes 11 22 33 at the end of one frame, 44 at the start of the other; then the halfword 11 22 over 33 44.
    expect([scene.x[19], scene.x[20]]).toEqual([0x1122_1100, 0x22]);
  });

  test('mtval is the first byte of the part that faulted, and nothing is written', () => {
    for (const [first, second, tval] of [
      [good, 0, VPAGE + 0x1000],
      [0, good, VPAGE + 0xffe],
      [0, 0, VPAGE + 0xffe],
      [good, pte(0x8007_0000, ALL & ~D & ~R & ~W), VPAGE + 0x1000],
    ]) {
      const scene = play(`${pair(first, second)}
        li t1, -1
        ${access('lw t2, -2(s0)')}
        ${access('sw t1, -2(s0)')}
        li t0, 0x80070ffc
        lw s1, 0(t0)`);
      expect(causes(scene)).toEqual([
        [13, tval],
        [15, tval],
      ]);
      expect(scene.x[9]).toBe(0);
    }
  });

  test('an access fault in the second half, and one from a hole in the first', () => {
    const hole = (0x18_0000 * 1024 + ALL) >>> 0;
    for (const [first, second, tval] of [
      [good, hole, VPAGE + 0x1000],
      [hole, good, VPAGE + 0xffe],
    ]) {
      const scene = play(`${pair(first, second)}\n${access('lw t2, -2(s0)')}\n${access('sw t2, -2(s0)')}`);
      expect(causes(scene)).toEqual([
        [5, tval],
        [7, tval],
      ]);
    }
  });

  test('an instruction across them: mepc is the instruction, mtval the half that cannot be fetched', () => {
    // addi a0, x0, 5 straddles; then an ecall with a7 = 0x77 in the second page.
    const place = `
      li a7, 0x77
      li t1, 0x00500513
      li t0, 0x80070ffe
      sh t1, 0(t0)
      srli t1, t1, 16
      li t0, 0x8006f000
      sh t1, 0(t0)
      li t1, 0x73
      sw t1, 2(t0)
      li a0, 0
      li s0, ${VPAGE + 0xffe}
      la ra, out`;
    const go = 'csrw mepc, s0\nli t0, 0x1800\ncsrc mstatus, t0\nli t0, 0x800\ncsrs mstatus, t0\nmret\nout: nop';
    const whole = play(`${pair(good, before)}\n${place}\nla t0, out\ncsrw mtvec, t0\n${go}`);
    expect(whole.x[10]).toBe(5);
    for (const [first, second, tval] of [
      [good, 0, VPAGE + 0x1000],
      [0, before, VPAGE + 0xffe],
      [good, pte(0x8006_f000, ALL | U), VPAGE + 0x1000],
    ]) {
      const scene = play(`${pair(first, second)}\n${place}\nli a7, 0\n${go}\n${BACK}`);
      expect(scene.traps[0]).toMatchObject({ cause: 12, epc: VPAGE + 0xffe, tval });
      expect(scene.x[10]).toBe(0);
    }
  });
});

describe('coherence: a store to a table is seen by the very next access', () => {
  test('remapping, revoking and granting, through loads, stores and a second alias of the table', () => {
    const scene = play(`${TABLES}
      li t0, 0x80070000
      li t1, 0x11
      sw t1, 0(t0)
      li t0, 0x80071000
      li t1, 0x22
      sw t1, 0(t0)
      li s0, ${VPAGE}
      li s1, ${LEAF + 20}
      li s2, ${pte(0x8007_0000, ALL)}
      li s3, ${pte(0x8007_1000, ALL)}
      ${store(LEAF, 6, pte(LEAF, ALL))}
      li s4, ${VPAGE + 0x1000 + 20}   # the same entry through the mapping
      call enter_s
      sw s2, 0(s1)
      lw a0, 0(s0)
      sw s3, 0(s1)
      lw a1, 0(s0)
      sw s2, 0(s4)
      lw a2, 0(s0)
      sw a1, 0(s0)
      sw s3, 0(s4)
      lw a3, 0(s0)
      sw x0, 0(s4)
      lw a4, 0(s0)
      sw s2, 0(s1)
      lw a5, 0(s0)
      sb x0, 0(s1)
      sw a5, 0(s0)
      amoswap.w t3, s3, (s1)
      lw a6, 0(s0)
      ${BACK}`);
    expect(scene.x.slice(10, 17)).toEqual([0x11, 0x22, 0x11, 0x22, 0, 0x22, 0x22]);
    expect(causes(scene)).toEqual([
      [13, VPAGE],
      [15, VPAGE],
      [9, 0],
    ]);
  });

  test('a root entry exchanged moves 4 MiB', () => {
    const scene = play(`${TABLES}
      ${store(LEAF, 5, pte(0x8007_0000, ALL))}
      ${store(LEAF2, 5, pte(0x8007_1000, ALL))}
      li t0, 0x80071000
      li t1, 0x22
      sw t1, 0(t0)
      li s0, ${VPAGE}
      li s1, ${ROOT + 4}
      li s2, ${pte(LEAF2, V)}
      call enter_s
      lw a0, 0(s0)
      sw s2, 0(s1)
      lw a1, 0(s0)
      ${BACK}`);
    expect([scene.x[10], scene.x[11]]).toEqual([0, 0x22]);
  });

  test('code: the page that runs is remapped under its own feet, and rewritten through another alias', () => {
    // Two frames hold the same store at the same place; what follows it differs.
    const body = (value: number) => [0x00b5_2023, 0x0000_0513 | (value << 20), 0x0000_0073]; // sw a1, 0(a0); li a0, value; ecall
    const place = (frame: number, value: number) =>
      body(value)
        .map((bits, n) => `li t0, ${frame + 4 * n}\nli t1, ${bits}\nsw t1, 0(t0)`)
        .join('\n');
    const scene = play(`${TABLES}
      ${place(0x8007_0000, 1)}
      ${place(0x8007_1000, 2)}
      ${store(LEAF, 5, pte(0x8007_0000, ALL))}
      li a0, ${LEAF + 20}
      li a1, ${pte(0x8007_1000, ALL)}
      li a7, 0x77
      la t0, out
      csrw mtvec, t0
      li s0, ${VPAGE}
      csrw mepc, s0
      li t0, 0x1800
      csrc mstatus, t0
      li t0, 0x800
      csrs mstatus, t0
      mret
      .balign 4
      out: mv s1, a0
      # Now the code writes itself: sw a1, 0(a0) with a0 = its own next instruction, by the physical alias.
      li a0, 0x80071004
      li a1, 0x00700513
      la t0, out2
      csrw mtvec, t0
      csrw mepc, s0
      li t0, 0x1800
      csrc mstatus, t0
      li t0, 0x800
      csrs mstatus, t0
      mret
      .balign 4
      out2: mv s2, a0`);
    expect(scene.x[9]).toBe(2);
    expect(scene.x[18]).toBe(7);
  });

  test('SUM, MXR and MPRV act at once', () => {
    const scene = play(`${TABLES}
      ${store(LEAF, 5, pte(0x8007_0000, V | R | U | A))}
      ${store(LEAF, 6, pte(0x8007_0000, V | X | A))}
      li s0, ${VPAGE}
      li s1, ${VPAGE + 0x1000}
      li t0, 0x40000
      li t1, 0x80000
      call enter_s
      csrs sstatus, t0
      lw t2, 0(s0)
      csrc sstatus, t0
      lw t2, 0(s0)
      lw t2, 0(s1)
      csrs sstatus, t1
      lw t2, 0(s1)
      csrc sstatus, t1
      lw t2, 0(s1)
      ${BACK}`);
    expect(causes(scene)).toEqual([
      [13, VPAGE],
      [13, VPAGE + 0x1000],
      [13, VPAGE + 0x1000],
      [9, 0],
    ]);
  });
});
