/** Constant expressions of the assembler: `(end - start) / 4 + 1`, `%hi(table)`, `1f`, `'A'`. Numbers are exact integers; the user of a value checks its range. */

/** What an expression may ask for. `symbol` returns undefined for a name that is not known yet. */
export interface Scope {
  readonly symbol: (name: string) => number | undefined;
  /** Address of the instruction or datum that the expression belongs to: the value of `.`. */
  readonly pc: number;
}

/** An expression that is wrong, or names a symbol that nothing defines. */
export class ConstantError extends Error {
  /** Set when the only trouble is a symbol not (yet) defined. */
  readonly symbol: string | undefined;
  constructor(message: string, symbol?: string) {
    super(message);
    this.symbol = symbol;
  }
}

/** Evaluates the whole of `text`. Throws `ConstantError`. */
export function evaluate(text: string, scope: Scope): number {
  const tokens = tokenize(text);
  let at = 0;

  const expect = (token: string) => {
    if (tokens[at] !== token) throw new ConstantError(`expected '${token}' in '${text}', found '${tokens[at] ?? 'the end'}'`);
    at += 1;
  };

  function primary(): number {
    const token = tokens[at++];
    if (token === undefined) throw new ConstantError(`'${text}' ends where a value was expected`);
    if (token === '(') {
      const value = binary(0);
      expect(')');
      return value;
    }
    if (token === '-') return -primary();
    if (token === '+') return primary();
    if (token === '~') return -primary() - 1;
    if (token in RELOCATIONS) {
      expect('(');
      const value = binary(0);
      expect(')');
      return RELOCATIONS[token](value, scope.pc);
    }
    if (token === '.') return scope.pc;
    if (/^[0-9]+[bf]$/.test(token) || /^[A-Za-z_.$]/.test(token)) {
      const value = scope.symbol(token);
      if (value === undefined) throw new ConstantError(`unknown symbol '${token}'`, token);
      return value;
    }
    if (token.startsWith("'")) return character(token);
    const value = Number(token);
    if (!Number.isSafeInteger(value)) throw new ConstantError(`'${token}' in '${text}' is not a number or a symbol`);
    return value;
  }

  function binary(level: number): number {
    if (level === LEVELS.length) return primary();
    let left = binary(level + 1);
    while (at < tokens.length && LEVELS[level].includes(tokens[at])) {
      const operator = tokens[at++];
      left = OPERATORS[operator](left, binary(level + 1));
    }
    return left;
  }

  const value = binary(0);
  if (at < tokens.length) throw new ConstantError(`unexpected '${tokens[at]}' in '${text}'`);
  return value;
}

/** Upper 20 bits for `lui`/`auipc`, rounded so that a sign-extended `low12` added to it gives `value` back. */
const high20 = (value: number): number => ((value + 0x800) >>> 12) & 0xfffff;
/** Lower 12 bits, sign-extended. */
const low12 = (value: number): number => (value << 20) >> 20;

/** `%next_lo` is the second half of the pairs that `la`, `call` and `tail` expand to: its auipc sits four bytes before it. */
const RELOCATIONS: Readonly<Record<string, (value: number, pc: number) => number>> = {
  '%hi': (value) => high20(value),
  '%lo': (value) => low12(value),
  '%pcrel_hi': (value, pc) => high20(value - pc),
  '%next_lo': (value, pc) => low12(value - (pc - 4)),
};

/** As in C, loosest first. */
const LEVELS: readonly (readonly string[])[] = [['|'], ['^'], ['&'], ['<<', '>>'], ['+', '-'], ['*', '/', '%']];

const OPERATORS: Readonly<Record<string, (a: number, b: number) => number>> = {
  '|': (a, b) => Number(BigInt(a) | BigInt(b)),
  '^': (a, b) => Number(BigInt(a) ^ BigInt(b)),
  '&': (a, b) => Number(BigInt(a) & BigInt(b)),
  '<<': (a, b) => a * 2 ** b,
  '>>': (a, b) => Math.floor(a / 2 ** b),
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => {
    if (b === 0) throw new ConstantError('division by zero');
    return Math.trunc(a / b);
  },
  '%': (a, b) => {
    if (b === 0) throw new ConstantError('division by zero');
    return a % b;
  },
};

const TOKEN =
  /\s*('(?:\\.|[^\\'])'|%[a-z_]+(?=\()|0[xX][0-9a-fA-F]+|0[bB][01]+(?![0-9a-zA-Z_])|[0-9]+[bf]?|[A-Za-z_.$][\w.$]*|<<|>>|[-+*/%&|^~()])/y;

function tokenize(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const trimmed = text.trimEnd();
  let end = 0;
  while (end < trimmed.length) {
    TOKEN.lastIndex = end;
    const match = TOKEN.exec(trimmed);
    if (match === null) throw new ConstantError(`cannot read '${trimmed.slice(end).trim()}' in '${text}'`);
    tokens.push(match[1]);
    end = TOKEN.lastIndex;
  }
  return tokens;
}

/** Escapes of character and string literals. */
export const ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, '0': 0, '\\': 92, "'": 39, '"': 34, e: 27 };

function character(token: string): number {
  const inner = token.slice(1, -1);
  if (!inner.startsWith('\\')) return inner.charCodeAt(0);
  const code = ESCAPES[inner[1]];
  if (code === undefined) throw new ConstantError(`unknown escape ${token}`);
  return code;
}
