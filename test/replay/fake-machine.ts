/**
 * A Machine in 200 lines for questions about the log alone: each "instruction" is drawn from its own state, so that a seed is a
 * program that prints, reads and writes a disk, sends frames, looks at the clock and sleeps. Pure, saved and restored as JSON.
 */

import type {
  Anchor,
  Checkpoint,
  DiskRequest,
  HartView,
  Icount,
  Input,
  Machine,
  MachineConfig,
  Ordinals,
  Output,
  Pause,
  Snapshot,
} from '../../emulator/index.ts';
import { interpreted } from '../../emulator/translator/statistics.ts';
import { Hash64 } from '../../src/replay/checksum.ts';

interface State {
  icount: number;
  a: number;
  b: number;
  waiting: boolean;
  compare: number;
  anchor: { icount: number; ticks: number; num: number; den: number };
  typed: number[];
  arrived: number;
  nextRequest: number;
  pending: number[];
  made: { console: number; disk: number; net: number; power: number };
  exit: number | null;
  memory: number[];
}

const ROOM = 24;

export class FakeMachine implements Machine {
  readonly config: MachineConfig;
  readonly symbols = new Map<string, number>();
  readonly state: State;
  private readonly life: number;
  private outputs: Output[] = [];
  private printed: number[] = [];
  private requests = new Map<number, DiskRequest>();

  /** Powers off after `life` instructions. */
  constructor(seed: number, options: { clock?: 'host' | 'icount'; life?: number; snapshot?: Snapshot | undefined } = {}) {
    this.life = options.life ?? Number.POSITIVE_INFINITY;
    this.config = {
      memoryBytes: 65536,
      clock: options.clock ?? 'host',
      seed: new Uint8Array(32),
      bootTimeNs: 0n,
      disk: undefined,
      net: undefined,
      virtioConsole: false,
      onReset: 'end',
      images: { firmware: undefined, main: new Uint8Array(), initrd: undefined, append: '', dtb: undefined },
    };
    this.state = options.snapshot
      ? JSON.parse(String.fromCharCode(...options.snapshot))
      : {
          icount: 0,
          a: seed | 1,
          b: seed ^ 0x5bd1e995,
          waiting: false,
          compare: Number.MAX_SAFE_INTEGER,
          anchor: { icount: 0, ticks: 0, num: 1, den: 10 },
          typed: [],
          arrived: 0,
          nextRequest: 1,
          pending: [],
          made: { console: 0, disk: 0, net: 0, power: 0 },
          exit: null,
          memory: new Array(64).fill(0),
        };
  }

  get icount(): Icount {
    return this.state.icount;
  }

  get anchor(): Anchor {
    return { ...this.state.anchor, ticks: BigInt(this.state.anchor.ticks) };
  }

  get ticks(): bigint {
    return BigInt(this.time());
  }

  get made(): Ordinals {
    return this.state.made;
  }

  get exit(): Machine['exit'] {
    return this.state.exit === null ? undefined : { code: this.state.exit, reason: 'poweroff' };
  }

  run(limit: Icount): Pause {
    const s = this.state;
    if (s.exit !== null) return 'off';
    while (s.icount < limit) {
      if (this.interrupted()) s.waiting = false;
      if (s.waiting) return 'idle';
      s.icount += 1;
      if (this.interrupted()) {
        // The handler, in one step: every source is quiet afterwards.
        s.a = Math.imul(s.a ^ (s.typed.shift() ?? s.arrived), 0x9e3779b1) ^ s.icount;
        s.arrived = 0;
        if (this.time() >= s.compare) s.compare = Number.MAX_SAFE_INTEGER;
        continue;
      }
      const urgent = this.instruction();
      if (s.exit !== null) return 'off';
      if (urgent) return 'output';
    }
    return 'limit';
  }

  refuses(input: Input): string | undefined {
    if (this.state.exit !== null) return 'the machine is off';
    if (input.kind === 'clock' && input.ticks < this.ticks) return `time would go back from ${this.ticks} to ${input.ticks}`;
    if (input.kind === 'console' && input.bytes.length > this.consoleRoom()) return `no room for ${input.bytes.length} bytes`;
    if (input.kind === 'disk' && !this.state.pending.includes(input.request)) return `request ${input.request} is not pending`;
    return undefined;
  }

  deliver(input: Input): void {
    const refusal = this.refuses(input);
    if (refusal !== undefined) throw new Error(refusal);
    const s = this.state;
    switch (input.kind) {
      case 'clock':
        s.anchor = { icount: s.icount, ticks: Number(input.ticks), num: input.num, den: input.den };
        break;
      case 'console':
        s.typed.push(...input.bytes);
        break;
      case 'frame':
        s.arrived = mix(s.arrived, input.bytes);
        break;
      case 'disk':
        s.pending = s.pending.filter((request) => request !== input.request);
        this.requests.delete(input.request);
        s.arrived = mix(s.arrived + input.status + 1, input.data);
        // Like a request that an overlap held back: delivering a completion makes an output.
        if (input.request % 3 === 0) this.request('diskWrite');
        break;
    }
  }

  consoleRoom(): number {
    return ROOM - this.state.typed.length;
  }

  takeOutputs(): Output[] {
    this.flushConsole();
    const taken = this.outputs;
    this.outputs = [];
    return taken;
  }

  pendingDisk(): DiskRequest[] {
    return [...this.requests.values()];
  }

  deadline(): bigint | undefined {
    return this.state.waiting && this.state.compare < Number.MAX_SAFE_INTEGER ? BigInt(this.state.compare) : undefined;
  }

  statistics() {
    return interpreted(this.icount);
  }

  digest(): string {
    const hash = new Hash64();
    for (const char of JSON.stringify(this.state)) hash.word(char.charCodeAt(0));
    return hash.digest();
  }

  registersDigest(): string {
    return new Hash64().word(this.state.a).word(this.state.b).number(this.icount).digest();
  }

  save(): Snapshot {
    return Uint8Array.from(JSON.stringify(this.state), (char) => char.charCodeAt(0));
  }

  checkpoint(): Checkpoint {
    const bytes = this.save();
    return { snapshot: () => bytes };
  }

  inspect(): HartView {
    const x = new Array<number>(32).fill(0);
    x[10] = this.state.a >>> 0;
    x[11] = this.state.b >>> 0;
    return { pc: 0x8000_0000 + (this.icount % 16) * 4, privilege: 3, waiting: this.state.waiting, x, csrs: {}, instruction: 0x13 };
  }

  readMemory(address: number, length: number): Uint8Array {
    if (address < 0x8000_0000 || address + length > 0x8001_0000) throw new RangeError('outside RAM');
    return Uint8Array.from({ length }, (_, i) => this.state.memory[address + i - 0x8000_0000] ?? 0);
  }

  dropDerived(): void {}

  private time(): number {
    const { icount, ticks, num, den } = this.state.anchor;
    return ticks + Math.floor(((this.state.icount - icount) * num) / den);
  }

  private interrupted(): boolean {
    const s = this.state;
    return s.typed.length > 0 || s.arrived !== 0 || this.time() >= s.compare;
  }

  private instruction(): boolean {
    const s = this.state;
    s.a = (Math.imul(s.a, 0x846ca68b) + (s.b >>> 3)) | 0;
    s.b = Math.imul(s.b ^ (s.a >>> 15), 0x2c1b3c6d) + s.icount;
    s.memory[(s.a >>> 8) & 63] = s.b & 0xff;
    if (s.icount >= this.life) {
      s.exit = 0;
      this.flushConsole();
      this.outputs.push({ kind: 'off', ordinal: ++s.made.power, exit: { code: 0, reason: 'poweroff' } });
      return true;
    }
    switch ((s.b >>> 4) % 150) {
      case 0:
      case 1:
      case 2:
      case 3:
        this.printed.push(32 + ((s.a >>> 4) & 63));
        s.made.console += 1;
        if (this.printed.length >= 256) this.flushConsole();
        return false;
      case 4:
        return this.request('diskRead');
      case 5:
        return this.request('diskWrite');
      case 6:
        return this.request('diskFlush');
      case 7:
        this.outputs.push({ kind: 'frame', ordinal: ++s.made.net, bytes: Uint8Array.of(s.a, s.b, s.a >>> 8) });
        return true;
      case 8:
        s.a ^= this.time();
        return false;
      case 9:
        s.compare = this.time() + ((s.b >>> 8) & 0xffff);
        s.waiting = true;
        // A fixed clock has nobody to wake it: the machine moves its own anchor.
        if (this.config.clock === 'icount') s.anchor = { ...s.anchor, icount: s.icount, ticks: s.compare };
        return false;
      case 10:
        // Sleeps until an input comes.
        if (s.pending.length > 0) s.waiting = true;
        return false;
      default:
        return false;
    }
  }

  private request(kind: DiskRequest['kind']): boolean {
    const s = this.state;
    if (s.pending.length >= 4) return false;
    this.flushConsole();
    const request = s.nextRequest++;
    const sector = (s.a >>> 5) & 31;
    const data = Uint8Array.of(s.a, s.b, request);
    const output: DiskRequest =
      kind === 'diskRead'
        ? { kind, request, sector, sectors: 1 }
        : kind === 'diskWrite'
          ? { kind, ordinal: ++s.made.disk, request, sector, data }
          : { kind, ordinal: ++s.made.disk, request };
    s.pending.push(request);
    this.requests.set(request, output);
    this.outputs.push(output);
    return true;
  }

  private flushConsole(): void {
    if (this.printed.length === 0) return;
    const ordinal = this.state.made.console - this.printed.length + 1;
    this.outputs.push({ kind: 'console', ordinal, bytes: Uint8Array.from(this.printed) });
    this.printed = [];
  }
}

function mix(word: number, bytes: Uint8Array): number {
  let mixed = word | 1;
  for (const byte of bytes) mixed = Math.imul(mixed ^ byte, 0x01000193) | 1;
  return mixed;
}
