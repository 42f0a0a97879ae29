/** Routines (`isa/routine.ts`) as JavaScript functions over the words of hart state: what the slow path runs. */
import type { Routine, Statement, Value } from '../isa/index.ts';
import { ARITHMETIC, BINARY } from './nodes.ts';

/** Changes the words; returns an OUTCOME. Arguments that the routine does not take do no harm. */
export type RoutineFunction = (words: Int32Array, a?: number, b?: number) => number;

/** The value, from the words as they are. */
export const valueFunction = (of: Value): RoutineFunction =>
  routineFunction({ parameters: [], statements: [{ kind: 'end', outcome: of }] });

export function routineFunction({ parameters, statements }: Routine): RoutineFunction {
  const source = `"use strict"; const { imul } = Math; const { mulh, mulhsu, mulhu, div, divu, rem, remu } = arithmetic;
return function routine(${['W', ...parameters].join(', ')}) {\n${statements.map(statement).join('\n')}\n};`;
  return new Function('arithmetic', source)(ARITHMETIC) as RoutineFunction;
}

function statement(of: Statement): string {
  switch (of.kind) {
    case 'let':
      return `const ${of.name} = ${value(of.value)};`;
    case 'set':
      return `W[${of.word}] = ${value(of.value)};`;
    case 'when':
      return `if (${value(of.condition)} !== 0) {\n${of.then.map(statement).join('\n')}\n} else {\n${of.otherwise.map(statement).join('\n')}\n}`;
    case 'end':
      return `return ${value(of.outcome)};`;
  }
}

function value(of: Value): string {
  switch (of.node) {
    case 'constant':
      return `${of.value | 0}`;
    case 'named':
      return of.name;
    case 'word':
      return `W[${of.word}]`;
    case 'element':
      return `W[${of.first} + ${value(of.index)}]`;
    case 'choose':
      return `(${value(of.condition)} !== 0 ? ${value(of.a)} : ${value(of.b)})`;
    default:
      return BINARY[of.node](value(of.a), value(of.b));
  }
}
