/**
 * Accesses of one block that go by the same pointer at constant distances: frames, structures, unrolled loops. They share one look at the TLB
 * where the first of them finds that all lie in its page.
 */
import { BASE, type Width } from '../isa/index.ts';
import type { PlanBlock, PlanInstruction } from './plan.ts';

export interface Group {
  /** In the order of the block; the first is the one that looks. */
  readonly accesses: readonly PlanInstruction[];
  readonly leader: PlanInstruction;
  /** How far from the leader's address the group's bytes reach: the lowest (at most 0), the highest (at least 0). */
  readonly low: number;
  readonly high: number;
}

/** A register's value: what it was when it was last unknown, by number, and a distance from that. */
interface Value {
  readonly origin: number;
  readonly distance: number;
}

interface Access {
  readonly instruction: PlanInstruction;
  readonly distance: number;
}

/** Groups reach no farther than this, so that few of them lie in two pages. */
const REACH_MAX = 256;

export function groupsOf({ instructions }: PlanBlock): Group[] {
  let origins = 32;
  const values: Value[] = Array.from({ length: 32 }, (_, x) => ({ origin: x, distance: 0 }));
  const families = new Map<number, Access[]>();
  for (const instruction of instructions) {
    const row = BASE[instruction.op];
    const { rd, rs1, imm } = instruction;
    const base = values[rs1];
    const access = accessOf(row);
    if (access !== undefined && !instruction.looksAtGranule) {
      const key = base.origin * 16 + (row.kind === 'store' ? 8 : 0) + access;
      const family = families.get(key) ?? [];
      families.set(key, family);
      family.push({ instruction, distance: base.distance + imm });
    }
    if (rd === 0 || row.kind === 'store' || row.kind === 'branch') continue;
    if (row.name === 'addi' && rs1 !== 0) values[rd] = { origin: base.origin, distance: base.distance + imm };
    else values[rd] = { origin: origins++, distance: 0 };
  }
  return [...families].flatMap(([key, family]) => split(family, (key % 8) as Width));
}

/** Width of a plain load or store. */
function accessOf(row: (typeof BASE)[number]): Width | undefined {
  if (row.kind === 'store') return row.width;
  return row.kind === 'load' && row.rd.node === 'load' ? row.rd.width : undefined;
}

/** The groups of accesses by one pointer. */
function split(family: readonly Access[], width: Width): Group[] {
  const groups: Group[] = [];
  const rest = [...family];
  while (rest.length > 1) {
    const [leader] = rest;
    const near = rest.filter(
      ({ distance }) => Math.abs(distance - leader.distance) <= REACH_MAX && (distance - leader.distance) % width === 0,
    );
    for (const access of near) rest.splice(rest.indexOf(access), 1);
    if (near.length < 2) continue;
    const reaches = near.map(({ distance }) => distance - leader.distance);
    groups.push({
      accesses: near.map(({ instruction }) => instruction),
      leader: leader.instruction,
      low: Math.min(0, ...reaches),
      high: Math.max(0, ...reaches) === 0 ? 0 : Math.max(...reaches) + width - 1,
    });
  }
  return groups;
}
