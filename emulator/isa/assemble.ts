/**
 * The in-repo assembler: text in, bytes and symbols out. Mnemonics, encodings and operand syntax come from the instruction table
 * (`instructions.ts`, `syntax.ts`); only the pseudo-instructions of the Assembly Programmer's Handbook (Unprivileged 20211203, ch. 25) are named here.
 * Nothing is relaxed or compressed behind the writer's back: `c.addi` is two bytes, `addi` four, `la`, `call` and `tail` eight.
 */
import { ConstantError, ESCAPES, evaluate, type Scope } from './constant.ts';
import { lengthOf } from './decode.ts';
import { findRow, parseInstruction } from './syntax.ts';

export interface Assembly {
  /** Address of the first byte. */
  readonly origin: number;
  readonly bytes: Uint8Array;
  /** Labels and `.equ` names. */
  readonly symbols: ReadonlyMap<string, number>;
}

export interface AssembleOptions {
  /** Address of the first byte; 0x80000000 (start of RAM) when absent. */
  readonly origin?: number;
  /** Constants that the text may use. */
  readonly symbols?: Readonly<Record<string, number>>;
}

/** Everything that is wrong with the text, one line each: `line 3: addi takes 3 operands, got 2`. */
export class AssemblyError extends Error {
  /** Of the first error; counted from 1. */
  readonly line: number;
  constructor(problems: readonly { line: number; message: string }[]) {
    super(problems.map(({ line, message }) => `line ${line}: ${message}`).join('\n'));
    this.line = problems[0]?.line ?? 0;
  }
}

/** Throws `AssemblyError`. */
export function assemble(source: string, options: AssembleOptions = {}): Assembly {
  return new Assembler(options).assemble(source);
}

/** A piece of output whose size is known in the first pass and whose bytes are made in the second. */
interface Piece {
  readonly line: number;
  readonly address: number;
  readonly size: number;
  readonly write: (scope: Scope, out: DataView, offset: number) => void;
}

class Assembler {
  private readonly origin: number;
  private readonly symbols: Map<string, number>;
  /** `1:` may be defined again and again; each with its addresses in order. */
  private readonly locals = new Map<string, number[]>();
  private readonly pieces: Piece[] = [];
  private readonly problems: { line: number; message: string }[] = [];
  private here: number;
  private line = 0;

  constructor(options: AssembleOptions) {
    this.origin = options.origin ?? 0x8000_0000;
    this.here = this.origin;
    this.symbols = new Map(Object.entries(options.symbols ?? {}));
  }

  assemble(source: string): Assembly {
    for (const [index, text] of source.split('\n').entries()) {
      this.line = index + 1;
      this.guarded(this.line, () => {
        for (const statement of splitOutside(stripComment(text), ';')) this.statement(statement);
      });
    }
    const bytes = new Uint8Array(this.here - this.origin);
    const view = new DataView(bytes.buffer);
    for (const piece of this.pieces) {
      this.guarded(piece.line, () => piece.write(this.scope(piece.address), view, piece.address - this.origin));
    }
    if (this.problems.length > 0) throw new AssemblyError(this.problems.sort((a, b) => a.line - b.line));
    return { origin: this.origin, bytes, symbols: this.symbols };
  }

  private guarded(line: number, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof ConstantError)) throw error;
      this.problems.push({ line, message: error.message });
    }
  }

  private scope(pc: number): Scope {
    return {
      pc,
      symbol: (name) => {
        const local = /^([0-9]+)([bf])$/.exec(name);
        if (local === null) return this.symbols.get(name);
        const addresses = this.locals.get(local[1]) ?? [];
        return local[2] === 'b' ? addresses.findLast((address) => address <= pc) : addresses.find((address) => address > pc);
      },
    };
  }

  private statement(text: string): void {
    let rest = text.trim();
    for (let label = LABEL.exec(rest); label !== null; label = LABEL.exec(rest)) {
      this.label(label[1]);
      rest = rest.slice(label[0].length).trim();
    }
    if (rest === '') return;
    const space = rest.search(/\s/);
    const word = (space < 0 ? rest : rest.slice(0, space)).toLowerCase();
    const operands = space < 0 ? [] : splitOutside(rest.slice(space + 1), ',').map((operand) => operand.trim());
    const directive = DIRECTIVES[word];
    if (directive !== undefined) directive.call(this, operands, word);
    else if (word.startsWith('.')) throw new ConstantError(`unknown directive ${word}`);
    else this.instruction(word, operands);
  }

  private label(name: string): void {
    if (/^[0-9]+$/.test(name)) {
      const addresses = this.locals.get(name) ?? [];
      addresses.push(this.here);
      this.locals.set(name, addresses);
    } else this.define(name, this.here);
  }

  define(name: string, value: number): void {
    if (this.symbols.has(name)) throw new ConstantError(`symbol '${name}' is defined twice`);
    this.symbols.set(name, value);
  }

  /** A value that the first pass needs: only symbols defined above may appear in it. */
  now(text: string): number {
    return evaluate(text, this.scope(this.here));
  }

  private instruction(mnemonic: string, operands: readonly string[]): void {
    if (mnemonic === 'li') {
      this.loadImmediate(operands);
      return;
    }
    // Never the operand count of a row of the same name: `jal label` is short for a jal, `jal ra, label` is one.
    const expansion = PSEUDO[`${mnemonic}/${operands.length}`];
    if (expansion !== undefined) {
      for (const line of expansion) {
        const [, word, rest] = /^(\S+)\s*(.*)$/.exec(line.replace(/\$(\d)/g, (_, n) => operands[Number(n) - 1]))!;
        this.plain(word, rest === '' ? [] : splitOutside(rest, ',').map((operand) => operand.trim()));
      }
      return;
    }
    this.plain(mnemonic, operands);
  }

  private plain(mnemonic: string, operands: readonly string[]): void {
    const row = findRow(mnemonic);
    if (row === undefined) throw new ConstantError(`unknown instruction '${mnemonic}'`);
    const size = lengthOf(row.match);
    this.emit(size, (scope, out, offset) => {
      const bits = parseInstruction(mnemonic, operands, scope);
      if (size === 4) out.setUint32(offset, bits, true);
      else out.setUint16(offset, bits, true);
    });
  }

  /** One instruction when the value is known above and fits `addi` or `lui` alone, else the pair. */
  private loadImmediate(operands: readonly string[]): void {
    if (operands.length !== 2) throw new ConstantError(`li takes 2 operands, got ${operands.length}`);
    const [rd, text] = operands;
    let value: number | undefined;
    try {
      value = this.now(text);
    } catch (error) {
      if (!(error instanceof ConstantError) || error.symbol === undefined) throw error;
    }
    if (value !== undefined && (value < -0x8000_0000 || value > 0xffff_ffff)) throw new ConstantError(`li: ${value} does not fit 32 bits`);
    const signed = value === undefined ? undefined : value | 0;
    if (signed !== undefined && signed >= -2048 && signed < 2048) this.plain('addi', [rd, 'x0', `${signed}`]);
    else if (signed !== undefined && (signed & 0xfff) === 0) this.plain('lui', [rd, `${signed >>> 12}`]);
    else {
      this.plain('lui', [rd, `%hi(${text})`]);
      this.plain('addi', [rd, rd, `%lo(${text})`]);
    }
  }

  /** Reserves `size` bytes here; `write` fills them when every symbol is known. */
  emit(size: number, write: Piece['write']): void {
    if (size < 0 || this.here + size - this.origin > LIMIT_BYTES) throw new ConstantError(`program larger than ${LIMIT_BYTES} bytes`);
    this.pieces.push({ line: this.line, address: this.here, size, write });
    this.here += size;
  }

  data(operands: readonly string[], width: 1 | 2 | 4): void {
    for (const operand of operands) {
      this.emit(width, (scope, out, offset) => {
        const value = evaluate(operand, scope);
        const span = 2 ** (8 * width);
        if (value < -span / 2 || value >= span) throw new ConstantError(`${value} does not fit ${width} byte${width > 1 ? 's' : ''}`);
        if (width === 4) out.setUint32(offset, value, true);
        else if (width === 2) out.setUint16(offset, value, true);
        else out.setUint8(offset, value);
      });
    }
  }

  fill(size: number, value: number): void {
    this.emit(size, (_scope, out, offset) => {
      for (let i = 0; i < size; i++) out.setUint8(offset + i, value);
    });
  }

  /** Moves on to `address`, filling with zeros. */
  advance(address: number): void {
    if (address < this.here) throw new ConstantError(`cannot move back from 0x${this.here.toString(16)} to 0x${address.toString(16)}`);
    this.fill(address - this.here, 0);
  }

  get address(): number {
    return this.here;
  }
}

const LIMIT_BYTES = 1 << 28;
const LABEL = /^([A-Za-z_.$][\w.$]*|[0-9]+)\s*:/;

const DIRECTIVES: Readonly<Record<string, (this: Assembler, operands: readonly string[], word: string) => void>> = {
  '.word'(operands) {
    this.data(operands, 4);
  },
  '.half'(operands) {
    this.data(operands, 2);
  },
  '.byte'(operands) {
    this.data(operands, 1);
  },
  /** `.align n`: to 2^n bytes, as for GNU on RISC-V. `.balign` counts bytes. */
  '.align'(operands) {
    const unit = 2 ** this.now(operands[0] ?? '');
    this.advance(Math.ceil(this.address / unit) * unit);
  },
  '.balign'(operands) {
    const unit = this.now(operands[0] ?? '');
    this.advance(Math.ceil(this.address / unit) * unit);
  },
  /** `.space bytes[, fill]` */
  '.space'(operands) {
    this.fill(this.now(operands[0] ?? ''), operands.length > 1 ? this.now(operands[1]) : 0);
  },
  /** `.org address`: absolute, never back. */
  '.org'(operands) {
    this.advance(this.now(operands[0] ?? ''));
  },
  '.equ'(operands) {
    if (operands.length !== 2) throw new ConstantError('.equ takes a name and a value');
    this.define(operands[0], this.now(operands[1]));
  },
  '.ascii'(operands) {
    for (const operand of operands) emitString(this, operand, false);
  },
  '.asciz'(operands) {
    for (const operand of operands) emitString(this, operand, true);
  },
  '.string'(operands) {
    for (const operand of operands) emitString(this, operand, true);
  },
  // Accepted so that text written for GNU as reads here too; one section holds all.
  '.text'() {},
  '.data'() {},
  '.globl'() {},
  '.global'() {},
  '.option'() {},
};

function emitString(assembler: Assembler, operand: string, terminated: boolean): void {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(operand);
  if (quoted === null) throw new ConstantError(`expected a string in double quotes, got ${operand}`);
  const text = quoted[1].replace(/\\(.)/g, (_, letter: string) => {
    const code = ESCAPES[letter];
    if (code === undefined) throw new ConstantError(`unknown escape \\${letter}`);
    return String.fromCharCode(code);
  });
  const bytes = new Uint8Array(text.length + (terminated ? 1 : 0));
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 255) throw new ConstantError('strings hold bytes: use \\ escapes or ASCII');
    bytes[i] = text.charCodeAt(i);
  }
  assembler.emit(bytes.length, (_scope, out, offset) => new Uint8Array(out.buffer).set(bytes, offset));
}

/** `name/operand count` -> instructions, $1… the operands as written. */
const PSEUDO: Readonly<Record<string, readonly string[]>> = {
  'c.nop/0': ['c.addi x0, 0'],
  'jalr/3': ['jalr $1, $3($2)'],
  'nop/0': ['addi x0, x0, 0'],
  'mv/2': ['addi $1, $2, 0'],
  'not/2': ['xori $1, $2, -1'],
  'neg/2': ['sub $1, x0, $2'],
  'seqz/2': ['sltiu $1, $2, 1'],
  'snez/2': ['sltu $1, x0, $2'],
  'sltz/2': ['slt $1, $2, x0'],
  'sgtz/2': ['slt $1, x0, $2'],
  'sgt/3': ['slt $1, $3, $2'],
  'sgtu/3': ['sltu $1, $3, $2'],
  'beqz/2': ['beq $1, x0, $2'],
  'bnez/2': ['bne $1, x0, $2'],
  'blez/2': ['bge x0, $1, $2'],
  'bgez/2': ['bge $1, x0, $2'],
  'bltz/2': ['blt $1, x0, $2'],
  'bgtz/2': ['blt x0, $1, $2'],
  'bgt/3': ['blt $2, $1, $3'],
  'ble/3': ['bge $2, $1, $3'],
  'bgtu/3': ['bltu $2, $1, $3'],
  'bleu/3': ['bgeu $2, $1, $3'],
  'j/1': ['jal x0, $1'],
  'jal/1': ['jal ra, $1'],
  'jr/1': ['jalr x0, 0($1)'],
  'jalr/1': ['jalr ra, 0($1)'],
  'ret/0': ['jalr x0, 0(ra)'],
  'la/2': ['auipc $1, %pcrel_hi($2)', 'addi $1, $1, %next_lo($2)'],
  'call/1': ['auipc ra, %pcrel_hi($1)', 'jalr ra, %next_lo($1)(ra)'],
  'tail/1': ['auipc t1, %pcrel_hi($1)', 'jalr x0, %next_lo($1)(t1)'],
  'fence/0': ['fence iorw, iorw'],
  'sfence.vma/0': ['sfence.vma x0, x0'],
  'sfence.vma/1': ['sfence.vma $1, x0'],
  'csrr/2': ['csrrs $1, $2, x0'],
  'csrw/2': ['csrrw x0, $1, $2'],
  'csrs/2': ['csrrs x0, $1, $2'],
  'csrc/2': ['csrrc x0, $1, $2'],
  'csrwi/2': ['csrrwi x0, $1, $2'],
  'csrsi/2': ['csrrsi x0, $1, $2'],
  'csrci/2': ['csrrci x0, $1, $2'],
  'rdcycle/1': ['csrrs $1, cycle, x0'],
  'rdcycleh/1': ['csrrs $1, cycleh, x0'],
  'rdtime/1': ['csrrs $1, time, x0'],
  'rdtimeh/1': ['csrrs $1, timeh, x0'],
  'rdinstret/1': ['csrrs $1, instret, x0'],
  'rdinstreth/1': ['csrrs $1, instreth, x0'],
};

/** Splits at `separator` where it stands outside strings, characters and parentheses. */
function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (letter === '"' || letter === "'") i = skipQuoted(text, i);
    else if (letter === '(') depth += 1;
    else if (letter === ')') depth -= 1;
    else if (letter === separator && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

/** Comments run from `#` or `//` to the end of the line. */
function stripComment(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (letter === '"' || letter === "'") i = skipQuoted(text, i);
    else if (letter === '#' || (letter === '/' && text[i + 1] === '/')) return text.slice(0, i);
  }
  return text;
}

/** Index of the closing quote (or of the last letter, when there is none). */
function skipQuoted(text: string, open: number): number {
  let i = open + 1;
  while (i < text.length && text[i] !== text[open]) i += text[i] === '\\' ? 2 : 1;
  return Math.min(i, text.length - 1);
}
