/** Physical memory protection (Privileged 20211203 §3.7): 16 entries, 4-byte grain, decoded to ranges when they are written. */
import { PMP_ENTRIES } from '../isa/index.ts';
import { CSR_WORD, PAGE_BYTES } from '../layout.ts';

export const PMP = { R: 1, W: 2, X: 4, A: 0x18, L: 0x80 } as const;
const OFF = 0;
const TOR = 1;
const NA4 = 2;

interface Range {
  /** Byte addresses, 34 bits: [low, high). */
  readonly low: number;
  readonly high: number;
  readonly config: number;
}

/** A page of which some entry covers just a part has no one answer. */
export const SPLIT = -1;

export class Pmp {
  readonly #hart: Int32Array;
  #ranges: readonly Range[] = [];

  constructor(hart: Int32Array) {
    this.#hart = hart;
  }

  /** The configuration byte of entry `n`. */
  config(n: number): number {
    return (this.#hart[CSR_WORD.pmpcfg0 + (n >> 2)] >>> ((n & 3) * 8)) & 0xff;
  }

  /** A write to pmpcfg`index`: bytes of locked entries stay; reserved bits read 0; W without R is reserved, and refused. */
  writeConfig(index: number, value: number): void {
    let word = 0;
    for (let k = 0; k < 4; k++) {
      const was = this.config(index * 4 + k);
      const want = (value >>> (k * 8)) & (PMP.R | PMP.W | PMP.X | PMP.A | PMP.L);
      const refused = (was & PMP.L) !== 0 || (want & (PMP.R | PMP.W)) === PMP.W;
      word |= (refused ? was : want) << (k * 8);
    }
    this.#hart[CSR_WORD.pmpcfg0 + index] = word;
    this.decode();
  }

  /** A write to pmpaddr`n`: refused when the entry is locked, or the next one is a locked TOR (§3.7.1). */
  writeAddress(n: number, value: number): void {
    if ((this.config(n) & PMP.L) !== 0) return;
    if (n + 1 < PMP_ENTRIES) {
      const above = this.config(n + 1);
      if ((above & PMP.L) !== 0 && (above & PMP.A) >> 3 === TOR) return;
    }
    this.#hart[CSR_WORD.pmpaddr0 + n] = value;
    this.decode();
  }

  /** Makes the ranges from the CSRs. */
  decode(): void {
    const ranges: Range[] = [];
    for (let n = 0; n < PMP_ENTRIES; n++) {
      const config = this.config(n);
      const address = this.#hart[CSR_WORD.pmpaddr0 + n] >>> 0;
      const mode = (config & PMP.A) >> 3;
      if (mode === OFF) continue;
      if (mode === TOR) {
        const low = n === 0 ? 0 : (this.#hart[CSR_WORD.pmpaddr0 + n - 1] >>> 0) * 4;
        if (low < address * 4) ranges.push({ low, high: address * 4, config });
      } else if (mode === NA4) {
        ranges.push({ low: address * 4, high: address * 4 + 4, config });
      } else {
        // NAPOT: as many low ones as there are make a range of 2^(ones + 3) bytes.
        const ones = 31 - Math.clz32(~address & (address + 1));
        const size = address === 0xffffffff ? 2 ** 35 : 2 ** (ones + 3);
        const low = Math.floor((address * 4) / size) * size;
        ranges.push({ low, high: low + size, config });
      }
    }
    this.#ranges = ranges;
  }

  /** Permission bits (R, W, X) that bytes [address, address + length) have for a privilege; 0 when they straddle an entry. */
  permissions(address: number, length: number, privilege: number): number {
    for (const { low, high, config } of this.#ranges) {
      if (address + length <= low || address >= high) continue;
      // §3.7.1: the first entry that matches any byte must match all of them.
      if (address < low || address + length > high) return 0;
      return privilege === 3 && (config & PMP.L) === 0 ? PMP.R | PMP.W | PMP.X : config & (PMP.R | PMP.W | PMP.X);
    }
    return privilege === 3 ? PMP.R | PMP.W | PMP.X : 0;
  }

  /** Permissions of a whole page, or SPLIT when an entry that may decide covers just a part of it. */
  page(ppn: number, privilege: number): number {
    const start = ppn * PAGE_BYTES;
    for (const { low, high } of this.#ranges) {
      if (start + PAGE_BYTES <= low || start >= high) continue;
      return start < low || start + PAGE_BYTES > high ? SPLIT : this.permissions(start, PAGE_BYTES, privilege);
    }
    return this.permissions(start, PAGE_BYTES, privilege);
  }
}
