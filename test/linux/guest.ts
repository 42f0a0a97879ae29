/**
 * The Linux guest for tests: in this very thread, where no time passes but the guest's, and as real processes. Both are typed at when the prompt
 * has come, so that what the console says is a function of what was typed.
 */
import { copyFileSync, readFileSync } from 'node:fs';
import type { Machine, MachineConfig, MachineOptions } from '../../emulator/index.ts';
import { createMachine } from '../../emulator/index.ts';
import { findLinux, type LinuxImage } from '../../src/cli/image-cache.ts';
import { findImage } from '../../src/cli/images.ts';
import { Twin } from '../support/twin.ts';

const SECTOR = 512;
/** The end of root's prompt, wherever the shell is. Nothing else here says it. */
export const PROMPT = '# ';
/** `ttyS0` is the first UART; the root file system is on the first disk. */
export const APPEND = 'console=ttyS0 root=/dev/vda rw';

/** The built image. Throws where there is none: these tests have no meaning without it. */
export function linuxImage(): LinuxImage {
  const image = findLinux();
  if (image === undefined) throw new Error('the Linux guest is not built: npm run image:linux first');
  return image;
}

export interface LinuxOptions {
  readonly clock?: 'host' | 'icount';
  readonly memoryBytes?: number;
  /** Without it the root is the initial RAM disk. */
  readonly disk?: Uint8Array;
  readonly net?: boolean;
  /** Ours, and our own tree, unless said otherwise. */
  readonly firmware?: Uint8Array | undefined;
  readonly dtb?: Uint8Array | undefined;
}

/** A fresh copy of the root file system. */
export const rootDisk = (): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(linuxImage().disk));

export function linuxConfig(options: LinuxOptions): MachineConfig {
  const { clock = 'icount', memoryBytes = 64 << 20, disk, net = false, firmware = findImage('firmware', 'sbi').bytes, dtb } = options;
  const { kernel, initramfs } = linuxImage();
  return {
    memoryBytes,
    clock,
    seed: new Uint8Array(32).fill(7),
    bootTimeNs: 1_700_000_000_000_000_000n,
    disk: disk && { sectors: disk.length / SECTOR, readOnly: false, id: 'twinhart' },
    net: net ? { mac: Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56) } : undefined,
    virtioConsole: false,
    onReset: 'end',
    images: {
      firmware,
      main: new Uint8Array(readFileSync(kernel)),
      initrd: disk === undefined ? new Uint8Array(readFileSync(initramfs)) : undefined,
      append: disk === undefined ? 'console=ttyS0' : APPEND,
      dtb,
    },
  };
}

/** Linux with `--clock icount` on a machine in this thread; its disk answers at once. Two of them that are typed at alike are alike, whatever runs them. */
export class LibraryGuest {
  readonly machine: Machine;
  readonly disk: Uint8Array | undefined;
  /** Everything that the console has said; \r\n is \n. */
  console = '';
  /** Called before each slice of the machine: says where that ends at the latest, and may drop what is derived. */
  cut: (machine: Machine) => number = () => Number.POSITIVE_INFINITY;
  #mark = 0;
  #unread = '';
  #commands = 0;

  constructor(options: Omit<LinuxOptions, 'clock'>, engine: MachineOptions) {
    this.disk = options.disk;
    this.machine = createMachine(linuxConfig(options), engine);
  }

  /** Runs to the first prompt. */
  boot(): string {
    return this.see(PROMPT);
  }

  /** Types a line at the prompt; resolves at the next one with what the command printed. */
  command(line: string): string {
    const text = between(line, ++this.#commands);
    this.type(`${text.typed}\n`);
    this.see(text.begins);
    const said = this.see(text.ends);
    this.see(PROMPT);
    return said.trim();
  }

  /** Delivered as the machine has room. */
  type(text: string): void {
    this.#unread += text;
  }

  /** Runs until the console says `text` after what was seen last; returns what came before it. */
  see(text: string): string {
    for (;;) {
      const at = this.console.indexOf(text, this.#mark);
      if (at >= 0) {
        const before = this.console.slice(this.#mark, at);
        this.#mark = at + text.length;
        return before;
      }
      if (!this.step()) throw new Error(`the guest is off; want ${JSON.stringify(text)} from its console:\n${this.console}`);
    }
  }

  /** To the next multiple of `STRETCH`, where alone console input enters, so that slices do not decide when. False: the guest is off. */
  step(): boolean {
    const { machine } = this;
    const room = Math.min(machine.consoleRoom(0), this.#unread.length);
    if (room > 0) {
      machine.deliver({ kind: 'console', port: 0, bytes: new TextEncoder().encode(this.#unread.slice(0, room)) });
      this.#unread = this.#unread.slice(room);
    }
    const end = (Math.floor(machine.icount / STRETCH) + 1) * STRETCH;
    if (end > LIMIT) throw new Error(`not done after ${machine.icount} instructions; its console:\n${this.console}`);
    while (machine.icount < end) {
      const pause = machine.run(Math.min(this.cut(machine), end));
      const answered = this.#perform();
      if (pause === 'off') return false;
      if (pause === 'idle' && !answered) throw new Error(`the guest waits for ever; its console:\n${this.console}`);
    }
    return true;
  }

  /** What the outputs ask for; true when that gave the machine an input. */
  #perform(): boolean {
    let answered = false;
    for (const output of this.machine.takeOutputs()) {
      if (output.kind === 'console') this.console += Buffer.from(output.bytes).toString('latin1').replaceAll('\r', '');
      if (output.kind !== 'diskRead' && output.kind !== 'diskWrite' && output.kind !== 'diskFlush') continue;
      const disk = this.disk as Uint8Array;
      let data = new Uint8Array();
      if (output.kind === 'diskRead') data = disk.slice(output.sector * SECTOR, (output.sector + output.sectors) * SECTOR);
      if (output.kind === 'diskWrite') disk.set(output.data, output.sector * SECTOR);
      this.machine.deliver({ kind: 'disk', request: output.request, status: 0, data });
      answered = true;
    }
    return answered;
  }
}

const STRETCH = 1_000_000;
const LIMIT = 5e9;

/** Arguments of a run whose root is a copy at `disk`, made here, so that what the guest writes is there when it has ended. */
export function onCopy(disk: string): readonly string[] {
  copyFileSync(linuxImage().disk, disk);
  return ['linux', '--disk', disk];
}

/** Linux as `twinhart run` starts it. */
export class LinuxTwin extends Twin {
  #commands = 0;

  /** Types a line at the prompt; resolves at the next one with what the command printed. `meanwhile` begins as soon as the command has. */
  async run(line: string, meanwhile?: () => Promise<void>): Promise<string> {
    const text = between(line, ++this.#commands);
    this.type(`${text.typed}\n`);
    await this.see(text.begins);
    const [said] = await Promise.all([this.see(text.ends), meanwhile?.()]);
    await this.see(PROMPT);
    return said.replaceAll('\r', '').trim();
  }
}

/** The command between two marks of the console that are not in its echo. */
export function between(line: string, number: number): { typed: string; begins: string; ends: string } {
  return { typed: `echo @"<"${number}.; ${line}; echo @">"${number}.`, begins: `@<${number}.`, ends: `@>${number}.` };
}
