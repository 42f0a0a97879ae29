/**
 * The log with the small OS: boot, a key-value workload on its disk, power-off. Does the whole of it replay, does a backup take over
 * at any batch with nothing lost, and what does the log cost? The host is simulated: 100 MIPS, disk requests answered in 200 us.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DiskRequest, Input, MachineConfig, Output } from '../../emulator/index.ts';
import { createDriver } from '../../src/replay/create-driver.ts';
import type { Driver } from '../../src/replay/driver.ts';
import { createMachine } from '../support/engine.ts';
import { bySink, CONFIG, entriesOf, RUN, replayAll } from './session.ts';

const image = (name: string): Uint8Array => Uint8Array.from(readFileSync(new URL(`../../images/${name}.elf`, import.meta.url)));
const SECTORS = 2048;
const config: MachineConfig = {
  memoryBytes: 64 << 20,
  clock: 'host',
  seed: new Uint8Array(32).fill(3),
  bootTimeNs: 1_700_000_000_000_000_000n,
  disk: { sectors: SECTORS, readOnly: false, id: 'twinhart' },
  net: { mac: Uint8Array.of(0x52, 0x54, 0, 0, 0, 1) },
  virtioConsole: false,
  images: { firmware: image('sbi'), main: image('os'), initrd: undefined, append: '', dtb: undefined },
};

/** Ticks in which a slice of instructions passes at 100 MIPS, and in which the disk answers. */
const ticksOf = (instructions: number): bigint => BigInt(Math.ceil(instructions / 10));
const DISK_TICKS = 2000n;

/** A world with one disk, and a user who types a line when the prompt has come as often as lines were typed. */
class Host {
  readonly disk = new Uint8Array(SECTORS * 512);
  readonly batches: Uint8Array[] = [];
  readonly outputs: Output[] = [];
  console = '';
  host = 0n;
  private due: { at: bigint; request: DiskRequest }[] = [];
  typed = 0;

  /** Runs until the guest is off. */
  run(driver: Driver, lines: readonly string[]): void {
    for (let turn = driver.turn(this.host, 15_000); ; turn = driver.turn(this.host, 15_000)) {
      if (turn.batch) this.batches.push(turn.batch);
      for (const output of turn.outputs) this.take(output);
      if (turn.state === 'off') return;
      const typing = this.console.split('> ').length - 1 > this.typed && this.typed < lines.length;
      if (typing) {
        const bytes = Uint8Array.from(`${lines[this.typed]}\n`, (char) => char.charCodeAt(0));
        if (driver.offer({ kind: 'console', port: 0, bytes }, 0, this.host)) this.typed += 1;
      }
      const next = this.due[0];
      if (turn.state === 'ran' || typing) this.host += ticksOf(15_000);
      else {
        const wakes = [turn.deadline, next?.at].filter((at) => at !== undefined);
        if (wakes.length === 0) throw new Error(`the guest waits for ever; it said:\n${this.console}`);
        this.host = wakes.sort((a, b) => Number(a - b))[0]!;
      }
      while (this.due[0] !== undefined && this.due[0].at <= this.host) {
        if (!driver.offer(this.answer(this.due[0].request), 0, this.host)) break;
        this.due.shift();
      }
    }
  }

  take(output: Output): void {
    this.outputs.push(output);
    if (output.kind === 'console') this.console += String.fromCharCode(...output.bytes);
    else if (output.kind !== 'frame' && output.kind !== 'off') this.ask(output);
  }

  ask(request: DiskRequest): void {
    this.due.push({ at: this.host + DISK_TICKS, request });
  }

  /** Reads and writes happen when they are answered, in the order asked. */
  private answer(request: DiskRequest): Input {
    const start = request.kind === 'diskFlush' ? 0 : request.sector * 512;
    if (request.kind === 'diskWrite') this.disk.set(request.data, start);
    const data = request.kind === 'diskRead' ? this.disk.slice(start, start + request.sectors * 512) : new Uint8Array();
    return { kind: 'disk', request: request.request, status: 0, data };
  }
}

const LINES = ['kv set alpha one', 'kv set beta two', 'kv get alpha', 'kv list', 'sum 1000', 'kv del beta', 'kv get beta', 'poweroff'];

function primary() {
  const machine = createMachine(config);
  const driver = createDriver({ machine, run: RUN, config: CONFIG, role: 'primary' });
  driver.protect(1);
  driver.record(1);
  return { machine, driver };
}

function backup() {
  const machine = createMachine(config);
  return { machine, driver: createDriver({ machine, run: RUN, config: CONFIG, role: 'backup' }) };
}

describe('the small OS', () => {
  let one: ReturnType<typeof primary>;
  const host = new Host();

  beforeAll(() => {
    one = primary();
    host.run(one.driver, LINES);
  });

  it('boots, works and powers off under the recorder', () => {
    expect(one.machine.exit).toEqual({ code: 0, reason: 'poweroff' });
    expect(host.console).toContain('one');
    expect(answers(host.console).length).toBe(8);
  });

  it('replays to the same digest and outputs', () => {
    const two = backup();
    const { last, outputs } = replayAll(two.driver, host.batches, 100_000);
    expect(last.report).toBeUndefined();
    expect(two.machine.digest()).toBe(one.machine.digest());
    expect(bySink(outputs)).toEqual(bySink(host.outputs));
    expect(entriesOf(host.batches).filter((entry) => entry.kind === 'checkpoint').length).toBe(1);
  });

  it('is taken over at batches all along its life, and ends as it should', () => {
    for (let part = 1; part <= 4; part += 1) {
      const cut = Math.floor((host.batches.length * part) / 5);
      const two = backup();
      const { last, outputs } = replayAll(two.driver, host.batches.slice(0, cut), 100_000);
      expect(last.report).toBeUndefined();
      const next = new Host();
      for (const output of outputs) if (output.kind === 'console') next.console += String.fromCharCode(...output.bytes);
      // The disk as it stood when the log was cut: completions in it are on the disk, what is pending is asked again.
      const writes = new Map(outputs.filter((output) => output.kind === 'diskWrite').map((output) => [output.request, output]));
      for (const entry of entriesOf(host.batches.slice(0, cut))) {
        if (entry.kind !== 'input' || entry.input.kind !== 'disk') continue;
        const write = writes.get(entry.input.request);
        if (write) next.disk.set(write.data, write.sector * 512);
      }
      next.typed = entriesOf(host.batches.slice(0, cut)).filter((entry) => entry.kind === 'input' && entry.input.kind === 'console').length;
      next.host = two.machine.ticks + 3_000_000n;
      for (const output of two.driver.goLive(2, next.host)) next.ask(output as DiskRequest);
      next.run(two.driver, LINES);
      expect(two.machine.exit, `cut ${cut} of ${host.batches.length}`).toEqual({ code: 0, reason: 'poweroff' });
      expect(answers(next.console), `cut ${cut}`).toEqual(answers(host.console));
    }
  });
});

/** What the shell said to each command, without times. */
const answers = (text: string): string[] => text.split('\n').filter((line) => /^(ok|one|two|alpha|beta|sum|not|\d)/.test(line));
