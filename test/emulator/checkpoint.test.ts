/** Is a checkpoint, made into bytes late, what `save` gave when it was taken: whoever wrote, and whatever was hashed, dropped or restored between? */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Checkpoints } from '../../emulator/checkpoint.ts';
import type { Checkpoint, Machine, MachineConfig } from '../../emulator/index.ts';
import { assemble } from '../../emulator/isa/assemble.ts';
import { layoutOf, PAGE_BYTES, RAM_BASE } from '../../emulator/layout.ts';
import { MemoryDigest } from '../../emulator/memory-digest.ts';
import { Physical } from '../../emulator/physical.ts';
import { writeSnapshot } from '../../emulator/snapshot.ts';
import { memoryState, pageOf } from '../../emulator/state.ts';
import { createMachine, restoreMachine } from '../support/engine.ts';
import { program, testConfig } from '../support/program.ts';
import { Random, seedFromEnvironment } from '../support/random.ts';
import { stressProgram } from './hart/stress.ts';

const seed = seedFromEnvironment(20261123);
const image = (name: string): Uint8Array => Uint8Array.from(readFileSync(new URL(`../../images/${name}.elf`, import.meta.url)));

/** Checkpoints of one run beside what `save` gave at the same icount; looked at when others have been taken since. */
class Taken {
  readonly #random: Random;
  readonly #pairs: { checkpoint: Checkpoint; saved: Uint8Array; icount: number }[] = [];
  compared = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  take(machine: Machine): void {
    this.#pairs.push({ saved: machine.save(), checkpoint: machine.checkpoint(), icount: machine.icount });
    if (this.#pairs.length > 3) this.compare(this.#random.below(this.#pairs.length));
  }

  compareAll(): void {
    while (this.#pairs.length > 0) this.compare(0);
  }

  private compare(index: number): void {
    const { checkpoint, saved, icount } = this.#pairs.splice(index, 1)[0]!;
    expect(Buffer.compare(checkpoint.snapshot(), saved), `checkpoint taken at icount ${icount}`).toBe(0);
    this.compared++;
  }
}

/** What may happen between two checkpoints without changing anything; may replace the machine. */
function disturb(machine: Machine, random: Random, taken: Taken): Machine {
  if (random.oneIn(3)) taken.take(machine);
  if (random.oneIn(4)) machine.digest();
  if (random.oneIn(4)) machine.dropDerived(() => random.oneIn(2));
  return random.oneIn(20) ? restoreMachine(machine.config, machine.checkpoint().snapshot()) : machine;
}

describe(`checkpoints (SEED=${seed})`, () => {
  test.each(['off', 'reset'] as const)('random programs under Sv32 that end with %s, with TLBs of several sizes', (end) => {
    const random = new Random(seed);
    for (const tlbEntries of [1, 16, 1024]) {
      const rounds = end === 'off' ? random.pick([40, 1000]) : random.pick([2, 8]);
      const config = testConfig(assemble(stressProgram(random, 150, rounds, end)).bytes, { config: { onReset: 'restart' } });
      const taken = new Taken(random);
      let machine = createMachine(config, { tlbEntries });
      while (machine.icount < 30_000) {
        const pause = machine.run(machine.icount + 1 + random.below(random.pick([20, 500, 2000])));
        machine.takeOutputs();
        machine = disturb(machine, random, taken);
        if (pause === 'off' || pause === 'idle') break;
      }
      taken.compareAll();
      expect(taken.compared).toBeGreaterThan(5);
    }
  });

  test('a loop of stores to one page, hashed at each checkpoint as the log does: no store goes unseen', () => {
    const random = new Random(seed + 3);
    const taken = new Taken(random);
    const { machine } = program(`
        li t0, 0x80008000
      loop:
        addi t1, t1, 1
        sw t1, 0(t0)
        j loop
    `);
    for (let n = 0; n < 50; n++) {
      machine.run(machine.icount + 1 + random.below(100));
      machine.digest();
      taken.take(machine);
    }
    taken.compareAll();
  });

  test('the small OS, its keys on a disk: data arrives by DMA', () => {
    const random = new Random(seed + 1);
    const config: MachineConfig = {
      ...testConfig(image('os'), { memoryBytes: 16 << 20 }),
      disk: { sectors: 2048, readOnly: false, id: 'twinhart' },
      images: { firmware: image('sbi'), main: image('os'), initrd: undefined, append: '', dtb: undefined },
    };
    const taken = new Taken(random);
    let machine = createMachine(config);
    const disk = new Uint8Array(2048 * 512);
    const lines = ['kv set alpha one', 'kv load 1 10', 'kv get alpha', 'poweroff'];
    let console = '';
    let typed = 0;
    for (;;) {
      const pause = machine.run(machine.icount + 1 + random.below(2_000_000));
      for (const output of machine.takeOutputs()) {
        if (output.kind === 'console') console += String.fromCharCode(...output.bytes);
        if (output.kind !== 'diskRead' && output.kind !== 'diskWrite' && output.kind !== 'diskFlush') continue;
        if (random.oneIn(6)) machine = disturb(machine, random, taken);
        const start = output.kind === 'diskFlush' ? 0 : output.sector * 512;
        if (output.kind === 'diskWrite') disk.set(output.data, start);
        const data = output.kind === 'diskRead' ? disk.slice(start, start + output.sectors * 512) : new Uint8Array();
        machine.deliver({ kind: 'disk', request: output.request, status: 0, data });
        if (random.oneIn(6)) taken.take(machine);
      }
      if (pause === 'off') break;
      if (random.oneIn(4)) machine = disturb(machine, random, taken);
      if (console.split('> ').length - 1 > typed && typed < lines.length) {
        machine.deliver({ kind: 'console', port: 0, bytes: Uint8Array.from(`${lines[typed++]}\n`, (char) => char.charCodeAt(0)) });
      } else if (pause === 'idle') throw new Error(`the guest waits for ever; it said:\n${console}`);
    }
    taken.compareAll();
    expect(console).toContain('one');
    expect(taken.compared).toBeGreaterThan(5);
  });

  test('every writer of memory marks what it writes, and a page that is all zeros again is no page', () => {
    const random = new Random(seed + 2);
    const layout = layoutOf(1 << 20, 16, 16);
    const memory = new Physical(new SharedArrayBuffer(Math.ceil(layout.totalBytes / 65536) * 65536), layout);
    const digest = new MemoryDigest(memory);
    const checkpoints = new Checkpoints(memory);
    const kept: { checkpoint: Checkpoint; want: Uint8Array }[] = [];
    memory.writeRom(Uint8Array.of(1, 2, 3));
    for (let step = 0; step < 400; step++) {
      const frame = random.below(12);
      const bytes = new Uint8Array(random.pick([1, 16, PAGE_BYTES, 2 * PAGE_BYTES])).fill(random.below(2));
      if (random.oneIn(2)) memory.write(frame, 4 * random.below(1024), 4, random.below(3));
      else memory.writeRam(RAM_BASE + frame * PAGE_BYTES + random.below(PAGE_BYTES), bytes);
      if (random.oneIn(5)) digest.refresh(() => random.oneIn(2));
      if (!random.oneIn(5)) continue;
      const pages = Array.from({ length: layout.frames }, (_, each) => pageOf(memory, each));
      const sections = new Map([['hart', { step }]]);
      kept.push({ checkpoint: checkpoints.take(sections), want: writeSnapshot(new Map([...sections, ['memory', memoryState(pages)]])) });
    }
    for (const { checkpoint, want } of kept) expect(Buffer.compare(checkpoint.snapshot(), want)).toBe(0);
    expect(kept.length).toBeGreaterThan(40);
  });
});
