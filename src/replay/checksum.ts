/**
 * Two hashes, neither cryptographic. CRC-32C guards batches: it finds every burst of up to 32 bits, so every damaged byte.
 * Hash64 tells runs apart: two multiplicative lanes over 32-bit words, for output ranges and descriptions.
 */

/** CRC-32C (Castagnoli, reflected 0x82f63b78), unsigned. `seed` is the result so far. */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length, seed = 0): number {
  const t = TABLE;
  let crc = ~seed;
  let i = start;
  // Eight bytes a step (slicing-by-8): a disk read's batch is checked at memory speed, not table speed.
  for (const last = end - 8; i <= last; i += 8) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    crc =
      t[1792 + (crc & 0xff)]! ^
      t[1536 + ((crc >>> 8) & 0xff)]! ^
      t[1280 + ((crc >>> 16) & 0xff)]! ^
      t[1024 + (crc >>> 24)]! ^
      t[768 + bytes[i + 4]!]! ^
      t[512 + bytes[i + 5]!]! ^
      t[256 + bytes[i + 6]!]! ^
      t[bytes[i + 7]!]!;
  }
  for (; i < end; i += 1) crc = t[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

const TABLE = buildTable();

function buildTable(): Int32Array {
  const table = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    table[byte] = crc;
  }
  for (let i = 256; i < table.length; i += 1) {
    const before = table[i - 256]!;
    table[i] = table[before & 0xff]! ^ (before >>> 8);
  }
  return table;
}

/** A running 64-bit hash of words and bytes. Feeding `stream` in other portions gives the same value; `blob` is one unit. */
export class Hash64 {
  private a = 0x2c1b3c6d;
  private b = 0x297a2d39;

  word(word: number): this {
    this.a = (Math.imul(rotate(this.a ^ Math.imul(word, 0x7feb352d), 15), 0x846ca68b) + 0x52dce729) | 0;
    this.b = Math.imul(rotate(this.b + Math.imul(word, 0x9e3779b1), 13) ^ this.a, 0x85ebca6b);
    return this;
  }

  /** A safe integer, as two words. */
  number(value: number): this {
    return this.word(value | 0).word(Math.floor(value / 0x1_0000_0000));
  }

  /** Byte by byte: for a stream whose portions mean nothing. */
  stream(bytes: Uint8Array): this {
    for (let i = 0; i < bytes.length; i += 1) this.word(bytes[i]!);
    return this;
  }

  /** Length, then four bytes a step. */
  blob(bytes: Uint8Array): this {
    this.number(bytes.length);
    let i = 0;
    for (; i + 4 <= bytes.length; i += 4) this.word(bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    for (; i < bytes.length; i += 1) this.word(bytes[i]!);
    return this;
  }

  /** Another hash as it stands. */
  fold(other: Hash64): this {
    return this.word(other.a).word(other.b);
  }

  /** 16 lower-case hex digits. The hash may go on afterwards. */
  digest(): string {
    return hex(finish(this.a ^ rotate(this.b, 7))) + hex(finish(this.b + this.a));
  }
}

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by));
const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');

/** Spreads every bit over the word (the finalizer of MurmurHash3). */
function finish(word: number): number {
  let h = word ^ (word >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
