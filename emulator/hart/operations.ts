/** Numbers of the operations in decoded records: a dense range, so that the interpreter's switch is a jump table. */
import { BASE } from '../isa/index.ts';

/** Operations that are no instruction. 0 is what an empty record holds. */
export const OPERATION = { empty: 0, pageEnd: 1, crossing: 2, illegal: 3 } as const;

const FIRST = 4;

/** Operation of each row of BASE; branches and jal have a second one, one higher, for targets outside their page. */
export const ROW_OPERATION: readonly number[] = (() => {
  let next = FIRST;
  return BASE.map((row) => {
    const operation = next;
    next += row.kind === 'branch' || row.name === 'jal' ? 2 : 1;
    return operation;
  });
})();

export const OPERATIONS = ROW_OPERATION[BASE.length - 1] + 1;

/** Index in BASE of an operation's row, or -1. */
export const OPERATION_ROW: Int32Array = (() => {
  const rows = new Int32Array(OPERATIONS).fill(-1);
  for (let op = 0; op < BASE.length; op++) {
    rows[ROW_OPERATION[op]] = op;
    if (BASE[op].kind === 'branch' || BASE[op].name === 'jal') rows[ROW_OPERATION[op] + 1] = op;
  }
  return rows;
})();
