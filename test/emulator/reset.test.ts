/** Is a machine that its guest has reset the machine that was made at first, but for what goes on? (machine.md, "Reset") */
import { describe, expect, test } from 'vitest';
import type { State } from '../../emulator/devices/device.ts';
import { boardTree } from '../../emulator/devicetree.ts';
import type { Machine, MachineConfig } from '../../emulator/index.ts';
import { assemble } from '../../emulator/isa/assemble.ts';
import { layoutOf, PAGE_BYTES, RAM_BASE, ROM_BASE } from '../../emulator/layout.ts';
import { Physical } from '../../emulator/physical.ts';
import { placeImages } from '../../emulator/placement.ts';
import { readSnapshot } from '../../emulator/snapshot.ts';
import { elf } from '../support/elf.ts';
import { createMachine, restoreMachine } from '../support/engine.ts';
import { RAM, testConfig, wordAt } from '../support/program.ts';
import { boardConfig, MIB } from './board-config.ts';

const RESET = 'li t0, 0x00100000\nli t1, 0x7777\nsw t1, 0(t0)\nj .';
const store = (address: number, value: number, row = 'sw') => `li t0, ${address}\nli t1, ${value}\n${row} t1, 0(t0)`;

const [UART, PLIC, ACLINT, RTC, BLOCK] = [0x1000_0000, 0x0c00_0000, 0x0200_0000, 0x0010_1000, 0x1000_8000];
const [QUEUE, DATA] = [0x8010_0000, 0x8020_0000];

/** A disk write under way: everything a driver does, up to the notification. */
const DISK_WRITE = [
  ...[1, 3].map((status) => [0x70, status] as const),
  [0x24, 1],
  [0x20, 1],
  [0x70, 11],
  [0x38, 8],
  [0x80, QUEUE],
  [0x90, QUEUE + 0x1000],
  [0xa0, QUEUE + 0x2000],
  [0x44, 1],
  [0x70, 15],
].map(([register, value]) => store(BLOCK + register, value));
/** Header, one sector, status: descriptors as address, 0, length, flags and next. */
const CHAIN = [
  [DATA, 0, 16, 0x0001_0001],
  [DATA + 512, 0, 512, 0x0002_0001],
  [DATA + 1024, 0, 1, 0x0000_0002],
].flatMap((words, n) => words.map((word, k) => store(QUEUE + 16 * n + 4 * k, word)));

/** Uses what there is of hart and board, and then resets. */
const MESS = `
  la t0, handler
  csrw mtvec, t0
  ecall                                     # a trap: minstret is behind icount
  ${[...CHAIN, store(DATA, 1), store(QUEUE + 0x1000, 0x0001_0000), ...DISK_WRITE, store(BLOCK + 0x50, 0)].join('\n')}
  ${store(UART + 3, 0x83, 'sb')}
  ${store(UART, 3, 'sb')}
  ${store(UART + 3, 0x03, 'sb')}
  ${store(UART + 2, 0xc1, 'sb')}
  ${store(UART + 4, 0x0b, 'sb')}
  ${store(UART + 7, 0x5a, 'sb')}
  ${store(UART, 0x41, 'sb')}
  ${store(UART + 1, 0x0f, 'sb')}
  ${store(PLIC + 40, 3)}
  ${store(PLIC + 0x2080, 0x400)}
  ${store(PLIC + 0x200000, 7)}
  ${store(RTC + 0x0c, 1)}
  ${store(RTC + 0x08, 5)}
  ${store(RTC + 0x10, 1)}
  ${store(RTC + 0x04, 0x1234)}
  ${store(ACLINT, 1)}
  ${store(ACLINT + 0x4000, 100)}
  ${store(ACLINT + 0x4004, 0)}
  # Code that is run, patched and run again; data on many pages; a reservation.
  la t2, patch
  lw t3, 0(t2)
  call patch
  sw t3, 0(t2)
  call patch
  li t0, ${DATA + 0x10000}
  li t1, ${DATA + 0x30000}
1: sw t0, 0(t0)
  li t2, 4096
  add t0, t0, t2
  bltu t0, t1, 1b
  ${['sscratch', 'mscratch', 'stvec', 'sepc', 'stval', 'scause', 'mie', 'mideleg', 'medeleg', 'mcounteren', 'scounteren', 'menvcfg', 'menvcfgh', 'stimecmp', 'stimecmph', 'senvcfg'].map((csr) => `li t0, -1\ncsrw ${csr}, t0`).join('\n')}
  li t0, 4
  csrw mcountinhibit, t0
  # A locked PMP entry over all there is, and Sv32 seen through MPRV, with a root that maps RAM onto itself.
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 0x9f
  csrw pmpcfg0, t0
  ${store(0x8030_0800, 0x200000cf)}
  ${store(0x8030_0000, 0x0000_00cf)}
  ${store(0x8030_0100, 0x040000cf)}
  li t0, 0x80080300
  csrw satp, t0
  li t0, 0xe0800                            # MPP = S, MPRV, SUM, MXR
  csrs mstatus, t0
  li t0, ${DATA}
  lr.w t1, (t0)
  ${Array.from({ length: 26 }, (_, n) => `li x${n + 6}, ${n + 77}`).join('\n')}
  ${RESET}
patch: addi a0, a0, 1
  ret
.align 2
handler:
  csrr t0, mepc
  addi t0, t0, 4
  csrw mepc, t0
  mret
`;

const configOf = (source: string, changes: Partial<MachineConfig> = {}, images: Partial<MachineConfig['images']> = {}): MachineConfig =>
  boardConfig({ memoryBytes: 8 * MIB, onReset: 'restart', ...changes }, { main: assemble(source, { origin: RAM }).bytes, ...images });

/** Runs until the guest has reset the machine `times` times; nothing has begun since. */
function reset(machine: Machine, times = 1): void {
  for (let left = times; left > 0; ) {
    const before = resets(machine);
    expect(machine.run(machine.icount + 100_000), `at icount ${machine.icount}, pc ${machine.inspect().pc.toString(16)}`).toBe('output');
    left -= resets(machine) - before;
  }
}

const sectionsOf = (machine: Machine): Map<string, State> => readSnapshot(machine.save());
const resets = (machine: Machine): number => sectionsOf(machine).get('machine')!.resets as number;

describe('after a reset', () => {
  test('hart, devices and RAM are those of a fresh machine, but for icount, time, ordinals, random bytes and the disk’s work', () => {
    const config = configOf(MESS);
    const machine = createMachine(config);
    machine.deliver({ kind: 'console', port: 0, bytes: new Uint8Array(3000).fill(0x61) });
    machine.deliver({ kind: 'console', port: 1, bytes: new Uint8Array(100).fill(0x62) });
    reset(machine);
    const [after, fresh] = [sectionsOf(machine), sectionsOf(createMachine(config))];
    const { icount } = machine;
    expect(icount).toBeGreaterThan(400);

    const goesOn: Record<string, State> = {
      hart: { icount, cycleOffset: -BigInt(icount), instretOffset: -BigInt(icount) },
      machine: { made: { console: 1, disk: 1, net: 0, power: 0 }, resets: 1 },
      rtc: { origin: (after.get('rtc') as { origin: bigint }).origin },
      'virtio-block': { device: (after.get('virtio-block') as { device: State }).device },
    };
    for (const [name, state] of fresh) {
      if (name !== 'memory') expect(after.get(name), name).toEqual({ ...state, ...goesOn[name] });
    }
    expect((after.get('rtc') as { origin: bigint }).origin >> 32n).toBe(0x1234n);
    expect(machine.consoleRoom(0)).toBe(createMachine(config).consoleRoom(0));

    const { segments } = placeImages(config, 1);
    const image = createMachine(config).readMemory(RAM_BASE, config.memoryBytes);
    for (const { address, bytes } of segments) image.set(bytes, address - RAM_BASE);
    expect(Buffer.compare(machine.readMemory(RAM_BASE, config.memoryBytes), image)).toBe(0);
    expect(machine.inspect().pc).toBe(ROM_BASE);
  });

  test('nothing that was derived is left: code that was written and run is gone, and so is a locked PMP entry', () => {
    const machine = createMachine(
      configOf(`
        la t0, handler
        csrw mtvec, t0
        li s0, ${DATA}
        li t0, ${RTC}                          # the clock says which boot it is
        lw t1, 0(t0)
        lw t1, 4(t0)
        bnez t1, second
        li t1, 1
        sw t1, 4(t0)
        li t1, 0x00150513                     # addi a0, a0, 1
        sw t1, 0(s0)
        li t1, 0x00008067                     # ret
        sw t1, 4(s0)
        jalr s0
        li t0, ${(DATA + 0x1000) / 4}
        csrw pmpaddr0, t0
        li t0, 0x90                           # NA4, locked, no access
        csrw pmpcfg0, t0
        ${RESET}
      second:
        li a0, 1
        li t0, ${DATA + 0x1000}
        sw a0, 0(t0)
        lw a1, 0(t0)
        jalr s0
      handler:
        csrr a2, mcause
        csrr a3, mepc
      done: j done`),
    );
    reset(machine);
    machine.run(machine.icount + 100);
    const { x } = machine.inspect();
    expect(x.slice(10, 14)).toEqual([1, 1, 2, DATA]);
  });

  test('the digest and the checkpoint are those of the machine as it is, whatever was hashed before', () => {
    const machine = createMachine(configOf(MESS));
    for (let boot = 1; boot < 6; boot++) {
      machine.run(machine.icount + 100 * boot);
      machine.takeOutputs();
      machine.digest();
      machine.checkpoint();
      reset(machine);
      expect(machine.digest()).toBe(restoreMachine(machine.config, machine.save()).digest());
      expect(Buffer.compare(machine.checkpoint().snapshot(), machine.save())).toBe(0);
      machine.run(machine.icount + 300);
      expect(machine.digest()).toBe(restoreMachine(machine.config, machine.save()).digest());
    }
  });

  test('time goes on, and mcycle and minstret begin at 0', () => {
    // At each boot: mtime, mcycle and minstret, into registers that the test looks at before the next reset.
    const machine = createMachine(configOf(`csrr s0, time\ncsrr s1, mcycle\ncsrr s2, minstret\nwait: ${'nop\n'.repeat(500)}${RESET}`));
    const looked: number[][] = [];
    for (let boot = 0; boot < 3; boot++) {
      while (machine.run(machine.icount + 100) === 'output') machine.takeOutputs();
      looked.push([18, 8, 9].map((x) => machine.inspect().x[x]));
      reset(machine);
    }
    const [first, second, third] = looked;
    expect([second![2], third![2]]).toEqual([first![2], first![2]]);
    expect([second![0], third![0]]).toEqual([first![0], first![0]]);
    expect(second![1]).toBeGreaterThan(first![1]! + 50);
    expect(third![1]).toBeGreaterThan(second![1]! + 50);
  });

  test('a late completion is taken and ignored, and its request is re-issued until then', () => {
    const machine = createMachine(configOf(MESS));
    reset(machine);
    expect(machine.pendingDisk()).toMatchObject([{ kind: 'diskWrite', request: 1, ordinal: 1 }]);
    const before = machine.readMemory(RAM_BASE, machine.config.memoryBytes);
    const completion = { kind: 'disk', request: 1, status: 0, data: new Uint8Array(0) } as const;
    expect(machine.refuses(completion)).toBeUndefined();
    machine.deliver(completion);
    expect(machine.pendingDisk()).toEqual([]);
    expect(Buffer.compare(machine.readMemory(RAM_BASE, machine.config.memoryBytes), before)).toBe(0);
    expect(machine.run(machine.icount + 10)).toBe('limit');
  });

  test('each boot has an rng-seed of its own, the same ones at each run', () => {
    const seeds = (): string[] => {
      const config = configOf(RESET);
      const machine = createMachine(config);
      const { deviceTree } = placeImages(config);
      return [0, 1, 2].map((boot) => {
        if (boot > 0) reset(machine);
        const tree = machine.readMemory(deviceTree, boardTree(config, undefined).length);
        expect(Buffer.compare(tree, boardTree(config, undefined, boot))).toBe(0);
        return Buffer.from(tree).toString('hex');
      });
    };
    expect(new Set(seeds()).size).toBe(3);
    expect(seeds()).toEqual(seeds());
  });

  test('image bytes that lie on tohost are no command', () => {
    const source = `${RESET}\n.align 3\ntohost: .word 0x4b, 0`;
    const { bytes, symbols } = assemble(source, { origin: RAM });
    const machine = createMachine(testConfig(elf([{ address: RAM, bytes }], RAM, symbols), { config: { onReset: 'restart' } }));
    reset(machine, 3);
    expect([machine.exit, machine.made]).toEqual([undefined, { console: 0, disk: 0, net: 0, power: 0 }]);
    expect(wordAt(machine, symbols.get('tohost')!)).toBe(0x4b);
  });
});

describe('a reset', () => {
  test('is in force when run has come to its instruction, and no instruction later', () => {
    const config = configOf(MESS);
    const machine = createMachine(config);
    reset(machine);
    const { icount } = machine;
    const other = createMachine(config);
    while (other.icount < icount - 1) if (other.run(icount - 1) === 'output') other.takeOutputs();
    expect(resets(other)).toBe(0);
    other.run(icount);
    expect([other.icount, other.digest(), other.inspect().pc]).toEqual([icount, machine.digest(), ROM_BASE]);
  });

  test('ends the run with `onReset: end`', () => {
    const machine = createMachine(configOf(RESET, { onReset: 'end' }));
    expect(machine.run(1000)).toBe('off');
    expect(machine.exit).toEqual({ code: 0, reason: 'reset' });
  });

  test('comes back to the caller each time: a guest that does nothing else never passes a limit', () => {
    const machine = createMachine(configOf(RESET));
    for (let boot = 0; boot < 50; boot++) {
      expect(machine.run(1_000_000)).toBe('output');
      expect([machine.takeOutputs(), machine.inspect().pc]).toEqual([[], ROM_BASE]);
    }
    expect(resets(machine)).toBe(50);
    const { icount } = machine;
    expect(machine.run(icount + 3)).toBe('limit');
    expect(machine.icount).toBe(icount + 3);
  });

  test('costs the pages that were written since the last one, not all of RAM', () => {
    const layout = layoutOf(64 * MIB, 16, 16);
    const memory = new Physical(new SharedArrayBuffer(Math.ceil(layout.totalBytes / 65536) * 65536), layout);
    const zeroed = (): number[] => {
      const frames: number[] = [];
      memory.zero((frame) => frames.push(frame));
      return frames;
    };
    memory.writeRam(RAM_BASE + 5 * PAGE_BYTES, new Uint8Array(2 * PAGE_BYTES).fill(1));
    memory.write(9, 0, 4, 1);
    memory.clean(6);
    memory.clean(9);
    memory.writeRom(Uint8Array.of(1, 2, 3));
    expect(zeroed()).toEqual([5, 6, 9]);
    expect(zeroed()).toEqual([]);
    memory.write(9, 8, 4, 1);
    expect(zeroed()).toEqual([9]);
    expect(memory.readRam(RAM_BASE, 64 * MIB)!.every((byte) => byte === 0)).toBe(true);
    expect(memory.read(layout.ramPages, 1, 1)).toBe(2);
  });
});
