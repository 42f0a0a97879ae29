/** Snapshots: named sections of named state, a version and a checksum (a change of format bumps SNAPSHOT_VERSION and the changelog). */
import type { State, StateValue } from './devices/device.ts';
import { digestOf } from './digest.ts';
import { fromUtf8, utf8 } from './text.ts';

/** Written into every snapshot; only snapshots of the same version are read. */
export const SNAPSHOT_VERSION = 2;

/** A snapshot that cannot be used. The message says what, why and what to do. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
}

/** Name -> state, in the order in which they are to be restored. */
export type Sections = ReadonlyMap<string, State>;

const MAGIC = utf8('TWINSNAP');
/** Magic, version (u32), sections (u32), total bytes of the file (u64). */
const HEADER_BYTES = 24;
/** 16 hex digits over everything before them. */
const CHECKSUM_BYTES = 16;
const DEPTH_MAX = 16;

/** Equal sections give equal bytes: the fields of a section are written in the order of their names. */
export function writeSnapshot(sections: Sections): Uint8Array {
  const writer = new Writer();
  writer.raw(MAGIC);
  writer.u32(SNAPSHOT_VERSION);
  writer.u32(sections.size);
  writer.u64(0);
  for (const [name, state] of sections) {
    writer.text(name);
    writer.value(state);
  }
  const length = writer.length + CHECKSUM_BYTES;
  writer.patchU64(16, length);
  writer.raw(utf8(digestOf(writer.bytes())));
  return writer.bytes();
}

/** Throws `SnapshotError` when `bytes` is no snapshot, is cut off, has been altered, or is of another version. Byte fields are views of `bytes`. */
export function readSnapshot(bytes: Uint8Array): Map<string, State> {
  if (bytes.length < HEADER_BYTES || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    const what = bytes.length < HEADER_BYTES ? `it has ${bytes.length} bytes, fewer than a header` : 'it does not begin with TWINSNAP';
    throw new SnapshotError(`not a snapshot: ${what}. Give a file that \`twinhart snapshot\` wrote.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = view.getUint32(8, true);
  if (version !== SNAPSHOT_VERSION) {
    throw new SnapshotError(
      `the snapshot has format version ${version}, this program reads version ${SNAPSHOT_VERSION}. Restore it with the program that wrote it.`,
    );
  }
  const want = view.getBigUint64(16, true);
  if (BigInt(bytes.length) < want) {
    throw new SnapshotError(`the snapshot is cut off: want ${want} bytes, got ${bytes.length}. Copy it again, or take a new one.`);
  }
  const body = bytes.subarray(0, bytes.length - CHECKSUM_BYTES);
  const written = fromUtf8(bytes.subarray(body.length));
  const digest = digestOf(body);
  if (BigInt(bytes.length) !== want || written !== digest) {
    throw new SnapshotError(
      `the snapshot has been altered: want ${want} bytes and checksum ${written}, got ${bytes.length} and ${digest}. Copy it again, or take a new one.`,
    );
  }
  const reader = new Reader(body, HEADER_BYTES);
  const sections = new Map<string, State>();
  for (let count = view.getUint32(12, true); count > 0; count--) {
    const name = reader.text();
    const state = reader.value(0);
    if (!isState(state) || sections.has(name)) throw damaged(`section ${name}`);
    sections.set(name, state);
  }
  if (reader.at !== body.length) throw damaged(`${body.length - reader.at} bytes after the last section`);
  return sections;
}

/** Reads the fields of one section, by name; every method throws `SnapshotError` when the field is missing or of another kind. */
export interface Fields {
  readonly state: State;
  /** An integer with low <= value <= high. */
  integer(name: string, low?: number, high?: number): number;
  bigint(name: string): bigint;
  boolean(name: string): boolean;
  text(name: string): string;
  /** A copy, with at most (or, with `exact`, just) `length` bytes. */
  bytes(name: string, length?: number, exact?: boolean): Uint8Array;
  list(name: string, maximum?: number): readonly StateValue[];
  /** Nested state. */
  fields(name: string): Fields;
}

/** The fields of `state`; `section` names it in errors. */
export function fieldsOf(section: string, state: StateValue | undefined): Fields {
  if (state === undefined || !isState(state)) throw unfit(section, 'the section', 'a set of named fields', state);
  const values = state;
  const want = <T extends StateValue>(name: string, kind: string, fits: (value: StateValue) => boolean): T => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined || !fits(value)) throw unfit(section, name, kind, value);
    return value as T;
  };
  return {
    state: values,
    integer: (name, low = 0, high = Number.MAX_SAFE_INTEGER) =>
      want<number>(
        name,
        `an integer from ${low} to ${high}`,
        (v) => typeof v === 'number' && Number.isSafeInteger(v) && v >= low && v <= high,
      ),
    bigint: (name) => want<bigint>(name, 'a bigint', (v) => typeof v === 'bigint'),
    boolean: (name) => want<boolean>(name, 'true or false', (v) => typeof v === 'boolean'),
    text: (name) => want<string>(name, 'text', (v) => typeof v === 'string'),
    bytes: (name, length, exact = false) =>
      want<Uint8Array>(
        name,
        length === undefined ? 'bytes' : `${exact ? 'exactly' : 'at most'} ${length} bytes`,
        (v) => v instanceof Uint8Array && (length === undefined || (exact ? v.length === length : v.length <= length)),
      ).slice(),
    list: (name, maximum = Number.MAX_SAFE_INTEGER) =>
      want<readonly StateValue[]>(name, `a list of at most ${maximum}`, (v) => Array.isArray(v) && v.length <= maximum),
    fields: (name) => fieldsOf(`${section}.${name}`, values[name]),
  };
}

function unfit(section: string, name: string, want: string, got: StateValue | undefined): SnapshotError {
  const shown =
    got instanceof Uint8Array
      ? `${got.length} bytes`
      : got === null
        ? 'null'
        : Array.isArray(got)
          ? `a list of ${got.length}`
          : typeof got === 'object'
            ? 'fields'
            : String(got);
  return new SnapshotError(
    `the snapshot does not fit this machine: ${section}: ${name}: want ${want}, got ${shown}. Restore it with the version and configuration that saved it.`,
  );
}

/** One byte before each value: what it is. */
const TAG = { null: 0, false: 1, true: 2, integer: 3, double: 4, bigint: 5, text: 6, bytes: 7, list: 8, state: 9 } as const;

class Writer {
  length = 0;
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#take(bytes.length);
    this.#bytes.set(bytes, at);
  }

  u8(value: number): void {
    const at = this.#take(1);
    this.#bytes[at] = value;
  }

  u32(value: number): void {
    const at = this.#take(4);
    this.#view.setUint32(at, value, true);
  }

  u64(value: number): void {
    this.patchU64(this.#take(8), value);
  }

  patchU64(at: number, value: number): void {
    this.#view.setBigUint64(at, BigInt(value), true);
  }

  text(value: string): void {
    this.sized(utf8(value));
  }

  sized(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.raw(bytes);
  }

  value(value: StateValue): void {
    if (value === null) this.u8(TAG.null);
    else if (typeof value === 'boolean') this.u8(value ? TAG.true : TAG.false);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'bigint') this.#bigint(value);
    else if (typeof value === 'string') {
      this.u8(TAG.text);
      this.text(value);
    } else if (value instanceof Uint8Array) {
      this.u8(TAG.bytes);
      this.sized(value);
    } else if (isList(value)) {
      this.u8(TAG.list);
      this.u32(value.length);
      for (const item of value) this.value(item);
    } else {
      const names = Object.keys(value).sort();
      this.u8(TAG.state);
      this.u32(names.length);
      for (const name of names) {
        this.text(name);
        this.value(value[name]);
      }
    }
  }

  #number(value: number): void {
    const small = Object.is(value | 0, value);
    this.u8(small ? TAG.integer : TAG.double);
    const at = this.#take(small ? 4 : 8);
    if (small) this.#view.setInt32(at, value, true);
    else this.#view.setFloat64(at, value, true);
  }

  #bigint(value: bigint): void {
    this.u8(TAG.bigint);
    this.text(value.toString(16));
  }

  #take(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}

/** Refuses anything that `Writer` cannot have written, though the checksum has passed: it is no cryptographic one. */
class Reader {
  at: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = at;
  }

  text(): string {
    return fromUtf8(this.#sized());
  }

  value(depth: number): StateValue {
    if (depth > DEPTH_MAX) throw damaged(`more than ${DEPTH_MAX} levels at byte ${this.at}`);
    const tag = this.#bytes[this.#take(1)];
    switch (tag) {
      case TAG.null:
        return null;
      case TAG.false:
      case TAG.true:
        return tag === TAG.true;
      case TAG.integer:
        return this.#view.getInt32(this.#take(4), true);
      case TAG.double:
        return this.#view.getFloat64(this.#take(8), true);
      case TAG.bigint:
        return this.#bigint();
      case TAG.text:
        return this.text();
      case TAG.bytes:
        return this.#sized();
      case TAG.list:
        return this.#list(depth);
      case TAG.state:
        return this.#state(depth);
      default:
        throw damaged(`value of kind ${tag} at byte ${this.at - 1}`);
    }
  }

  #bigint(): bigint {
    const digits = this.text();
    if (!/^-?[0-9a-f]{1,4096}$/.test(digits)) throw damaged(`bigint at byte ${this.at}`);
    return digits.startsWith('-') ? -BigInt(`0x${digits.slice(1)}`) : BigInt(`0x${digits}`);
  }

  #list(depth: number): StateValue[] {
    const items: StateValue[] = [];
    for (let count = this.#u32(); count > 0; count--) items.push(this.value(depth + 1));
    return items;
  }

  #state(depth: number): State {
    const entries: [string, StateValue][] = [];
    for (let count = this.#u32(); count > 0; count--) entries.push([this.text(), this.value(depth + 1)]);
    return Object.fromEntries(entries);
  }

  #sized(): Uint8Array {
    const length = this.#u32();
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  #u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  #take(count: number): number {
    const at = this.at;
    if (count > this.#bytes.length - at) throw damaged(`${count} bytes wanted at byte ${at} of ${this.#bytes.length}`);
    this.at += count;
    return at;
  }
}

const isList = (value: StateValue): value is readonly StateValue[] => Array.isArray(value);
const isState = (value: StateValue): value is State =>
  value !== null && typeof value === 'object' && !isList(value) && !(value instanceof Uint8Array);

function damaged(where: string): SnapshotError {
  return new SnapshotError(`the snapshot is damaged: ${where}. Copy it again, or take a new one.`);
}
