/** Routines (`isa/routine.ts`) as WebAssembly functions over the words of hart state: what the dispatcher runs without leaving for TypeScript. */
import type { Routine, Statement, Value } from '../isa/index.ts';
import { emitBinary } from './nodes.ts';
import { Code, type FunctionType, MEMORY_OP, OP, TYPE } from './wasm.ts';

/** The type of a routine's function: its arguments in, an OUTCOME out. */
export const routineType = ({ parameters }: Routine): FunctionType => ({ parameters: parameters.length, results: 1 });

/** The body of a routine's function, which calls nothing, and how many locals it has besides its parameters. */
export function routineBody(routine: Routine): { readonly body: Code; readonly locals: number } {
  const body = new Code();
  const fold = new Fold(body, 0, routine.parameters, (outcome) => {
    outcome();
    body.op(OP.return);
  });
  fold.statements(routine.statements);
  // Every path has returned.
  body.op(OP.unreachable);
  return { body, locals: fold.names.length - routine.parameters.length };
}

/**
 * A routine inside other code. Its parameters are in locals from `first` on, its own follow; the OUTCOME is on the stack afterwards.
 * Returns the first local that it does not use.
 */
export function emitRoutine(code: Code, routine: Routine, first: number): number {
  code.block(OP.block, TYPE.i32);
  const fold = new Fold(code, first, routine.parameters, (outcome, depth) => {
    outcome();
    code.br(OP.br, depth);
  });
  fold.statements(routine.statements);
  code.op(OP.unreachable).op(OP.end);
  return first + fold.names.length;
}

/** The value, from the words as they are. It names nothing. */
export const emitValue = (code: Code, value: Value): void => new Fold(code, 0, [], () => {}).value(value);

class Fold {
  readonly #code: Code;
  /** Local of the first name. */
  readonly #first: number;
  /** Of each local. */
  readonly names: string[];
  /** Puts the outcome somewhere and leaves, out of so many blocks. */
  readonly #end: (outcome: () => void, depth: number) => void;
  #depth = 0;

  constructor(code: Code, first: number, parameters: readonly string[], end: (outcome: () => void, depth: number) => void) {
    this.#code = code;
    this.#first = first;
    this.names = [...parameters];
    this.#end = end;
  }

  statements(list: readonly Statement[]): void {
    for (const statement of list) this.#statement(statement);
  }

  #statement(statement: Statement): void {
    const code = this.#code;
    switch (statement.kind) {
      case 'let':
        this.value(statement.value);
        code.set(this.#first + this.names.push(statement.name) - 1);
        return;
      case 'set':
        code.constant(0);
        this.value(statement.value);
        code.memory(MEMORY_OP.i32Store, statement.word * 4);
        return;
      case 'when':
        this.value(statement.condition);
        code.block(OP.if);
        this.#depth++;
        this.statements(statement.then);
        if (statement.otherwise.length > 0) {
          code.op(OP.else);
          this.statements(statement.otherwise);
        }
        this.#depth--;
        code.op(OP.end);
        return;
      case 'end':
        this.#end(() => this.value(statement.outcome), this.#depth);
        return;
    }
  }

  value(value: Value): void {
    const code = this.#code;
    switch (value.node) {
      case 'constant':
        code.constant(value.value);
        return;
      case 'named': {
        const local = this.names.indexOf(value.name);
        if (local < 0) throw new Error(`a routine uses ${value.name}, which nothing before it names`);
        code.get(this.#first + local);
        return;
      }
      case 'word':
        code.constant(0).memory(MEMORY_OP.i32Load, value.word * 4);
        return;
      case 'element':
        this.value(value.index);
        code
          .constant(2)
          .op(OP.i32Shl)
          .memory(MEMORY_OP.i32Load, value.first * 4);
        return;
      case 'choose':
        this.value(value.a);
        this.value(value.b);
        this.value(value.condition);
        code.op(OP.select);
        return;
      default: {
        const { node, a, b } = value;
        emitBinary(
          code,
          node,
          () => this.value(a),
          () => this.value(b),
        );
      }
    }
  }
}
