/**
 * Physical memory in frames: RAM, then the reset ROM. Every write to it comes through here or through a fast TLB entry, and a frame from
 * which something was derived is *watched*: it has no fast write entry, and whoever derived from it hears of each write
 * (machine.md, "Nothing derived is state"). Of a frame watched for code alone, writes to granules without code need not be heard of.
 */
import { type Layout, PAGE_BYTES, RAM_BASE, RAM_PPN, ROM_PPN } from './layout.ts';

/** Why a frame is watched. */
export const WATCH = { code: 1, pte: 2, htif: 4 } as const;

export class Physical {
  readonly layout: Layout;
  readonly words: Int32Array;
  readonly halves: Uint16Array;
  readonly bytes: Uint8Array;
  readonly watched: Uint8Array;
  /** Written since the digest was made. Every writer marks this; from reset on, `clean` alone clears it. */
  readonly dirty: Uint8Array;
  /** Was dirty, became clean, and no checkpoint has taken it since: what was written since the last one is `dirty` or `unsaved`. */
  readonly unsaved: Uint8Array;
  /** Has been dirty since it was last known to be all zeros: `dirty` and `touched` are 0 only where it is. */
  readonly #touched: Uint8Array;
  readonly writable: Uint8Array;
  readonly ramBytes: number;
  readonly #view: DataView;
  /** Called after a write to a watched frame. */
  onWatchedWrite: (frame: number, offset: number, length: number) => void = () => {};
  /** Called when a frame that may have fast write entries becomes watched for one more reason: they must go, code tags too. */
  dropFastWrites: (frame: number) => void = () => {};

  constructor(buffer: SharedArrayBuffer, layout: Layout) {
    this.layout = layout;
    this.words = new Int32Array(buffer, 0, layout.totalBytes >>> 2);
    this.halves = new Uint16Array(buffer, 0, layout.totalBytes >>> 1);
    this.bytes = new Uint8Array(buffer, 0, layout.totalBytes);
    this.watched = new Uint8Array(buffer, layout.watched, layout.frames);
    this.dirty = new Uint8Array(buffer, layout.dirty, layout.frames);
    this.unsaved = new Uint8Array(layout.frames);
    this.#touched = new Uint8Array(layout.frames);
    this.writable = new Uint8Array(buffer, layout.writable, layout.frames);
    this.ramBytes = layout.ramPages * PAGE_BYTES;
    this.#view = new DataView(buffer);
  }

  /** The frame of a 22-bit physical page number, or -1: a device or nothing. */
  frameOf(ppn: number): number {
    const frame = ppn - RAM_PPN;
    if (frame >= 0 && frame < this.layout.ramPages) return frame;
    return ppn === ROM_PPN ? this.layout.ramPages : -1;
  }

  isRam(frame: number): boolean {
    return frame < this.layout.ramPages;
  }

  /** Offset of a frame in the shared memory. */
  offsetOf(frame: number): number {
    return this.layout.memory + frame * PAGE_BYTES;
  }

  /** Little-endian, unsigned; the bytes are all in the frame. */
  read(frame: number, offset: number, width: number): number {
    const at = this.layout.memory + frame * PAGE_BYTES + offset;
    if (width === 4) return this.#view.getUint32(at, true);
    return width === 2 ? this.#view.getUint16(at, true) : this.bytes[at];
  }

  /** Writes, marks dirty, and tells whoever watches. */
  write(frame: number, offset: number, width: number, value: number): void {
    const at = this.layout.memory + frame * PAGE_BYTES + offset;
    if (width === 4) this.#view.setInt32(at, value, true);
    else if (width === 2) this.#view.setInt16(at, value, true);
    else this.bytes[at] = value;
    this.dirty[frame] = 1;
    if (this.watched[frame] !== 0) this.onWatchedWrite(frame, offset, width);
  }

  /** A copy of RAM by physical address, or undefined when any byte lies outside. */
  readRam(address: number, length: number): Uint8Array | undefined {
    if (!this.#contains(address, length)) return undefined;
    const at = this.layout.memory + (address - RAM_BASE);
    return this.bytes.slice(at, at + length);
  }

  /** False, with nothing written, when any byte lies outside RAM. */
  writeRam(address: number, bytes: Uint8Array): boolean {
    if (!this.#contains(address, bytes.length)) return false;
    const start = address - RAM_BASE;
    this.bytes.set(bytes, this.layout.memory + start);
    for (let done = 0; done < bytes.length; ) {
      const frame = Math.floor((start + done) / PAGE_BYTES);
      const offset = (start + done) % PAGE_BYTES;
      const length = Math.min(PAGE_BYTES - offset, bytes.length - done);
      this.dirty[frame] = 1;
      if (this.watched[frame] !== 0) this.onWatchedWrite(frame, offset, length);
      done += length;
    }
    return true;
  }

  /** The reset ROM's bytes: once, before anything runs. */
  writeRom(bytes: Uint8Array): void {
    const frame = this.layout.ramPages;
    this.bytes.set(bytes, this.offsetOf(frame));
    this.dirty[frame] = 1;
  }

  /** The digest has the page as it is. Whoever calls this drops fast write entries to it first, so that the next write marks it again. */
  clean(frame: number): void {
    this.dirty[frame] = 0;
    this.unsaved[frame] = 1;
    this.#touched[frame] = 1;
  }

  /**
   * RAM is all zeros again, as at power-on, at the cost of the pages that may be anything else: `zeroed` hears of each, which is clean then.
   * Whoever calls this has dropped everything that was derived from RAM.
   */
  zero(zeroed: (frame: number) => void): void {
    const { dirty, layout } = this;
    for (let frame = 0; frame < layout.ramPages; frame++) {
      if ((dirty[frame] | this.#touched[frame]) === 0) continue;
      const at = this.offsetOf(frame);
      this.bytes.fill(0, at, at + PAGE_BYTES);
      this.clean(frame);
      this.#touched[frame] = 0;
      zeroed(frame);
    }
  }

  /** From now on every write to the frame is heard of. */
  watch(frame: number, why: number): void {
    if ((this.watched[frame] | why) !== this.watched[frame] && this.writable[frame] !== 0) {
      this.dropFastWrites(frame);
      this.writable[frame] = 0;
    }
    this.watched[frame] |= why;
  }

  unwatch(frame: number, why: number): void {
    this.watched[frame] &= ~why;
  }

  #contains(address: number, length: number): boolean {
    const start = address - RAM_BASE;
    return start >= 0 && length >= 0 && start + length <= this.ramBytes;
  }
}
