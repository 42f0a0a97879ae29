/** Does the assembler say what the manual says, and does the disassembler say it back? (Unprivileged 20211203, ch. 24, 25) */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AssemblyError, assemble } from '../../../emulator/isa/assemble.ts';
import { disassemble } from '../../../emulator/isa/disassemble.ts';
import { BASE, COMPRESSED } from '../../../emulator/isa/instructions.ts';
import { rowOf } from '../../../emulator/isa/syntax.ts';

const words = (source: string): string[] => {
  const { bytes } = assemble(source);
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 4 }, (_, i) =>
    view
      .getUint32(4 * i, true)
      .toString(16)
      .padStart(8, '0'),
  );
};
const halves = (source: string): string[] => {
  const { bytes } = assemble(source);
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 2 }, (_, i) =>
    view
      .getUint16(2 * i, true)
      .toString(16)
      .padStart(4, '0'),
  );
};

describe('the assembler', () => {
  // Encodings as GNU as 2.40 (-march=rv32imac_zicsr_zifencei) gives them.
  test.each([
    ['addi a0, a1, -1', 'fff58513'],
    ['lui t0, 0xfffff', 'fffff2b7'],
    ['auipc gp, 1', '00001197'],
    ['lw a0, -4(sp)', 'ffc12503'],
    ['sb t6, 2047(s0)', '7ff40fa3'],
    ['srai a5, a5, 31', '41f7d793'],
    ['mulhsu s1, s2, s3', '033924b3'],
    ['jalr ra, 8(t1)', '008300e7'],
    ['jalr x0, t1, 8', '00830067'],
    ['beq a0, a1, .+8', '00b50463'],
    ['bltu a0, a1, .-4096', '80b56063'],
    ['jal ra, .-2', 'fffff0ef'],
    ['lr.w a0, (a1)', '1005a52f'],
    ['sc.w.rl a0, a2, (a1)', '1ac5a52f'],
    ['amomaxu.w.aqrl a0, a2, (a1)', 'e6c5a52f'],
    ['csrrw a0, mstatus, a1', '30059573'],
    ['csrrci x0, 0x7c0, 31', '7c0ff073'],
    ['fence rw, w', '0310000f'],
    ['fence', '0ff0000f'],
    ['fence.i', '0000100f'],
    ['sfence.vma a0, a1', '12b50073'],
    ['ecall', '00000073'],
    ['mret', '30200073'],
    ['wfi', '10500073'],
    ['li a0, -2048', '80000513'],
    ['li a0, 0x80000000', '80000537'],
    ['nop', '00000013'],
    ['not a0, a1', 'fff5c513'],
    ['snez a0, a1', '00b03533'],
    ['bgtz a0, .', '00a04063'],
    ['ret', '00008067'],
    ['csrw satp, t0', '18029073'],
    ['csrr a0, time', 'c0102573'],
  ])('%s is %s', (source, expected) => {
    expect(words(source)).toEqual([expected]);
  });

  test.each([
    ['c.addi4spn a0, sp, 16', '0808'],
    ['c.lw a0, 4(a1)', '41c8'],
    ['c.sw a0, 124(a1)', 'dde8'],
    ['c.addi a0, -32', '1501'],
    ['c.nop', '0001'],
    ['c.li t0, 31', '42fd'],
    ['c.addi16sp sp, -512', '7101'],
    ['c.lui a1, 0xfffe0', '7581'],
    ['c.lui a1, 1', '6585'],
    ['c.srli a0, 31', '817d'],
    ['c.srai a0, 1', '8505'],
    ['c.andi a0, -1', '997d'],
    ['c.sub a0, a1', '8d0d'],
    ['c.xor a0, a1', '8d2d'],
    ['c.or a0, a1', '8d4d'],
    ['c.and a0, a1', '8d6d'],
    ['c.j .-2048', 'b001'],
    ['c.jal .+2046', '2ffd'],
    ['c.beqz a0, .+254', 'cd7d'],
    ['c.bnez a0, .-256', 'f101'],
    ['c.slli t0, 4', '0292'],
    ['c.lwsp ra, 252(sp)', '50fe'],
    ['c.swsp ra, 8(sp)', 'c406'],
    ['c.jr ra', '8082'],
    ['c.jalr a0', '9502'],
    ['c.mv a0, a1', '852e'],
    ['c.add a0, a1', '952e'],
    ['c.ebreak', '9002'],
  ])('%s is %s', (source, expected) => {
    expect(halves(source)).toEqual([expected]);
  });

  test('labels, local labels, constants and data', () => {
    const { bytes, symbols, origin } = assemble(`
      .equ SIZE, 4 * 2   # eight
      start: 1: addi a0, a0, 1
      bne a0, a1, 1b
      beqz a2, 1f ; nop
      1: j end           // forward
      .align 4
      table: .word start, table, -1, SIZE << 1
      text: .asciz "a,#\\n"
      .half 0xffff
      .balign 4
      end: ret`);
    expect(origin).toBe(0x8000_0000);
    expect(symbols.get('table')).toBe(0x8000_0020);
    expect(symbols.get('text')).toBe(0x8000_0030);
    expect([...bytes.slice(0x30, 0x3c)]).toEqual([97, 44, 35, 10, 0, 255, 255, 0, 0x67, 0x80, 0, 0]);
    const view = new DataView(bytes.buffer);
    expect([0, 1, 2, 3].map((i) => view.getUint32(0x20 + 4 * i, true))).toEqual([0x8000_0000, 0x8000_0020, 0xffff_ffff, 16]);
    expect(disassemble(view.getUint32(4, true), 0x8000_0004)).toBe('bne a0, a1, 0x80000000');
    expect(disassemble(view.getUint32(8, true), 0x8000_0008)).toBe('beq a2, zero, 0x80000010');
    expect(disassemble(view.getUint32(16, true), 0x8000_0010)).toBe('jal zero, 0x80000038');
  });

  test('li gives the value whatever its low half, and la is relative to pc', () => {
    for (const value of [0, 1, -1, 2047, 2048, -2049, 0x7ff, 0x800, 0xfff, 0x7fff_ffff, 0x8000_0800, 0xffff_f800, 0x1234_5fff]) {
      let result = 0;
      for (const word of words(`li a0, ${value}`)) {
        const bits = Number.parseInt(word, 16) | 0;
        result = (bits & 0x7f) === 0x37 ? bits & ~0xfff : (result + (bits >> 20)) | 0;
      }
      expect(result >>> 0, `li a0, ${value}`).toBe(value >>> 0);
    }
    expect(words('.org 0x80000ffc\nla a0, target\n.org 0x80001ffc\ntarget:').slice(-1024, -1022)).toEqual(['00001517', '00050513']);
  });

  test('an error names its line, and all lines with errors are named', () => {
    const failure = (source: string) => {
      try {
        assemble(source);
      } catch (error) {
        if (error instanceof AssemblyError) return error.message;
        throw error;
      }
      return 'no error';
    };
    expect(failure('nop\nadd a0, a1\nfrob x1')).toBe("line 2: add takes 3 operands, got 2\nline 3: unknown instruction 'frob'");
    expect(failure('addi a0, a0, 2048')).toBe('line 1: addi: immediate 2048 does not fit');
    expect(failure('lw a0, 4(q0)')).toBe("line 1: 'q0' is not a register");
    expect(failure('j nowhere')).toBe("line 1: unknown symbol 'nowhere'");
    expect(failure('a:\na:')).toBe("line 2: symbol 'a' is defined twice");
    expect(failure('beq a0, a1, .+4096')).toContain('line 1: beq: immediate 4096 does not fit');
    expect(failure('beq a0, a1, .+3')).toContain('does not fit');
    expect(failure('c.lw t0, 0(a0)')).toBe('line 1: c.lw: register t0 does not fit');
    expect(failure('c.addi4spn a0, sp, 0')).toContain('reserved');
    expect(failure('c.srli a0, 32')).toContain('reserved');
    expect(failure('c.jr x0')).toContain('reserved');
    expect(failure('add.aq a0, a0, a0')).toContain('only atomic');
    expect(failure('.byte 256')).toBe('line 1: 256 does not fit 1 byte');
    expect(failure('.frob 1')).toBe('line 1: unknown directive .frob');
    expect(failure('.org 0x7fffffff')).toContain('cannot move back');
  });
});

describe('the disassembler', () => {
  test.each([...BASE, ...COMPRESSED].map((row) => [row.name, row] as const))(
    '%s with random fields reads back to the same bits',
    (name, row) => {
      let spoken = 0;
      fc.assert(
        fc.property(fc.integer(), fc.integer({ min: 0, max: 0x3fff_ffff }), (random, place) => {
          const bits = ((random & ~row.mask) | row.match) >>> 0;
          const encoded = (row.match & 3) === 3 ? bits : bits & 0xffff;
          const pc = place * 2;
          const text = disassemble(encoded, pc);
          const { bytes } = assemble(text, { origin: pc });
          const view = new DataView(bytes.buffer);
          expect(bytes.length).toBe((row.match & 3) === 3 ? 4 : 2);
          expect(bytes.length === 4 ? view.getUint32(0, true) : view.getUint16(0, true), text).toBe(encoded);
          const owner = rowOf(encoded);
          if (owner !== undefined && text.startsWith(owner.name)) spoken += 1;
          else if (owner !== undefined) expect(['fence', 'fence.i'], text).toContain(owner.name);
        }),
        { numRuns: 200, examples: [[row.match, 0x2000_0000]] },
      );
      expect(spoken, `${name} is never printed as itself`).toBeGreaterThan(0);
    },
  );

  test('an illegal encoding is data', () => {
    expect(disassemble(0x0000, 0)).toBe('.half 0x0000');
    expect(disassemble(0xffff_ffff, 0)).toBe('.word 0xffffffff');
    expect(disassemble(0x0000_700b, 0)).toBe('.word 0x0000700b');
    expect(disassemble(0x9101_8105 & 0xffff, 0)).toBe('c.srli a0, 1');
    expect(disassemble(0x9105, 0)).toBe('.half 0x9105');
  });
});
