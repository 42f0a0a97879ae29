/** WebAssembly's binary format (Core 2.0, chapter 5), as much of it as regions and the dispatcher need: code, and modules that hold it. */

/** Opcodes without immediates, and those with one immediate index. */
export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  drop: 0x1a,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  i32Const: 0x41,
  i64Const: 0x42,
  i32Eqz: 0x45,
  i32Eq: 0x46,
  i32Ne: 0x47,
  i32LtS: 0x48,
  i32LtU: 0x49,
  i32GtS: 0x4a,
  i32GtU: 0x4b,
  i32LeS: 0x4c,
  i32LeU: 0x4d,
  i32GeS: 0x4e,
  i32GeU: 0x4f,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32DivS: 0x6d,
  i32DivU: 0x6e,
  i32RemS: 0x6f,
  i32RemU: 0x70,
  i32And: 0x71,
  i32Or: 0x72,
  i32Xor: 0x73,
  i32Shl: 0x74,
  i32ShrS: 0x75,
  i32ShrU: 0x76,
  i64Add: 0x7c,
  i64Mul: 0x7e,
  i64ShrS: 0x87,
  i64ShrU: 0x88,
  i32WrapI64: 0xa7,
  i64ExtendI32S: 0xac,
  i64ExtendI32U: 0xad,
} as const;

/** Memory accesses: opcode, and log2 of the alignment hint. */
export const MEMORY_OP = {
  i32Load: 0x28,
  i32Load8S: 0x2c,
  i32Load8U: 0x2d,
  i32Load16S: 0x2e,
  i32Load16U: 0x2f,
  i32Store: 0x36,
  i32Store8: 0x3a,
  i32Store16: 0x3b,
} as const;

export const TYPE = { i32: 0x7f, i64: 0x7e, none: 0x40 } as const;

/** Bytes of a function's body, or of anything else in a module. */
export class Code {
  #bytes = new Uint8Array(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  byte(value: number): this {
    if (this.#length === this.#bytes.length) {
      const more = new Uint8Array(this.#bytes.length * 2);
      more.set(this.#bytes);
      this.#bytes = more;
    }
    this.#bytes[this.#length++] = value;
    return this;
  }

  /** Unsigned LEB128 of an integer below 2^32. */
  unsigned(value: number): this {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    return this.byte(rest);
  }

  /** Signed LEB128 of a 32-bit integer. */
  signed(value: number): this {
    let rest = value | 0;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) return this.byte(low);
      this.byte(low | 0x80);
    }
  }

  append(other: Code): this {
    return this.raw(other.bytes());
  }

  raw(bytes: Uint8Array): this {
    for (const byte of bytes) this.byte(byte);
    return this;
  }

  name(text: string): this {
    this.unsigned(text.length);
    for (let k = 0; k < text.length; k++) this.byte(text.charCodeAt(k));
    return this;
  }

  /** An instruction without immediates. */
  op(opcode: number): this {
    return this.byte(opcode);
  }

  constant(value: number): this {
    return this.byte(OP.i32Const).signed(value);
  }

  get(local: number): this {
    return this.byte(OP.localGet).unsigned(local);
  }

  set(local: number): this {
    return this.byte(OP.localSet).unsigned(local);
  }

  tee(local: number): this {
    return this.byte(OP.localTee).unsigned(local);
  }

  /** A load or store; the address below it on the stack has `offset` added. No alignment is promised. */
  memory(opcode: number, offset: number): this {
    return this.byte(opcode).byte(0).unsigned(offset);
  }

  block(opcode: number, type: number = TYPE.none): this {
    return this.byte(opcode).byte(type);
  }

  br(opcode: number, depth: number): this {
    return this.byte(opcode).unsigned(depth);
  }
}

export interface FunctionType {
  /** How many i32 parameters and results. */
  readonly parameters: number;
  readonly results: number;
}

export interface WasmFunction {
  /** Index in the module's types. */
  readonly type: number;
  /** i32 locals besides the parameters. */
  readonly locals: number;
  /** Exported under this name. */
  readonly name?: string;
  /** Without the final `end`. */
  readonly body: Code;
  /** V8's optimiser compiles it, before the module is there: see `hints`. */
  readonly optimised?: boolean;
}

export interface WasmModule {
  readonly types: readonly FunctionType[];
  /** Import `env.memory`: shared, of at least one page. */
  readonly memoryPages: number;
  /** Import `env.table` too. */
  readonly table: boolean;
  readonly functions: readonly WasmFunction[];
}

const MAGIC = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
const FUNCREF = 0x70;

export function encodeModule(module: WasmModule): Uint8Array {
  const out = new Code().raw(MAGIC);
  section(out, 1, module.types, (code, { parameters, results }) => {
    code.byte(0x60).unsigned(parameters);
    for (let k = 0; k < parameters; k++) code.byte(TYPE.i32);
    code.unsigned(results);
    for (let k = 0; k < results; k++) code.byte(TYPE.i32);
  });
  section(out, 2, module.table ? ['memory', 'table'] : ['memory'], (code, name) => {
    code.name('env').name(name);
    // Limits of a memory: 3 is shared, with a maximum. The importer's may be larger than those of the memory itself.
    if (name === 'memory') code.byte(2).byte(3).unsigned(1).unsigned(module.memoryPages);
    else code.byte(1).byte(FUNCREF).byte(0).unsigned(0);
  });
  section(out, 3, module.functions, (code, { type }) => code.unsigned(type));
  const named = module.functions.flatMap(({ name }, index) => (name === undefined ? [] : [{ name, index }]));
  section(out, 7, named, (code, { name, index }) => code.name(name).byte(0).unsigned(index));
  if (module.functions.some(({ optimised }) => optimised)) hints(out, module.functions);
  section(out, 10, module.functions, (code, { locals, body }) => {
    const inner = new Code();
    if (locals > 0) inner.unsigned(1).unsigned(locals).byte(TYPE.i32);
    else inner.unsigned(0);
    inner.append(body).byte(OP.end);
    code.unsigned(inner.length).append(inner);
  });
  return out.bytes();
}

/**
 * The custom section by which V8 is told which of its compilers a function is for (WebAssembly compilation hints, a proposal): a byte a
 * function, of strategy, first and last compiler, two bits each. A V8 that was not asked to read it skips it.
 */
function hints(out: Code, functions: readonly WasmFunction[]): void {
  const inner = new Code().name('compilationHints').unsigned(functions.length);
  for (const { optimised } of functions) inner.byte(optimised ? EAGER_OPTIMISED : 0);
  out.byte(0).unsigned(inner.length).append(inner);
}

const EAGER_OPTIMISED = 2 | (2 << 2) | (2 << 4);

function section<T>(out: Code, id: number, items: readonly T[], write: (code: Code, item: T) => void): void {
  const inner = new Code().unsigned(items.length);
  for (const item of items) write(inner, item);
  out.byte(id).unsigned(inner.length).append(inner);
}
