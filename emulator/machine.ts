/** The board: one hart, RAM and devices wired together; the machine's two doors, its time, its snapshot (ARCHITECTURE.md, "Contracts"). */
import { Bus } from './bus.ts';
import { type Checkpoint, Checkpoints } from './checkpoint.ts';
import { Clock, FIRST_ANCHOR } from './clock.ts';
import type { MachineConfig } from './config.ts';
import type { Dma } from './devices/device.ts';
import { Devices } from './devices.ts';
import { digestOf, digestOfParts } from './digest.ts';
import { cycle } from './hart/csrs.ts';
import { Hart } from './hart/hart.ts';
import { type Execute, makeInterpreter } from './hart/interpreter.ts';
import { interruptNow } from './hart/trap.ts';
import { warmUp } from './hart/warm-up.ts';
import { Htif } from './htif.ts';
import type { HartView, Machine, Pause, Snapshot } from './index.ts';
import type { Anchor, Digest, DiskRequest, Exit, Icount, Input, Ordinals, Output } from './io.ts';
import { INTERRUPTS, STCE, STORED_CSRS } from './isa/index.ts';
import { ENGINE, FETCH_ENTRIES, layoutOf, RAM_BASE, WORD } from './layout.ts';
import { MemoryDigest } from './memory-digest.ts';
import { Outputs } from './outputs.ts';
import { Physical } from './physical.ts';
import { type Placement, placeImages } from './placement.ts';
import { resetRom } from './rom.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';
import {
  configState,
  hartState,
  machineState,
  memoryState,
  pageOf,
  restoreHart,
  restoreMachineState,
  restoreMemory,
  sameConfig,
} from './state.ts';
import { firstRound } from './translator/growth.ts';
import { interpreted, type Statistics } from './translator/statistics.ts';
import { Translator, type TranslatorOptions } from './translator/translator.ts';

/** What changes speed and nothing else: for tests of just that. */
export interface MachineOptions {
  /** Entries of each data TLB bank: a power of two. */
  readonly tlbEntries?: number;
  readonly fetchEntries?: number;
  /** What executes instructions: the interpreter (unless said otherwise); regions from the first jump on; regions of what is hot. */
  readonly engine?: 'interpreter' | 'translator' | 'auto';
  readonly translator?: TranslatorOptions;
}

/** An input that the machine cannot take now. `refuses` says so before. */
export class InputRefused extends Error {
  override readonly name = 'InputRefused';
}

const TLB_ENTRIES = 4096;
/** Of one call of the engine: code that V8 has optimised is used from the next call on. */
const SLICE_MAX = 2 ** 17;
const NEVER = 0xffff_ffff_ffff_ffffn;
const WASM_PAGE = 65536;

export class Board implements Machine {
  readonly config: MachineConfig;
  readonly symbols: ReadonlyMap<string, number>;
  /** `layout.ts` says what is where. */
  readonly memory: WebAssembly.Memory;
  readonly hart: Hart;
  readonly #physical: Physical;
  readonly #clock = new Clock();
  readonly #outputs: Outputs;
  readonly #devices: Devices;
  readonly #execute: Execute;
  readonly #translator: Translator | undefined;
  readonly #memoryDigest: MemoryDigest;
  readonly #checkpoints: Checkpoints;
  readonly #htif: Htif | undefined;
  /** The guest has ended; `exit` shows it once `run` has said so. */
  #ended: Exit | undefined;
  #exit: Exit | undefined;
  /** The guest has asked for a reset, which comes before the next instruction. */
  #resetting = false;
  /** Resets so far. */
  #resets = 0;
  /** Images are being put into RAM: their bytes are no commands. */
  #loading = false;
  /** First icount at which the RTC's alarm rings. */
  #alarmAt: Icount = Number.POSITIVE_INFINITY;

  constructor(config: MachineConfig, options: MachineOptions, snapshot: Snapshot | undefined) {
    const placement = placeImages(config);
    const layout = layoutOf(config.memoryBytes, options.tlbEntries ?? TLB_ENTRIES, options.fetchEntries ?? FETCH_ENTRIES);
    const pages = Math.ceil(layout.totalBytes / WASM_PAGE);
    this.config = config;
    this.symbols = placement.symbols;
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const physical = new Physical(this.memory.buffer, layout);
    const bus = new Bus();
    const { engine = 'interpreter' } = options;
    const hart = new Hart(this.memory.buffer, layout, physical, bus, this.#clock, firstRound(engine, options.translator?.threshold));
    this.hart = hart;
    if (engine === 'interpreter') this.#execute = makeInterpreter(hart).execute;
    else {
      this.#translator = new Translator(hart, this.memory, engine === 'translator', options.translator ?? {});
      this.#execute = this.#translator.execute;
    }
    warmUp(hart, this.#translator?.interpret ?? this.#execute);
    this.#physical = physical;
    this.#outputs = new Outputs(() => {
      hart.attention = true;
    });
    this.#memoryDigest = new MemoryDigest(physical);
    this.#checkpoints = new Checkpoints(physical);
    const off = (exit: Exit) => this.#end(exit);
    const emit = this.#outputs.emit.bind(this.#outputs);
    const board = this;
    this.#devices = new Devices({
      config,
      bus,
      emit,
      off,
      reset: () => this.#askReset(),
      dma: dmaOf(hart, physical),
      time: {
        now: () => this.ticks,
        set: (ticks) => this.#setAnchor({ ...this.anchor, icount: hart.icount, ticks: BigInt.asUintN(64, ticks) }),
        changed: () => this.#timersChanged(),
        get icount() {
          return board.icount;
        },
      },
      interrupt: (bit, high) => {
        hart.lines = high ? hart.lines | (1 << bit) : hart.lines & ~(1 << bit);
        hart.attention = true;
      },
    });
    hart.onTimers = () => this.#timersChanged();
    this.#htif = this.#findTohost(placement, emit, off);
    hart.onTohost = (frame, offset, length) => {
      if (!this.#loading) this.#htif?.written(frame, offset, length);
    };
    if (snapshot === undefined) this.#load(placement);
    else this.#restore(snapshot);
  }

  get icount(): Icount {
    return this.hart.icount;
  }

  get made(): Ordinals {
    return { ...this.#outputs.made };
  }

  get anchor(): Anchor {
    return this.#clock.anchor;
  }

  get ticks(): bigint {
    return this.#clock.at(this.hart.icount);
  }

  get exit(): Exit | undefined {
    return this.#exit;
  }

  run(limit: Icount): Pause {
    if (!Number.isSafeInteger(limit)) throw new RangeError(`cannot run to icount ${limit}: an icount is an integer below 2^53`);
    const { hart } = this;
    this.#outputs.urgent = false;
    for (;;) {
      if (this.#resetting) this.#restart();
      const icount = hart.icount;
      if (icount >= this.#alarmAt) this.#devices.rtc.update();
      this.#htif?.look(hart.words[WORD.waiting] !== 0);
      if (this.#ended !== undefined) {
        this.#exit = this.#ended;
        return 'off';
      }
      if (this.#outputs.urgent) return 'output';
      if (icount >= limit) {
        if (icount === Number.MAX_SAFE_INTEGER)
          throw new Error('the machine has reached icount 2^53 - 1, the last that it can count: start a new one');
        return 'limit';
      }
      const pending = hart.pending();
      if (hart.words[WORD.waiting] !== 0) {
        if ((pending & hart.csr('mie')) === 0) {
          if (this.#passTime()) continue;
          return 'idle';
        }
        hart.words[WORD.waiting] = 0;
      }
      const interrupt = interruptNow(hart, pending);
      if (interrupt >= 0) {
        hart.end++;
        hart.interrupt(interrupt);
        continue;
      }
      const stop = Math.min(limit, this.#nextEvent(icount), icount + SLICE_MAX);
      hart.left = stop - icount;
      hart.end = stop;
      hart.engine[ENGINE.pending] = pending;
      hart.attention = false;
      this.#execute();
    }
  }

  refuses(input: Input): string | undefined {
    if (this.#ended !== undefined) return 'the machine is off';
    switch (input.kind) {
      case 'clock':
        if (this.config.clock === 'icount') return 'time follows icount in this configuration: its rate is fixed';
        if (!(Number.isInteger(input.num) && input.num >= 0 && input.num < 2 ** 31))
          return `rate ${input.num}/${input.den} is not one of integers below 2^31`;
        if (!(Number.isInteger(input.den) && input.den > 0 && input.den < 2 ** 31))
          return `rate ${input.num}/${input.den} is not one of integers below 2^31`;
        if (input.ticks >= 1n << 64n) return `ticks ${input.ticks} have more than 64 bits`;
        return input.ticks < this.ticks ? `time would go back: want at least ${this.ticks} ticks, got ${input.ticks}` : undefined;
      case 'console':
        return this.#devices.refusesConsole(input.port, input.bytes.length);
      case 'frame':
        return this.#devices.net === undefined ? 'there is no network device' : this.#devices.net.refuses(input.bytes.length);
      case 'disk':
        return this.#devices.block === undefined
          ? 'there is no disk'
          : this.#devices.block.refuses(input.request, input.status, input.data);
    }
  }

  deliver(input: Input): void {
    const why = this.refuses(input);
    if (why !== undefined) throw new InputRefused(`${input.kind} input refused at icount ${this.icount}: ${why}`);
    switch (input.kind) {
      case 'clock':
        this.#setAnchor({ icount: this.icount, ticks: input.ticks, num: input.num, den: input.den });
        // Now, and not when the machine next runs: another input at this icount must find the same state on every replica.
        if (this.icount >= this.#alarmAt) this.#devices.rtc.update();
        return;
      case 'console':
        this.#devices.deliverConsole(input.port, input.bytes);
        return;
      case 'frame':
        this.#devices.net!.deliver(input.bytes);
        return;
      case 'disk':
        this.#devices.block!.deliver(input.request, input.status, input.data);
        return;
    }
  }

  consoleRoom(port: 0 | 1): number {
    return this.#devices.consoleRoom(port);
  }

  takeOutputs(): Output[] {
    return this.#outputs.take();
  }

  pendingDisk(): DiskRequest[] {
    return this.#devices.block?.pending() ?? [];
  }

  deadline(): bigint | undefined {
    const { hart } = this;
    const enabled = hart.csr('mie');
    const deadlines: bigint[] = [];
    if ((enabled & (1 << INTERRUPTS.MTI)) !== 0) deadlines.push(this.#devices.aclint.mtimecmp);
    if ((enabled & (1 << INTERRUPTS.STI)) !== 0 && (hart.csr('menvcfgh') & STCE) !== 0) deadlines.push(this.#stimecmp());
    if ((enabled & ((1 << INTERRUPTS.MEI) | (1 << INTERRUPTS.SEI))) !== 0) deadlines.push(this.#devices.rtc.deadline() ?? NEVER);
    let first = NEVER;
    for (const ticks of deadlines) if (ticks < first) first = ticks;
    return first === NEVER ? undefined : first;
  }

  digest(): Digest {
    this.#clean();
    const sections = [...this.#sections()].map(([name, state]) => [name, digestOf(writeSnapshot(new Map([[name, state]])))] as const);
    return digestOfParts([...sections, ['memory', this.#memoryDigest.value()]]);
  }

  registersDigest(): Digest {
    const words = this.hart.words.slice();
    // Neither the sink nor the address of a reservation that is gone is state.
    words[WORD.sink] = 0;
    if (words[WORD.reserved] === 0) words[WORD.reservedWord] = 0;
    return digestOf(new Uint8Array(words.buffer));
  }

  save(): Snapshot {
    const physical = this.#physical;
    const pages = Array.from({ length: physical.layout.frames }, (_, frame) => pageOf(physical, frame));
    return writeSnapshot(this.#allButMemory().set('memory', memoryState(pages)));
  }

  checkpoint(): Checkpoint {
    return this.#checkpoints.take(this.#allButMemory());
  }

  inspect(): HartView {
    const { hart } = this;
    const csrs: Record<string, number> = {};
    for (const { name } of STORED_CSRS) csrs[name] = hart.csr(name) >>> 0;
    csrs.mip = hart.pending() >>> 0;
    const cycles = cycle(hart);
    csrs.mcycle = Number(cycles & 0xffffffffn);
    csrs.mcycleh = Number(cycles >> 32n);
    return {
      pc: hart.pc >>> 0,
      privilege: hart.privilege as 0 | 1 | 3,
      waiting: hart.words[WORD.waiting] !== 0,
      x: Array.from(hart.words.subarray(0, 32), (value) => value >>> 0),
      csrs,
      instruction: asUnsigned(hart.encoding()),
    };
  }

  readMemory(address: number, length: number): Uint8Array {
    const bytes = this.#physical.readRam(address, length);
    if (bytes === undefined) {
      throw new RangeError(
        `cannot read ${length} bytes at 0x${address.toString(16)}: RAM is ${this.config.memoryBytes} bytes at 0x80000000`,
      );
    }
    return bytes;
  }

  statistics(): Statistics {
    return this.#translator?.statistics(this.icount) ?? interpreted(this.icount);
  }

  dropDerived(choose: () => boolean): void {
    this.#translator?.dropSome(choose);
    this.hart.mmu.dropSome(choose);
    this.hart.code.dropSome(choose);
    this.#memoryDigest.refresh(choose);
    this.hart.mmu.dropAllWrites();
  }

  #sections() {
    return new Map([
      ['hart', hartState(this.hart)],
      ['machine', machineState(this.#clock, this.#outputs, { exit: this.#ended, resets: this.#resets })],
      ...this.#devices.save(),
    ]);
  }

  /** Of a snapshot, whose last section is memory. */
  #allButMemory() {
    return this.#sections().set('config', configState(this.config));
  }

  /** Pages are about to be clean: no entry may write to them unseen. */
  #clean(): void {
    if (this.#physical.dirty.includes(1)) this.hart.mmu.dropAllWrites();
  }

  #end(exit: Exit): void {
    if (this.#ended !== undefined) return;
    this.#ended = exit;
    this.#outputs.off(exit);
    this.hart.attention = true;
  }

  #askReset(): void {
    if (this.config.onReset === 'end') {
      this.#end({ code: 0, reason: 'reset' });
      return;
    }
    this.#resetting = true;
    this.hart.attention = true;
  }

  /**
   * The machine as `createMachine` makes it, but for what goes on (machine.md, "Reset"): icount, time, ordinals, disk requests under way. Costs
   * the pages that were written since the last one, not all of RAM; and ends the run, so that a guest which does nothing else is still bounded.
   */
  #restart(): void {
    const { hart } = this;
    this.#resetting = false;
    this.#resets++;
    hart.mmu.dropAll();
    hart.code.dropAll();
    this.#physical.zero((frame) => this.#memoryDigest.zeroed(frame));
    hart.restart();
    this.#devices.reset();
    this.#fill(placeImages(this.config, this.#resets));
    this.#timersChanged();
    this.#outputs.hurry();
  }

  #setAnchor(anchor: Anchor): void {
    this.#clock.anchor = anchor;
    this.#timersChanged();
  }

  #timersChanged(): void {
    const { hart } = this;
    hart.machineTimerAt = this.#clock.reaches(this.#devices.aclint.mtimecmp);
    hart.supervisorTimerAt = this.#clock.reaches(this.#stimecmp());
    const alarm = this.#devices.rtc.deadline();
    this.#alarmAt = alarm === undefined ? Number.POSITIVE_INFINITY : this.#clock.reaches(alarm);
    hart.attention = true;
  }

  #stimecmp(): bigint {
    return (BigInt(this.hart.csr('stimecmph') >>> 0) << 32n) | BigInt(this.hart.csr('stimecmp') >>> 0);
  }

  /** The first icount after `icount` at which a comparison may change. */
  #nextEvent(icount: Icount): Icount {
    let next = Number.POSITIVE_INFINITY;
    const { machineTimerAt, supervisorTimerAt } = this.hart;
    if (machineTimerAt > icount) next = machineTimerAt;
    if (supervisorTimerAt > icount && supervisorTimerAt < next) next = supervisorTimerAt;
    if (this.#alarmAt > icount && this.#alarmAt < next) next = this.#alarmAt;
    return Math.min(next, this.#htif?.deadline ?? next);
  }

  /** With the clock of icount, a wait for a timer ends at once: time moves to it. False when nothing is armed. */
  #passTime(): boolean {
    if (this.config.clock !== 'icount') return false;
    const deadline = this.deadline();
    if (deadline === undefined || deadline <= this.ticks) return false;
    this.#setAnchor({ ...this.anchor, icount: this.icount, ticks: deadline });
    return true;
  }

  #findTohost({ symbols }: Placement, emit: Outputs['emit'], off: (exit: Exit) => void): Htif | undefined {
    const tohost = symbols.get('tohost');
    if (tohost === undefined || this.#physical.readRam(tohost, 8) === undefined) return undefined;
    const { hart } = this;
    const changed = () => {
      hart.attention = true;
    };
    const ports = { memory: this.#physical, words: hart.words, icount: () => hart.icount, changed, emit, off };
    return new Htif(ports, tohost, symbols.get('fromhost'));
  }

  /** RAM is all zeros. */
  #fill({ segments }: Placement): void {
    this.#loading = true;
    for (const { address, bytes } of segments) this.#physical.writeRam(address, bytes);
    this.#loading = false;
  }

  #load(placement: Placement): void {
    this.#fill(placement);
    this.#physical.writeRom(resetRom(placement, this.config.images.firmware !== undefined));
    this.#setAnchor(FIRST_ANCHOR);
  }

  #restore(snapshot: Snapshot): void {
    const sections = readSnapshot(snapshot);
    sameConfig(this.config, sections.get('config'));
    restoreMemory(this.#physical, sections.get('memory'));
    restoreHart(this.hart, sections.get('hart'));
    const { exit, resets } = restoreMachineState(this.#clock, this.#outputs, sections.get('machine'));
    this.#ended = exit;
    this.#resets = resets;
    this.#devices.restore(sections);
    this.#timersChanged();
  }
}

function dmaOf(hart: Hart, physical: Physical): Dma {
  return {
    base: RAM_BASE,
    size: physical.ramBytes,
    read: (address, length) => physical.readRam(address, length),
    write: (address, bytes) => {
      if (!physical.writeRam(address, bytes)) return false;
      hart.dmaWritten(address, bytes.length);
      return true;
    },
  };
}

const asUnsigned = (value: number | undefined): number | undefined => (value === undefined ? undefined : value >>> 0);
