/** Do cycle, instret and time count what they should, to the instruction? (Privileged 20211203 §3.1.10 to §3.1.12; machine.md, "icount, slices, interrupts") */
import { describe, expect, test } from 'vitest';
import { play } from './scene.ts';

/** The difference of two reads of `csr` around `text`. */
const around = (csr: string, text: string) => {
  const { x } = play(`csrr s0, ${csr}\n${text}\ncsrr s1, ${csr}`);
  return (x[9] - x[8]) >>> 0;
};

describe('counters', () => {
  test('instret and cycle count one for each instruction', () => {
    for (const csr of ['minstret', 'instret', 'mcycle', 'cycle']) {
      expect(around(csr, '')).toBe(1);
      expect(around(csr, 'nop\nc.nop\nnop')).toBe(4);
    }
  });

  test('what traps does not retire, but takes a cycle; its handler counts', () => {
    // The handler skips a 4-byte instruction with three of its own.
    const quiet = `
      la t0, 1f
      csrw mtvec, t0
      j 2f
      .balign 4
      1: csrr t1, mepc
      addi t1, t1, 4
      csrw mepc, t1
      mret
      2: nop`;
    for (const trap of ['ecall', 'ebreak', '.word 0xffffffff', 'lw x0, 0(x0)']) {
      expect(play(`${quiet}\ncsrr s0, minstret\n${trap}\ncsrr s1, minstret\nsub s2, s1, s0`).x[18], `minstret, ${trap}`).toBe(1 + 4);
      expect(play(`${quiet}\ncsrr s0, mcycle\n${trap}\ncsrr s1, mcycle\nsub s2, s1, s0`).x[18], `mcycle, ${trap}`).toBe(1 + 1 + 4);
    }
  });

  test('an interrupt retires nothing either', () => {
    const { x } = play(`
      la t0, 1f
      csrw mtvec, t0
      j 2f
      .balign 4
      1: csrw mie, x0
      mret
      2: csrsi mip, 2
      csrsi mie, 2
      csrr s0, minstret
      csrsi mstatus, 8
      csrr s1, minstret
      sub s2, s1, s0`);
    expect(x[18]).toBe(1 + 1 + 2);
  });

  test('after a write minstret reads what was written: the writer does not count itself', () => {
    const { x } = play(`
      li t0, 1000
      csrw minstret, t0
      csrr s0, minstret
      csrr s1, minstret
      li t0, 5
      csrw minstreth, t0
      csrr s2, minstreth
      csrr s3, minstret`);
    expect([x[8], x[9]]).toEqual([1000, 1001]);
    expect(x[18]).toBe(5);
    // Read 1001; li counts 1 itself and the csrr before it; the write of the high half does not.
    expect(x[19]).toBe(1001 + 1 + 1 + 1);
  });

  test('low and high halves make one 64-bit number', () => {
    const { x } = play(`
      li t0, -3
      csrw mcycle, t0
      csrw mcycleh, x0
      csrr s0, mcycleh
      nop
      nop
      nop
      csrr s1, mcycleh
      li t0, -1
      csrw minstreth, t0
      csrw minstret, t0
      csrr s2, minstret
      csrr s3, minstreth
      csrr s4, minstret`);
    expect([x[8], x[9]]).toEqual([0, 1]);
    expect([x[18], x[19], x[20]]).toEqual([0xffff_ffff, 0, 1]);
  });

  test('mcountinhibit freezes either, and a write that leaves a bit alone does not disturb its counter', () => {
    const { x } = play(`
      csrwi mcountinhibit, 5
      csrr s0, minstret
      nop
      csrr s1, minstret
      csrr s2, mcycle
      nop
      csrr s3, mcycle
      li t0, 77
      csrw minstret, t0
      csrr s4, minstret
      csrwi mcountinhibit, 0
      csrr s5, minstret
      csrr s6, minstret
      csrwi mcountinhibit, 0
      csrr s7, minstret
      csrwi mcountinhibit, 1
      csrr s8, minstret
      li t0, -1
      csrw mcountinhibit, t0
      csrr s9, mcountinhibit`);
    expect(x[9]).toBe(x[8]);
    expect(x[19]).toBe(x[18]);
    expect(x[20]).toBe(77);
    expect(x[22] - x[21]).toBe(1);
    expect(x[23] - x[22]).toBe(2);
    expect(x[24] - x[23]).toBe(2);
    // Bit 1 (time) does not exist; the hpm counters never count, so their bits may be 0.
    expect(x[25] & 7).toBe(5);
  });

  test('time never goes back and follows mtime', () => {
    const { x } = play(`
      li t1, 0x0200bff8
      rdtime s0
      lw s1, 0(t1)
      rdtime s2
      li t0, 1000000
      sw t0, 0(t1)
      sw x0, 4(t1)
      rdtime s3
      rdtimeh s4`);
    expect(x[9]).toBeGreaterThanOrEqual(x[8]);
    expect(x[18]).toBeGreaterThanOrEqual(x[9]);
    expect(x[19]).toBeGreaterThanOrEqual(1_000_000);
    expect(x[19]).toBeLessThan(1_000_010);
    expect(x[20]).toBe(0);
  });
});

describe('the timers', () => {
  test('MTIP is the comparison mtime >= mtimecmp, at the instruction that reads it', () => {
    const { x } = play(`
      li t1, 0x02004000
      csrr s0, mip
      sw x0, 4(t1)
      sw x0, 0(t1)
      csrr s1, mip
      li t0, -1
      sw t0, 4(t1)
      csrr s2, mip`);
    expect([x[8] & 0x80, x[9] & 0x80, x[18] & 0x80]).toEqual([0, 0x80, 0]);
  });

  test('with STCE, STIP is the comparison with stimecmp and software cannot write it', () => {
    const { x } = play(`
      li t0, 0x80000000
      csrw menvcfgh, t0
      li t0, 0x20
      csrs mip, t0
      csrr s0, mip
      csrw stimecmph, x0
      csrw stimecmp, x0
      csrr s1, mip
      csrc mip, t0
      csrr s2, mip
      li t0, -1
      csrw stimecmph, t0
      csrr s3, mip
      csrw menvcfgh, x0
      csrw stimecmp, x0
      csrw stimecmph, x0
      csrr s4, mip`);
    expect([x[8], x[9], x[18], x[19], x[20]].map((mip) => mip & 0x20)).toEqual([0, 0x20, 0x20, 0, 0]);
  });

  test('a timer interrupt comes at the first instruction boundary at which its time has come', () => {
    // 10 instructions a tick from icount 0. The boundary is icount 10 * t2; the interrupt is one more, and the handler's first read another.
    const { x } = play(`
      la t0, handler
      csrw mtvec, t0
      li t1, 0x02004000
      rdtime t2
      addi t2, t2, 50
      sw x0, 4(t1)
      sw t2, 0(t1)
      li t0, 0x80
      csrw mie, t0
      csrsi mstatus, 8
      1: c.nop
      j 1b
      .balign 4
      handler: csrr s0, mcycle
      rdtime s1`);
    expect(x[8]).toBe(10 * x[7] + 2);
    expect(x[9]).toBe(x[7]);
  });
});
