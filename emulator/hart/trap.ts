/**
 * Traps, returns and writes to mstatus (Privileged 20211203 §3.1.6 to §3.1.9, §3.3.2) as routines, from which both engines are folded: who
 * handles what, what mstatus remembers, and which TLB banks are in use afterwards. Also: which interrupt is taken.
 */
import { INTERRUPT_ORDER, INTERRUPTS, MPP_SHIFT, MSTATUS, type Routine, routine, type Statement, type Value } from '../isa/index.ts';
import { CSR_WORD, ENGINE, WORD } from '../layout.ts';
import type { Hart } from './hart.ts';

const { OUTCOME, binary, choose, constant, define, element, end, named, set, when, word } = routine;

const and = (a: Value, b: Value | number): Value => binary('and', a, typeof b === 'number' ? constant(b) : b);
const or = (a: Value, b: Value): Value => binary('or', a, b);
const add = (a: Value, b: Value): Value => binary('add', a, b);
const shift = (node: 'sll' | 'srl', a: Value, by: number): Value => binary(node, a, constant(by));
const is = (a: Value, b: number): Value => binary('eq', a, constant(b));
const csr = (name: string): Value => word(CSR_WORD[name]);
const setCsr = (name: string, value: Value): Statement => set(CSR_WORD[name], value);

const status = named('status');
const privilege = named('privilege');
const cause = named('cause');
const begin: readonly Statement[] = [define('status', csr('mstatus')), define('privilege', word(WORD.privilege))];
const interrupt = binary('lt', cause, constant(0));

/** A change that may let an interrupt through, which is pending and enabled, has the run loop look for it. */
export const endLooking = end(choose(and(word(ENGINE.pending), csr('mie')), constant(OUTCOME.look), constant(OUTCOME.done)));

/** Banks of the space in use, by privilege and mstatus as they are: loads and stores have MPP's while M-mode has MPRV set (§3.1.6.3). */
const chooseBanks: readonly Statement[] = [
  define('now', csr('mstatus')),
  define('fetching', word(WORD.privilege)),
  define(
    'accessing',
    choose(
      binary('and', is(named('fetching'), 3), binary('ne', and(named('now'), MSTATUS.MPRV), constant(0))),
      shift('srl', and(named('now'), MSTATUS.MPP), MPP_SHIFT),
      named('fetching'),
    ),
  ),
  // U is 0, S is 1, S with SUM is 2, M is 3.
  define('sum', binary('ne', and(named('now'), MSTATUS.SUM), constant(0))),
  define('context', choose(is(named('accessing'), 1), add(constant(1), named('sum')), named('accessing'))),
  set(ENGINE.dataBank, element(ENGINE.dataBanks, named('context'))),
  set(ENGINE.jumpBank, element(ENGINE.jumpBanks, named('fetching'))),
];

/** §3.1.7: mode 1 is vectored, for interrupts alone. */
const vector = (tvec: Value): Value =>
  add(and(tvec, -4), choose(binary('and', and(tvec, 1), interrupt), shift('sll', and(cause, 31), 2), constant(0)));

/** Of the interrupt enable and its stack of one: `from` moves to `to`, both bits of mstatus. */
const moved = (from: number, to: number): Value => {
  const by = Math.clz32(from) - Math.clz32(to);
  return shift(by > 0 ? 'sll' : 'srl', and(status, from), Math.abs(by));
};

/** Enters the handler for `cause` (bit 31 set: an interrupt) with pc as the exception's address. */
export const TRAP: Routine = {
  parameters: ['cause', 'tval'],
  statements: [
    ...begin,
    define('delegated', binary('srl', choose(interrupt, csr('mideleg'), csr('medeleg')), cause)),
    set(ENGINE.traps, add(word(ENGINE.traps), constant(1))),
    // Every trap clears the reservation (machine.md): a handler that switches tasks need not do it.
    set(WORD.reserved, constant(0)),
    when(
      binary('and', binary('ne', privilege, constant(3)), and(named('delegated'), 1)),
      [
        setCsr('sepc', word(WORD.pc)),
        setCsr('scause', cause),
        setCsr('stval', named('tval')),
        setCsr(
          'mstatus',
          or(
            and(status, ~(MSTATUS.SPP | MSTATUS.SPIE | MSTATUS.SIE)),
            or(moved(MSTATUS.SIE, MSTATUS.SPIE), choose(privilege, constant(MSTATUS.SPP), constant(0))),
          ),
        ),
        set(WORD.privilege, constant(1)),
        set(WORD.pc, vector(csr('stvec'))),
      ],
      [
        setCsr('mepc', word(WORD.pc)),
        setCsr('mcause', cause),
        setCsr('mtval', named('tval')),
        setCsr(
          'mstatus',
          or(
            and(status, ~(MSTATUS.MPP | MSTATUS.MPIE | MSTATUS.MIE)),
            or(moved(MSTATUS.MIE, MSTATUS.MPIE), shift('sll', privilege, MPP_SHIFT)),
          ),
        ),
        set(WORD.privilege, constant(3)),
        set(WORD.pc, vector(csr('mtvec'))),
      ],
    ),
    ...chooseBanks,
    // Who is interrupted now was interrupted before: no handler is entered with more enabled than there was.
    end(constant(OUTCOME.done)),
  ],
};

/** To `to`, with `kept` bits of mstatus, the interrupt enable that was before the trap, and MPRV only for M-mode. */
const returning = (to: Value, kept: Value, epc: string): readonly Statement[] => [
  define('to', to),
  setCsr('mstatus', choose(is(named('to'), 3), kept, and(kept, ~MSTATUS.MPRV))),
  set(WORD.privilege, named('to')),
  set(WORD.pc, csr(epc)),
  set(WORD.reserved, constant(0)),
  ...chooseBanks,
  endLooking,
];

/** mret, where it is legal. */
export const MRET: Routine = {
  parameters: [],
  statements: [
    ...begin,
    when(binary('ne', privilege, constant(3)), [end(constant(OUTCOME.leave))]),
    ...returning(
      shift('srl', and(status, MSTATUS.MPP), MPP_SHIFT),
      or(and(status, ~(MSTATUS.MPP | MSTATUS.MIE)), or(constant(MSTATUS.MPIE), moved(MSTATUS.MPIE, MSTATUS.MIE))),
      'mepc',
    ),
  ],
};

/** sret, where it is legal: not in U-mode, and with TSR not in S-mode. */
export const SRET: Routine = {
  parameters: [],
  statements: [
    ...begin,
    when(or(is(privilege, 0), binary('and', is(privilege, 1), binary('ne', and(status, MSTATUS.TSR), constant(0)))), [
      end(constant(OUTCOME.leave)),
    ]),
    ...returning(
      binary('ne', and(status, MSTATUS.SPP), constant(0)),
      or(and(status, ~(MSTATUS.SPP | MSTATUS.SIE)), or(constant(MSTATUS.SPIE), moved(MSTATUS.SPIE, MSTATUS.SIE))),
      'sepc',
    ),
  ],
};

/** sfence.vma, where it is legal: not in U-mode, and with TVM not in S-mode. Translations are coherent with the tables at every instruction. */
export const SFENCE: Routine = {
  parameters: [],
  statements: [
    ...begin,
    when(or(is(privilege, 0), binary('and', is(privilege, 1), binary('ne', and(status, MSTATUS.TVM), constant(0)))), [
      end(constant(OUTCOME.leave)),
    ]),
    end(constant(OUTCOME.done)),
  ],
};

/** A write of `value` to the bits of mstatus in `mask`. It leaves when MXR would change: entries of the data TLB must go then. */
export const writeStatus = (mask: number): Routine => ({
  parameters: ['value'],
  statements: [
    define('was', csr('mstatus')),
    define('wanted', or(and(named('was'), ~mask), and(named('value'), mask))),
    when(and(binary('xor', named('wanted'), named('was')), MSTATUS.MXR), [end(constant(OUTCOME.leave))]),
    // MPP is WARL: 2 names no mode, and is refused.
    setCsr(
      'mstatus',
      choose(
        is(and(named('wanted'), MSTATUS.MPP), 2 << MPP_SHIFT),
        or(and(named('wanted'), ~MSTATUS.MPP), and(named('was'), MSTATUS.MPP)),
        named('wanted'),
      ),
    ),
    ...chooseBanks,
    endLooking,
  ],
});

/** Another space is in use, or words have changed behind the routines' back. */
export const CHOOSE_BANKS: Routine = { parameters: [], statements: [...chooseBanks, end(constant(OUTCOME.done))] };

/** The interrupt that is taken at this boundary: its code, or -1. */
export function interruptNow(hart: Hart, pending: number): number {
  const { words } = hart;
  const ready = pending & words[CSR_WORD.mie];
  if (ready === 0) return -1;
  const mode = words[WORD.privilege];
  const enables = words[CSR_WORD.mstatus];
  const delegated = words[CSR_WORD.mideleg];
  // §3.1.9: those for M-mode before those for S-mode, whatever their order among each other.
  let takes = mode < 3 || (enables & MSTATUS.MIE) !== 0 ? ready & ~delegated : 0;
  if (takes === 0) takes = mode < 1 || (mode === 1 && (enables & MSTATUS.SIE) !== 0) ? ready & delegated : 0;
  if (takes === 0) return -1;
  for (const code of CODES) if ((takes & (1 << code)) !== 0) return code;
  return -1;
}

/** Of interrupts, by who goes first. */
const CODES: readonly number[] = INTERRUPT_ORDER.map((name) => INTERRUPTS[name]);
