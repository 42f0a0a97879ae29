/** Do traps, interrupts and returns go where the manual sends them, and leave mstatus as it says? (Privileged 20211203 §3.1.6 to §3.1.9, §3.3) */
import { describe, expect, test } from 'vitest';
import { BACK, INTERRUPT, play } from './scene.ts';

const where = (traps: readonly { mode: string; cause: number }[]) =>
  traps.map(({ mode, cause }) => `${mode} ${cause >>> 31 ? 'i' : ''}${cause & 31}`);
const M = { MIE: 8, MPIE: 0x80, MPP: 0x1800, MPRV: 0x2_0000, SIE: 2, SPIE: 0x20, SPP: 0x100 };

describe('exceptions', () => {
  test('ecall has a cause for each mode, mtval 0, and mepc at the ecall itself', () => {
    const { traps, at } = play(`
      a: ecall
      call enter_s
      b: ecall
      ${BACK}
      call enter_u
      c: ecall
      ${BACK}`);
    expect(where(traps)).toEqual(['M 11', 'M 9', 'M 9', 'M 8', 'M 8']);
    expect([traps[0].epc, traps[1].epc, traps[3].epc]).toEqual([at('a'), at('b'), at('c')]);
    expect(traps.map(({ tval }) => tval)).toEqual([0, 0, 0, 0, 0]);
  });

  test('medeleg sends what S and U raise to S, and never what M raises', () => {
    const { traps, at } = play(`
      li t0, 0xc
      csrw medeleg, t0
      .word 0xffffffff
      ebreak
      call enter_s
      a: ebreak
      b: csrw medeleg, x0      # illegal in S
      ${BACK}
      call enter_u
      c: .word 0xffffffff
      ${BACK}`);
    expect(where(traps)).toEqual(['M 2', 'M 3', 'S 3', 'S 2', 'M 9', 'S 2', 'M 8']);
    expect(traps[2]).toMatchObject({ epc: at('a'), tval: at('a') });
    expect(traps[3]).toMatchObject({ epc: at('b'), tval: 0x3020_1073 });
    expect(traps[5]).toMatchObject({ epc: at('c'), tval: 0xffff_ffff });
  });

  test('ecall from U and from S are delegated apart', () => {
    const { traps } = play(`
      li t0, 0x100
      csrw medeleg, t0
      call enter_u
      ecall
      li a7, 0x55
      ecall
      .word 0xffffffff`);
    expect(where(traps)).toEqual(['S 8', 'S 8', 'M 2']);
  });

  test('a failed fetch and an ecall from S are delegated to S, which sees that it was itself', () => {
    const { traps, at } = play(`
      li t0, 0x202
      csrw medeleg, t0
      call enter_s
      li t1, 0x40000000        # nothing is there
      jalr ra, 0(t1)
      a: ecall
      .word 0xffffffff`);
    expect(where(traps)).toEqual(['S 1', 'S 9', 'M 2']);
    expect(traps[0]).toMatchObject({ epc: 0x4000_0000, tval: 0x4000_0000 });
    expect(traps[1]).toMatchObject({ epc: at('a'), tval: 0 });
    expect([traps[0].status & M.SPP, traps[1].status & M.SPP]).toEqual([M.SPP, M.SPP]);
  });

  test('bits 11, 10, 14 and above of medeleg are 0, and those of mideleg beyond S', () => {
    const { x } = play('li t0, -1\ncsrw medeleg, t0\ncsrr s0, medeleg\ncsrw mideleg, t0\ncsrr s1, mideleg');
    expect(x[8]).toBe(0xb3ff);
    expect(x[9]).toBe(0x222);
  });
});

describe('mstatus', () => {
  test.each([
    ['M', 3, 'nop'],
    ['S', 1, 'call enter_s'],
    ['U', 0, 'call enter_u'],
  ])('a trap from %s to M puts the mode in MPP and MIE in MPIE, and clears MIE', (_, mpp, enter) => {
    for (const mie of [0, 1]) {
      // Interrupts stay masked by mie = 0; MPIE becomes MIE by the mret of enter_*.
      const set = enter === 'nop' ? (mie ? 'csrsi mstatus, 8' : 'csrci mstatus, 8') : `li t0, 0x80\n${mie ? 'csrs' : 'csrc'} mstatus, t0`;
      const { traps } = play(`${set}\n${enter}\n.word 0xffffffff\n${BACK}`);
      expect(traps[0].status & (M.MPP | M.MPIE | M.MIE)).toBe((mpp << 11) | (mie ? M.MPIE : 0));
    }
  });

  test('a trap to S puts the mode in SPP and SIE in SPIE, and clears SIE', () => {
    for (const [enter, spp] of [
      ['enter_s', M.SPP],
      ['enter_u', 0],
    ] as const) {
      for (const sie of [0, 1]) {
        const { traps } = play(`
          li t0, 4
          csrw medeleg, t0
          ${sie ? 'csrsi' : 'csrci'} mstatus, 2
          call ${enter}
          .word 0xffffffff
          li a7, 0x77
          ecall`);
        expect(traps[0].mode).toBe('S');
        expect(traps[0].status & (M.SPP | M.SPIE | M.SIE)).toBe(spp | (sie ? M.SPIE : 0));
      }
    }
  });

  test('mret: MIE from MPIE, MPIE 1, MPP U; MPRV stays only on the way to M', () => {
    const returns = (mpp: number) => `
      la t0, 1f
      csrw mepc, t0
      li t0, ${M.MPP | M.MPIE | M.MIE}
      csrc mstatus, t0
      li t0, ${mpp | M.MPIE | M.MPRV}
      csrs mstatus, t0
      mret
      1: nop`;
    const { x } = play(`${returns(M.MPP)}\ncsrr s0, mstatus\nli t0, ${M.MPRV}\ncsrc mstatus, t0`);
    expect(x[8] & (M.MPP | M.MPIE | M.MIE | M.MPRV)).toBe(M.MPIE | M.MIE | M.MPRV);
    const { traps } = play(`${returns(0x800)}\n${BACK}`);
    expect(traps[0].status & (M.MPP | M.MPIE | M.MIE | M.MPRV)).toBe(0x800 | M.MPIE);
    const toU = play(`${returns(0)}\n${BACK}`);
    expect(toU.traps[0].status & (M.MPP | M.MPRV)).toBe(0);
  });

  test('sret: SIE from SPIE, SPIE 1, SPP U, MPRV cleared, from M too', () => {
    const { traps } = play(`
      la t0, 1f
      csrw sepc, t0
      li t0, ${M.SPP | M.SPIE | M.MPRV}
      csrs mstatus, t0
      sret
      1: csrr s0, sstatus
      ${BACK}`);
    expect(traps).toHaveLength(1);
    expect(traps[0].status & (M.SPP | M.SPIE | M.SIE | M.MPRV | M.MPP)).toBe(M.SPIE | M.SIE | 0x800);
  });

  test('MPP never holds 2, and unknown bits read 0', () => {
    const { x } = play(`
      li t0, 0x800
      csrs mstatus, t0
      li t1, 0x1800
      csrc mstatus, t1
      csrs mstatus, t0
      li t0, 0x1000
      csrr t2, mstatus
      or t2, t2, t0
      xori t3, x0, -1
      li t3, ~0x800
      and t2, t2, t3
      csrw mstatus, t2
      csrr s0, mstatus
      li t0, -1
      csrw mstatus, t0
      csrr s1, mstatus
      csrw mstatus, x0
      csrr s2, mstatus
      li t0, -1
      csrw sstatus, t0
      csrr s3, mstatus
      csrw sstatus, x0`);
    expect((x[8] >>> 11) & 3).not.toBe(2);
    expect(x[9]).toBe(0x007e_19aa);
    expect(x[18]).toBe(0);
    expect(x[19]).toBe(0x000c_0122);
  });

  test('mret outside M and sret in U are illegal; sret in S with TSR too', () => {
    const { traps } = play(`
      call enter_s
      mret
      ${BACK}
      call enter_u
      mret
      sret
      ${BACK}
      li t0, 1 << 22
      csrs mstatus, t0
      call enter_s
      sret
      ${BACK}`);
    expect(where(traps)).toEqual(['M 2', 'M 9', 'M 2', 'M 2', 'M 8', 'M 2', 'M 9']);
    expect(traps[0].tval).toBe(0x3020_0073);
    expect(traps[5].tval).toBe(0x1020_0073);
  });

  test('TVM: satp and sfence.vma are illegal in S; U never has sfence.vma', () => {
    const { traps } = play(`
      call enter_s
      csrr s0, satp
      sfence.vma
      ${BACK}
      li t0, 1 << 20
      csrs mstatus, t0
      csrr s0, satp
      sfence.vma
      call enter_s
      csrr s0, satp
      csrw satp, x0
      sfence.vma
      ${BACK}
      call enter_u
      sfence.vma
      ${BACK}`);
    expect(where(traps)).toEqual(['M 9', 'M 2', 'M 2', 'M 2', 'M 9', 'M 2', 'M 8']);
  });

  test('mepc and sepc have no lowest bit', () => {
    const { x } = play('li t0, -1\ncsrw mepc, t0\ncsrr s0, mepc\ncsrw sepc, t0\ncsrr s1, sepc');
    expect([x[8], x[9]]).toEqual([0xffff_fffe, 0xffff_fffe]);
  });
});

describe('vectors', () => {
  test('with mode 1 interrupts enter at base + 4 * cause, exceptions at the base', () => {
    const { traps } = play(`
      la t0, m_vector
      ori t0, t0, 1
      csrw mtvec, t0
      .word 0xffffffff
      csrsi mie, 2
      csrsi mip, 2
      csrsi mstatus, 8
      nop`);
    expect(traps.map(({ cause, vector }) => [cause, vector])).toEqual([
      [2, 0],
      [INTERRUPT + 1, 1],
    ]);
  });

  test('stvec likewise, for what is delegated', () => {
    const { traps } = play(`
      la t0, s_vector
      ori t0, t0, 1
      csrw stvec, t0
      li t0, 0x222
      csrw mideleg, t0
      li t0, 4
      csrw medeleg, t0
      li t0, 0x20
      csrs mie, t0
      csrs mip, t0
      call enter_s
      .word 0xffffffff
      csrsi sstatus, 2
      nop
      ${BACK}`);
    expect(traps.map(({ mode, cause, vector }) => [mode, cause, vector])).toEqual([
      ['S', 2, 0],
      ['S', INTERRUPT + 5, 5],
      ['M', 9, 0],
    ]);
  });

  test('modes 2 and 3 are not taken', () => {
    const { x } = play(`
      csrr s0, mtvec
      ori t0, s0, 2
      csrw mtvec, t0
      csrr s1, mtvec
      ori t0, s0, 3
      csrw mtvec, t0
      csrr s2, mtvec`);
    expect(x[9] & 2).toBe(0);
    expect(x[18] & 2).toBe(0);
    expect(x[9]).toBe(x[8]);
  });
});

describe('interrupts', () => {
  const PENDING: readonly [string, number, string][] = [
    // Raised where each comes from: the ACLINT, software bits of mip. MEI is the PLIC's (the devices' own tests).
    ['MSI', 3, 'li t0, 0x02000000\nli t1, 1\nsw t1, 0(t0)'],
    ['MTI', 7, 'li t0, 0x02004000\nsw x0, 4(t0)\nsw x0, 0(t0)'],
    ['SEI', 9, 'li t0, 0x200\ncsrs mip, t0'],
    ['SSI', 1, 'csrsi mip, 2'],
    ['STI', 5, 'li t0, 0x20\ncsrs mip, t0'],
  ];

  test('are taken in the order MSI, MTI, SEI, SSI, STI when all are pending', () => {
    for (let first = 0; first < PENDING.length; first++) {
      const raised = PENDING.slice(first);
      const { traps } = play(`
        ${raised.map(([, , text]) => text).join('\n')}
        li t0, 0xaaa
        csrw mie, t0
        csrsi mstatus, 8
        nop`);
      expect(traps.map(({ cause }) => cause)).toEqual([(INTERRUPT + raised[0][1]) >>> 0]);
    }
  });

  test.each(PENDING)('%s needs its mie bit, and in M mstatus.MIE', (_, code, raise) => {
    const { traps, at } = play(`
      ${raise}
      csrsi mstatus, 8
      nop
      csrci mstatus, 8
      li t0, 1 << ${code}
      csrw mie, t0
      nop
      a: csrsi mstatus, 8
      b: nop`);
    expect(traps).toHaveLength(1);
    expect(traps[0]).toMatchObject({ cause: INTERRUPT + code, epc: at('b'), tval: 0 });
  });

  test('one for M is taken in S and U whatever MIE says, at once after the mret', () => {
    for (const enter of ['enter_s', 'enter_u']) {
      const { traps, at } = play(`
        csrsi mie, 2
        csrsi mip, 2
        la ra, a
        j ${enter}
        a: nop
        ${BACK}`);
      expect(traps[0]).toMatchObject({ mode: 'M', cause: INTERRUPT + 1, epc: at('a') });
    }
  });

  test('one delegated to S is not taken in M, waits for SIE in S, and is taken in U whatever SIE says', () => {
    const delegated = `
      li t0, 0x222
      csrw mideleg, t0
      csrsi mie, 2
      csrsi mip, 2`;
    const inM = play(`${delegated}\ncsrsi mstatus, 8\nnop\nnop`);
    expect(inM.traps).toEqual([]);
    const inS = play(`${delegated}\ncall enter_s\nnop\na: csrsi sstatus, 2\nb: nop\n${BACK}`);
    expect(inS.traps[0]).toMatchObject({ mode: 'S', cause: INTERRUPT + 1, epc: inS.at('b') });
    const inU = play(`${delegated}\nla ra, a\nj enter_u\na: nop\n${BACK}`);
    expect(inU.traps[0]).toMatchObject({ mode: 'S', cause: INTERRUPT + 1, epc: inU.at('a') });
  });

  test('one for M goes before one for S, though SSI has the higher number of the two in the order', () => {
    // STI for M, SEI delegated: by the order alone SEI would win.
    const { traps } = play(`
      li t0, 0x200
      csrw mideleg, t0
      li t0, 0x220
      csrw mie, t0
      csrw mip, t0
      csrsi mstatus, 2
      call enter_s
      nop
      ${BACK}`);
    expect(traps[0]).toMatchObject({ mode: 'M', cause: INTERRUPT + 5 });
  });

  test('sie and sip show what is delegated and nothing else; sip lets S write SSIP alone', () => {
    const { x } = play(`
      li t0, 0xaaa
      csrw mie, t0
      csrr s0, sie
      li t0, 0x202
      csrw mideleg, t0
      csrr s1, sie
      csrw sie, x0
      csrr s2, mie
      li t0, 0x222
      csrw mip, t0
      csrr s3, sip
      csrw sip, x0
      csrr s4, mip
      li t0, -1
      csrw sip, t0
      csrr s5, mip
      csrw mie, x0`);
    expect([x[8], x[9], x[18], x[19], x[20], x[21]]).toEqual([0, 0x202, 0x8a8, 0x202, 0x220, 0x222]);
  });

  // The UART's transmitter is empty: with ETBEI its line is high, and the PLIC passes it to the contexts that enabled source 10.
  const uart = (contexts: 1 | 2 | 3) => `
    li t0, 0x0c000028
    li t1, 1
    sw t1, 0(t0)
    li t1, 1 << 10
    ${contexts & 1 ? 'li t0, 0x0c002000\nsw t1, 0(t0)' : ''}
    ${contexts & 2 ? 'li t0, 0x0c002080\nsw t1, 0(t0)' : ''}
    li t0, 0x10000000
    li t1, 2
    sb t1, 1(t0)`;

  test('MEI is the PLIC line of context 0, and goes before all others', () => {
    const { traps, at } = play(`
      ${uart(1)}
      ${PENDING.map(([, , text]) => text).join('\n')}
      li t0, 0xaaa
      csrw mie, t0
      csrr s0, mip
      a: csrsi mstatus, 8
      b: nop`);
    expect(traps).toHaveLength(1);
    expect(traps[0]).toMatchObject({ mode: 'M', cause: INTERRUPT + 11, epc: at('b') });
  });

  test('SEI is the PLIC line of context 1 or the software bit; csrrs and csrrc change the bit alone', () => {
    const { x, traps } = play(`
      li t2, 0x200
      ${uart(2)}
      csrrs s0, mip, x0       # line
      csrrs s1, mip, x0
      csrrc s2, mip, t2       # reads the line; the bit was 0 and stays 0
      csrsi mip, 2            # must not copy the line into the bit
      li t0, 0x0c002080
      sw x0, 0(t0)            # line down
      csrr s3, mip
      csrs mip, t2
      csrr s4, mip
      csrc mip, t2
      csrr s5, mip`);
    expect([x[8], x[9], x[18], x[19], x[20], x[21]].map((mip) => mip & 0x200)).toEqual([0x200, 0x200, 0x200, 0, 0x200, 0]);
    expect(traps).toEqual([]);
  });

  test('what is not delegated cannot be written through sip or sie', () => {
    const { x } = play('csrsi sip, 2\ncsrr s0, mip\nli t0, -1\ncsrw sie, t0\ncsrr s1, mie');
    expect([x[8], x[9]]).toEqual([0, 0]);
  });

  test('MSIP, MTIP, MEIP are read-only in mip', () => {
    const { x } = play('li t0, -1\ncsrw mip, t0\ncsrr s0, mip\ncsrw mip, x0\ncsrr s1, mip');
    expect([x[8], x[9]]).toEqual([0x222, 0]);
  });
});

describe('wfi', () => {
  test('goes on when an enabled interrupt is pending, though MIE is 0, and nothing is taken', () => {
    const { traps, x } = play('csrci mstatus, 8\ncsrsi mie, 2\ncsrsi mip, 2\nwfi\nli s0, 5');
    expect(traps).toEqual([]);
    expect(x[8]).toBe(5);
  });

  test('waits for a timer, and the interrupt is taken with mepc behind it', () => {
    const { traps, at } = play(`
      li t0, 0x02004000
      sw x0, 4(t0)
      li t1, 1000
      sw t1, 0(t0)
      li t0, 0x80
      csrw mie, t0
      csrsi mstatus, 8
      wfi
      a: nop`);
    expect(traps).toHaveLength(1);
    expect(traps[0]).toMatchObject({ cause: INTERRUPT + 7, epc: at('a') });
  });

  test('is illegal in U, and in S with TW', () => {
    const { traps } = play(`
      call enter_u
      wfi
      ${BACK}
      li t0, 1 << 21
      csrs mstatus, t0
      call enter_s
      wfi
      ${BACK}`);
    expect(where(traps)).toEqual(['M 2', 'M 8', 'M 2', 'M 9']);
  });
});

describe('the reservation', () => {
  const reserve = 'la t0, word\nlr.w t1, (t0)';
  const take = 'sc.w s0, t1, (t0)';
  const data = 'j done\n.balign 4\nword: .word 7';
  test.each([
    ['a trap', '.word 0xffffffff'],
    ['mret', 'la t2, 1f\ncsrw mepc, t2\nli t2, 0x1800\ncsrs mstatus, t2\nmret\n1: nop'],
  ])('does not survive %s', (_, text) => {
    expect(play(`${reserve}\n${text}\n${take}\n${data}`).x[8]).toBe(1);
  });

  test('is gone in the handler already, and after sret', () => {
    expect(play(`la t2, 1f\ncsrw mtvec, t2\n${reserve}\necall\n.balign 4\n1: ${take}\n${data}`).x[8]).toBe(1);
    expect(play(`la t2, 1f\ncsrw sepc, t2\nli t2, 0x100\ncsrs mstatus, t2\n${reserve}\nsret\n1: ${take}\n${data}`).x[8]).toBe(1);
  });

  test('survives everything else: stores to its word, loads, jumps', () => {
    expect(play(`${reserve}\nsw x0, 0(t0)\nlw t2, 4(t0)\nj 1f\n1: ${take}\n${data}`).x[8]).toBe(0);
  });
});
