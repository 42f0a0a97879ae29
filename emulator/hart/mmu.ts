/**
 * Sv32 (Privileged 20211203 §4.3) and the TLB banks. Every access behaves as if it walked the tables at that instruction: an entry is only
 * a memory of a walk, and the table pages it read are watched, so that a store to one drops what came from it (machine.md, "Nothing
 * derived is state").
 */
import { CAUSES, MPP_SHIFT, MSTATUS } from '../isa/index.ts';
import { CSR_WORD, DATA_BANKS, DATA_ENTRY_WORDS, FETCH_BANKS, FETCH_ENTRY_WORDS, NO_TAG, WORD } from '../layout.ts';
import { type Physical, WATCH } from '../physical.ts';
import { PMP, type Pmp, SPLIT } from './pmp.ts';

/** What an access wants. */
const FETCH = 0;
export const LOAD = 1;
export const STORE = 2;
export type Access = 0 | 1 | 2;

const PAGE_FAULT = [CAUSES.instructionPage, CAUSES.loadPage, CAUSES.storePage] as const;
const ACCESS_FAULT = [CAUSES.instructionAccess, CAUSES.loadAccess, CAUSES.storeAccess] as const;
const PMP_NEEDS = [PMP.X, PMP.R, PMP.W] as const;

const PTE = { V: 1, R: 2, W: 4, X: 8, U: 16, A: 64, D: 128 } as const;

/** Roles of a watched table page: the root, or more than one role; else 1 + the vpn[1] that it serves. */
const NO_ROLE = 0;
const MANY_ROLES = -1;

export class Mmu {
  readonly #hart: Int32Array;
  readonly #memory: Physical;
  readonly #pmp: Pmp;
  readonly #data: Int32Array;
  readonly #fetch: Int32Array;
  readonly #dataWords: number;
  readonly #fetchWords: number;
  readonly #role: Int32Array;
  /** Frames with a role. */
  #tables: number[] = [];
  /** Tables that the walk in hand has read: root, then leaf. */
  #rootFrame = -1;
  #leafFrame = -1;

  constructor(hart: Int32Array, memory: Physical, pmp: Pmp, data: Int32Array, fetch: Int32Array) {
    this.#hart = hart;
    this.#memory = memory;
    this.#pmp = pmp;
    this.#data = data;
    this.#fetch = fetch;
    this.#dataWords = data.length / DATA_BANKS;
    this.#fetchWords = fetch.length / FETCH_BANKS;
    this.#role = new Int32Array(memory.layout.frames);
    data.fill(NO_TAG);
    fetch.fill(NO_TAG);
  }

  /** First word of the bank that loads and stores use now. */
  dataBank(): number {
    return bankOf(this.dataPrivilege(), this.#hart[CSR_WORD.mstatus]) * this.#dataWords;
  }

  /** First word of the bank that fetches use now. */
  fetchBank(privilege: number): number {
    return privilege * this.#fetchWords;
  }

  /** Privilege of loads and stores: MPP while M-mode has MPRV set (§3.1.6.3). */
  dataPrivilege(): number {
    const status = this.#hart[CSR_WORD.mstatus];
    const privilege = this.#hart[WORD.privilege];
    return privilege === 3 && (status & MSTATUS.MPRV) !== 0 ? (status & MSTATUS.MPP) >>> MPP_SHIFT : privilege;
  }

  /**
   * Walks the tables for `vaddr` as `privilege` (§4.3.2). Returns the 22-bit physical page number, or -cause: page fault (-12, -13, -15), or
   * access fault (-1, -5, -7) when a PTE lies outside memory or PMP forbids reading it. Reads at most two PTEs; never writes (Svade).
   */
  walk(vaddr: number, access: Access, privilege: number): number {
    this.#rootFrame = -1;
    this.#leafFrame = -1;
    const satp = this.#hart[CSR_WORD.satp];
    if (privilege === 3 || satp >= 0) return vaddr >>> 12;
    let ppn = satp & 0x3fffff;
    for (let level = 1; ; level--) {
      const index = level === 1 ? vaddr >>> 22 : (vaddr >>> 12) & 0x3ff;
      const frame = this.#memory.frameOf(ppn);
      // §4.3.2 step 2: the PTE is read as S-mode would read it.
      if (frame < 0 || (this.#pmp.permissions(ppn * 4096 + index * 4, 4, 1) & PMP.R) === 0) return -ACCESS_FAULT[access];
      if (level === 1) this.#rootFrame = frame;
      else this.#leafFrame = frame;
      const pte = this.#memory.words[(this.#memory.offsetOf(frame) >> 2) + index];
      // Step 3: W without R is reserved.
      if ((pte & PTE.V) === 0 || (pte & (PTE.R | PTE.W)) === PTE.W) return -PAGE_FAULT[access];
      ppn = (pte >>> 10) & 0x3fffff;
      if ((pte & (PTE.R | PTE.X)) === 0) {
        // A pointer to the next level, whose D, A and U bits are reserved and must be 0.
        if (level === 0 || (pte & (PTE.D | PTE.A | PTE.U)) !== 0) return -PAGE_FAULT[access];
        continue;
      }
      if (!this.#allows(pte, access, privilege)) return -PAGE_FAULT[access];
      if (level === 1) {
        // Step 6: a misaligned superpage is a page fault.
        if ((ppn & 0x3ff) !== 0) return -PAGE_FAULT[access];
        ppn |= (vaddr >>> 12) & 0x3ff;
      }
      return ppn;
    }
  }

  /**
   * Translates and checks PMP for bytes of one page, without touching them: the physical page number or -cause. Where the page is memory
   * and has one answer for all of its bytes, the data TLB learns it.
   */
  data(vaddr: number, length: number, access: 1 | 2): number {
    const privilege = this.dataPrivilege();
    const ppn = this.walk(vaddr, access, privilege);
    if (ppn < 0) return ppn;
    const need = PMP_NEEDS[access];
    const page = this.#pmp.page(ppn, privilege);
    const granted = page === SPLIT ? this.#pmp.permissions(ppn * 4096 + (vaddr & 0xfff), length, privilege) : page;
    if ((granted & need) === 0) return -ACCESS_FAULT[access];
    if (page !== SPLIT) this.#learn(vaddr & -4096, ppn, access, privilege);
    return ppn;
  }

  /** As `data`, for a fetch of `length` bytes; nothing is learnt before `learnFetch`. */
  code(vaddr: number, length: number, privilege: number): number {
    const ppn = this.walk(vaddr, FETCH, privilege);
    if (ppn < 0) return ppn;
    if ((this.#pmp.permissions(ppn * 4096 + (vaddr & 0xfff), length, privilege) & PMP.X) === 0) return -ACCESS_FAULT[FETCH];
    return ppn;
  }

  /** Whether bytes of the page may have different answers, so that its code cannot be kept. */
  isSplit(ppn: number, privilege: number): boolean {
    return this.#pmp.page(ppn, privilege) === SPLIT;
  }

  /** Remembers where the decoded records of the page at `vaddr` begin. The walk for it was the last one made. */
  learnFetch(vaddr: number, privilege: number, base: number): void {
    this.#watchWalk(vaddr);
    const at = privilege * this.#fetchWords + ((vaddr >>> 11) & (this.#fetchWords - FETCH_ENTRY_WORDS));
    this.#fetch[at] = vaddr & -4096;
    this.#fetch[at + 1] = base;
  }

  /** The decoded records at `base` are no more. */
  forgetFetch(base: number): void {
    for (let at = 0; at < this.#fetch.length; at += FETCH_ENTRY_WORDS) {
      if (this.#fetch[at] !== NO_TAG && this.#fetch[at + 1] === base) this.#fetch[at] = NO_TAG;
    }
  }

  /** Drops every translation that came from page tables (satp, MXR). */
  dropVirtual(): void {
    // Bank 3 is M-mode's, which only PMP decides; under satp.MODE = 0 the others are cheap to learn again.
    this.#data.fill(NO_TAG, 0, 3 * this.#dataWords);
    this.#fetch.fill(NO_TAG, 0, 2 * this.#fetchWords);
    for (const frame of this.#tables) {
      this.#role[frame] = NO_ROLE;
      this.#memory.unwatch(frame, WATCH.pte);
    }
    this.#tables = [];
  }

  /** Drops everything (PMP). */
  dropAll(): void {
    this.dropVirtual();
    this.#data.fill(NO_TAG);
    this.#fetch.fill(NO_TAG);
  }

  /** A watched table page was written: drops the translations that read these bytes. */
  tableWritten(frame: number, offset: number, length: number): void {
    const role = this.#role[frame];
    if (role === NO_ROLE) return;
    if (role === MANY_ROLES || length > 8) {
      this.dropVirtual();
      return;
    }
    for (let index = offset >> 2; index <= (offset + length - 1) >> 2; index++) this.#dropPage(((role - 1) << 22) | (index << 12));
  }

  /** Drops fast write entries to a frame, whatever their virtual address. */
  dropWrites(frame: number): void {
    const offset = this.#memory.offsetOf(frame);
    const data = this.#data;
    for (let at = 0; at < data.length; at += DATA_ENTRY_WORDS) {
      if (data[at + 1] !== NO_TAG && ((data[at + 1] + data[at + 2]) | 0) === offset) data[at + 1] = NO_TAG;
    }
  }

  /** Drops each fast write entry: from now on a first write to a page marks it dirty again. */
  dropAllWrites(): void {
    const data = this.#data;
    for (let at = 1; at < data.length; at += DATA_ENTRY_WORDS) data[at] = NO_TAG;
  }

  /** Test-only: drops the entries for which `choose` says so. */
  dropSome(choose: () => boolean): void {
    for (let at = 0; at < this.#data.length; at += DATA_ENTRY_WORDS) {
      if (this.#data[at] !== NO_TAG && choose()) this.#data[at] = NO_TAG;
      if (this.#data[at + 1] !== NO_TAG && choose()) this.#data[at + 1] = NO_TAG;
    }
    for (let at = 0; at < this.#fetch.length; at += FETCH_ENTRY_WORDS) {
      if (this.#fetch[at] !== NO_TAG && choose()) this.#fetch[at] = NO_TAG;
    }
    if (choose()) this.dropVirtual();
  }

  #allows(pte: number, access: Access, privilege: number): boolean {
    const status = this.#hart[CSR_WORD.mstatus];
    // Step 5, U bit: U-mode needs it; S-mode never fetches from such a page, and reads and writes it only with SUM.
    if (privilege === 0) {
      if ((pte & PTE.U) === 0) return false;
    } else if ((pte & PTE.U) !== 0 && (access === FETCH || (status & MSTATUS.SUM) === 0)) return false;
    // Step 7 by the fault that Svade permits.
    if ((pte & PTE.A) === 0) return false;
    if (access === FETCH) return (pte & PTE.X) !== 0;
    if (access === LOAD) return (pte & PTE.R) !== 0 || ((status & MSTATUS.MXR) !== 0 && (pte & PTE.X) !== 0);
    return (pte & PTE.W) !== 0 && (pte & PTE.D) !== 0;
  }

  #learn(page: number, ppn: number, access: 1 | 2, privilege: number): void {
    const memory = this.#memory;
    const frame = memory.frameOf(ppn);
    if (frame < 0 || (access === STORE && !memory.isRam(frame))) return;
    this.#watchWalk(page);
    // A walk may just have watched this very frame: a table that maps itself.
    if (access === STORE && memory.watched[frame] !== 0) return;
    const data = this.#data;
    const bank = bankOf(privilege, this.#hart[CSR_WORD.mstatus]) * this.#dataWords;
    const at = bank + ((page >>> 10) & (this.#dataWords - DATA_ENTRY_WORDS));
    const addend = (memory.offsetOf(frame) - page) | 0;
    // One addend serves both tags: the other one stays only when it stands for the same page.
    if (data[at + 2] !== addend || (data[at] !== page && data[at + 1] !== page)) {
      data[at] = NO_TAG;
      data[at + 1] = NO_TAG;
      data[at + 2] = addend;
    }
    if (access === LOAD) data[at] = page;
    else {
      data[at + 1] = page;
      memory.writable[frame] = 1;
      memory.dirty[frame] = 1;
    }
  }

  /** Something is about to be derived from the last walk, which was for `vaddr`. */
  #watchWalk(vaddr: number): void {
    if (this.#rootFrame >= 0) this.#watchTable(this.#rootFrame, MANY_ROLES);
    if (this.#leafFrame >= 0) this.#watchTable(this.#leafFrame, 1 + (vaddr >>> 22));
  }

  #watchTable(frame: number, role: number): void {
    const was = this.#role[frame];
    if (was === role || !this.#memory.isRam(frame)) return;
    if (was === NO_ROLE) {
      this.#tables.push(frame);
      this.#role[frame] = role;
      this.#memory.watch(frame, WATCH.pte);
    } else this.#role[frame] = MANY_ROLES;
  }

  #dropPage(page: number): void {
    for (let bank = 0; bank < 3; bank++) {
      const at = bank * this.#dataWords + ((page >>> 10) & (this.#dataWords - DATA_ENTRY_WORDS));
      if (this.#data[at] === page) this.#data[at] = NO_TAG;
      if (this.#data[at + 1] === page) this.#data[at + 1] = NO_TAG;
    }
    for (let bank = 0; bank < 2; bank++) {
      const at = bank * this.#fetchWords + ((page >>> 11) & (this.#fetchWords - FETCH_ENTRY_WORDS));
      if (this.#fetch[at] === page) this.#fetch[at] = NO_TAG;
    }
  }
}

/** Bank of an effective privilege: U, S, S with SUM, M. */
function bankOf(privilege: number, status: number): number {
  if (privilege === 3) return 3;
  return privilege === 0 ? 0 : (status & MSTATUS.SUM) !== 0 ? 2 : 1;
}
