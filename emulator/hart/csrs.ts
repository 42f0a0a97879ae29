/** Reads and writes of CSRs (Privileged 20211203 chapters 2 to 4): who may, and what a write does beyond the word it changes. */
import { CSR_BY_NUMBER, INTERRUPTS, MSTATUS, PMP_ENTRIES, routine, STCE, SUPERVISOR_INTERRUPTS } from '../isa/index.ts';
import { CSR_WORD, WORD } from '../layout.ts';
import { type CsrWords, csrWords } from './csr-words.ts';
import type { Hart } from './hart.ts';
import { routineFunction, valueFunction } from './routine-js.ts';

export interface Csr {
  readonly number: number;
  readonly read: (hart: Hart) => number;
  readonly write: (hart: Hart, value: number) => void;
  /** What csrrs and csrrc change bits of, where that is not what a read shows. */
  readonly modify?: (hart: Hart) => number;
  /** After a write the run loop looks: interrupts, timers or translation may have changed. */
  readonly effect: boolean;
}

/** The CSR that an instruction may use now, or undefined: an illegal instruction. */
export function accessible(hart: Hart, number: number, writes: boolean): Csr | undefined {
  const csr = byNumber(number);
  const privilege = hart.words[WORD.privilege];
  if (csr === undefined || privilege < ((number >> 8) & 3) || (writes && number >> 10 === 3)) return undefined;
  return privilege === 3 || allowedBelowMachine(hart, number, privilege) ? csr : undefined;
}

function allowedBelowMachine(hart: Hart, number: number, privilege: number): boolean {
  const { words } = hart;
  if (number >= 0xc00 && number <= 0xc9f) {
    // §3.1.11, §4.1.5: a counter needs its bit in mcounteren, and in U-mode in scounteren too.
    const bit = 1 << (number & 31);
    return (words[CSR_WORD.mcounteren] & bit) !== 0 && (privilege === 1 || (words[CSR_WORD.scounteren] & bit) !== 0);
  }
  if (number === SATP) return (words[CSR_WORD.mstatus] & MSTATUS.TVM) === 0;
  // Sstc §2.2: needs both mcounteren.TM and menvcfg.STCE.
  if (number === STIMECMP || number === STIMECMPH) return (words[CSR_WORD.mcounteren] & 2) !== 0 && (words[CSR_WORD.menvcfgh] & STCE) !== 0;
  return true;
}

const SATP = 0x180;
const STIMECMP = 0x14d;
const STIMECMPH = 0x15d;
const INHIBIT_CYCLE = 1;
const INHIBIT_INSTRET = 4;
const SSI = 1 << INTERRUPTS.SSI;
const SEI = 1 << INTERRUPTS.SEI;

const low = (value: bigint): number => Number(BigInt.asIntN(32, value));
const high = (value: bigint): number => Number(BigInt.asIntN(32, value >> 32n));
const withLow = (value: bigint, word: number): bigint => (BigInt.asUintN(64, value) & 0xffffffff00000000n) | BigInt(word >>> 0);
const withHigh = (value: bigint, word: number): bigint => (BigInt.asUintN(64, value) & 0xffffffffn) | (BigInt(word >>> 0) << 32n);

/** mcycle at this icount. */
export function cycle(hart: Hart): bigint {
  const running = (hart.csr('mcountinhibit') & INHIBIT_CYCLE) === 0;
  return BigInt.asUintN(64, hart.cycleOffset + (running ? BigInt(hart.icount) : 0n));
}

function setCycle(hart: Hart, value: bigint): void {
  const running = (hart.csr('mcountinhibit') & INHIBIT_CYCLE) === 0;
  hart.cycleOffset = BigInt.asIntN(64, value - (running ? BigInt(hart.icount) : 0n));
}

/** minstret as the instruction in hand reads it: those that retired before it. */
function instretBefore(hart: Hart): bigint {
  const running = (hart.csr('mcountinhibit') & INHIBIT_INSTRET) === 0;
  return BigInt.asUintN(64, hart.instretOffset + (running ? BigInt(hart.icount - hart.traps - 1) : 0n));
}

/** The next instruction reads `value`: the writing one does not count itself (§3.1.10). */
function setInstret(hart: Hart, value: bigint): void {
  const running = (hart.csr('mcountinhibit') & INHIBIT_INSTRET) === 0;
  hart.instretOffset = BigInt.asIntN(64, value - (running ? BigInt(hart.icount - hart.traps) : 0n));
}

/** A bit that does not change leaves its counter alone: the write itself is counted. */
function setInhibit(hart: Hart, value: number): void {
  const changed = hart.csr('mcountinhibit') ^ (value & (INHIBIT_CYCLE | INHIBIT_INSTRET));
  const cycles = cycle(hart);
  const instret = instretBefore(hart);
  hart.words[CSR_WORD.mcountinhibit] = value & (INHIBIT_CYCLE | INHIBIT_INSTRET);
  if ((changed & INHIBIT_CYCLE) !== 0) setCycle(hart, cycles);
  if ((changed & INHIBIT_INSTRET) !== 0) setInstret(hart, instret);
}

function setSatp(hart: Hart, value: number): void {
  hart.words[CSR_WORD.satp] = value;
  hart.contextChanged();
}

const ignore = (): void => {};
const zero = (): number => 0;
const word = (name: string) => {
  const at = CSR_WORD[name];
  return (hart: Hart): number => hart.words[at];
};
const masked = (name: string, mask: number) => {
  const at = CSR_WORD[name];
  return (hart: Hart, value: number): void => {
    hart.words[at] = (hart.words[at] & ~mask) | (value & mask);
  };
};

/** mip with the software bit of SEIP alone: what csrrs and csrrc modify (§3.1.9). */
const modifyPending = (hart: Hart): number => (hart.pending() & ~SEI) | (hart.csr('mip') & SEI);

function setTimer(hart: Hart, name: 'stimecmp' | 'stimecmph', value: number): void {
  hart.words[CSR_WORD[name]] = value;
  hart.onTimers();
}

type Effect = Pick<Csr, 'read' | 'write'> & Partial<Pick<Csr, 'modify'>>;

const time = (hart: Hart): bigint => hart.clock.at(hart.icount);

const EFFECTS: Readonly<Record<string, Effect>> = {
  cycle: { read: (h) => low(cycle(h)), write: ignore },
  cycleh: { read: (h) => high(cycle(h)), write: ignore },
  time: { read: (h) => low(time(h)), write: ignore },
  timeh: { read: (h) => high(time(h)), write: ignore },
  instret: { read: (h) => low(instretBefore(h)), write: ignore },
  instreth: { read: (h) => high(instretBefore(h)), write: ignore },
  mcycle: { read: (h) => low(cycle(h)), write: (h, v) => setCycle(h, withLow(cycle(h), v)) },
  mcycleh: { read: (h) => high(cycle(h)), write: (h, v) => setCycle(h, withHigh(cycle(h), v)) },
  minstret: { read: (h) => low(instretBefore(h)), write: (h, v) => setInstret(h, withLow(instretBefore(h), v)) },
  minstreth: { read: (h) => high(instretBefore(h)), write: (h, v) => setInstret(h, withHigh(instretBefore(h), v)) },
  mcountinhibit: { read: word('mcountinhibit'), write: setInhibit },
  sie: {
    read: (h) => h.csr('mie') & h.csr('mideleg'),
    write: (h, v) => masked('mie', h.csr('mideleg'))(h, v),
  },
  mip: {
    read: (h) => h.pending(),
    write: (h, v) => {
      // With STCE, STIP is the comparison and nothing else.
      const mask = (h.csr('menvcfgh') & STCE) !== 0 ? SUPERVISOR_INTERRUPTS & ~(1 << INTERRUPTS.STI) : SUPERVISOR_INTERRUPTS;
      masked('mip', mask)(h, v);
    },
    modify: modifyPending,
  },
  sip: {
    read: (h) => h.pending() & h.csr('mideleg'),
    write: (h, v) => masked('mip', h.csr('mideleg') & SSI)(h, v),
  },
  menvcfgh: { read: word('menvcfgh'), write: (h, v) => masked('menvcfgh', STCE)(h, v) },
  stimecmp: { read: word('stimecmp'), write: (h, v) => setTimer(h, 'stimecmp', v) },
  stimecmph: { read: word('stimecmph'), write: (h, v) => setTimer(h, 'stimecmph', v) },
  satp: { read: word('satp'), write: setSatp },
};

function effectOf(name: string): Effect {
  const known = EFFECTS[name];
  if (known !== undefined) return known;
  const [, series, n] = /^(pmpcfg|pmpaddr|hpmcounter)(\d+)h?$/.exec(name) ?? [];
  const index = Number(n);
  if (series === 'pmpcfg') {
    return { read: word(name), write: (h, v) => protect(h, () => h.pmp.writeConfig(index, v)) };
  }
  if (series === 'pmpaddr' && index < PMP_ENTRIES) {
    return { read: word(name), write: (h, v) => protect(h, () => h.pmp.writeAddress(index, v)) };
  }
  if (series === 'hpmcounter') return { read: zero, write: ignore };
  throw new Error(`CSR ${name} has effects that nothing defines`);
}

function protect(hart: Hart, change: () => void): void {
  change();
  hart.mmu.dropAll();
}

/** Made when first used: most are not, by any one guest. */
const made = new Map<number, Csr | undefined>();

function byNumber(number: number): Csr | undefined {
  const known = made.get(number);
  if (known !== undefined || made.has(number)) return known;
  const row = CSR_BY_NUMBER.get(number);
  const words = row && csrWords(row);
  let csr: Csr | undefined;
  if (words !== undefined) csr = { number, effect: false, ...fromWords(words) };
  else if (row !== undefined) csr = { number, effect: true, ...effectOf(row.name) };
  made.set(number, csr);
  return csr;
}

function fromWords(words: CsrWords): Effect {
  const read = valueFunction(words.read);
  const write = routineFunction(words.write);
  return {
    read: (hart) => read(hart.engine),
    write: (hart, value) => {
      let outcome = write(hart.engine, value);
      if (outcome === routine.OUTCOME.leave) {
        // MXR changes: done first, so that the routine has no more cause to leave.
        hart.words[CSR_WORD.mstatus] ^= MSTATUS.MXR;
        hart.mmu.dropReadable();
        outcome = write(hart.engine, value);
      }
      hart.settle(outcome);
    },
  };
}
