/** Two machines of one configuration, run to the same stops: what differs first? */
import type { Machine, Output } from '../../../emulator/index.ts';
import { disassemble } from '../../../emulator/isa/disassemble.ts';
import type { Random } from '../../support/random.ts';

/** What happens at a stop, made from a seed before anything runs: the same for every pair. */
export interface Stop {
  /** Instructions until it. */
  readonly after: number;
  /** All of the state is compared, not only registers. */
  readonly whole: boolean;
  /** Derived data of the second machine is dropped, as this seed chooses; 0: none. */
  readonly drop: number;
  /** A byte is typed. */
  readonly typed: boolean;
}

export interface Difference {
  /** Number of the stop at which they differed, and the icount of the one before. */
  readonly stop: number;
  readonly from: number;
  readonly icount: number;
  readonly what: string;
}

export interface Outcome {
  readonly difference: Difference | undefined;
  readonly icount: number;
  readonly stops: number;
}

export interface Pair {
  readonly reference: Machine;
  readonly subject: Machine;
}

export function randomStop(random: Random, longest: number, drops: boolean): Stop {
  return {
    after: 1 + random.below(random.pick([1, 8, 100, longest, longest, longest])),
    whole: random.oneIn(16),
    drop: drops && random.oneIn(6) ? random.word() : 0,
    typed: random.oneIn(12),
  };
}

/** Runs both until they are off, wait for ever, are at `limit`, or differ. `stopAt` gives the stop of a number; `dropper` what a drop's seed chooses. */
export function lockstep(
  { reference, subject }: Pair,
  stopAt: (n: number) => Stop,
  limit: number,
  dropper: (seed: number) => () => boolean,
): Outcome {
  let idle = 0;
  for (let n = 0; ; n++) {
    const { after, whole, drop, typed } = stopAt(n);
    const from = reference.icount;
    const until = Math.min(limit, from + after);
    const pause = reference.run(until);
    const other = subject.run(until);
    const last = pause === 'off' || from >= limit;
    const what = compare(reference, subject, whole || last) ?? (pause === other ? undefined : `run says ${other}, not ${pause}`);
    if (what !== undefined) return { difference: { stop: n, from, icount: reference.icount, what }, icount: reference.icount, stops: n };
    idle = pause === 'idle' ? idle + 1 : 0;
    if (last || idle > 3) return { difference: undefined, icount: reference.icount, stops: n };
    if (drop !== 0) subject.dropDerived(dropper(drop));
    if (typed || pause === 'idle') {
      const input = { kind: 'console', port: 0, bytes: Uint8Array.of(65 + (n & 31)) } as const;
      if (reference.refuses(input) === undefined) reference.deliver(input);
      if (subject.refuses(input) === undefined) subject.deliver(input);
    }
  }
}

/** What differs between two machines, in words; undefined: nothing. Takes their outputs. */
export function compare(reference: Machine, subject: Machine, whole: boolean): string | undefined {
  if (reference.icount !== subject.icount) return `icount ${subject.icount}, not ${reference.icount}`;
  if (reference.registersDigest() !== subject.registersDigest()) return registers(reference, subject);
  const [ours, theirs] = [reference, subject].map((machine) => machine.takeOutputs().map(showOutput).join(' '));
  if (ours !== theirs) return `outputs ${theirs}, not ${ours}`;
  if (whole && reference.digest() !== subject.digest()) return `state: ${memory(reference, subject)}`;
  return undefined;
}

/** An instruction and where it is, as the machine is about to run it. */
export function here(machine: Machine): string {
  const { pc, instruction, privilege } = machine.inspect();
  return `${hex(pc)} in ${'US?M'[privilege]}: ${instruction === undefined ? 'no fetch' : disassemble(instruction, pc)}`;
}

const showOutput = (output: Output): string =>
  Object.values(output)
    .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : `${value}`))
    .join(' ');

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;

function registers(reference: Machine, subject: Machine): string {
  const [a, b] = [reference.inspect(), subject.inspect()];
  const wrong: string[] = [];
  if (a.pc !== b.pc) wrong.push(`pc ${hex(b.pc)}, not ${hex(a.pc)}`);
  if (a.privilege !== b.privilege) wrong.push(`privilege ${b.privilege}, not ${a.privilege}`);
  if (a.waiting !== b.waiting) wrong.push(`waiting ${b.waiting}, not ${a.waiting}`);
  for (const [n, value] of a.x.entries()) if (value !== b.x[n]) wrong.push(`x${n} ${hex(b.x[n])}, not ${hex(value)}`);
  for (const [name, value] of Object.entries(a.csrs))
    if (value !== b.csrs[name]) wrong.push(`${name} ${hex(b.csrs[name])}, not ${hex(value)}`);
  return wrong.length > 0 ? wrong.join('; ') : 'the reservation';
}

function memory(reference: Machine, subject: Machine): string {
  const [base, length] = [0x8000_0000, reference.config.memoryBytes];
  const [a, b] = [reference.readMemory(base, length), subject.readMemory(base, length)];
  const at = a.findIndex((byte, n) => byte !== b[n]);
  return at < 0 ? 'RAM is the same, the rest is not' : `byte at ${hex(base + at)} is ${hex(b[at])}, not ${hex(a[at])}`;
}
