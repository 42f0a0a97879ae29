/** Bounded big-endian writer and reader for the wire to the world. The reader never trusts a length: what does not fit is a `WireError`. */

/** What the peer sent is not a message of this wire: the connection is of no further use. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(room = 64) {
    this.#bytes = Buffer.allocUnsafe(room);
  }

  u8(value: number): this {
    this.#grow(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  u32(value: number): this {
    this.#grow(4);
    this.#length = this.#bytes.writeUInt32BE(value >>> 0, this.#length);
    return this;
  }

  /** A safe integer from 0 up, in 8 bytes. */
  u53(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new WireError(`not a number for the wire: ${value}`);
    return this.u32(Math.floor(value / 2 ** 32)).u32(value % 2 ** 32);
  }

  bytes(value: Uint8Array): this {
    this.u32(value.length);
    this.#grow(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  text(value: string): this {
    return this.bytes(Buffer.from(value, 'utf8'));
  }

  /** What was written, behind its 4-byte length. */
  frame(): Buffer {
    const framed = Buffer.allocUnsafe(4 + this.#length);
    framed.writeUInt32BE(this.#length, 0);
    this.#bytes.copy(framed, 4, 0, this.#length);
    return framed;
  }

  #grow(by: number): void {
    if (this.#length + by <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#length + by, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  u8(): number {
    return this.#bytes[this.#take(1)];
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  u53(): number {
    const high = this.u32();
    const low = this.u32();
    if (high >= 2 ** 21) throw new WireError('a number on the wire is past 2^53');
    return high * 2 ** 32 + low;
  }

  /** A copy: what it was read from may be part of a larger receive buffer. */
  bytes(): Uint8Array {
    const length = this.u32();
    const start = this.#take(length);
    return new Uint8Array(this.#bytes.subarray(start, start + length));
  }

  /** UTF-8, at most `limit` bytes. */
  text(limit: number): string {
    const length = this.u32();
    if (length > limit) throw new WireError(`a text of ${length} bytes, at most ${limit} allowed`);
    const start = this.#take(length);
    return this.#bytes.toString('utf8', start, start + length);
  }

  /** One of a list, sent as its index. */
  pick<T>(choices: readonly T[], what: string): T {
    const index = this.u8();
    if (index >= choices.length) throw new WireError(`unknown ${what} ${index}`);
    return choices[index];
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new WireError(`${this.#bytes.length - this.#at} bytes left over in a message`);
  }

  #take(length: number): number {
    const start = this.#at;
    if (length > this.#bytes.length - start) throw new WireError(`a message ends ${length - (this.#bytes.length - start)} bytes too early`);
    this.#at = start + length;
    return start;
  }
}
