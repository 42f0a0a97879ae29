/** Routines (`isa/routine.ts`) as WebAssembly functions over the words of hart state: what the dispatcher runs without leaving for TypeScript. */
import type { Routine, Statement, Value } from '../isa/index.ts';
import { emitBinary } from './nodes.ts';
import { Code, type FunctionType, MEMORY_OP, OP } from './wasm.ts';

/** The type of a routine's function: its arguments in, an OUTCOME out. */
export const routineType = ({ parameters }: Routine): FunctionType => ({ parameters: parameters.length, results: 1 });

/** The body of a routine's function, which calls nothing, and how many locals it has besides its parameters. */
export function routineBody(routine: Routine): { readonly body: Code; readonly locals: number } {
  const fold = new Fold(routine.parameters);
  fold.statements(routine.statements);
  // Every path has returned.
  fold.code.op(OP.unreachable);
  return { body: fold.code, locals: fold.names.length - routine.parameters.length };
}

class Fold {
  readonly code = new Code();
  /** Of each local. */
  readonly names: string[];

  constructor(parameters: readonly string[]) {
    this.names = [...parameters];
  }

  statements(list: readonly Statement[]): void {
    for (const statement of list) this.#statement(statement);
  }

  #statement(statement: Statement): void {
    const { code } = this;
    switch (statement.kind) {
      case 'let':
        this.#value(statement.value);
        code.set(this.names.push(statement.name) - 1);
        return;
      case 'set':
        code.constant(0);
        this.#value(statement.value);
        code.memory(MEMORY_OP.i32Store, statement.word * 4);
        return;
      case 'when':
        this.#value(statement.condition);
        code.block(OP.if);
        this.statements(statement.then);
        if (statement.otherwise.length > 0) {
          code.op(OP.else);
          this.statements(statement.otherwise);
        }
        code.op(OP.end);
        return;
      case 'end':
        this.#value(statement.outcome);
        code.op(OP.return);
        return;
    }
  }

  #value(value: Value): void {
    const { code } = this;
    switch (value.node) {
      case 'constant':
        code.constant(value.value);
        return;
      case 'named': {
        const local = this.names.indexOf(value.name);
        if (local < 0) throw new Error(`a routine uses ${value.name}, which nothing before it names`);
        code.get(local);
        return;
      }
      case 'word':
        code.constant(0).memory(MEMORY_OP.i32Load, value.word * 4);
        return;
      case 'element':
        this.#value(value.index);
        code
          .constant(2)
          .op(OP.i32Shl)
          .memory(MEMORY_OP.i32Load, value.first * 4);
        return;
      case 'choose':
        this.#value(value.a);
        this.#value(value.b);
        this.#value(value.condition);
        code.op(OP.select);
        return;
      default: {
        const { node, a, b } = value;
        emitBinary(
          code,
          node,
          () => this.#value(a),
          () => this.#value(b),
        );
      }
    }
  }
}
