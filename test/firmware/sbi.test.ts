/** Does our firmware answer as SBI 1.0 says? Each case is an S-mode program on our machine: calls in a row, answers read from its memory. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Machine } from '../../emulator/index.ts';
import { assemble } from '../../emulator/isa/assemble.ts';
import { createMachine } from '../support/engine.ts';

const firmware = new Uint8Array(readFileSync(fileURLToPath(new URL('../../images/sbi.elf', import.meta.url))));
const KERNEL = 0x8040_0000;
const RESULTS = 0x8050_0000;
const [BASE, TIME, IPI, RFENCE, SRST] = [0x10, 0x54494d45, 0x735049, 0x52464e43, 0x53525354];
const [SUCCESS, NOT_SUPPORTED, INVALID_PARAM] = [0, -2, -3];

/** Runs S-mode code at 0x80400000 until it stores no more and waits, or is off; s0 points at where answers go. */
function run(source: string): Machine {
  const { bytes } = assemble(`li s0, ${RESULTS}\n${source}\n1: wfi\nj 1b`, { origin: KERNEL });
  const machine = createMachine({
    memoryBytes: 8 << 20,
    clock: 'icount',
    seed: new Uint8Array(32),
    bootTimeNs: 0n,
    disk: undefined,
    net: undefined,
    virtioConsole: false,
    onReset: 'end',
    images: { firmware, main: bytes, initrd: undefined, append: '', dtb: undefined },
  });
  machine.run(1_000_000);
  return machine;
}

const call = (extension: number, fid: number, a0 = 0, a1 = 0) =>
  `li a7, ${extension}\nli a6, ${fid}\nli a0, ${a0}\nli a1, ${a1}\necall\nsw a0, 0(s0)\nsw a1, 4(s0)\naddi s0, s0, 8`;
const keep = (csr: string) => `csrr a0, ${csr}\nsw a0, 0(s0)\nsw zero, 4(s0)\naddi s0, s0, 8`;

function answers(machine: Machine, count: number): [number, number][] {
  const view = new DataView(machine.readMemory(RESULTS, count * 8).slice().buffer);
  return Array.from({ length: count }, (_, i) => [view.getInt32(i * 8, true), view.getInt32(i * 8 + 4, true)]);
}

describe('the SBI', () => {
  it('enters S-mode at the image with the hart id and the device tree', () => {
    const machine = run('sw a0, 0(s0)\nsw a1, 4(s0)');
    const [hart, tree] = answers(machine, 1)[0] as [number, number];
    expect(hart).toBe(0);
    expect([...machine.readMemory(tree >>> 0, 4)]).toEqual([0xd0, 0x0d, 0xfe, 0xed]);
    expect(machine.inspect().privilege).toBe(1);
  });

  it('leaves cycle, time and instret to user programs too, as OpenSBI does', () => {
    expect(answers(run(keep('scounteren')), 1)).toEqual([[7, 0]]);
  });

  it('says what it is, and what it has', () => {
    const has = [0, 1, 8, BASE, TIME, IPI, RFENCE, SRST];
    const not = [9, 0x48534d, 0x504d55];
    const calls = [call(BASE, 0), call(BASE, 7), call(0x48534d, 0), ...[...has, ...not].map((id) => call(BASE, 3, id))];
    expect(answers(run(calls.join('\n')), calls.length)).toEqual([
      [SUCCESS, 0x0100_0000],
      [NOT_SUPPORTED, 0],
      [NOT_SUPPORTED, 0],
      ...has.map(() => [SUCCESS, 1]),
      ...not.map(() => [SUCCESS, 0]),
    ]);
  });

  it('sets and clears the timer, at the tick', () => {
    const soon = 'rdtime a0\naddi a0, a0, 50\nli a1, 0';
    const program = [
      `${soon}\nli a7, ${TIME}\nli a6, 0\necall`,
      keep('sip'),
      'li t0, 0x20\ncsrs sie, t0\nwfi',
      keep('sip'),
      call(TIME, 0, -1, -1),
      keep('sip'),
      call(TIME, 1),
    ];
    expect(answers(run(program.join('\n')), 5)).toEqual([
      [0, 0],
      [0x20, 0],
      [SUCCESS, 0],
      [0, 0],
      [NOT_SUPPORTED, 0],
    ]);
  });

  it('interrupts and fences hart 0, and refuses harts that are not there', () => {
    const program = [
      call(IPI, 0, 0, 0),
      keep('sip'),
      call(IPI, 0, 1, 0),
      keep('sip'),
      'li t0, 2\ncsrc sip, t0',
      call(IPI, 0, 0, -1),
      keep('sip'),
      call(IPI, 0, 2, 0),
      call(IPI, 0, 1, 1),
      call(RFENCE, 0, 1, 0),
      call(RFENCE, 1, 0, -1),
      call(RFENCE, 1, 4, 0),
      call(RFENCE, 7, 1, 0),
    ];
    expect(answers(run(program.join('\n')), 12)).toEqual([
      [SUCCESS, 0],
      [0, 0],
      [SUCCESS, 0],
      [2, 0],
      [SUCCESS, 0],
      [2, 0],
      [INVALID_PARAM, 0],
      [INVALID_PARAM, 0],
      [SUCCESS, 0],
      [SUCCESS, 0],
      [INVALID_PARAM, 0],
      [NOT_SUPPORTED, 0],
    ]);
  });

  it('speaks on the legacy console, which has nothing to read', () => {
    const machine = run([call(1, 0, 0x41), call(2, 0)].join('\n'));
    expect(answers(machine, 2).map(([value]) => value)).toEqual([0, -1]);
    expect(machine.takeOutputs()).toMatchObject([{ kind: 'console', bytes: Uint8Array.of(0x41) }]);
  });

  it.each([
    ['shuts down', call(SRST, 0, 0, 0), { code: 0, reason: 'poweroff' }],
    ['shuts down for a failure', call(SRST, 0, 0, 1), { code: 1, reason: 'fail' }],
    ['reboots', call(SRST, 0, 1, 0), { code: 0, reason: 'reset' }],
    ['shuts down the legacy way', call(8, 0), { code: 0, reason: 'poweroff' }],
  ])('%s by the finisher', (_, program, exit) => {
    expect(run(program).exit).toMatchObject(exit);
  });

  it('refuses a reset that is none', () => {
    const machine = run([call(SRST, 0, 3, 0), call(SRST, 0, 0, 2), call(SRST, 1)].join('\n'));
    expect(machine.exit).toBeUndefined();
    expect(answers(machine, 3).map(([error]) => error)).toEqual([INVALID_PARAM, INVALID_PARAM, NOT_SUPPORTED]);
  });

  it('leaves faults to S-mode: an illegal instruction traps there', () => {
    const machine = run(`la t0, 2f\ncsrw stvec, t0\n.word 0\n.balign 4\n2:\n${keep('scause')}\n${keep('stval')}`);
    expect(answers(machine, 2).map(([value]) => value)).toEqual([2, 0]);
  });
});
