/** Do the board's small devices do what their data sheets and machine.md say? */
import { describe, expect, it } from 'vitest';
import { Aclint } from '../../emulator/devices/aclint.ts';
import type { Emit, Time } from '../../emulator/devices/device.ts';
import { Finisher } from '../../emulator/devices/finisher.ts';
import { Plic } from '../../emulator/devices/plic.ts';
import { Rtc } from '../../emulator/devices/rtc.ts';
import { Uart } from '../../emulator/devices/uart.ts';
import type { Exit } from '../../emulator/io.ts';
import { CONSOLE_QUEUE_BYTES } from '../../emulator/limits.ts';
import { SnapshotError } from '../../emulator/snapshot.ts';

class FakeTime implements Time {
  ticks = 0n;
  changes = 0;
  icount = 0;
  now(): bigint {
    return this.ticks;
  }
  set(ticks: bigint): void {
    this.ticks = ticks;
  }
  changed(): void {
    this.changes++;
  }
}

class Wire {
  high = false;
  readonly line = (high: boolean): void => {
    this.high = high;
  };
}

describe('ACLINT', () => {
  const make = () => {
    const time = new FakeTime();
    const software = new Wire();
    return { time, software, aclint: new Aclint(time, software.line) };
  };

  it('has no timer armed at reset', () => {
    const { aclint } = make();
    expect([aclint.load(0x4000), aclint.load(0x4004)]).toEqual([0xffffffff, 0xffffffff]);
  });

  it('tells the board when a half of mtimecmp is written', () => {
    const { aclint, time } = make();
    aclint.store(0x4000, 4, 0x89abcdef);
    aclint.store(0x4004, 4, 0x01234567);
    expect(aclint.mtimecmp).toBe(0x0123456789abcdefn);
    expect(time.changes).toBe(2);
  });

  it('reads and sets the two halves of mtime', () => {
    const { aclint, time } = make();
    time.ticks = 0x1_ffff_fff0n;
    expect([aclint.load(0xbff8), aclint.load(0xbffc)]).toEqual([0xfffffff0, 1]);
    aclint.store(0xbffc, 4, 7);
    aclint.store(0xbff8, 4, 5);
    expect(time.ticks).toBe(0x7_0000_0005n);
  });

  it('drives the software interrupt from bit 0 of msip only', () => {
    const { aclint, software } = make();
    aclint.store(0, 4, 0xffffffff);
    expect([software.high, aclint.load(0)]).toEqual([true, 1]);
    aclint.store(0, 4, 0xfffffffe);
    expect([software.high, aclint.load(0)]).toEqual([false, 0]);
    aclint.store(4, 4, 1);
    expect([software.high, aclint.load(4)]).toEqual([false, 0]);
  });

  it('comes back from its saved state', () => {
    const { aclint } = make();
    aclint.store(0x4000, 4, 99);
    aclint.store(0, 4, 1);
    const other = make();
    other.aclint.restore(aclint.save());
    expect(other.aclint.save()).toEqual(aclint.save());
    expect(other.software.high).toBe(true);
    expect(() => other.aclint.restore({ msip: 1, mtimecmp: 0n })).toThrow(SnapshotError);
  });
});

describe('PLIC', () => {
  const CLAIM = [0x200004, 0x201004] as const;
  const make = () => {
    const [machine, supervisor] = [new Wire(), new Wire()];
    const plic = new Plic(machine.line, supervisor.line);
    const enable = (context: number, mask: number) => plic.store(0x2000 + 0x80 * context, 4, mask);
    const priority = (id: number, value: number) => plic.store(4 * id, 4, value);
    return {
      plic,
      machine,
      supervisor,
      enable,
      priority,
      claim: (context: number) => plic.load(CLAIM[context]),
      complete: (context: number, id: number) => plic.store(CLAIM[context], 4, id),
    };
  };

  it('interrupts the contexts for which a source is enabled, and no other', () => {
    const { plic, machine, supervisor, enable, priority } = make();
    priority(10, 1);
    enable(1, 1 << 10);
    plic.line(10)(true);
    expect([machine.high, supervisor.high]).toEqual([false, true]);
    enable(0, 1 << 10);
    expect([machine.high, supervisor.high]).toEqual([true, true]);
  });

  it('claims the highest priority, then the lowest id, then nothing', () => {
    const { plic, enable, priority, claim, supervisor } = make();
    for (const [id, value] of [
      [3, 2],
      [5, 7],
      [9, 7],
      [1, 0],
    ]) {
      priority(id, value);
      plic.line(id)(true);
    }
    enable(1, 0xffffffff);
    expect([claim(1), claim(1), claim(1), claim(1)]).toEqual([5, 9, 3, 0]);
    expect(supervisor.high).toBe(false);
  });

  it('forwards again after completion while the line is high, and not before', () => {
    const { plic, enable, priority, claim, complete, supervisor } = make();
    priority(8, 1);
    enable(1, 1 << 8);
    plic.line(8)(true);
    expect(claim(1)).toBe(8);
    expect([supervisor.high, claim(1)]).toEqual([false, 0]);
    complete(1, 8);
    expect([supervisor.high, claim(1)]).toEqual([true, 8]);
    plic.line(8)(false);
    complete(1, 8);
    expect([supervisor.high, claim(1)]).toEqual([false, 0]);
  });

  it('keeps a forwarded request when its line falls (the gateway has let it through)', () => {
    const { plic, enable, priority, claim } = make();
    priority(2, 1);
    enable(1, 1 << 2);
    plic.line(2)(true);
    plic.line(2)(false);
    expect(plic.load(0x1000)).toBe(1 << 2);
    expect(claim(1)).toBe(2);
  });

  it('masks by threshold what interrupts, but not what can be claimed', () => {
    const { plic, enable, priority, claim, supervisor } = make();
    priority(4, 3);
    enable(1, 1 << 4);
    plic.store(0x201000, 4, 3);
    plic.line(4)(true);
    expect(supervisor.high).toBe(false);
    plic.store(0x201000, 4, 2);
    expect(supervisor.high).toBe(true);
    plic.store(0x201000, 4, 7);
    expect(claim(1)).toBe(4);
  });

  it('ignores the completion of a source that is not enabled for the context, or does not exist', () => {
    const { plic, enable, priority, claim, complete } = make();
    priority(6, 1);
    enable(1, 1 << 6);
    plic.line(6)(true);
    expect(claim(1)).toBe(6);
    for (const id of [0, 7, 32, 1000, 0xffffffff]) complete(1, id);
    complete(0, 6);
    expect(claim(1)).toBe(0);
    complete(1, 6);
    expect(claim(1)).toBe(6);
  });

  it('has no source 0, three bits of priority, and zeros where nothing is', () => {
    const { plic } = make();
    plic.store(0, 4, 7);
    plic.store(4, 4, 0xff);
    plic.store(0x2000, 4, 0xffffffff);
    expect([plic.load(0), plic.load(4), plic.load(0x2000)]).toEqual([0, 7, 0xfffffffe]);
    for (const offset of [0x80, 0xffc, 0x1004, 0x2004, 0x2100, 0x1ffffc, 0x200008, 0x202000, 0x5ffffc]) expect(plic.load(offset)).toBe(0);
  });

  it('works for source 31, the sign bit', () => {
    const { plic, enable, priority, claim, complete, machine } = make();
    priority(31, 1);
    enable(0, 0x80000000);
    plic.line(31)(true);
    expect([machine.high, plic.load(0x1000), plic.load(0x2000), claim(0), machine.high]).toEqual([true, 0x80000000, 0x80000000, 31, false]);
    complete(0, 31);
    const other = make();
    other.plic.restore(plic.save());
    expect([other.machine.high, other.plic.save()]).toEqual([true, plic.save()]);
  });
});

describe('UART', () => {
  const make = () => {
    const wire = new Wire();
    const sent: number[] = [];
    const emit: Emit = (output) => {
      if (output.kind === 'console') sent.push(...output.bytes);
      return 1;
    };
    const uart = new Uart(emit, wire.line);
    return {
      uart,
      wire,
      sent,
      type: (text: string) => uart.deliver(Uint8Array.from(text, (c) => c.charCodeAt(0))),
      put: (register: number, value: number) => uart.store(register, 1, value),
    };
  };
  const [DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR] = [0, 1, 2, 3, 4, 5, 6, 7];

  it('sends a byte at the store, and is empty at once', () => {
    const { uart, sent, put } = make();
    put(DATA, 0x41);
    expect(sent).toEqual([0x41]);
    expect(uart.load(LSR)).toBe(0x60);
  });

  it('interrupts for THRE when ETBEI is set, until IIR is read, and again for the next byte', () => {
    const { uart, wire, put } = make();
    put(IER, 2);
    expect(wire.high).toBe(true);
    expect(uart.load(IIR)).toBe(2);
    expect([wire.high, uart.load(IIR)]).toEqual([false, 1]);
    put(DATA, 0x42);
    expect([wire.high, uart.load(IIR), wire.high]).toEqual([true, 2, false]);
    put(IER, 0);
    put(IER, 2);
    expect(wire.high).toBe(true);
  });

  it('interrupts as soon as there is a byte: 0xC below the trigger level, 4 from it on', () => {
    const { uart, wire, put, type } = make();
    put(2, 0xc1);
    put(IER, 1);
    expect(wire.high).toBe(false);
    type('x');
    expect([wire.high, uart.load(IIR)]).toEqual([true, 0xcc]);
    type('yyyyyyyyyyyyy');
    expect(uart.load(IIR)).toBe(0xc4);
    for (let i = 0; i < 14; i++) uart.load(DATA);
    expect([wire.high, uart.load(IIR)]).toEqual([false, 0xc1]);
  });

  it('does not acknowledge THRE by a read of IIR that reports a received byte', () => {
    const { uart, put, type } = make();
    put(IER, 3);
    type('z');
    expect(uart.load(IIR)).toBe(4);
    uart.load(DATA);
    expect(uart.load(IIR)).toBe(2);
  });

  it('gives typed bytes in order, says when there are none, and bounds what waits', () => {
    const { uart, type } = make();
    type('abc');
    expect(uart.load(LSR)).toBe(0x61);
    expect([uart.load(DATA), uart.load(DATA), uart.load(DATA), uart.load(DATA)]).toEqual([0x61, 0x62, 0x63, 0]);
    expect(uart.load(LSR)).toBe(0x60);
    uart.deliver(new Uint8Array(CONSOLE_QUEUE_BYTES));
    expect(uart.room()).toBe(0);
    expect(() => type('x')).toThrow(RangeError);
  });

  it('does not lose what was typed ahead when the guest resets its FIFOs', () => {
    const { uart, put, type } = make();
    type('help\n');
    put(2, 0x07);
    put(2, 0x00);
    put(2, 0x07);
    expect(String.fromCharCode(uart.load(DATA)!, uart.load(DATA)!)).toBe('he');
  });

  it('passes the loopback test of a driver that looks for a 16550A', () => {
    const { uart, sent, put, type } = make();
    put(MCR, 0x1a);
    expect(uart.load(MSR)! & 0xf0).toBe(0x90);
    put(2, 1);
    expect(uart.load(IIR)! & 0xc0).toBe(0xc0);
    type('typed');
    put(DATA, 0x55);
    expect([uart.load(LSR), uart.load(DATA), uart.load(LSR)]).toEqual([0x61, 0x55, 0x60]);
    expect(sent).toEqual([]);
    put(MCR, 0);
    expect([uart.load(MSR), uart.load(DATA)]).toEqual([0xb0, 't'.charCodeAt(0)]);
  });

  it('reports an overrun in loopback once the FIFO is full, and clears it with LSR', () => {
    const { uart, put } = make();
    put(2, 1);
    put(IER, 4);
    put(MCR, 0x10);
    for (let i = 0; i < 17; i++) put(DATA, i);
    expect([uart.load(IIR), uart.load(LSR), uart.load(LSR), uart.load(DATA)]).toEqual([0xc6, 0x63, 0x61, 0]);
  });

  it('keeps the divisor behind DLAB and the scratch register', () => {
    const { uart, put } = make();
    put(IER, 5);
    put(LCR, 0x83);
    put(0, 0x34);
    put(1, 0x12);
    expect([uart.load(0), uart.load(1)]).toEqual([0x34, 0x12]);
    put(LCR, 0x03);
    put(SCR, 0xa5);
    expect([uart.load(IER), uart.load(SCR), uart.load(8)]).toEqual([5, 0xa5, undefined]);
    expect(uart.store(8, 1, 0)).toBe(false);
  });

  it('comes back from its saved state, line included', () => {
    const { uart, put, type } = make();
    put(2, 0x81);
    put(IER, 1);
    put(MCR, 0x13);
    put(DATA, 7);
    put(MCR, 0x03);
    type('waiting');
    const other = make();
    other.uart.restore(uart.save());
    expect(other.uart.save()).toEqual(uart.save());
    expect(other.wire.high).toBe(true);
  });
});

describe('RTC', () => {
  const BOOT = 1_700_000_000_123_456_789n;
  const make = () => {
    const time = new FakeTime();
    const wire = new Wire();
    const rtc = new Rtc(time, wire.line, BOOT);
    const read = () => BigInt(rtc.load(0)) | (BigInt(rtc.load(4)) << 32n);
    const alarm = (at: bigint) => {
      rtc.store(0x0c, 4, Number(at >> 32n));
      rtc.store(0x08, 4, Number(at & 0xffffffffn));
    };
    return { time, wire, rtc, read, alarm };
  };

  it('reads boot time plus 100 ns a tick, the high word as it was when the low one was read', () => {
    const { time, rtc, read } = make();
    time.ticks = 12_345_678n;
    expect(read()).toBe(BOOT + 1_234_567_800n);
    rtc.load(0);
    const high = rtc.load(4);
    time.ticks += 2n ** 32n;
    expect(rtc.load(4)).toBe(high);
  });

  it('can be set by the guest', () => {
    const { time, rtc, read } = make();
    rtc.store(4, 4, 1);
    rtc.store(0, 4, 2);
    time.ticks = 10n;
    expect(read()).toBe(0x1_0000_0002n + 1000n);
  });

  it('names the first tick at which the alarm is due, and rings then and not before', () => {
    const { time, rtc, wire, alarm } = make();
    rtc.store(0x10, 4, 1);
    alarm(BOOT + 1050n);
    expect([rtc.deadline(), rtc.load(0x18)]).toEqual([11n, 1]);
    time.ticks = 10n;
    rtc.update();
    expect(wire.high).toBe(false);
    time.ticks = 11n;
    rtc.update();
    expect([wire.high, rtc.deadline(), rtc.load(0x18)]).toEqual([true, undefined, 0]);
    rtc.store(0x1c, 4, 1);
    expect(wire.high).toBe(false);
  });

  it('rings at once for an alarm in the past, and not at all for one that was cleared or is not enabled', () => {
    const { rtc, wire, alarm } = make();
    alarm(BOOT - 1n);
    expect(wire.high).toBe(false);
    rtc.store(0x10, 4, 1);
    expect(wire.high).toBe(true);
    rtc.store(0x1c, 4, 0);
    alarm(BOOT + 5000n);
    rtc.store(0x14, 4, 0);
    expect([wire.high, rtc.deadline()]).toEqual([false, undefined]);
  });

  it('comes back from its saved state', () => {
    const { rtc, alarm } = make();
    alarm(BOOT + 5000n);
    rtc.store(0x10, 4, 1);
    const other = make();
    other.rtc.restore(rtc.save());
    expect(other.rtc.save()).toEqual(rtc.save());
    expect(other.rtc.deadline()).toBe(rtc.deadline());
  });
});

describe('finisher', () => {
  it('ends the run or resets the machine as the store says, and ignores everything else', () => {
    const asked: (Exit | 'reset')[] = [];
    const finisher = new Finisher(
      (exit) => asked.push(exit),
      () => asked.push('reset'),
    );
    for (const value of [0, 0x1234, 0x5555, 0x7777, 0x002a3333]) finisher.store(0, 4, value);
    finisher.store(4, 4, 0x5555);
    expect(asked).toEqual([{ code: 0, reason: 'poweroff' }, 'reset', { code: 42, reason: 'fail' }]);
    expect(finisher.load()).toBe(0);
  });
});
