/** A guest, the small OS unless said otherwise, on `qemu-system-riscv32 -M virt` under our SBI: its console as text, typed at and waited for. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const IMAGES = fileURLToPath(new URL('../../images/', import.meta.url));
export const PROMPT = 'twin> ';
const QEMU = 'qemu-system-riscv32';
const PATIENCE_MS = 60_000;

/** Undefined when QEMU is there; else why a suite that needs it is skipped. */
export function qemuMissing(): string | undefined {
  return spawnSync(QEMU, ['--version']).status === 0 ? undefined : `${QEMU} is not installed (qemu-system-misc)`;
}

export interface GuestOptions {
  readonly images?: string;
  /** Another kernel than the small OS, with its command line. */
  readonly kernel?: string;
  readonly append?: string;
  readonly cpu?: string;
  readonly memory?: string;
  /** A raw disk image. */
  readonly disk?: string;
  readonly readOnly?: boolean;
  /** A unix socket that listens: frames with a 4-byte length, as `--net stream`. */
  readonly stream?: string;
  readonly entropy?: boolean;
}

export class QemuGuest {
  readonly #child: ChildProcess;
  #waiting: (() => void)[] = [];
  #mark = 0;
  /** Everything that the console has said; \r\n is \n. */
  transcript = '';
  /** QEMU's status: 0 after a power-off, 1 after a failure told to the finisher; -1 when it was killed. */
  readonly ended: Promise<number>;

  constructor(options: GuestOptions = {}) {
    const images = options.images ?? IMAGES;
    const args = ['-M', 'virt', '-cpu', options.cpu ?? 'rv32', '-m', options.memory ?? '64M', '-display', 'none', '-serial', 'stdio'];
    args.push('-monitor', 'none', '-no-reboot', '-global', 'virtio-mmio.force-legacy=false');
    args.push('-bios', `${images}/sbi.elf`, '-kernel', options.kernel ?? `${images}/os.elf`);
    if (options.append !== undefined) args.push('-append', options.append);
    if (options.disk !== undefined) {
      args.push('-drive', `file=${options.disk},if=none,format=raw,id=d,read-only=${options.readOnly ? 'on' : 'off'}`);
      args.push('-device', 'virtio-blk-device,drive=d');
    }
    if (options.stream !== undefined) {
      args.push('-netdev', `stream,id=n,addr.type=unix,addr.path=${options.stream}`, '-device', 'virtio-net-device,netdev=n');
    }
    if (options.entropy) args.push('-device', 'virtio-rng-device');
    this.#child = spawn(QEMU, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout?.setEncoding('latin1').on('data', (text: string) => {
      this.transcript += text.replaceAll('\r', '');
      this.#wake();
    });
    this.#child.stdin?.on('error', () => {}); // the guest may power off before it has read all that was typed
    this.ended = new Promise((resolve) => {
      this.#child.on('close', (code) => {
        resolve(code ?? -1);
        this.#wake();
      });
    });
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Waits for `text` after what was seen last; resolves with what came before it. */
  async see(text: string): Promise<string> {
    const overdue = setTimeout(() => this.kill(), PATIENCE_MS);
    try {
      for (;;) {
        const at = this.transcript.indexOf(text, this.#mark);
        if (at >= 0) {
          const before = this.transcript.slice(this.#mark, at);
          this.#mark = at + text.length;
          return before;
        }
        if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
          throw new Error(`the guest ended before it said ${JSON.stringify(text)}; its console:\n${this.transcript}`);
        }
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    } finally {
      clearTimeout(overdue);
    }
  }

  /** Types a line at the prompt; resolves with the lines that it printed. */
  async command(line: string): Promise<string[]> {
    this.type(`${line}\r`);
    await this.see(`${line}\n`);
    return (await this.see(PROMPT)).split('\n').slice(0, -1);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
