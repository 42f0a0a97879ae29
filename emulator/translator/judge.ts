/**
 * Regions that are left for the interpreter's sake too often: made anew so that they are left less, or dropped where the interpreter alone is
 * faster. Speed, never state.
 */
import { RECORD } from '../hart/code.ts';
import type { Hart } from '../hart/hart.ts';
import { OPERATION_ROW } from '../hart/operations.ts';
import { BASE } from '../isa/index.ts';
import { DATA_ENTRY_WORDS, ENGINE, GRANULE_BYTES, PAGE_BYTES, WORD } from '../layout.ts';
import { physical, type Region, type RegionCache } from './cache.ts';
import { type Growth, mayGrow } from './growth.ts';
import { WRITES } from './outline.ts';
import { recordAt } from './view.ts';

/** Exits for the interpreter's sake after which a region is judged. */
const JUDGED_AFTER = 64;
/** Exits because a group lay in two pages after which a region goes on without groups. */
const SPLITS_MAX = 16;
/** Where one access in so many instructions is the interpreter's, the region is entered again behind it. */
const RESUMED_WITHIN = 400;
/** With fewer instructions from one such exit to the next, the interpreter alone is faster. */
const BREAK_EVEN = 12;
/** How many plain instructions more a system row costs the interpreter. */
const SYSTEM_COST = 12;
/** A region that was found below so many times in a row goes back to the interpreter for a while. */
const POOR_MAX = 8;

export class Judge {
  readonly #hart: Hart;
  readonly #cache: RegionCache;
  readonly #growth: Growth;
  readonly #eager: boolean;
  readonly #synchronous: boolean;

  /** `eager` and `synchronous` as in `Growth`. */
  constructor(hart: Hart, cache: RegionCache, growth: Growth, eager: boolean, synchronous: boolean) {
    this.#hart = hart;
    this.#cache = cache;
    this.#growth = growth;
    this.#eager = eager;
    this.#synchronous = synchronous;
  }

  /** `region` was left at pc for the interpreter's sake, after `ran` instructions in it and others. */
  slow(region: Region, ran: number): void {
    region.ran += ran;
    region.slow++;
    if (region.slow < JUDGED_AFTER) return;
    this.#judge(region);
    this.#cache.flush();
    if (this.#synchronous) this.#cache.install();
  }

  /** Accesses that share a look at the TLB lay in two pages: a region to which that happens again and again looks for each. */
  split(region: Region): void {
    region.splits++;
    if (region.splits >= SPLITS_MAX && !region.growing) this.#growth.remake(region, region.asked, false);
  }

  /** Regions were left after `ran` instructions, for where there is none: that counts as slow where the code may not be translated now. */
  noRegion(ran: number): void {
    if (this.#eager) return;
    const { code, engine, icount, pc } = this.#hart;
    const region = this.#cache.bySlot(engine[ENGINE.slot]);
    const at = recordAt(this.#hart, pc);
    if (region === undefined || at < 0) return;
    if (this.#cache.patience.restless(physical(code.frameOf(at), pc), icount)) this.slow(region, ran);
  }

  #judge(region: Region): void {
    const apart = region.ran / JUDGED_AFTER;
    region.slow = 0;
    region.ran = 0;
    if (region.growing) return;
    const store = this.#granuleStore();
    if (store !== undefined) {
      const { granuleStores } = this.#cache;
      granuleStores.add(store);
      // A region that has such a store already has more of them: from now on all its stores look.
      if (region.outline.looks) for (const place of region.outline.stores) granuleStores.add(place);
      this.#growth.remake(region, region.asked);
      return;
    }
    const next = apart < RESUMED_WITHIN && mayGrow(region) ? this.#behindAccess() : undefined;
    if (next !== undefined && !region.entries.includes(next)) {
      this.#growth.remake(region, [...region.asked, next]);
      return;
    }
    const pays = apart >= BREAK_EVEN || apart * worthOf(region) >= BREAK_EVEN;
    region.poor = pays ? 0 : region.poor + 1;
    if (region.poor >= POOR_MAX && !this.#eager) this.#cache.drop(region, 'demoted');
  }

  /** The address behind the instruction at pc, if that is an access to memory. */
  #behindAccess(): number | undefined {
    const { code, pc } = this.#hart;
    const at = recordAt(this.#hart, pc);
    if (at < 0 || !ACCESSES.has(BASE[OPERATION_ROW[code.records[at] & 255]]?.kind)) return undefined;
    return (pc + (code.records[at] >> RECORD.length)) | 0;
  }

  /** Physical address of the instruction at pc if it writes to a granule without code, and only that the page has code is in its way. */
  #granuleStore(): number | undefined {
    const { code, words, data, dataBank, memory, pc } = this.#hart;
    const at = recordAt(this.#hart, pc);
    const op = at < 0 ? -1 : OPERATION_ROW[code.records[at] & 255];
    const row = op < 0 ? undefined : BASE[op];
    if (row === undefined || (row.kind !== 'store' && row.kind !== 'amo' && row.kind !== 'sc')) return undefined;
    const address = words[WORD.x + ((code.records[at] >> RECORD.rs1) & 31)] + (row.kind === 'store' ? code.records[at + 1] : 0);
    const width = row.kind === 'store' ? row.width : 4;
    const { tlbEntries, granules } = memory.layout;
    const entry = dataBank + ((address >>> 12) & (tlbEntries - 1)) * DATA_ENTRY_WORDS;
    const [addend, codeTag] = [data[entry + 2], data[entry + 3]];
    if (codeTag !== (address & (-PAGE_BYTES + width - 1))) return undefined;
    const granule = (((address + addend) | 0) - memory.layout.memory) / GRANULE_BYTES;
    if ((memory.bytes[granules + (granule >>> 3)] & (1 << (granule & 7))) !== 0) return undefined;
    return physical(code.frameOf(at), pc);
  }
}

/** What one of the region's instructions costs the interpreter, where plain ones cost it 1. */
const worthOf = ({ outline }: Region): number => 1 + (SYSTEM_COST * outline.system) / Math.max(1, outline.size);

const ACCESSES: ReadonlySet<string | undefined> = new Set([...WRITES, 'load', 'lr']);
