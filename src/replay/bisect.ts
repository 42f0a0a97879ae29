/**
 * Finds the first instruction after which two machines differ, though both were given the same log: first which entry lies just
 * behind it, then which icount, each by halving from snapshots of the last agreement (protocol.md, "The log").
 */
import type { Icount, Machine, Snapshot } from '../../emulator/index.ts';
import { decodeBatch } from './codec.ts';
import { disassembly, entryName, hex, instructionAt } from './divergence.ts';
import type { Evidence } from './driver.ts';
import type { Entry, Seq } from './entry.ts';
import { OutputRange } from './range.ts';

/** A machine from reset, or from a snapshot. */
export type MachineFactory = (snapshot: Snapshot | undefined) => Machine;

export interface Suspects {
  readonly left: MachineFactory;
  readonly right: MachineFactory;
  /** What the report calls them. */
  readonly names?: readonly [string, string];
  /** Entries of the log, in order, from the first that the snapshots do not hold. */
  readonly entries: readonly Entry[];
  /** Where the search begins; undefined: reset. Each side may bring its own. */
  readonly snapshots?: { readonly left: Snapshot | undefined; readonly right: Snapshot | undefined };
  /** How far to look: the icount of the divergence, or the end of the log. */
  readonly to: Icount;
}

export interface Difference {
  /** The last icount at which both sides agree. */
  readonly icount: Icount;
  /** What comes next and ends differently: the delivery of an entry, or (undefined) the instruction or interrupt there. */
  readonly seq: Seq | undefined;
  readonly pc: number;
  readonly instruction: string;
  /** For a person: disassembly around the pc, and what differs afterwards, on both sides. */
  readonly report: string;
}

/** Undefined when both sides agree all the way. Runs about log2(entries) + log2(instructions) times over a shrinking stretch. */
export function bisect(suspects: Suspects): Difference | undefined {
  const entries = suspects.entries.filter(({ at }) => at <= suspects.to);
  let good: Mark = { left: suspects.snapshots?.left, right: suspects.snapshots?.right, applied: 0 };
  const open = (): Pair => new Pair(suspects, entries, good);

  const start = open();
  if (start.differ()) return describe(suspects, start, undefined, start, 'the sides differ where the search begins');
  const end = open();
  end.apply(entries.length);
  end.runTo(suspects.to);
  if (!end.differ()) return undefined;

  // After `low` entries both sides agree; after `high` (one more than there are: at the end) they do not.
  let [low, high] = [0, entries.length + 1];
  while (high - low > 1) {
    const middle = low + ((high - low) >> 1);
    const trial = open();
    trial.apply(middle);
    if (trial.differ()) high = middle;
    else [low, good] = [middle, trial.mark()];
  }
  const next: Entry | undefined = entries[low];
  const arrived = open();
  arrived.runTo(next?.at ?? suspects.to);
  if (next !== undefined && !arrived.differ()) {
    good = arrived.mark();
    const delivered = open();
    delivered.apply(low + 1);
    return describe(suspects, open(), next, delivered, `the delivery of entry ${next.seq} (${entryName(next)}) ends differently`);
  }

  let [agreed, differs] = [open().left.icount, next?.at ?? suspects.to];
  while (differs - agreed > 1) {
    const middle = agreed + Math.floor((differs - agreed) / 2);
    const trial = open();
    trial.runTo(middle);
    if (trial.differ()) differs = middle;
    else [agreed, good] = [middle, trial.mark()];
  }
  const after = open();
  after.runTo(differs);
  return describe(suspects, open(), undefined, after, 'the first step that ends differently');
}

/** Entries of a piece of evidence; what its snapshot already holds is left out. Throws on a batch that does not decode. */
export function evidenceEntries(evidence: Evidence): Entry[] {
  return evidence.batches.flatMap((bytes) => {
    const batch = decodeBatch(bytes);
    if ('kind' in batch) throw new Error(`the evidence is damaged: ${batch.detail}`);
    return batch.entries.filter(({ seq }) => seq > evidence.seq);
  });
}

interface Mark {
  readonly left: Snapshot | undefined;
  readonly right: Snapshot | undefined;
  /** Entries applied. */
  readonly applied: number;
}

/** Both machines at the same place of the log. Tolerant: one that idles or refuses where the other does not simply differs. */
class Pair {
  readonly left: Machine;
  readonly right: Machine;
  private readonly entries: readonly Entry[];
  private readonly ranges: readonly [OutputRange, OutputRange];
  private applied: number;

  constructor(suspects: Suspects, entries: readonly Entry[], mark: Mark) {
    this.left = suspects.left(mark.left);
    this.right = suspects.right(mark.right);
    this.entries = entries;
    this.ranges = [new OutputRange(this.left.made), new OutputRange(this.right.made)];
    this.applied = mark.applied;
  }

  apply(count: number): void {
    for (; this.applied < count; this.applied += 1) {
      const entry = this.entries[this.applied]!;
      this.runTo(entry.at);
      if (entry.kind !== 'input') continue;
      for (const machine of [this.left, this.right]) if (machine.refuses(entry.input) === undefined) machine.deliver(entry.input);
      this.collect();
    }
  }

  runTo(icount: Icount): void {
    for (const machine of [this.left, this.right])
      while (machine.icount < icount) {
        const before = machine.icount;
        const pause = machine.run(icount);
        this.collect();
        if (pause === 'idle' || pause === 'off' || (pause === 'limit' && machine.icount === before)) break;
      }
  }

  /** By state, and by what was put out since the mark. */
  differ(): boolean {
    const { left, right } = this;
    const [mine, yours] = this.ranges.map((range) => range.close());
    return left.icount !== right.icount || left.digest() !== right.digest() || mine !== yours;
  }

  mark(): Mark {
    return { left: this.left.save(), right: this.right.save(), applied: this.applied };
  }

  private collect(): void {
    this.ranges[0].add(this.left.takeOutputs());
    this.ranges[1].add(this.right.takeOutputs());
  }
}

function describe(suspects: Suspects, before: Pair, entry: Entry | undefined, after: Pair, what: string): Difference {
  const hart = before.left.inspect();
  const instruction = instructionAt(before.left, hart);
  const { icount } = before.left;
  const report = [
    `first difference after icount ${icount}, pc ${hex(hart.pc)}: ${what}`,
    ...disassembly(before.left, hart),
    ...differences(after, suspects.names ?? ['primary', 'backup']),
  ].join('\n');
  return { icount, seq: entry?.seq, pc: hart.pc, instruction, report };
}

/** Everything in the hart that differs, or else the first byte of RAM that does. */
function differences({ left, right }: Pair, [a, b]: readonly [string, string]): string[] {
  const lines: string[] = [];
  const compare = (name: string, mine: number, yours: number, show = hex): void => {
    if (mine !== yours) lines.push(`  ${name}: ${a} ${show(mine)}, ${b} ${show(yours)}`);
  };
  const [mine, yours] = [left.inspect(), right.inspect()];
  compare('icount', left.icount, right.icount, String);
  compare('pc', mine.pc, yours.pc);
  compare('privilege', mine.privilege, yours.privilege, String);
  mine.x.forEach((value, i) => {
    compare(`x${i}`, value, yours.x[i]!);
  });
  for (const [name, value] of Object.entries(mine.csrs)) compare(name, value, yours.csrs[name] ?? 0);
  const address = firstByte(left, right);
  if (address !== undefined) compare(`byte at ${hex(address)}`, left.readMemory(address, 1)[0]!, right.readMemory(address, 1)[0]!);
  if (lines.length === 0) lines.push('  registers and RAM are alike: a device, or what it put out, differs');
  return lines;
}

const RAM = 0x8000_0000;
const PAGE = 4096;

function firstByte(left: Machine, right: Machine): number | undefined {
  for (let page = RAM; page < RAM + left.config.memoryBytes; page += PAGE) {
    const mine = left.readMemory(page, PAGE);
    const yours = right.readMemory(page, PAGE);
    const at = mine.findIndex((byte, i) => byte !== yours[i]);
    if (at >= 0) return page + at;
  }
  return undefined;
}
