/** How does a machine run, wait, take what comes in, and end? (machine.md: icount, Time, HTIF; the machine's two doors.) */
import { describe, expect, test } from 'vitest';
import { PATIENCE } from '../../../emulator/htif.ts';
import { InputRefused, type Machine } from '../../../emulator/index.ts';
import { assemble } from '../../../emulator/isa/assemble.ts';
import { readSnapshot, writeSnapshot } from '../../../emulator/snapshot.ts';
import { createMachine, restoreMachine } from '../../support/engine.ts';
import { program, testConfig, wordAt } from '../../support/program.ts';

const HOST = { config: { clock: 'host' } } as const;
const text = (machine: Machine): string =>
  machine
    .takeOutputs()
    .map((output) => (output.kind === 'console' ? String.fromCharCode(...output.bytes) : output.kind))
    .join(' ');

describe('run', () => {
  test('stops exactly at its limit, and does nothing when it is there', () => {
    const { machine } = program('loop: addi a0, a0, 1\nj loop');
    // The reset ROM's own instructions come first.
    const start = boot(machine);
    expect(machine.run(start + 7)).toBe('limit');
    expect(machine.icount).toBe(start + 7);
    const { a0, pc } = { a0: machine.inspect().x[10], pc: machine.inspect().pc };
    expect(machine.run(start + 7)).toBe('limit');
    expect(machine.run(start + 3)).toBe('limit');
    expect([machine.inspect().x[10], machine.inspect().pc]).toEqual([a0, pc]);
  });

  test('refuses a limit that is no icount', () => {
    const { machine } = program('j .');
    expect(() => machine.run(2 ** 53)).toThrow(RangeError);
    expect(() => machine.run(1.5)).toThrow(/integer below 2\^53/);
  });

  test('halts with a clear error at icount 2^53 - 1, and counts exactly until then', () => {
    const { machine } = program('csrr a0, mcycleh\nloop: addi a1, a1, 1\nj loop', HOST);
    machine.run(100);
    // A machine that has waited there for 285 years: its snapshot with another icount.
    const late = patched(machine, Number.MAX_SAFE_INTEGER - 5);
    late.run(Number.MAX_SAFE_INTEGER - 1);
    expect(late.icount).toBe(Number.MAX_SAFE_INTEGER - 1);
    expect(() => {
      late.run(Number.MAX_SAFE_INTEGER);
      late.run(Number.MAX_SAFE_INTEGER);
    }).toThrow(/2\^53/);
  });

  test('comes back at once when the guest wants the disk or the net, or has 256 bytes for the console', () => {
    const { machine } = program('li t0, 0x10000000\nloop: sb a0, 0(t0)\naddi a0, a0, 1\nj loop');
    const start = boot(machine) + 1;
    expect(machine.run(100_000)).toBe('output');
    expect(machine.icount).toBe(start + 3 * 255 + 1);
    expect(machine.made.console).toBe(256);
    const [output] = machine.takeOutputs();
    expect(output).toMatchObject({ kind: 'console', ordinal: 1 });
    machine.run(machine.icount + 30);
    expect(machine.takeOutputs()).toMatchObject([{ kind: 'console', ordinal: 257 }]);
  });

  test('a fetch that faults counts one, and a trap loop goes on counting', () => {
    const { machine } = program('csrw mtvec, zero\nli t0, 0x40000000\njr t0');
    machine.run(10_000);
    expect(machine.icount).toBe(10_000);
    expect(machine.inspect().csrs.mcause).toBe(1);
    expect(machine.inspect().csrs.mtval).toBe(0);
  });
});

describe('waiting', () => {
  const armed = (ticks: number) => `
    la t0, handler
    csrw mtvec, t0
    li t0, 0x02004000
    li t1, ${ticks}
    sw t1, 0(t0)
    sw zero, 4(t0)
    li t0, 0x80
    csrw mie, t0
    csrsi mstatus, 8
    wfi
    nop
    handler: csrr a0, mcause
    csrr a1, time
    csrr a2, mepc
    done: j done`;

  test('with the clock of icount time moves to the timer by itself, and the interrupt is taken behind the wfi', () => {
    const { machine, assembly } = program(armed(5_000_000));
    expect(machine.run(1000)).toBe('limit');
    const { x } = machine.inspect();
    expect(x[10]).toBe(0x8000_0007);
    expect(x[11]).toBe(5_000_000);
    expect(x[12]).toBe((assembly.symbols.get('handler') ?? 0) - 4);
  });

  test('with the clock of the host it is idle, says until when, and a clock input ends it', () => {
    const { machine } = program(armed(5_000_000), HOST);
    expect(machine.run(1000)).toBe('idle');
    const { icount } = machine;
    expect(machine.deadline()).toBe(5_000_000n);
    expect(machine.run(1000)).toBe('idle');
    machine.deliver({ kind: 'clock', ticks: 4_999_999n, num: 0, den: 1 });
    expect(machine.run(1000)).toBe('idle');
    expect(machine.icount).toBe(icount);
    machine.deliver({ kind: 'clock', ticks: 5_000_000n, num: 1, den: 10 });
    expect(machine.run(1000)).toBe('limit');
    expect(machine.inspect().x[10]).toBe(0x8000_0007);
    expect(machine.inspect().x[11]).toBe(5_000_000);
  });

  test('with no timer it is idle in either clock, and console input ends it', () => {
    for (const options of [{}, HOST]) {
      const { machine } = program(
        `li t0, 0x0c000000; li t1, 1; sw t1, 40(t0)
         li t0, 0x0c002000; li t1, 0x400; sw t1, 0(t0)
         li t0, 0x10000000; sb t1, 4(t0); li t1, 1; sb t1, 1(t0)
         li t0, 0x800; csrw mie, t0
         wfi
         li t0, 0x10000000
         lbu a0, 0(t0)
         done: j done`,
        options,
      );
      expect(machine.run(1000)).toBe('idle');
      expect(machine.deadline()).toBeUndefined();
      machine.deliver({ kind: 'console', port: 0, bytes: Uint8Array.of(65) });
      expect(machine.run(1000)).toBe('limit');
      expect(machine.inspect().x[10]).toBe(65);
    }
  });

  test('a cut right behind the wfi changes nothing', () => {
    const whole = program(armed(1000)).machine;
    const cut = program(armed(1000)).machine;
    while (cut.icount < 60) cut.run(cut.icount + 1);
    whole.run(60);
    expect(cut.digest()).toBe(whole.digest());
  });
});

describe('time', () => {
  test('is ticks + floor((i - i0) * num / den), also where the product has more than 53 bits', () => {
    const { machine } = program('loop: csrr a0, time\ncsrr a1, timeh\nj loop', HOST);
    machine.run(10);
    const [num, den] = [2_147_483_629, 3];
    machine.deliver({ kind: 'clock', ticks: 0x1_ffff_0000n, num, den });
    expect(machine.anchor).toEqual({ icount: 10, ticks: 0x1_ffff_0000n, num, den });
    for (const step of [1, 2, 3, 1000, 9_000_000]) {
      machine.run(10 + step);
      expect(machine.ticks).toBe(0x1_ffff_0000n + (BigInt(step) * BigInt(num)) / BigInt(den));
    }
  });

  test('never goes back: an earlier tick is refused, and the machine stays as it was', () => {
    const { machine } = program('loop: j loop', HOST);
    machine.run(1000);
    const input = { kind: 'clock', ticks: machine.ticks - 1n, num: 1, den: 10 } as const;
    const before = machine.digest();
    expect(machine.refuses(input)).toMatch(/back/);
    expect(() => machine.deliver(input)).toThrow(InputRefused);
    expect(machine.digest()).toBe(before);
    expect(machine.refuses({ ...input, ticks: machine.ticks, den: 0 })).toMatch(/rate/);
  });

  test('follows icount alone when it is configured so', () => {
    const { machine } = program('loop: j loop');
    expect(machine.refuses({ kind: 'clock', ticks: 10n ** 9n, num: 1, den: 1 })).toMatch(/icount/);
  });
});

describe('tohost', () => {
  const htif = (
    body: string,
  ) => `${body}\nhalt: j halt\n.balign 64\ntohost: .word 0, 0\nfromhost: .word 0, 0\nmessage: .ascii "hello"\n.balign 64
    block: .word 64, 0, 1, 0, message, 0, 5, 0`;

  /** Writes the low word with its fifth instruction. */
  const spinning = (then: string) => {
    const { machine } = program(htif(`la t0, tohost\nli t1, 11\nnop\nsw t1, 0(t0)\n${then}`));
    return { machine, start: boot(machine) };
  };

  test('ends the guest when the high word is written', () => {
    const { machine } = program(htif('la t0, tohost\nli t1, 7\nsw t1, 0(t0)\nnop\nsw zero, 4(t0)\nli a0, 1'));
    expect(machine.run(1000)).toBe('off');
    expect(machine.exit).toEqual({ code: 3, reason: 'tohost' });
    expect(machine.inspect().x[10]).not.toBe(1);
    expect(text(machine)).toBe('off');
    expect(machine.run(2000)).toBe('off');
  });

  test('or when the low word is written a second time', () => {
    const { machine } = program(htif('la t0, tohost\nli t1, 1\nagain: sw t1, 0(t0)\nj again'));
    expect(machine.run(1000)).toBe('off');
    expect(machine.exit?.code).toBe(0);
  });

  test('or when both are written, the high one first', () => {
    const { machine } = program(htif('la t0, tohost\nli t1, 9\nsw zero, 4(t0)\nnop\nsw t1, 0(t0)\nli a0, 1'));
    expect(machine.run(1000)).toBe('off');
    expect(machine.exit).toEqual({ code: 4, reason: 'tohost' });
    expect(machine.inspect().x[10]).not.toBe(1);
  });

  test('or when an exit stands in its low word alone, and nothing follows', () => {
    const { machine, start } = spinning('j halt');
    const end = start + 5 + PATIENCE;
    expect(machine.run(end - 1)).toBe('limit');
    const copy = restoreMachine(machine.config, machine.save());
    expect(copy.digest()).toBe(machine.digest());
    for (const one of [machine, copy]) {
      expect(one.run(end + 1000)).toBe('off');
      expect([one.exit, one.icount]).toEqual([{ code: 5, reason: 'tohost' }, end]);
    }
    const waiting = spinning('wfi');
    expect(waiting.machine.run(1000)).toBe('off');
    expect(waiting.machine.exit?.code).toBe(5);
    expect(waiting.machine.icount).toBe(waiting.start + 6);
  });

  test('a low word that is no exit waits for its high word, however long', () => {
    const { machine } = program(
      htif(`la t0, tohost\nli t1, 66\nsw t1, 0(t0)\nli t2, ${PATIENCE}\nspin: addi t2, t2, -1\nbnez t2, spin
      li t1, 0x01010000\nsw t1, 4(t0)`),
    );
    machine.run(3 * PATIENCE);
    expect(text(machine)).toBe('B');
  });

  test('writes: a console byte, and a write system call', () => {
    const { machine, assembly } = program(
      htif(`la t0, tohost
        li t1, 65; sw t1, 0(t0); li t1, 0x01010000; sw t1, 4(t0)
        la t1, block; sw t1, 0(t0); sw zero, 4(t0)`),
    );
    machine.run(1000);
    expect(text(machine)).toBe('Ahello');
    expect(wordAt(machine, assembly.symbols.get('tohost') ?? 0)).toBe(0);
    expect(wordAt(machine, assembly.symbols.get('fromhost') ?? 0)).toBe(1);
    expect(wordAt(machine, assembly.symbols.get('block') ?? 0)).toBe(5);
  });

  test('a system call block outside RAM harms nobody', () => {
    const { machine } = program(
      htif('la t0, tohost\nli t1, 0x12345678\nsw t1, 0(t0)\nsw t1, 4(t0)\nli t1, -2\nsw t1, 0(t0)\nsw zero, 4(t0)'),
    );
    expect(machine.run(1000)).toBe('limit');
  });
});

describe('snapshots', () => {
  test('of another configuration are refused by name', () => {
    const { machine } = program('j .');
    const snapshot = machine.save();
    expect(() => restoreMachine({ ...machine.config, memoryBytes: 1 << 21 }, snapshot)).toThrow(
      /memoryBytes is 1048576, here it is 2097152/,
    );
    expect(() => restoreMachine({ ...machine.config, clock: 'host' }, snapshot)).toThrow(/clock is icount/);
  });

  test('of a machine that is off are of a machine that is off', () => {
    const { machine } = program('li t0, 0x100000\nli t1, 0x73333\nsw t1, 0(t0)\nj .');
    expect(machine.run(1000)).toBe('off');
    const again = restoreMachine(machine.config, machine.save());
    expect(again.digest()).toBe(machine.digest());
    expect(again.run(1000)).toBe('off');
    expect(again.exit).toEqual({ code: 7, reason: 'fail' });
  });
});

describe('the reset ROM', () => {
  test('hands over hart id, device tree and fw_dynamic_info, and cannot be written', () => {
    const firmware = assemble('li t0, 0x1000\nsw t0, 0(t0)\nhere: j here', { origin: 0x80000000 }).bytes;
    const main = assemble('j .', { origin: 0x80400000 }).bytes;
    const machine = createMachine(
      testConfig(main, { memoryBytes: 1 << 23, config: { images: { firmware, main, initrd: undefined, append: '', dtb: undefined } } }),
    );
    while (machine.inspect().pc !== 0x80000000) machine.run(machine.icount + 1);
    const { x } = machine.inspect();
    expect(x[10]).toBe(0);
    expect(wordAt(machine, x[11])).toBe(0xedfe0dd0);
    expect(x[12] >>> 12).toBe(1);
    machine.run(machine.icount + 2);
    expect(machine.inspect().csrs.mcause).toBe(7);
  });
});

/** Runs the reset ROM; the icount at the image's first instruction. */
function boot(machine: Machine): number {
  while (machine.inspect().pc !== 0x8000_0000) machine.run(machine.icount + 1);
  return machine.icount;
}

/** The machine with another icount: time is bent with it, which is no matter here. */
function patched(machine: Machine, icount: number): Machine {
  const snapshot = readSnapshot(machine.save());
  const hart = snapshot.get('hart');
  const state = snapshot.get('machine');
  snapshot.set('hart', { ...hart, icount });
  snapshot.set('machine', { ...state, anchor: { icount, ticks: 0n, num: 0, den: 1 } });
  return restoreMachine(machine.config, writeSnapshot(snapshot));
}
