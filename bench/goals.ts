/** What the translator and Linux promise (PROMISES.md): gates that must be passed, goals that show where to push next. */
import { type Rows, short } from './report.ts';

export interface Finding {
  /** NaN when it was not measured. */
  readonly value: number;
  /** The same by wall time, where the value is of processor time. */
  readonly wall?: number;
}

interface Bound {
  readonly figure: string;
  readonly finding: string;
  readonly unit: string;
  readonly gate?: number;
  readonly goal?: number;
  /** The value is a cost. */
  readonly less?: true;
}

const BOUNDS = [
  { figure: 'steady, paged guests, geometric mean', finding: 'pagedIcount', unit: 'x -icount', gate: 2, goal: 2 },
  { figure: 'steady, paged guests, geometric mean', finding: 'pagedTcg', unit: 'x TCG', gate: 1, goal: 1.2 },
  { figure: 'steady, the worst guest of all', finding: 'worstTcg', unit: 'x TCG', gate: 0.6, goal: 0.8 },
  { figure: 'whole process from a cold start, paged guests, geometric mean', finding: 'coldIcount', unit: 'x -icount', goal: 1.5 },
  { figure: 'system: ecall to M-mode and back', finding: 'ecall-machine', unit: 'x QEMU', gate: 1, goal: 3 },
  { figure: 'system: ecall to S-mode and back', finding: 'ecall-supervisor', unit: 'x QEMU', gate: 1, goal: 3 },
  { figure: 'system: a walk over 4,096 pages', finding: 'walk', unit: 'x QEMU', gate: 1, goal: 3 },
  { figure: 'system: a software interrupt each 100 instructions', finding: 'interrupt', unit: 'x QEMU', gate: 1, goal: 3 },
  // No worse than the interpreter alone, give or take what two runs of the same differ by.
  { figure: 'code that rewrites itself every 1,000 instructions', finding: 'rewrite', unit: 'x the interpreter', goal: 0.95 },
  { figure: 'data beside code in one page', finding: 'beside', unit: 'x the interpreter', goal: 0.95 },
  { figure: 'stop at an exact instruction, and go on', finding: 'stop', unit: 'µs', goal: 1, less: true },
  { figure: 'the interpreter alone, geometric mean', finding: 'interpreter', unit: 'MIPS', goal: 200 },
  { figure: 'Linux: translated after the first 200 M, the least', finding: 'linuxShare', unit: '% of instructions', goal: 95 },
  { figure: 'Linux: boot to the prompt, whole process, wall time', finding: 'linuxBoot', unit: 'x TCG', goal: 1, less: true },
  { figure: 'Linux: boot to the prompt, whole process, wall time', finding: 'linuxBootSeconds', unit: 's', goal: 1.5, less: true },
  { figure: 'Linux: the same, protected', finding: 'linuxProtected', unit: 'x solo', goal: 1.15, less: true },
  { figure: 'Linux: workloads, geometric mean', finding: 'linuxIcount', unit: 'x -icount', goal: 2 },
  { figure: 'Linux: workloads, geometric mean', finding: 'linuxTcg', unit: 'x TCG', goal: 1 },
  { figure: 'Linux: idle at the prompt, protected, the busier replica', finding: 'linuxIdle', unit: '% of a core', goal: 2, less: true },
  { figure: 'Linux: log of the idle guest', finding: 'linuxLog', unit: 'B/s', goal: 1000, less: true },
  { figure: 'Linux: memory of a replica beyond the guest RAM touched', finding: 'linuxMemory', unit: 'MiB', goal: 150, less: true },
] as const satisfies readonly Bound[];

export type FindingName = (typeof BOUNDS)[number]['finding'];
export type Findings = Readonly<Partial<Record<FindingName, Finding>>>;

/** A row for each bound whose figure was measured: pass or short of the gate, met or short of the goal. */
export function judge(findings: Findings): Rows {
  return BOUNDS.flatMap((bound: Bound) => {
    const found = findings[bound.finding as FindingName];
    if (found === undefined || Number.isNaN(found.value)) return [];
    const verdict = (limit: number | undefined, good: string) => {
      if (limit === undefined) return '';
      const met = bound.less ? found.value <= limit : found.value >= limit;
      return `${bound.less ? '≤' : '≥'} ${limit}: ${met ? good : 'SHORT'}`;
    };
    return [
      {
        figure: bound.figure,
        measured: `${short(found.value)} ${bound.unit}`,
        'by wall time': found.wall === undefined ? '' : short(found.wall),
        gate: verdict(bound.gate, 'pass'),
        goal: verdict(bound.goal, 'met'),
      },
    ];
  });
}
