/** Is every remembered translation what a walk of the tables would find now: in every address space, for every privilege, whoever stored to the tables? */
import { describe, expect, test } from 'vitest';
import { Bus } from '../../../emulator/bus.ts';
import { Clock } from '../../../emulator/clock.ts';
import { accessible } from '../../../emulator/hart/csrs.ts';
import { Hart } from '../../../emulator/hart/hart.ts';
import { LOAD, STORE } from '../../../emulator/hart/mmu.ts';
import { CSR_BY_NAME, MSTATUS } from '../../../emulator/isa/index.ts';
import {
  CSR_WORD,
  DATA_ENTRY_WORDS,
  ENGINE,
  FETCH_ENTRY_WORDS,
  JUMP_ENTRIES,
  JUMP_ENTRY_WORDS,
  layoutOf,
  NO_JUMP,
  NO_TAG,
  RAM_BASE,
  RAM_PPN,
  SPACES,
  WORD,
} from '../../../emulator/layout.ts';
import { Physical, WATCH } from '../../../emulator/physical.ts';
import { Random, seedFromEnvironment } from '../../support/random.ts';

const seed = seedFromEnvironment(20261123);
const FRAMES = 64;
const [V, R, W, X, U, A, D] = [1, 2, 4, 8, 16, 64, 128];
const ALL = V | R | W | X | A | D;
const [USER, SUPERVISOR, MACHINE] = [0, 1, 3];

function makeHart(tlbEntries: number): Hart {
  const layout = layoutOf(FRAMES * 4096, tlbEntries, Math.min(tlbEntries, 16));
  const shared = new SharedArrayBuffer(layout.totalBytes);
  const hart = new Hart(shared, layout, new Physical(shared, layout), new Bus(), new Clock());
  write(hart, 'pmpaddr0', -1);
  write(hart, 'pmpcfg0', 31);
  return hart;
}

const write = (hart: Hart, csr: string, value: number): void => accessible(hart, CSR_BY_NAME.get(csr)!.number, true)!.write(hart, value);

/** Sets up a context as M-mode would, then enters `privilege`. */
function enter(hart: Hart, privilege: number, change: () => void = () => {}): void {
  hart.words[WORD.privilege] = MACHINE;
  change();
  hart.words[WORD.privilege] = privilege;
  hart.contextChanged();
}

const satpOf = (root: number, asid = 0): number => (1 << 31) | (asid << 22) | (RAM_PPN + root);
const pte = (frame: number, flags: number): number => ((RAM_PPN + frame) << 10) | flags;
const page = (vpn1: number, vpn0: number): number => (vpn1 << 22) | (vpn0 << 12);
const putPte = (hart: Hart, table: number, index: number, value: number): void => hart.memory.write(table, index * 4, 4, value);

/** As a fast access would find it: the frame that `tag` of the entry in use leads to, or -1. */
function fast(hart: Hart, vaddr: number, tag: 0 | 1 | 3): number {
  const { tlbEntries, memory } = hart.memory.layout;
  const at = hart.dataBank + ((vaddr >>> 12) & (tlbEntries - 1)) * DATA_ENTRY_WORDS;
  if (hart.data[at + tag] !== (vaddr & -4096)) return -1;
  return ((vaddr & -4096) + hart.data[at + 2] - memory) >> 12;
}

const jumpAt = (hart: Hart, vaddr: number): number =>
  (hart.engine[ENGINE.jumpBank] >> 2) + ((vaddr >>> 1) & (JUMP_ENTRIES - 1)) * JUMP_ENTRY_WORDS;

/** What a translator does: asks for the frame, and leads the jump cache there. */
function translate(hart: Hart, vaddr: number): number {
  const frame = hart.mmu.translateCode(vaddr, hart.privilege);
  if (frame >= 0) {
    hart.memory.words[jumpAt(hart, vaddr)] = vaddr;
    hart.memory.words[jumpAt(hart, vaddr) + 1] = frame;
  }
  return frame;
}

const jumps = (hart: Hart, vaddr: number): boolean => hart.memory.words[jumpAt(hart, vaddr)] === vaddr;

describe('address spaces', () => {
  /** Two spaces, roots 0 and 1, which map page (5, 0) to frames 20 and 21 through the leaf tables 10 and 11, and share the table 12 at (256, ...). */
  function twoSpaces(): Hart {
    const hart = makeHart(64);
    for (const n of [0, 1]) {
      putPte(hart, n, 5, pte(10 + n, V));
      putPte(hart, n, 256, pte(12, V));
      for (const index of [0, 1]) putPte(hart, 10 + n, index, pte(20 + n + 10 * index, ALL));
    }
    putPte(hart, 12, 3, pte(22, ALL));
    enter(hart, SUPERVISOR, () => write(hart, 'satp', satpOf(0)));
    return hart;
  }
  const own = page(5, 0);
  const other = page(5, 1);
  const shared = page(256, 3);
  const use = (hart: Hart, root: number, asid = 0): void => write(hart, 'satp', satpOf(root, asid));

  test('a space that is left and entered again has kept its translations, whatever its ASID', () => {
    const hart = twoSpaces();
    hart.mmu.data(own, 4, LOAD);
    hart.mmu.data(own, 4, STORE);
    expect(fast(hart, own, 0)).toBe(20);
    use(hart, 1);
    expect(fast(hart, own, 0)).toBe(-1);
    hart.mmu.data(own, 4, LOAD);
    expect(fast(hart, own, 0)).toBe(21);
    use(hart, 0, 77);
    expect([fast(hart, own, 0), fast(hart, own, 1)]).toEqual([20, 20]);
    enter(hart, USER);
    expect(fast(hart, own, 0)).toBe(-1);
    enter(hart, SUPERVISOR);
    expect(fast(hart, own, 0)).toBe(20);
  });

  test('with more spaces than slots, the one that came first gives way', () => {
    const hart = twoSpaces();
    hart.mmu.data(own, 4, LOAD);
    translate(hart, own);
    for (let root = 30; root < 30 + SPACES; root++) {
      putPte(hart, root, 5, pte(10, V));
      use(hart, root);
      expect(fast(hart, own, 0)).toBe(-1);
      expect(jumps(hart, own)).toBe(false);
    }
    use(hart, 0);
    expect(fast(hart, own, 0)).toBe(-1);
    expect(jumps(hart, own)).toBe(false);
  });

  test('a store to a root drops what that entry served in that space alone', () => {
    const hart = twoSpaces();
    for (const root of [0, 1]) {
      use(hart, root);
      for (const vaddr of [own, shared]) hart.mmu.data(vaddr, 4, LOAD);
    }
    putPte(hart, 0, 5, 0);
    expect([fast(hart, own, 0), fast(hart, shared, 0)]).toEqual([21, 22]);
    use(hart, 0);
    expect([fast(hart, own, 0), fast(hart, shared, 0)]).toEqual([-1, 22]);
  });

  test('a store to a table that two spaces share drops the one page in both', () => {
    const hart = twoSpaces();
    for (const root of [0, 1]) {
      use(hart, root);
      for (const vaddr of [own, shared]) hart.mmu.data(vaddr, 4, LOAD);
    }
    putPte(hart, 12, 3, pte(23, ALL));
    for (const root of [1, 0]) {
      use(hart, root);
      expect([fast(hart, own, 0), fast(hart, shared, 0)]).toEqual([20 + root, -1]);
      hart.mmu.data(shared, 4, LOAD);
      expect(fast(hart, shared, 0)).toBe(23);
    }
  });

  test('the jump cache is emptied by a store to the PTE of translated code, and by no other', () => {
    const hart = twoSpaces();
    hart.mmu.data(other, 4, LOAD);
    expect(translate(hart, own)).toBe(20);
    use(hart, 1);
    expect(translate(hart, own)).toBe(21);
    putPte(hart, 10, 1, 0);
    putPte(hart, 0, 256, 0);
    expect(jumps(hart, own)).toBe(true);
    use(hart, 0);
    expect(jumps(hart, own)).toBe(true);
    putPte(hart, 10, 0, pte(25, ALL));
    expect(jumps(hart, own)).toBe(false);
    use(hart, 1);
    expect(jumps(hart, own)).toBe(true);
    putPte(hart, 1, 5, pte(10, V));
    expect(jumps(hart, own)).toBe(false);
  });

  test('a table that is freed and used as data is watched no more', () => {
    const hart = twoSpaces();
    hart.mmu.data(own, 4, LOAD);
    let stores = 0;
    for (; hart.memory.watched[10] !== 0 && stores < 1000; stores++) putPte(hart, 10, 512 + (stores & 255), stores);
    expect(stores).toBeLessThan(100);
    expect(fast(hart, own, 0)).toBe(-1);
    // It is a table again once something is derived from it.
    hart.mmu.data(own, 4, LOAD);
    expect(hart.memory.watched[10]).toBe(WATCH.pte);
  });

  test('a table that is stored to between uses stays watched', () => {
    const hart = twoSpaces();
    for (let n = 0; n < 300; n++) {
      hart.mmu.data(own, 4, LOAD);
      putPte(hart, 10, 0, pte(20 + (n & 1), ALL));
    }
    expect(hart.memory.watched[10]).toBe(WATCH.pte);
  });

  test('a frame that becomes watched has no fast write entry left, however many pages it was written through', () => {
    for (const aliases of [1, 2, 3, 7]) {
      const hart = twoSpaces();
      for (let n = 0; n < aliases; n++) putPte(hart, 10, 40 + n, pte(25, ALL));
      const pages = Array.from({ length: aliases }, (_, n) => page(5, 40 + n));
      for (const vaddr of pages) hart.mmu.data(vaddr, 4, STORE);
      expect(pages.map((vaddr) => fast(hart, vaddr, 1))).toEqual(pages.map(() => 25));
      hart.code.fill(hart.code.page(25));
      expect(pages.map((vaddr) => fast(hart, vaddr, 1))).toEqual(pages.map(() => -1));
    }
  });

  test('a page of which only code is watched gets a code tag, until it is a table too', () => {
    const hart = twoSpaces();
    hart.mmu.data(own, 4, STORE);
    expect([fast(hart, own, 1), fast(hart, own, 3)]).toEqual([20, -1]);
    hart.code.fill(hart.code.page(20));
    expect([fast(hart, own, 1), fast(hart, own, 3)]).toEqual([-1, -1]);
    hart.mmu.data(own, 4, STORE);
    expect([fast(hart, own, 1), fast(hart, own, 3)]).toEqual([-1, 20]);
    expect([hart.memory.dirty[20], hart.memory.writable[20]]).toEqual([1, 1]);
    hart.mmu.dropAllWrites();
    expect(fast(hart, own, 3)).toBe(-1);
    hart.mmu.data(own, 4, STORE);
    putPte(hart, 0, 7, pte(20, V));
    putPte(hart, 20, 100, pte(30, ALL));
    expect([hart.memory.watched[20], fast(hart, own, 3)]).toEqual([WATCH.code, 20]);
    hart.mmu.data(page(7, 100), 4, LOAD);
    expect(fast(hart, own, 3)).toBe(-1);
    hart.mmu.data(own, 4, STORE);
    expect([fast(hart, own, 1), fast(hart, own, 3)]).toEqual([-1, -1]);
  });
});

describe.each([1, 16, 4096])(`random stores to tables, with TLBs of %i entries (SEED=${seed})`, (tlbEntries) => {
  test('no entry says what a walk would not', () => {
    const random = new Random(seed);
    const hart = makeHart(tlbEntries);
    const counts = { read: 0, write: 0, code: 0, fetch: 0, jump: 0 };
    for (let n = 0; n < (tlbEntries === 4096 ? 300 : 1000); n++) {
      for (let k = 0; k < 3; k++) {
        derive(hart, random);
        derive(hart, random);
        disturb(hart, random);
      }
      check(hart, counts);
    }
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(10);
  });
});

/** Tables of both levels: frames 0 to 11 are roots, 8 to 17 leaf tables. */
const TABLES = 18;
const VPN1 = [0, 5, 256, 257, 1023];
const VPN0 = [0, 1, 2, 40, 1022, 1023];
const anyPage = (random: Random): number => page(random.pick(VPN1), random.pick(VPN0));

function disturb(hart: Hart, random: Random): void {
  const { memory } = hart;
  switch (random.below(16)) {
    case 0:
    case 1:
      putPte(hart, random.below(12), random.pick(VPN1), anyPte(random, true));
      return;
    case 2:
    case 3:
    case 4:
    case 5:
      putPte(hart, 8 + random.below(10), random.pick(VPN0), anyPte(random, false));
      return;
    case 6: // Half of an entry, or bytes across two.
      memory.write(random.below(TABLES), random.pick(VPN1) * 4 + random.below(2) * 2, 2, random.word());
      return;
    case 7: {
      // Used as data.
      const frame = random.below(TABLES);
      for (let k = 0; k < random.pick([3, 70]); k++) memory.write(frame, 2048 + k, 1, k);
      return;
    }
    case 8: {
      const bytes = new Uint8Array(random.pick([4, 8, 64, 4096])).fill(random.pick([0, 0xcf]));
      memory.writeRam(RAM_BASE + random.below(TABLES - 1) * 4096 + random.pick(VPN0) * 4, bytes);
      return;
    }
    case 9:
    case 10:
      enter(hart, hart.privilege, () => write(hart, 'satp', random.oneIn(10) ? 0 : satpOf(random.below(12), random.below(4))));
      return;
    case 11:
      enter(hart, random.pick([USER, SUPERVISOR, SUPERVISOR, SUPERVISOR, MACHINE]));
      return;
    case 12: {
      const bit = random.pick([MSTATUS.SUM, MSTATUS.MXR, MSTATUS.MPRV]);
      enter(hart, hart.privilege, () => write(hart, 'mstatus', hart.csr('mstatus') ^ bit));
      return;
    }
    case 13: // A page without permissions, or with two answers.
      enter(hart, hart.privilege, () => {
        if (!random.oneIn(10)) return;
        write(hart, 'pmpcfg0', random.oneIn(2) ? 0x1f00 : 0x1f18 | random.below(8));
        write(hart, 'pmpaddr1', -1);
        write(hart, 'pmpaddr0', (RAM_BASE / 4 + 20 * 1024 + random.pick([0, 511])) | 0);
      });
      return;
    case 14:
      if (random.oneIn(4)) hart.mmu.dropAllWrites();
      else if (random.oneIn(3)) hart.mmu.dropSome(() => random.oneIn(20));
      return;
    default:
      if (random.oneIn(6)) hart.code.dropSome(() => random.oneIn(3));
  }
}

function anyPte(random: Random, root: boolean): number {
  if (root && !random.oneIn(5)) return pte(8 + random.below(10), V);
  const flags = random.pick([ALL, ALL, ALL | U, V | R | A, V | X | A, V | R | X | A | U, V | R | W | A, 0]);
  return pte(root ? 0 : random.below(FRAMES), flags);
}

/** Accesses as a guest would make them: what goes well is remembered. */
function derive(hart: Hart, random: Random): void {
  const vaddr = random.oneIn(8) ? (RAM_BASE + random.below(FRAMES) * 4096) | 0 : anyPage(random);
  switch (random.below(4)) {
    case 0:
      hart.mmu.data(vaddr, 4, LOAD);
      return;
    case 1:
      hart.mmu.data(vaddr, 4, STORE);
      return;
    case 2:
      translate(hart, vaddr);
      return;
    default: {
      const ppn = hart.mmu.code(vaddr, 2, hart.privilege);
      const frame = ppn < 0 || hart.mmu.isSplit(ppn, hart.privilege) ? -1 : hart.memory.frameOf(ppn);
      if (frame < 0) return;
      const base = hart.code.page(frame);
      hart.mmu.learnFetch(vaddr, hart.privilege, base);
      for (let k = 0; k < 8; k++) hart.code.fill(base + 2 * random.below(1000));
    }
  }
}

/** Each entry of the space in use, in the bank of each privilege, against a walk. */
function check(hart: Hart, counts: Record<'read' | 'write' | 'code' | 'fetch' | 'jump', number>): void {
  const { words, engine, memory, mmu } = hart;
  const { layout, words: all } = memory;
  const status = words[CSR_WORD.mstatus];
  const privilege = words[WORD.privilege];
  const walked = (vaddr: number, access: 0 | 1 | 2, as: number): number => {
    const ppn = mmu.walk(vaddr, access, as);
    const need = access === 0 ? 4 : access;
    return ppn < 0 || (hart.pmp.page(ppn, as) & need) !== need ? -1 : memory.frameOf(ppn);
  };
  for (const [context, as] of [USER, SUPERVISOR, SUPERVISOR, MACHINE].entries()) {
    words[CSR_WORD.mstatus] = context === 2 ? status | MSTATUS.SUM : status & ~MSTATUS.SUM;
    const bank = engine[ENGINE.dataBanks + context] >> 2;
    for (let at = bank; at < bank + layout.tlbEntries * DATA_ENTRY_WORDS; at += DATA_ENTRY_WORDS) {
      for (const [kind, tag, access] of [
        ['read', 0, LOAD],
        ['write', 1, STORE],
        ['code', 3, STORE],
      ] as const) {
        const vaddr = all[at + tag];
        if (vaddr === NO_TAG) continue;
        counts[kind]++;
        const frame = (vaddr + all[at + 2] - layout.memory) >> 12;
        if (walked(vaddr, access, as) !== frame) expect.fail(`${kind} entry of ${vaddr >>> 0} in bank ${context} says ${frame}`);
        if (access === LOAD) continue;
        if ((memory.watched[frame] & ~(kind === 'code' ? WATCH.code : 0)) !== 0) expect.fail(`${kind} entry to a watched frame ${frame}`);
        if (memory.dirty[frame] !== 1 || memory.writable[frame] !== 1)
          expect.fail(`${kind} entry to frame ${frame}, not dirty and writable`);
      }
    }
  }
  words[CSR_WORD.mstatus] = status;
  for (const as of [USER, SUPERVISOR, MACHINE]) {
    const bank = mmu.fetchBank(as) * layout.fetchEntries * FETCH_ENTRY_WORDS;
    for (let at = bank; at < bank + layout.fetchEntries * FETCH_ENTRY_WORDS; at += FETCH_ENTRY_WORDS) {
      const vaddr = hart.fetch[at];
      if (vaddr === NO_TAG) continue;
      counts.fetch++;
      const frame = walked(vaddr, 0, as);
      if (frame < 0 || hart.code.page(frame) !== hart.fetch[at + 1]) expect.fail(`fetch entry of ${vaddr >>> 0} for ${as}`);
    }
    const first = engine[ENGINE.jumpBanks + as] >> 2;
    for (let at = first; at < first + JUMP_ENTRIES * JUMP_ENTRY_WORDS; at += JUMP_ENTRY_WORDS) {
      if (all[at] === NO_JUMP) continue;
      counts.jump++;
      if (walked(all[at], 0, as) !== all[at + 1]) expect.fail(`jump-cache entry of ${all[at] >>> 0} for ${as}`);
    }
  }
  // The words that both engines use say what the context is.
  const data = engine[ENGINE.dataBank];
  const as = mmu.dataPrivilege();
  const context = as === SUPERVISOR ? ((status & MSTATUS.SUM) !== 0 ? 2 : 1) : as;
  expect(data).toBe(engine[ENGINE.dataBanks + context]);
  expect(data).toBe(layout.dataTlb + hart.dataBank * 4);
  expect(engine[ENGINE.jumpBank]).toBe(engine[ENGINE.jumpBanks + privilege]);
}
