/** Writing and reading the log's primitives: LEB128 varints, fixed little-endian words, 64-bit hex digests. */

/** A growing buffer; `take` hands out what was written and starts anew. */
export class ByteWriter {
  private buffer: Uint8Array;
  length = 0;

  constructor(capacity = 1024) {
    this.buffer = new Uint8Array(capacity);
  }

  byte(value: number): void {
    if (this.length === this.buffer.length) this.grow(1);
    this.buffer[this.length++] = value;
  }

  /** A safe integer >= 0, seven bits a byte, least significant first. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 128) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }

  /** 0 <= value < 2^64. */
  varbig(value: bigint): void {
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) {
      this.varint(Number(value));
      return;
    }
    this.byte(Number(value & 0x7fn) | 0x80);
    this.varbig(value >> 7n);
  }

  bytes(value: Uint8Array): void {
    if (this.length + value.length > this.buffer.length) this.grow(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  /** 16 hex digits as 8 bytes. */
  digest(value: string): void {
    for (let i = 0; i < 16; i += 2) this.byte(Number.parseInt(value.slice(i, i + 2), 16));
  }

  take(): Uint8Array {
    const taken = this.buffer.slice(0, this.length);
    this.length = 0;
    return taken;
  }

  private grow(by: number): void {
    const bigger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + by));
    bigger.set(this.buffer.subarray(0, this.length));
    this.buffer = bigger;
  }
}

/** Reads what a ByteWriter wrote; throws `RangeError` past the end or for a varint that no writer makes. */
export class ByteReader {
  private readonly buffer: Uint8Array;
  private readonly end: number;
  offset: number;

  constructor(buffer: Uint8Array, offset = 0, end: number = buffer.length) {
    this.buffer = buffer;
    this.offset = offset;
    this.end = end;
  }

  get left(): number {
    return this.end - this.offset;
  }

  byte(): number {
    if (this.offset >= this.end) throw new RangeError('ends in the middle of a field');
    return this.buffer[this.offset++]!;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count += 1) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 128;
    }
    throw new RangeError('a number above 2^53');
  }

  varbig(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 64n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (value >> 64n) break;
        return value;
      }
    }
    throw new RangeError('a number above 2^64');
  }

  /** A copy: entries outlive the batch they came in. */
  bytes(length: number): Uint8Array {
    if (length > this.left) throw new RangeError(`wants ${length} bytes where ${this.left} are left`);
    this.offset += length;
    return this.buffer.slice(this.offset - length, this.offset);
  }

  digest(): string {
    let digest = '';
    for (let i = 0; i < 8; i += 1) digest += this.byte().toString(16).padStart(2, '0');
    return digest;
  }
}
