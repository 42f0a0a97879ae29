/** The flattened form of a device tree (Devicetree Specification 0.4 §5): nodes to bytes, and bytes that somebody else wrote to nodes. */

/** Names are ASCII, as the specification has them: a byte of a name is a character here. */
export interface Node {
  /** With its unit address; empty for the root. */
  readonly name: string;
  readonly properties: ReadonlyMap<string, Uint8Array>;
  readonly children: readonly Node[];
}

export interface Tree {
  readonly root: Node;
  /** Ranges of memory that no program may use: address and size, 64 bits each. */
  readonly reservations: readonly { readonly address: bigint; readonly size: bigint }[];
  /** Physical id of the hart that boots. */
  readonly bootHart: number;
}

const MAGIC = 0xd00dfeed;
const VERSION = 17;
const COMPATIBLE_WITH = 16;
const BEGIN_NODE = 1;
const END_NODE = 2;
const PROP = 3;
const NOP = 4;
const END = 9;
const HEADER_BYTES = 40;
const RESERVATION_BYTES = 16;
/** Nodes within nodes: a tree of a real machine has about six. */
const DEPTH_MAX = 64;

/** Header, reservations, structure, strings (§5.2 to §5.5). */
export function flatten({ root, reservations, bootHart }: Tree): Uint8Array {
  const strings = new Map<string, number>();
  let stringsLength = 0;
  const structure: number[] = [];
  const word = (value: number) => structure.push((value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
  const padded = (bytes: Uint8Array) => {
    for (const byte of bytes) structure.push(byte);
    while (structure.length % 4 !== 0) structure.push(0);
  };
  const nameOffset = (name: string): number => {
    const known = strings.get(name);
    if (known !== undefined) return known;
    const offset = stringsLength;
    strings.set(name, offset);
    stringsLength += name.length + 1;
    return offset;
  };
  const emit = ({ name, properties, children }: Node): void => {
    word(BEGIN_NODE);
    padded(zeroEnded(name));
    for (const [property, value] of properties) {
      word(PROP);
      word(value.length);
      word(nameOffset(property));
      padded(value);
    }
    for (const child of children) emit(child);
    word(END_NODE);
  };
  emit(root);
  word(END);

  const structureAt = HEADER_BYTES + (reservations.length + 1) * RESERVATION_BYTES;
  const stringsAt = structureAt + structure.length;
  const total = stringsAt + stringsLength;
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  const header = [MAGIC, total, structureAt, stringsAt, HEADER_BYTES, VERSION, COMPATIBLE_WITH, bootHart, stringsLength, structure.length];
  for (const [index, value] of header.entries()) view.setUint32(4 * index, value);
  for (const [index, { address, size }] of reservations.entries()) {
    view.setBigUint64(HEADER_BYTES + index * RESERVATION_BYTES, address);
    view.setBigUint64(HEADER_BYTES + index * RESERVATION_BYTES + 8, size);
  }
  bytes.set(structure, structureAt);
  for (const [name, offset] of strings) bytes.set(zeroEnded(name), stringsAt + offset);
  return bytes;
}

/** Bytes that are no tree: says what is wrong with them, to follow "not a flattened device tree: ". */
export class TreeError extends Error {
  override readonly name = 'TreeError';
}

/** Reads versions 16 and 17; bytes behind the tree are ignored. Throws `TreeError`: whatever the bytes are, it reads no others. */
export function unflatten(bytes: Uint8Array): Tree {
  if (bytes.length < HEADER_BYTES) throw new TreeError(`it has ${bytes.length} bytes, a header has ${HEADER_BYTES}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [magic, total, structureAt, stringsAt, reservationsAt, version, compatible, bootHart, stringsLength] = Array.from(
    { length: 9 },
    (_, k) => view.getUint32(4 * k),
  );
  if (magic !== MAGIC) throw new TreeError(`it begins with 0x${magic.toString(16)}, want 0x${MAGIC.toString(16)}`);
  if (total > bytes.length) throw new TreeError(`it is cut off: want ${total} bytes, got ${bytes.length}`);
  if (version < COMPATIBLE_WITH || compatible > VERSION) throw new TreeError(`it has version ${version}, want 16 or 17`);
  if (stringsAt + stringsLength > total || structureAt > total || reservationsAt > total)
    throw new TreeError('a block lies behind its end');
  const strings = bytes.subarray(stringsAt, stringsAt + stringsLength);
  const structure = new Structure(bytes.subarray(0, total), structureAt, strings);
  return { root: structure.root(), reservations: reservationsOf(view, reservationsAt, total), bootHart };
}

/** Reads the structure block, token by token. */
class Structure {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #strings: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number, strings: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#strings = strings;
    this.#at = at;
  }

  root(): Node {
    if (this.#token() !== BEGIN_NODE) throw new TreeError('its structure does not begin with a node');
    const root = this.#node(0);
    if (this.#token() !== END) throw new TreeError('something follows its root');
    return root;
  }

  #node(depth: number): Node {
    if (depth > DEPTH_MAX) throw new TreeError(`its nodes are nested more than ${DEPTH_MAX} deep`);
    const name = nameAt(this.#bytes, this.#at);
    this.#skip(name.length + 1);
    const properties = new Map<string, Uint8Array>();
    const children: Node[] = [];
    for (;;) {
      const token = this.#token();
      if (token === END_NODE) return { name, properties, children };
      if (token === BEGIN_NODE) children.push(this.#node(depth + 1));
      else if (token === PROP) {
        const length = this.#word();
        const property = nameAt(this.#strings, this.#word());
        const from = this.#at;
        this.#skip(length);
        // Of two with one name, readers find the first.
        if (!properties.has(property)) properties.set(property, this.#bytes.slice(from, from + length));
      } else throw new TreeError(`it has token ${token} in node '${name}'`);
    }
  }

  #token(): number {
    let token = this.#word();
    while (token === NOP) token = this.#word();
    return token;
  }

  #word(): number {
    const at = this.#at;
    this.#skip(4);
    return this.#view.getUint32(at);
  }

  /** Past bytes of the tree, and what fills the last word. */
  #skip(length: number): void {
    if (this.#at + length > this.#bytes.length) throw new TreeError('its structure runs past its end');
    this.#at += Math.ceil(length / 4) * 4;
  }
}

function reservationsOf(view: DataView, from: number, end: number): Tree['reservations'] {
  const reservations: { address: bigint; size: bigint }[] = [];
  for (let at = from; at + RESERVATION_BYTES <= end; at += RESERVATION_BYTES) {
    const [address, size] = [view.getBigUint64(at), view.getBigUint64(at + 8)];
    if (address === 0n && size === 0n) return reservations;
    reservations.push({ address, size });
  }
  throw new TreeError('its memory reservations run past its end');
}

function nameAt(bytes: Uint8Array, at: number): string {
  const end = at < bytes.length ? bytes.indexOf(0, at) : -1;
  if (end < 0) throw new TreeError('a name runs past its end');
  let name = '';
  for (const byte of bytes.subarray(at, end)) name += String.fromCharCode(byte);
  return name;
}

function zeroEnded(name: string): Uint8Array {
  const bytes = new Uint8Array(name.length + 1);
  for (let k = 0; k < name.length; k++) bytes[k] = name.charCodeAt(k);
  return bytes;
}

/** Big-endian words. */
export function cells(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint32(index * 4, value);
  return bytes;
}
