/** The small OS on our own machine, `--clock icount`, with a disk and a network card in this very thread: no time passes but the guest's. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Machine } from '../../emulator/index.ts';
import { createMachine } from '../support/engine.ts';

const image = (name: string) => new Uint8Array(readFileSync(fileURLToPath(new URL(`../../images/${name}`, import.meta.url))));
const SECTOR = 512;
const SLICE = 1_000_000;

export interface Options {
  /** The disk's bytes, written in place. */
  readonly disk?: Uint8Array;
  readonly net?: boolean;
  readonly memoryBytes?: number;
  /** Console input already there at reset. */
  readonly typed?: string;
}

export class MachineGuest {
  readonly machine: Machine;
  readonly #disk: Uint8Array | undefined;
  #unread = '';
  /** Everything that the console has said; \r\n is \n. */
  transcript = '';
  readonly frames: Uint8Array[] = [];
  /** Told of each disk write before it is done. */
  onWrite: (sector: number, data: Uint8Array) => void = () => {};
  /** Told of each flush when it is done. */
  onFlush: () => void = () => {};

  constructor(options: Options = {}) {
    const { disk, net, typed } = options;
    this.#disk = disk;
    this.machine = createMachine({
      memoryBytes: options.memoryBytes ?? 16 << 20,
      clock: 'icount',
      seed: new Uint8Array(32).fill(7),
      bootTimeNs: 0n,
      disk: disk && { sectors: disk.length / SECTOR, readOnly: false, id: 'test' },
      net: net ? { mac: Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56) } : undefined,
      virtioConsole: false,
      onReset: 'end',
      images: {
        firmware: image('sbi.elf'),
        main: image('os.elf'),
        initrd: undefined,
        append: '',
        dtb: undefined,
      },
    });
    if (typed !== undefined) this.type(typed);
  }

  /** Console input: delivered as the machine has room, when it runs. */
  type(text: string): void {
    this.#unread += text;
  }

  frame(bytes: Uint8Array): void {
    this.machine.deliver({ kind: 'frame', bytes });
  }

  /** Runs until the guest has nothing to do and nothing more to read, or is off; throws past `budget` instructions. */
  settle(budget = 200_000_000): void {
    const end = this.machine.icount + budget;
    for (;;) {
      const room = this.machine.consoleRoom(0);
      if (this.#unread !== '' && room > 0) {
        this.machine.deliver({ kind: 'console', port: 0, bytes: new TextEncoder().encode(this.#unread.slice(0, room)) });
        this.#unread = this.#unread.slice(room);
      }
      const pause = this.machine.run(Math.min(this.machine.icount + SLICE, end));
      const answered = this.#perform();
      if (pause === 'off' || (pause === 'idle' && !answered && this.#unread === '')) return;
      if (this.machine.icount >= end) throw new Error(`not settled after ${budget} instructions; console:\n${this.transcript}`);
    }
  }

  /** What the outputs ask for; true when that gave the machine an input. */
  #perform(): boolean {
    let answered = false;
    for (const output of this.machine.takeOutputs()) {
      if (output.kind === 'console') this.transcript += Buffer.from(output.bytes).toString('latin1').replaceAll('\r', '');
      if (output.kind === 'frame') this.frames.push(output.bytes);
      if (output.kind !== 'diskRead' && output.kind !== 'diskWrite' && output.kind !== 'diskFlush') continue;
      const disk = this.#disk as Uint8Array;
      let data = new Uint8Array();
      if (output.kind === 'diskRead') data = disk.slice(output.sector * SECTOR, (output.sector + output.sectors) * SECTOR);
      if (output.kind === 'diskWrite') {
        this.onWrite(output.sector, output.data);
        disk.set(output.data, output.sector * SECTOR);
      }
      if (output.kind === 'diskFlush') this.onFlush();
      this.machine.deliver({ kind: 'disk', request: output.request, status: 0, data });
      answered = true;
    }
    return answered;
  }
}
