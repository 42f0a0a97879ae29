/**
 * The regions that there are: found by physical address and by what their pages were mapped to, put into the dispatcher's table, dropped when
 * a byte of their code is written, evicted when they are too many. None of this is state.
 */
import type { Hart } from '../hart/hart.ts';
import { GRANULE_BYTES, PAGE_BYTES } from '../layout.ts';
import type { Compiled, Compiler } from './compiler.ts';
import { SLOTS } from './dispatcher.ts';
import { Jobs } from './jobs.ts';
import { Jumps } from './jumps.ts';
import { type Outline, outlineOf } from './outline.ts';
import { Patience } from './patience.ts';
import type { RegionPlan } from './plan.ts';
import type { Explored } from './region.ts';

export interface Region {
  readonly slot: number;
  readonly head: number;
  readonly outline: Outline;
  /** Until it is on its way to the compiler. */
  plan: Pick<RegionPlan, 'blocks' | 'entries'> | undefined;
  /** Virtual address of each entry, by number. */
  readonly entries: readonly number[];
  /** Virtual page addresses that it spans, and the frame that each was. */
  readonly pages: readonly { readonly page: number; readonly frame: number }[];
  /** Frames and the granules of each that it was made from: two words of bits. */
  readonly granules: ReadonlyMap<number, readonly [number, number]>;
  /** Entries that were asked for besides those that it has by its shape. */
  readonly asked: readonly number[];
  /** How often it has been made anew to take in ways that were not gone before. */
  readonly generation: number;
  /** icount when it was asked for. */
  readonly since: number;
  /** The region that it takes the place of. */
  replaces: Region | undefined;
  /** Its accesses share looks at the TLB (`groups.ts`). */
  readonly groups: boolean;
  /** V8's optimiser has compiled it. */
  readonly optimised: boolean;
  /** Instructions that it is thought to have run, and the regions whose place it took: see `Growth.sample`. */
  weight: number;
  /** Exits because a group lay in two pages. */
  splits: number;
  /** Another is being made in its place. */
  growing: boolean;
  /** Since it was last judged: how often it was left for the interpreter, and instructions that ran before that. */
  slow: number;
  ran: number;
  /** How often in a row it was found not to pay. */
  poor: number;
  state: 'waiting' | 'installed' | 'dropped';
  module: InstalledModule | undefined;
}

/** How a region is to be; each as in `Region`. */
export type Wanted = Pick<Region, 'asked' | 'groups' | 'generation' | 'optimised' | 'replaces'>;

interface InstalledModule {
  readonly regions: Set<Region>;
  readonly wasmBytes: number;
}

/** Why a region went. */
export type Drop = 'invalidated' | 'evicted' | 'demoted' | 'replaced';

export class RegionCache {
  readonly #hart: Hart;
  readonly #memory: WebAssembly.Memory;
  readonly #jobs: Jobs;
  readonly #jumps: Jumps;
  readonly #codeBytes: number;
  readonly table: WebAssembly.Table;
  readonly patience = new Patience();
  /** Stores that look at the granule before they give up, by physical address. */
  readonly granuleStores = new Set<number>();
  /** The last `find` that found took another address's place in the jump cache. */
  displaced = false;
  /** By the physical address of each entry. */
  readonly #byEntry = new Map<number, Region[]>();
  readonly #byFrame = new Map<number, Set<Region>>();
  readonly #bySlot: (Region | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  /** Oldest first. */
  readonly #modules = new Set<InstalledModule>();
  #wasmBytes = 0;
  #compileMs = 0;
  #modulesCompiled = 0;
  #compiled = 0;
  readonly #dropped: Record<Drop, number> = { invalidated: 0, evicted: 0, demoted: 0, replaced: 0 };

  constructor(hart: Hart, memory: WebAssembly.Memory, compiler: Compiler, codeBytes: number) {
    this.#hart = hart;
    this.#memory = memory;
    this.#codeBytes = codeBytes;
    const { tlbEntries, granules, memory: frames, ramPages } = hart.memory.layout;
    this.#jobs = new Jobs(compiler, { tlbEntries, granules, memory: frames, ramPages });
    this.#jumps = new Jumps(hart);
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: SLOTS, maximum: SLOTS });
    for (let slot = SLOTS - 1; slot >= 0; slot--) this.#freeSlots.push(slot);
    hart.code.onLost = (frame, granule) => this.#lost(frame, granule);
  }

  /** Whether there is a region with an entry at `pc` for the pages as they are mapped now; the jump cache then has it. */
  find(pc: number): boolean {
    const hart = this.#hart;
    const { privilege } = hart;
    const frame = hart.mmu.translateCode(pc, privilege);
    if (frame < 0) return false;
    const regions = this.#byEntry.get(physical(frame, pc)) ?? [];
    // The newest knows most of the ways that are gone.
    for (let k = regions.length - 1; k >= 0; k--) {
      const region = regions[k];
      const entry = region.entries.indexOf(pc);
      if (region.state !== 'installed' || entry < 0) continue;
      if (!region.pages.every((span) => span.frame === hart.mmu.translateCode(span.page, privilege))) continue;
      this.displaced = this.#jumps.lead(pc, region.slot, entry);
      return true;
    }
    return false;
  }

  /** Whether the jump cache has a region for `pc`. */
  has(pc: number): boolean {
    return this.#jumps.has(pc);
  }

  /** Whether a region with an entry at `pc` of `frame` has been asked for and has not come. */
  isWaiting(frame: number, pc: number): boolean {
    return (this.#byEntry.get(physical(frame, pc)) ?? []).some(({ state, entries }) => state === 'waiting' && entries.includes(pc));
  }

  /** The newest region present with a block at `pc` of `frame` that is no entry. */
  covering(frame: number, pc: number): Region | undefined {
    let found: Region | undefined;
    for (const region of this.#byFrame.get(frame) ?? []) {
      if (region.state === 'installed' && region.outline.starts.includes(pc)) found = region;
    }
    return found;
  }

  bySlot(slot: number): Region | undefined {
    return this.#bySlot[slot];
  }

  /** Asks for a region: sent to the compiler with the next `flush`. */
  request(explored: Explored, pages: Region['pages'], { asked, groups, generation, optimised, replaces }: Wanted): void {
    const slot = this.#freeSlots.pop() ?? this.#evictForSlot();
    // Every slot waits for a compiler that does not answer.
    if (slot === undefined) return;
    const { blocks } = explored;
    const entries = explored.entries.map((number) => blocks[number].pc);
    const frameOf = new Map(pages.map(({ page, frame }) => [page, frame]));
    const granules = new Map<number, [number, number]>();
    for (const { instructions, end } of blocks) {
      for (const { pc, length } of end.kind === 'slow' ? [...instructions, { pc: end.pc, length: 2 }] : instructions) {
        for (const byte of [pc, pc + length - 1]) {
          const frame = frameOf.get(byte & -PAGE_BYTES)!;
          const bits = granules.get(frame) ?? [0, 0];
          const granule = (byte & (PAGE_BYTES - 1)) / GRANULE_BYTES;
          bits[granule >> 5] |= 1 << (granule & 31);
          granules.set(frame, bits);
        }
      }
    }
    const region: Region = {
      slot,
      head: entries[0],
      outline: outlineOf(explored, (pc) => physical(frameOf.get(pc & -PAGE_BYTES)!, pc)),
      plan: { blocks, entries: explored.entries },
      entries,
      pages,
      granules,
      asked,
      generation,
      since: this.#hart.icount,
      replaces,
      groups,
      optimised,
      weight: replaces?.weight ?? 0,
      splits: 0,
      growing: false,
      slow: 0,
      ran: 0,
      poor: 0,
      state: 'waiting',
      module: undefined,
    };
    if (replaces !== undefined) replaces.growing = true;
    this.#bySlot[slot] = region;
    for (const pc of entries) {
      const at = physical(frameOf.get(pc & -PAGE_BYTES)!, pc);
      this.#byEntry.set(at, [...(this.#byEntry.get(at) ?? []), region]);
    }
    for (const frame of granules.keys()) {
      const regions = this.#byFrame.get(frame) ?? new Set();
      this.#byFrame.set(frame, regions.add(region));
    }
    this.#jobs.add(region);
  }

  /** Sends what was requested to the compiler, unless it is busy. */
  flush(): void {
    this.#jobs.flush();
  }

  /** Installs what the compiler has done. */
  install(): void {
    for (let done = this.#jobs.take(); done !== undefined; done = this.#jobs.take()) this.#installModule(done.regions, done.compiled);
  }

  #installModule(regions: readonly Region[], { module, wasmBytes, milliseconds }: Compiled): void {
    this.#compileMs += milliseconds;
    this.#modulesCompiled++;
    this.#compiled += regions.length;
    // Code that was written meanwhile is not what the module was made from.
    const present = regions.filter(({ state }) => state === 'waiting');
    if (present.length === 0) return;
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    const installed: InstalledModule = { regions: new Set(present), wasmBytes };
    this.#modules.add(installed);
    this.#wasmBytes += wasmBytes;
    for (const [k, region] of regions.entries()) {
      if (region.state !== 'waiting') continue;
      this.table.set(region.slot, exports[`r${k}`]);
      region.state = 'installed';
      region.module = installed;
      if (region.replaces !== undefined) this.drop(region.replaces, 'replaced');
      region.replaces = undefined;
      this.#supersede(region);
      this.#announce(region);
    }
    for (const oldest of this.#modules) {
      if (this.#wasmBytes <= this.#codeBytes || oldest === installed) break;
      for (const region of oldest.regions) this.drop(region, 'evicted');
    }
  }

  /** Ways to the entries of older regions lead to this one from now on; those that have no other entries go. */
  #supersede(region: Region): void {
    const { entries, pages } = region;
    const frameOf = new Map(pages.map(({ page, frame }) => [page, frame]));
    const older = new Set<Region>();
    for (const pc of entries) {
      for (const other of this.#byEntry.get(physical(frameOf.get(pc & -PAGE_BYTES)!, pc)) ?? []) {
        if (other === region || other.state !== 'installed') continue;
        older.add(other);
        this.#jumps.forget(pc, other.slot);
      }
    }
    for (const other of older) {
      const inside = other.pages.every(({ page, frame }) => frameOf.get(page) === frame);
      if (inside && other.entries.every((pc) => entries.includes(pc))) this.drop(other, 'replaced');
    }
  }

  /** The next jump to an entry asks. */
  #announce({ entries, pages }: Region): void {
    const { code } = this.#hart;
    for (const pc of entries) {
      const span = pages.find(({ page }) => page === (pc & -PAGE_BYTES))!;
      const base = code.baseOf(span.frame);
      if (base >= 0) code.arrivals[(base + (pc & (PAGE_BYTES - 1))) >> 1] = 1;
    }
  }

  drop(region: Region, why: Drop): void {
    if (region.state === 'dropped') return;
    const wasInstalled = region.state === 'installed';
    region.state = 'dropped';
    this.#dropped[why]++;
    if (region.replaces !== undefined) region.replaces.growing = false;
    if (why === 'demoted') this.patience.demoted(physicalEntries(region), this.#hart.icount);
    const { slot, entries, pages, granules, module } = region;
    for (const pc of entries) {
      const span = pages.find(({ page }) => page === (pc & -PAGE_BYTES))!;
      const at = physical(span.frame, pc);
      const rest = this.#byEntry.get(at)!.filter((other) => other !== region);
      if (rest.length > 0) this.#byEntry.set(at, rest);
      else this.#byEntry.delete(at);
      if (wasInstalled) this.#jumps.forget(pc, slot);
    }
    for (const frame of granules.keys()) {
      const regions = this.#byFrame.get(frame)!;
      regions.delete(region);
      if (regions.size === 0) this.#byFrame.delete(frame);
    }
    this.#bySlot[slot] = undefined;
    this.#freeSlots.push(slot);
    if (module === undefined) return;
    this.table.set(slot, null);
    module.regions.delete(region);
    if (module.regions.size > 0) return;
    this.#modules.delete(module);
    this.#wasmBytes -= module.wasmBytes;
  }

  /** Test-only: drops regions and ways to them for which `choose` says so. */
  dropSome(choose: () => boolean): void {
    for (const region of this.#bySlot) if (region !== undefined && choose()) this.drop(region, 'invalidated');
    this.#jumps.dropSome(choose);
  }

  counts() {
    return {
      installed: this.#bySlot.filter((region) => region?.state === 'installed').length,
      compiled: this.#compiled,
      ...this.#dropped,
      modules: { installed: this.#modules.size, compiled: this.#modulesCompiled },
      wasmBytes: this.#wasmBytes,
      compileMs: this.#compileMs,
    };
  }

  /** Code of a granule, or of a whole frame, is not what it was. */
  #lost(frame: number, granule: number | undefined): void {
    const { icount } = this.#hart;
    const number = frame * GRANULES + (granule ?? 0);
    if (granule !== undefined) this.patience.written(number, icount);
    if (this.granuleStores.size > 0) this.#forgetStores(number, granule === undefined ? GRANULES : 1);
    const regions = this.#byFrame.get(frame);
    if (regions === undefined) return;
    let since = -1;
    for (const region of [...regions]) {
      const bits = region.granules.get(frame)!;
      if (granule === undefined || (bits[granule >> 5] & (1 << (granule & 31))) !== 0) {
        since = Math.max(since, region.since);
        this.drop(region, 'invalidated');
      }
    }
    if (granule !== undefined && since >= 0) this.patience.invalidated(number, since, icount);
  }

  #forgetStores(granule: number, count: number): void {
    for (let at = granule * GRANULE_BYTES; at < (granule + count) * GRANULE_BYTES; at += 2) this.granuleStores.delete(at);
  }

  #evictForSlot(): number | undefined {
    for (const { regions } of this.#modules) {
      for (const region of regions) this.drop(region, 'evicted');
      const slot = this.#freeSlots.pop();
      if (slot !== undefined) return slot;
    }
    return undefined;
  }
}

const GRANULES = PAGE_BYTES / GRANULE_BYTES;

/** Frame and offset in one number. */
export const physical = (frame: number, pc: number): number => frame * PAGE_BYTES + (pc & (PAGE_BYTES - 1));

const physicalEntries = ({ entries, pages }: Region): number[] =>
  entries.map((pc) => physical(pages.find(({ page }) => page === (pc & -PAGE_BYTES))!.frame, pc));
