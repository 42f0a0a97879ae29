/**
 * A small `Machine` for the simulation, some hundred times cheaper than the board and just as strict: its guest's every output depends on the
 * exact icount of each delivery, on time, on when DMA reaches RAM and on the order of overlapping disk requests. Its flaws, off by default,
 * are rules of machine.md and protocol.md that the mutation table switches off.
 */
import type {
  Anchor,
  Checkpoint,
  DiskRequest,
  Exit,
  HartView,
  Icount,
  Input,
  Machine,
  MachineConfig,
  Ordinals,
  Output,
  Pause,
  Snapshot,
  Statistics,
} from '../../emulator/index.ts';
import { interpreted } from '../../emulator/translator/statistics.ts';

export interface Flaws {
  /** Overlapping requests go out at once, in the hope that the host serialises them. */
  readonly overlaps?: boolean;
  /** `run` stops at a multiple of 16 and says that it reached its limit: interrupts come "about" there. */
  readonly inexact?: boolean;
  /** A `clock` input may set time back. */
  readonly timeBack?: boolean;
}

/** One operation of the guest's program, each after `SPACING` instructions. Sectors have 4 bytes here. */
export type Op =
  | { readonly op: 'print'; readonly bytes: number }
  | { readonly op: 'write'; readonly sector: number; readonly sectors: number }
  | { readonly op: 'read'; readonly sector: number; readonly sectors: number }
  | { readonly op: 'flush' | 'frame' | 'settle' | 'echo' }
  | { readonly op: 'sleep'; readonly ticks: number };

export const SECTOR_BYTES = 4;
const SPACING = 23;
const RAM_BYTES = 32;
const ROOM = 8;

/** Writes that overlap, reads between them, flushes, frames, sleeps, typed input: something of everything, and then power-off. */
export const PROGRAM: readonly Op[] = [
  { op: 'print', bytes: 3 },
  { op: 'write', sector: 0, sectors: 2 },
  { op: 'write', sector: 1, sectors: 2 },
  { op: 'print', bytes: 2 },
  { op: 'read', sector: 1, sectors: 2 },
  { op: 'frame' },
  { op: 'write', sector: 4, sectors: 1 },
  { op: 'print', bytes: 1 },
  { op: 'flush' },
  { op: 'print', bytes: 1 },
  { op: 'echo' },
  { op: 'sleep', ticks: 30_000 },
  { op: 'read', sector: 0, sectors: 2 },
  { op: 'print', bytes: 2 },
  { op: 'print', bytes: 1 },
  { op: 'print', bytes: 1 },
  { op: 'print', bytes: 1 },
  { op: 'settle' },
  { op: 'write', sector: 0, sectors: 3 },
  { op: 'write', sector: 1, sectors: 1 },
  { op: 'echo' },
  { op: 'read', sector: 0, sectors: 4 },
  { op: 'frame' },
  { op: 'settle' },
  { op: 'write', sector: 2, sectors: 2 },
  { op: 'print', bytes: 4 },
  { op: 'write', sector: 3, sectors: 2 },
  { op: 'flush' },
  { op: 'write', sector: 5, sectors: 2 },
  { op: 'frame' },
  { op: 'print', bytes: 1 },
];

interface Want {
  readonly request: number;
  readonly kind: 'diskRead' | 'diskWrite' | 'diskFlush';
  readonly sector: number;
  readonly sectors: number;
  readonly data: Uint8Array;
}

export const TOY_CONFIG: MachineConfig = {
  memoryBytes: 65_536,
  clock: 'host',
  seed: new Uint8Array(32),
  bootTimeNs: 0n,
  disk: { sectors: 8, readOnly: false, id: 'toy' },
  net: undefined,
  virtioConsole: false,
  onReset: 'end',
  images: { firmware: undefined, main: new Uint8Array(4), initrd: undefined, append: '', dtb: undefined },
};

export class ToyMachine implements Machine {
  readonly config = TOY_CONFIG;
  readonly symbols: ReadonlyMap<string, number> = new Map();
  private readonly program: readonly Op[];
  private readonly flaws: Flaws;
  private count = 0;
  private acc = 0x9e3779b9;
  private pc = 0;
  private untilOp = SPACING;
  private ram = new Uint8Array(RAM_BYTES);
  private typed: number[] = [];
  private waiting: 'no' | 'timer' | 'input' | 'disk' = 'no';
  private alarm: bigint | undefined;
  private lastTime = 0n;
  private nextRequest = 1;
  private pending: { readonly want: Want; readonly output: DiskRequest }[] = [];
  private heldBack: Want[] = [];
  private outputs: Output[] = [];
  private done: Exit | undefined;
  /** `inexact` only: instructions claimed and not run. */
  private claimed = 0;
  made: Ordinals = { console: 0, disk: 0, net: 0, power: 0 };
  anchor: Anchor = { icount: 0, ticks: 0n, num: 1, den: 1 };

  constructor(program: readonly Op[] = PROGRAM, flaws: Flaws = {}) {
    this.program = program;
    this.flaws = flaws;
  }

  get icount(): Icount {
    return this.count + this.claimed;
  }

  get ticks(): bigint {
    return this.anchor.ticks + (BigInt(this.count - this.anchor.icount) * BigInt(this.anchor.num)) / BigInt(this.anchor.den);
  }

  get exit(): Exit | undefined {
    return this.done;
  }

  run(limit: Icount): Pause {
    const stop = this.flaws.inexact ? Math.max(this.count, limit - (limit % 16)) : limit;
    this.claimed = 0;
    const pause = this.advance(stop);
    if (pause === 'limit') this.claimed = limit - this.count;
    return pause;
  }

  private advance(limit: Icount): Pause {
    if (this.done !== undefined) return 'off';
    while (this.count < limit) {
      if (this.stillWaiting()) return 'idle';
      this.count += 1;
      this.acc = mix(this.acc, this.ram[this.count % RAM_BYTES] + this.count);
      this.untilOp -= 1;
      if (this.untilOp > 0) continue;
      this.untilOp = SPACING;
      const ends = this.operate();
      if (this.done !== undefined) return 'off';
      if (ends) return 'output';
    }
    return 'limit';
  }

  private stillWaiting(): boolean {
    switch (this.waiting) {
      case 'no':
        return false;
      case 'timer':
        if (this.alarm !== undefined && this.ticks < this.alarm) return true;
        break;
      case 'input':
        if (this.typed.length === 0) return true;
        break;
      case 'disk':
        if (this.pending.length + this.heldBack.length > 0) return true;
        break;
    }
    this.waiting = 'no';
    this.alarm = undefined;
    return false;
  }

  /** True when what it did ends the slice at once. */
  private operate(): boolean {
    const now = this.ticks;
    if (now < this.lastTime) this.print([...'time went back '].map((c) => c.charCodeAt(0)));
    this.lastTime = now;
    this.acc = mix(this.acc, Number(now & 0xffffn));
    const op = this.program[this.pc];
    this.pc += 1;
    if (op === undefined) {
      const ordinal = this.number('power', 1);
      this.done = { code: this.acc & 0x3f, reason: 'poweroff' };
      this.outputs.push({ kind: 'off', ordinal, exit: this.done });
      return true;
    }
    switch (op.op) {
      case 'print':
        this.print(Array.from({ length: op.bytes }, (_, i) => letter(this.acc >>> (i * 4))));
        return false;
      case 'echo': {
        const byte = this.typed.shift();
        if (byte === undefined) {
          this.waiting = 'input';
          this.pc -= 1;
          return false;
        }
        this.print([0x3c, byte, 0x3e]);
        this.acc = mix(this.acc, byte);
        return false;
      }
      case 'frame': {
        const ordinal = this.number('net', 1);
        this.outputs.push({ kind: 'frame', ordinal, bytes: this.pattern(6) });
        return true;
      }
      case 'write':
        return this.ask('diskWrite', op.sector, op.sectors, this.pattern(op.sectors * SECTOR_BYTES));
      case 'read':
        return this.ask('diskRead', op.sector, op.sectors, new Uint8Array(0));
      case 'flush':
        return this.ask('diskFlush', 0, 0, new Uint8Array(0));
      case 'settle':
        this.waiting = 'disk';
        return false;
      case 'sleep':
        this.waiting = 'timer';
        this.alarm = now + BigInt(op.ticks);
        return false;
    }
  }

  private print(bytes: number[]): void {
    const ordinal = this.number('console', bytes.length);
    this.outputs.push({ kind: 'console', ordinal, bytes: Uint8Array.from(bytes) });
  }

  private pattern(length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, i) => mix(this.acc, i) & 0xff);
  }

  private number(sink: keyof Ordinals, amount: number): number {
    const first = this.made[sink] + 1;
    this.made = { ...this.made, [sink]: first + amount - 1 };
    return first;
  }

  private ask(kind: Want['kind'], sector: number, sectors: number, data: Uint8Array): boolean {
    this.heldBack.push({ request: this.nextRequest++, kind, sector, sectors, data });
    return this.issue();
  }

  /** Emits what overlaps nothing pending and nothing held before it. */
  private issue(): boolean {
    let any = false;
    const still: Want[] = [];
    for (const want of this.heldBack) {
      const before = [...this.pending.map((each) => each.want), ...still];
      if (!this.flaws.overlaps && before.some((each) => overlap(each, want))) {
        still.push(want);
        continue;
      }
      const output = this.emit(want);
      this.pending.push({ want, output });
      any = true;
    }
    this.heldBack = still;
    return any;
  }

  private emit(want: Want): DiskRequest {
    const { request, sector, sectors, data } = want;
    const ordinal = want.kind === 'diskRead' ? 0 : this.number('disk', 1);
    const output: DiskRequest =
      want.kind === 'diskRead'
        ? { kind: 'diskRead', request, sector, sectors }
        : want.kind === 'diskWrite'
          ? { kind: 'diskWrite', ordinal, request, sector, data }
          : { kind: 'diskFlush', ordinal, request };
    this.outputs.push(output);
    return output;
  }

  deliver(input: Input): void {
    const why = this.refuses(input);
    if (why !== undefined) throw new Error(`toy machine refuses ${input.kind}: ${why}`);
    switch (input.kind) {
      case 'clock':
        this.anchor = { icount: this.count, ticks: input.ticks, num: input.num, den: input.den };
        return;
      case 'console':
        this.typed.push(...input.bytes);
        this.acc = mix(this.acc, 7);
        return;
      case 'frame':
        this.acc = mix(this.acc, input.bytes[0] ?? 0);
        return;
      case 'disk': {
        const found = this.pending.find((each) => each.want.request === input.request);
        if (found === undefined) return;
        this.pending = this.pending.filter((each) => each !== found);
        this.poke(input.data);
        this.acc = mix(this.acc, input.request * 31 + input.status);
        this.issue();
        return;
      }
    }
  }

  /** What a read brings reaches RAM. Called from outside only where bounce buffers are switched off. */
  poke(data: Uint8Array): void {
    data.forEach((byte, i) => {
      this.ram[(i * 5) % RAM_BYTES] = byte;
    });
  }

  refuses(input: Input): string | undefined {
    if (input.kind === 'clock' && input.ticks < this.ticks && !this.flaws.timeBack)
      return `time would go back from ${this.ticks} to ${input.ticks}`;
    if (input.kind === 'console' && input.bytes.length > this.consoleRoom()) return 'no room';
    return undefined;
  }

  consoleRoom(): number {
    return ROOM - this.typed.length;
  }

  takeOutputs(): Output[] {
    const taken = this.outputs;
    this.outputs = [];
    return taken;
  }

  pendingDisk(): DiskRequest[] {
    return this.pending.map((each) => each.output);
  }

  deadline(): bigint | undefined {
    return this.waiting === 'timer' ? this.alarm : undefined;
  }

  digest(): string {
    return this.hash([
      ...this.ram,
      ...this.typed,
      this.pc,
      this.untilOp,
      this.pending.length,
      this.heldBack.length,
      Number(this.ticks & 0xffffffffn),
    ]);
  }

  registersDigest(): string {
    return this.hash([this.pc, this.untilOp]);
  }

  private hash(more: readonly number[]): string {
    let h = mix(this.acc, this.count);
    for (const each of more) h = mix(h, each);
    return (h.toString(16).padStart(8, '0') + mix(h, 1).toString(16).padStart(8, '0')).slice(0, 16);
  }

  save(): Snapshot {
    return Uint8Array.from(this.digest(), (c) => c.charCodeAt(0));
  }

  statistics(): Statistics {
    return interpreted(this.icount);
  }

  checkpoint(): Checkpoint {
    const bytes = this.save();
    return { snapshot: () => bytes };
  }

  inspect(): HartView {
    return { pc: this.pc, privilege: 3, waiting: this.waiting !== 'no', x: [this.acc], csrs: {}, instruction: undefined };
  }

  readMemory(address: number, length: number): Uint8Array {
    return this.ram.slice(address, address + length);
  }

  dropDerived(): void {}
}

function overlap(a: Want, b: Want): boolean {
  if (a.kind === 'diskFlush' || b.kind === 'diskFlush') return false;
  return a.sector < b.sector + b.sectors && b.sector < a.sector + a.sectors;
}

function letter(n: number): number {
  return 0x61 + (n & 15);
}

function mix(a: number, b: number): number {
  let h = Math.imul(a ^ (b + 0x7ed55d16), 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
