/** A guest with a disk and a user who types, the small OS unless said otherwise: a simulated host of 100 MIPS, whose disk answers in 200 us. */
import { readFileSync } from 'node:fs';
import type { DiskRequest, Input, MachineConfig, Output } from '../../emulator/index.ts';
import type { Driver } from '../../src/replay/driver.ts';

export const image = (name: string): Uint8Array => Uint8Array.from(readFileSync(new URL(`../../images/${name}.elf`, import.meta.url)));
const SECTORS = 2048;
export const osConfig: MachineConfig = {
  memoryBytes: 64 << 20,
  clock: 'host',
  seed: new Uint8Array(32).fill(3),
  bootTimeNs: 1_700_000_000_000_000_000n,
  disk: { sectors: SECTORS, readOnly: false, id: 'twinhart' },
  net: { mac: Uint8Array.of(0x52, 0x54, 0, 0, 0, 1) },
  virtioConsole: false,
  onReset: 'end',
  images: { firmware: image('sbi'), main: image('os'), initrd: undefined, append: '', dtb: undefined },
};

/** Ticks in which a slice of instructions passes at 100 MIPS, and in which the disk answers. */
const ticksOf = (instructions: number): bigint => BigInt(Math.ceil(instructions / 10));
const DISK_TICKS = 2000n;

/** A world with one disk, and a user who types a line when the prompt has come as often as lines were typed. */
export class Host {
  readonly disk: Uint8Array<ArrayBuffer>;
  private readonly prompt: string;
  readonly batches: Uint8Array[] = [];
  readonly outputs: Output[] = [];
  console = '';
  /** Told of console text and the host's time, in ticks. */
  heard: (text: string, at: bigint) => void = () => {};
  host = 0n;
  private due: { at: bigint; request: DiskRequest }[] = [];
  typed = 0;

  constructor(disk = new Uint8Array(SECTORS * 512), prompt = '> ') {
    this.disk = disk;
    this.prompt = prompt;
  }

  /** Runs until the guest is off. */
  run(driver: Driver, lines: readonly string[]): void {
    for (let turn = driver.turn(this.host, 15_000); ; turn = driver.turn(this.host, 15_000)) {
      if (turn.batch) this.batches.push(turn.batch);
      for (const output of turn.outputs) this.take(output);
      if (turn.state === 'off') return;
      const typing = this.typed < lines.length && this.console.split(this.prompt).length - 1 > this.typed;
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
    if (output.kind === 'console') {
      const text = String.fromCharCode(...output.bytes);
      this.console += text;
      this.heard(text, this.host);
    } else if (output.kind !== 'frame' && output.kind !== 'off') this.ask(output);
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

export const LINES = [
  'kv set alpha one',
  'kv set beta two',
  'kv get alpha',
  'kv list',
  'sum 1000',
  'kv del beta',
  'kv get beta',
  'poweroff',
];
