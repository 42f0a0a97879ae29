/**
 * Sv32 (Privileged 20211203 §4.3), and which banks are in use. Every access behaves as if it walked the tables at that instruction: an entry
 * of a bank is only a memory of a walk, and the tables it read are watched (machine.md, "Nothing derived is state").
 */
import { CAUSES, MPP_SHIFT, MSTATUS } from '../isa/index.ts';
import {
  CSR_WORD,
  DATA_BANKS,
  DATA_ENTRY_WORDS,
  ENGINE,
  FETCH_BANKS,
  JUMP_BANK_BYTES,
  SPACE_DATA_BANKS,
  SPACE_FETCH_BANKS,
  SPACES,
  WORD,
} from '../layout.ts';
import type { Physical } from '../physical.ts';
import type { Banks } from './banks.ts';
import { PMP, type Pmp, SPLIT } from './pmp.ts';
import { Tables } from './tables.ts';

/** What an access wants. */
const FETCH = 0;
export const LOAD = 1;
export const STORE = 2;
export type Access = 0 | 1 | 2;

const PAGE_FAULT = [CAUSES.instructionPage, CAUSES.loadPage, CAUSES.storePage] as const;
const ACCESS_FAULT = [CAUSES.instructionAccess, CAUSES.loadAccess, CAUSES.storeAccess] as const;
const PMP_NEEDS = [PMP.X, PMP.R, PMP.W] as const;

const PTE = { V: 1, R: 2, W: 4, X: 8, U: 16, A: 64, D: 128 } as const;

/** The bits of satp that say which space it is: MODE and PPN. */
const SATP_SPACE = 0x803fffff;
/** A key that no satp has: where MODE is 0, it is 0. */
const NO_SPACE = 1;

export class Mmu {
  readonly banks: Banks;
  /** Words of hart state, and those of ENGINE. */
  readonly #hart: Int32Array;
  readonly #memory: Physical;
  readonly #pmp: Pmp;
  readonly #tables: Tables;
  /** The address space of each slot, by its key. */
  readonly #spaces = new Int32Array(SPACES).fill(NO_SPACE);
  /** Slot of the space in use, and the one that the next new space gets. */
  #space = 0;
  #nextSpace = 0;
  /** Tables that the walk in hand has read: root, then leaf. */
  #rootFrame = -1;
  #leafFrame = -1;

  constructor(hart: Int32Array, memory: Physical, pmp: Pmp, banks: Banks) {
    this.#hart = hart;
    this.#memory = memory;
    this.#pmp = pmp;
    this.banks = banks;
    this.#tables = new Tables(memory, banks);
  }

  /** Takes satp as it is, and puts the banks of its space into ENGINE. ASIDs make no difference: every translation is coherent with its tables. */
  selectSpace(): void {
    const satp = this.#hart[CSR_WORD.satp];
    const key = satp < 0 ? satp & SATP_SPACE : 0;
    if (this.#spaces[this.#space] === key) return;
    let space = this.#spaces.indexOf(key);
    if (space < 0) {
      space = this.#nextSpace;
      this.#nextSpace = (space + 1) % SPACES;
      if (this.#spaces[space] !== NO_SPACE) this.#tables.dropSpace(space);
      this.#spaces[space] = key;
    }
    this.#space = space;
    const { dataTlb, tlbEntries, jumpCache } = this.#memory.layout;
    for (let k = 0; k < 4; k++) this.#hart[ENGINE.dataBanks + k] = dataTlb + this.#dataBank(k) * tlbEntries * DATA_ENTRY_WORDS * 4;
    for (const k of [0, 1, 3]) this.#hart[ENGINE.jumpBanks + k] = jumpCache + this.fetchBank(k) * JUMP_BANK_BYTES;
  }

  /** Number of the fetch bank, and of the jump-cache bank, of a privilege in the space in use. */
  fetchBank(privilege: number): number {
    return privilege === 3 ? FETCH_BANKS - 1 : this.#space * SPACE_FETCH_BANKS + privilege;
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
    if (page !== SPLIT) this.#learn(vaddr & -4096, ppn, access);
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
    this.#tables.derive(this.#space, vaddr, this.#rootFrame, this.#leafFrame);
    this.banks.learnFetch(this.fetchBank(privilege), vaddr & -4096, base);
  }

  /**
   * The frame from which code at `vaddr` may be translated and kept, or -1: the fetch faults, finds no memory, or its page has no one PMP answer.
   * From then on the jump cache's bank of this space and privilege may lead to code that relies on the page's translation being this one:
   * the bank is emptied before the next instruction when that may have changed.
   */
  translateCode(vaddr: number, privilege: number): number {
    const bank = this.fetchBank(privilege);
    const known = this.banks.translatedFrame(bank, vaddr & -4096);
    if (known !== undefined) return known;
    const ppn = this.code(vaddr, 2, privilege);
    const frame = ppn < 0 || this.isSplit(ppn, privilege) ? -1 : this.#memory.frameOf(ppn);
    if (frame < 0) return -1;
    this.#tables.derive(this.#space, vaddr, this.#rootFrame, this.#leafFrame);
    this.banks.learnTranslated(bank, vaddr & -4096, frame);
    return frame;
  }

  /** MXR decides what a read tag means in every bank but M-mode's. */
  dropReadable(): void {
    this.banks.dropVirtualData();
  }

  /** Drops everything (PMP). */
  dropAll(): void {
    this.#tables.dropAll();
  }

  /** A watched page table was written. */
  tableWritten(frame: number, offset: number, length: number): void {
    this.#tables.written(frame, offset, length);
  }

  /** Drops each fast write entry: from now on a first write to a page marks it dirty again. */
  dropAllWrites(): void {
    this.banks.dropAllWrites();
  }

  /** Test-only: drops the entries for which `choose` says so, and what came from the tables for which it does. */
  dropSome(choose: () => boolean): void {
    this.banks.dropSome(choose);
    this.#tables.dropSome(choose);
    for (let space = 0; space < SPACES; space++) if (choose()) this.#tables.dropSpace(space);
    if (choose()) this.dropAll();
  }

  /** Number of a data bank of the space in use: 0 to 2 its own (U, S, S with SUM); 3 M-mode's. */
  #dataBank(context: number): number {
    return context === 3 ? DATA_BANKS - 1 : this.#space * SPACE_DATA_BANKS + context;
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

  #learn(page: number, ppn: number, access: 1 | 2): void {
    const frame = this.#memory.frameOf(ppn);
    if (frame < 0 || (access === STORE && !this.#memory.isRam(frame))) return;
    // First, since the walk may have read this very frame: a table that maps itself is watched from here on.
    this.#tables.derive(this.#space, page, this.#rootFrame, this.#leafFrame);
    const { dataTlb, tlbEntries } = this.#memory.layout;
    const bank = (this.#hart[ENGINE.dataBank] - dataTlb) / (tlbEntries * DATA_ENTRY_WORDS * 4);
    if (access === LOAD) this.banks.learnRead(bank, page, frame);
    else this.banks.learnWrite(bank, page, frame);
  }
}
