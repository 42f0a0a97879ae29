/**
 * One RV32IMAC hart: its words in the shared memory, its counters, and memory accesses as the slow path makes them: one instruction at a
 * time, precisely. The interpreter's fast cases read and write the same words.
 */
import type { Bus } from '../bus.ts';
import type { Clock } from '../clock.ts';
import type { Icount } from '../io.ts';
import { CAUSES, CSRS, INTERRUPTS, interruptCause, routine, STCE } from '../isa/index.ts';
import { CSR_WORD, ENGINE, ENGINE_END, FETCH_ENTRY_WORDS, HART_WORDS, JUMP_BANK_BYTES, type Layout, ROM_BASE, WORD } from '../layout.ts';
import { type Physical, WATCH } from '../physical.ts';
import { loadAcross, loadDevice, storeAcross, storeDevice } from './access.ts';
import { Banks } from './banks.ts';
import { DecodedPages } from './code.ts';
import { LOAD, Mmu, STORE } from './mmu.ts';
import { Pmp } from './pmp.ts';
import { routineFunction } from './routine-js.ts';
import { CHOOSE_BANKS, TRAP } from './trap.ts';

const takeTrap = routineFunction(TRAP);
const chooseBanks = routineFunction(CHOOSE_BANKS);

export class Hart {
  /** Words of `WORD`; x0..x31 are the first. */
  readonly words: Int32Array;
  /** The same, and the words of `ENGINE` behind them. */
  readonly engine: Int32Array;
  readonly memory: Physical;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly pmp: Pmp;
  readonly mmu: Mmu;
  readonly code: DecodedPages;
  /** All banks of the data and fetch TLBs. */
  readonly data: Int32Array;
  readonly fetch: Int32Array;

  /** Instructions that `execute` may still begin; icount = end - left. */
  left = 0;
  end: Icount = 0;
  /** Synchronous traps and interrupts taken: what icount has and minstret has not. */
  traps = 0;
  /** mcycle and minstret, 64 bits: while counting, what to add to icount and to icount - traps; while inhibited, the value. */
  cycleOffset = 0n;
  instretOffset = 0n;
  /** Interrupt lines from devices: MSIP, MEIP, SEIP at their bits of mip. */
  lines = 0;
  /** First icounts at which time reaches mtimecmp and stimecmp. */
  machineTimerAt: Icount = Number.POSITIVE_INFINITY;
  supervisorTimerAt: Icount = Number.POSITIVE_INFINITY;

  /** The instruction in hand has trapped: nothing else of it happens. */
  trapped = false;
  /** Something that the run loop must look at has changed: interrupts, timers, power, outputs. */
  attention = false;
  /** First words of the TLB banks in use, in `data` and `fetch`. */
  dataBank = 0;
  fetchBank = 0;
  /** Called when the comparators changed. */
  onTimers: () => void = () => {};
  /** Called when a word of tohost was written, with its offset. */
  onTohost: (frame: number, offset: number, length: number) => void = () => {};

  constructor(buffer: SharedArrayBuffer, layout: Layout, memory: Physical, bus: Bus, clock: Clock, arrivals = 255) {
    this.words = new Int32Array(buffer, 0, HART_WORDS);
    this.memory = memory;
    this.bus = bus;
    this.clock = clock;
    this.engine = new Int32Array(buffer, 0, ENGINE_END);
    const banks = new Banks(buffer, layout, memory);
    this.data = banks.data;
    this.fetch = banks.fetch;
    this.pmp = new Pmp(this.words);
    this.mmu = new Mmu(this.engine, memory, this.pmp, banks);
    this.code = new DecodedPages(buffer, memory, arrivals);
    this.code.onEvict = (base) => banks.forgetFetch(base);
    memory.dropFastWrites = (frame) => banks.dropWrites(frame);
    memory.onWatchedWrite = (frame, offset, length) => this.#derivedFrom(frame, offset, length);
    this.reset();
  }

  get icount(): Icount {
    return this.end - this.left;
  }

  get pc(): number {
    return this.words[WORD.pc];
  }

  set pc(pc: number) {
    this.words[WORD.pc] = pc;
  }

  get privilege(): number {
    return this.words[WORD.privilege];
  }

  /** As after power-on: M-mode, at the reset ROM. */
  reset(): void {
    this.words.fill(0);
    for (const row of CSRS) if (CSR_WORD[row.name] !== undefined) this.words[CSR_WORD[row.name]] = row.reset;
    this.words[WORD.privilege] = 3;
    this.pc = ROM_BASE;
    this.contextChanged();
  }

  /** A reset of a machine that goes on: icount stays, mcycle and minstret begin again. */
  restart(): void {
    this.reset();
    this.pmp.decode();
    this.traps = 0;
    this.cycleOffset = -BigInt(this.icount);
    this.instretOffset = -BigInt(this.icount);
  }

  /** Privilege, MPRV, MPP, SUM or satp may have changed: other banks are in use. */
  contextChanged(): void {
    this.mmu.selectSpace();
    chooseBanks(this.engine);
    this.absorbEngine();
  }

  /** Takes over what routines (`trap.ts`) did to the words of ENGINE, in either engine: traps that were taken, and the banks in use. */
  absorbEngine(): void {
    const { engine } = this;
    const { dataTlb, jumpCache, fetchEntries } = this.memory.layout;
    this.traps += engine[ENGINE.traps];
    engine[ENGINE.traps] = 0;
    this.dataBank = (engine[ENGINE.dataBank] - dataTlb) >> 2;
    this.fetchBank = ((engine[ENGINE.jumpBank] - jumpCache) / JUMP_BANK_BYTES) * fetchEntries * FETCH_ENTRY_WORDS;
  }

  csr(name: string): number {
    return this.words[CSR_WORD[name]];
  }

  /** mip as it is now: software bits, device lines, and the timers compared at this icount. */
  pending(): number {
    const icount = this.icount;
    let pending = this.words[CSR_WORD.mip] | this.lines;
    if (icount >= this.machineTimerAt) pending |= 1 << INTERRUPTS.MTI;
    if ((this.words[CSR_WORD.menvcfgh] & STCE) !== 0) {
      // Sstc: with STCE the comparison is all of STIP; the software bit is not seen.
      pending = icount >= this.supervisorTimerAt ? pending | (1 << INTERRUPTS.STI) : pending & ~(1 << INTERRUPTS.STI);
    }
    return pending;
  }

  trap(cause: number, tval: number): void {
    takeTrap(this.engine, cause, tval);
    this.absorbEngine();
    this.trapped = true;
  }

  /** Takes an interrupt, by its code, at an instruction boundary. */
  interrupt(code: number): void {
    takeTrap(this.engine, interruptCause(code), 0);
    this.absorbEngine();
  }

  /** After a routine that did not leave: OUTCOME.look has the run loop look at interrupts. */
  settle(outcome: number): void {
    this.absorbEngine();
    if (outcome === routine.OUTCOME.look) this.attention = true;
  }

  /** An illegal instruction: mtval is its encoding. */
  illegal(): void {
    this.trap(CAUSES.illegalInstruction, this.encoding() ?? 0);
  }

  /** The bits at pc, 16 or 32; undefined where the fetch would fault. */
  encoding(): number | undefined {
    const low = this.fetchHalf(this.pc);
    if (low < 0) return undefined;
    if ((low & 3) !== 3) return low;
    const high = this.fetchHalf((this.pc + 2) | 0);
    return high < 0 ? undefined : low | (high << 16);
  }

  /** The halfword of code at `vaddr`, or -cause. */
  fetchHalf(vaddr: number): number {
    const ppn = this.mmu.code(vaddr, 2, this.privilege);
    if (ppn < 0) return ppn;
    const frame = this.memory.frameOf(ppn);
    return frame < 0 ? -CAUSES.instructionAccess : this.memory.read(frame, vaddr & 0xfff, 2);
  }

  /**
   * Decoded records of the page at pc, which the fetch TLB did not have: index of its first word. -1 when there are none to use: the page
   * faults (the trap has been taken) or has no one PMP answer; the caller steps `precisely` in the second case.
   */
  enter(): number {
    this.trapped = false;
    const { pc, privilege } = this;
    const ppn = this.mmu.code(pc, 2, privilege);
    const frame = ppn < 0 ? -1 : this.memory.frameOf(ppn);
    if (frame < 0) {
      this.left--;
      this.trap(ppn < 0 ? -ppn : CAUSES.instructionAccess, pc);
      return -1;
    }
    if (this.mmu.isSplit(ppn, privilege)) return -1;
    const base = this.code.page(frame);
    this.mmu.learnFetch(pc, privilege, base);
    return base;
  }

  /** Loads 1, 2 or 4 bytes, misaligned too; the value is signed or not as asked. After a trap, the value means nothing. */
  load(vaddr: number, width: number, signed: boolean): number {
    const value = this.#load(vaddr, width);
    if (!signed || width === 4) return value | 0;
    return width === 2 ? (value << 16) >> 16 : (value << 24) >> 24;
  }

  store(vaddr: number, width: number, value: number): void {
    const room = 4096 - (vaddr & 0xfff);
    if (room < width) {
      storeAcross(this, vaddr, width, value, room);
      return;
    }
    const ppn = this.translate(vaddr, width, STORE);
    if (ppn < 0) return;
    const frame = this.memory.frameOf(ppn);
    if (frame >= 0 && this.memory.isRam(frame)) this.memory.write(frame, vaddr & 0xfff, width, value);
    else storeDevice(this, ppn, vaddr, width, value);
  }

  /** lr.w: the word, which is reserved. */
  loadReserved(vaddr: number): number {
    if ((vaddr & 3) !== 0) {
      this.trap(CAUSES.loadMisaligned, vaddr);
      return 0;
    }
    const ppn = this.translate(vaddr, 4, LOAD);
    if (ppn < 0) return 0;
    const frame = this.memory.frameOf(ppn);
    if (frame < 0) {
      this.trap(CAUSES.loadAccess, vaddr);
      return 0;
    }
    this.words[WORD.reserved] = 1;
    this.words[WORD.reservedWord] = wordOf(ppn, vaddr);
    return this.memory.read(frame, vaddr & 0xfff, 4) | 0;
  }

  /** sc.w: 0 when it stored, 1 when there was no reservation of the word. */
  storeConditional(vaddr: number, value: number): number {
    const frame = this.atomicFrame(vaddr);
    if (frame < 0) return 1;
    const had = this.words[WORD.reserved] !== 0 && this.words[WORD.reservedWord] === wordOf(this.#atomicPpn, vaddr);
    this.words[WORD.reserved] = 0;
    if (!had) return 1;
    this.memory.write(frame, vaddr & 0xfff, 4, value);
    return 0;
  }

  #atomicPpn = 0;

  /** The frame that an AMO or SC at `vaddr` may read and write, or -1 after a trap: misaligned (6), page fault (15), no RAM (7). */
  atomicFrame(vaddr: number): number {
    if ((vaddr & 3) !== 0) {
      this.trap(CAUSES.storeMisaligned, vaddr);
      return -1;
    }
    const ppn = this.translate(vaddr, 4, STORE);
    if (ppn < 0) return -1;
    const frame = this.memory.frameOf(ppn);
    if (frame < 0 || !this.memory.isRam(frame)) {
      this.trap(CAUSES.storeAccess, vaddr);
      return -1;
    }
    this.#atomicPpn = ppn;
    return frame;
  }

  /** DMA wrote here: a reservation of one of these bytes is lost. */
  dmaWritten(address: number, length: number): void {
    const word = (this.words[WORD.reservedWord] >>> 0) * 4;
    if (word < address + length && word + 4 > address) this.words[WORD.reserved] = 0;
  }

  /** The physical page of bytes in one page, or -1 after a trap. */
  translate(vaddr: number, length: number, access: 1 | 2): number {
    const ppn = this.mmu.data(vaddr, length, access);
    if (ppn >= 0) return ppn;
    this.trap(-ppn, vaddr);
    return -1;
  }

  #load(vaddr: number, width: number): number {
    const room = 4096 - (vaddr & 0xfff);
    if (room < width) return loadAcross(this, vaddr, width, room);
    const ppn = this.translate(vaddr, width, LOAD);
    if (ppn < 0) return 0;
    const frame = this.memory.frameOf(ppn);
    return frame >= 0 ? this.memory.read(frame, vaddr & 0xfff, width) : loadDevice(this, ppn, vaddr, width);
  }

  #derivedFrom(frame: number, offset: number, length: number): void {
    const why = this.memory.watched[frame];
    if ((why & WATCH.code) !== 0) this.code.written(frame, offset, length);
    if ((why & WATCH.pte) !== 0) this.mmu.tableWritten(frame, offset, length);
    if ((why & WATCH.htif) !== 0) this.onTohost(frame, offset, length);
  }
}

/** A physical word's number: 34-bit address / 4, as a signed word. */
const wordOf = (ppn: number, vaddr: number): number => (ppn << 10) | ((vaddr & 0xfff) >> 2) | 0;
