/**
 * CSRs that are words of hart state and no more, as data for both engines: what a read shows, and what a write does. All that is to be known
 * of who may use them is in the number (`isa/csr.ts`). The others are functions of `csrs.ts`.
 */
import { type CsrRow, type Routine, routine, type Value } from '../isa/index.ts';
import { CSR_WORD } from '../layout.ts';
import { endLooking, writeStatus } from './trap.ts';

const { OUTCOME, binary, choose, constant, end, named, set, word } = routine;

export interface CsrWords {
  readonly read: Value;
  /** Its argument is `value`. */
  readonly write: Routine;
}

export function csrWords(row: CsrRow): CsrWords | undefined {
  const at = CSR_WORD[row.name];
  const value = named('value');
  const done = end(constant(OUTCOME.done));
  const writing = (result: Value, last = done): Routine => ({ parameters: ['value'], statements: [set(at, result), last] });
  switch (row.kind) {
    case 'plain':
      return { read: word(at), write: writing(value) };
    case 'masked': {
      if (row.mask === 0) return { read: constant(row.reset), write: { parameters: ['value'], statements: [done] } };
      const kept = binary('and', word(at), constant(~row.mask));
      const result = binary('or', kept, binary('and', value, constant(row.mask)));
      return { read: word(at), write: writing(result, row.looks === true ? endLooking : done) };
    }
    case 'vector':
      // Modes 2 and 3 are reserved: such a write is refused.
      return { read: word(at), write: writing(choose(binary('and', value, constant(2)), word(at), value)) };
    case 'status':
      return { read: binary('and', word(CSR_WORD.mstatus), constant(row.shows)), write: writeStatus(row.mask) };
    case 'effect':
      return undefined;
  }
}
