/**
 * The histories that are tried: every cut point of protocol.md "Proof" with every way to die there, and histories made from a seed. Points are
 * found by running a plan without the cut, so that a second cut lies inside the takeover that the first one caused.
 */

import { type Guest, TOY } from './guests.ts';
import { judge } from './oracle.ts';
import { random } from './random.ts';
import { type History, type Mutation, type Name, PLAIN, type Plan, simulate } from './simulation.ts';

/** What becomes of the last words of a process, to its peer and to the world. */
const FATES = [
  { link: 'arrives', world: 'arrives' },
  { link: 'lost', world: 'arrives' },
  { link: 'lost', world: 'lost' },
  { link: 'arrives', world: 400 },
  { link: 'lost', world: 400 },
] as const;

/** One side's heartbeats alone are lost: the link works, and the other side suspects all the same. The backup lags, so its drain takes a while. */
const DEAF = [
  { forMs: 120, link: false, beats: 'A' },
  { forMs: 120, link: false, beats: 'B' },
] as const;

export interface Trial {
  readonly name: string;
  readonly plan: Plan;
}

/** What came of many trials. */
export interface Findings {
  readonly runs: number;
  /** Histories in which the backup went live. */
  readonly takeovers: number;
  readonly failures: readonly string[];
}

/** Plays every trial, under a mutation if there is one, and judges it; stops after `most` that fail. */
export function play(trials: Iterable<Trial>, mutation: Mutation = {}, most = 3, guest: Guest = TOY): Findings {
  let runs = 0;
  let takeovers = 0;
  const failures: string[] = [];
  for (const { name, plan } of trials) {
    const history = simulate(plan, mutation, guest);
    const violations = judge(history, guest, mutation.flaws);
    runs += 1;
    if (history.nodes.B.wentLive) takeovers += 1;
    if (violations.length > 0) failures.push(`${name}: ${violations.join('; ')} (${tell(history)})`);
    if (failures.length >= most) break;
  }
  return { runs, takeovers, failures };
}

/** Every `stride`-th of them. */
export function* every(stride: number, trials: Iterable<Trial>): Generator<Trial> {
  let i = 0;
  for (const trial of trials) if (i++ % stride === 0) yield trial;
}

/** A little of everything, in turns: what a broken rule meets first depends on the rule. */
export function* tour(): Generator<Trial> {
  const kinds = [
    strangers(),
    partitionsAndArbiters(9),
    every(29, singleCuts()),
    every(5, slowOperations()),
    every(3, stops(9)),
    seeds(1, 300),
  ];
  for (let left = kinds; left.length > 0; ) {
    const still: typeof kinds = [];
    for (const kind of left) {
      const next = kind.next();
      if (next.done) continue;
      still.push(kind);
      yield next.value;
    }
    left = still;
  }
}

export function* seeds(first: number, count: number): Generator<Trial> {
  for (let seed = first; seed < first + count; seed++) yield seeded(seed);
}

/** One death at each point: either side, and each fate of what it had said. */
export function* singleCuts(base: Plan = PLAIN, guest: Guest = TOY): Generator<Trial> {
  const { points } = simulate(base, {}, guest);
  for (let at = 0; at < points.length; at++) {
    for (const victim of ['A', 'B'] as const) {
      for (const fate of FATES) {
        const name = `kill ${victim} at point ${at} (${points[at]}), its words: link ${fate.link}, world ${fate.world}`;
        yield { name, plan: { ...base, cuts: [{ at, victims: [victim], ...fate }] } };
      }
    }
  }
}

/** The primary dies at each point while the disk operation begun last takes longer than everything that follows. */
export function* slowOperations(guest: Guest = TOY): Generator<Trial> {
  const { points } = simulate(PLAIN, {}, guest);
  let begun = 0;
  for (let at = 0; at < points.length; at++) {
    if (points[at].startsWith('begun')) begun += 1;
    if (begun === 0) continue;
    const plan: Plan = { ...PLAIN, cuts: [{ at, victims: ['A'], ...FATES[0] }], slowOperation: { n: begun - 1, forMs: 300 } };
    yield { name: `kill A at point ${at} (${points[at]}), world operation ${begun - 1} ends 300 ms later`, plan };
  }
}

/** Two deaths: the second at every `stride`-th point after the first, in the takeover too. */
export function* doubleCuts(firstStride: number, secondStride: number): Generator<Trial> {
  const { points } = simulate(PLAIN);
  for (let at = 0; at < points.length; at += firstStride) {
    for (const first of ['A', 'B'] as const) {
      const once: Plan = { ...PLAIN, cuts: [{ at, victims: [first], ...FATES[at % FATES.length] }] };
      const after = simulate(once).points;
      const second: Name = first === 'A' ? 'B' : 'A';
      for (let then = at; then < after.length; then += secondStride) {
        const plan: Plan = { ...once, cuts: [...once.cuts, { at: then, victims: [second], ...FATES[then % FATES.length] }] };
        yield { name: `kill ${first} at point ${at} (${points[at]}), then ${second} at ${then} (${after[then]})`, plan };
      }
    }
  }
}

/** The primary dies at every `stride`-th point, and its last words to the world arrive at each moment of the takeover. */
export function* lateWords(stride: number, lateStride: number): Generator<Trial> {
  const { points } = simulate(PLAIN);
  for (let at = 0; at < points.length; at += stride) {
    for (let late = 1; late < 40; late += lateStride) {
      const name = `kill A at point ${at} (${points[at]}), its words reach the world ${late} ms late`;
      yield { name, plan: { ...PLAIN, cuts: [{ at, victims: ['A'], link: 'arrives', world: late }] } };
    }
  }
}

/** The link fails just as the pair joins, and the backup sleeps until the primary has given up waiting and runs alone. */
export function* strangers(): Generator<Trial> {
  for (let at = 3; at < 20; at++) {
    for (const link of [true, false]) {
      const plan: Plan = {
        ...PLAIN,
        partitions: [{ at, forMs: 1500, link, beats: 'both' }],
        stalls: [{ at: at + 1, victim: 'B', forMs: 1000 }],
      };
      yield { name: `at ${at} ms ${link ? 'the link' : 'the heartbeat'} fails for 1500 ms and B is stopped for 1000 ms`, plan };
    }
  }
}

/** The primary is stopped at every `stride`-th millisecond, long enough to be suspected, and wakes. */
export function* stops(stride: number): Generator<Trial> {
  const { ms } = simulate(PLAIN);
  for (let at = 0; at < ms; at += stride) {
    for (const victim of ['A', 'B'] as const) {
      for (const forMs of [60, 85, 95, 400]) {
        yield { name: `stop ${victim} at ${at} ms for ${forMs} ms`, plan: { ...PLAIN, stalls: [{ at, victim, forMs }] } };
      }
    }
  }
}

/** The link is mute, or heartbeats alone are lost, at every `stride`-th millisecond, and the arbiter is quick, slow, away, or away with the claim recorded. */
export function* partitionsAndArbiters(stride: number): Generator<Trial> {
  const { ms } = simulate(PLAIN);
  const arbiters: Plan['arbiter'][] = [
    PLAIN.arbiter,
    { delayMs: 90, awayUntil: 0, records: false },
    { delayMs: 2, awayUntil: 900, records: false },
    { delayMs: 2, awayUntil: 900, records: true },
  ];
  for (let at = 5; at < ms; at += stride) {
    for (const arbiter of arbiters) {
      for (const partition of [...[50, 300, 900].map((forMs) => ({ forMs, link: true, beats: 'both' as const })), ...DEAF]) {
        const name = `at ${at} ms ${JSON.stringify(partition)}, arbiter ${JSON.stringify(arbiter)}`;
        yield { name, plan: { ...PLAIN, arbiter, partitions: [{ at, ...partition }], backupSlice: partition.link ? 20 : 6 } };
      }
    }
  }
}

/** A death at every `stride`-th point while the arbiter is slow, away, or loses its answer. */
export function* cutsWithArbiters(stride: number): Generator<Trial> {
  const arbiters: Plan['arbiter'][] = [
    { delayMs: 90, awayUntil: 0, records: false },
    { delayMs: 2, awayUntil: 400, records: false },
    { delayMs: 2, awayUntil: 400, records: true },
  ];
  for (const arbiter of arbiters) {
    let i = 0;
    for (const trial of singleCuts({ ...PLAIN, arbiter })) {
      if (i++ % stride === 0) yield { name: `${trial.name}, arbiter ${JSON.stringify(arbiter)}`, plan: trial.plan };
    }
  }
}

/** One history from a seed: everything may happen. */
export function seeded(seed: number): Trial {
  const chance = random(seed);
  const jitter = random(seed + 0x10000);
  const victim = (): Name => (chance.oneIn(2) ? 'A' : 'B');
  const some = <T>(most: number, make: () => T): T[] => Array.from({ length: chance.below(most + 1) }, make);
  const at = (): number => chance.below(160);
  const plan: Plan = {
    cuts: some(2, () => ({
      at: chance.below(500),
      victims: [victim()],
      link: chance.oneIn(2) ? ('arrives' as const) : ('lost' as const),
      world: chance.oneIn(3) ? ('lost' as const) : chance.oneIn(2) ? ('arrives' as const) : chance.below(chance.oneIn(2) ? 40 : 400),
    })),
    stalls: some(2, () => ({ at: at(), victim: victim(), forMs: chance.below(chance.oneIn(3) ? 600 : 120) })),
    partitions: some(1, () => ({
      at: at(),
      forMs: chance.below(chance.oneIn(3) ? 900 : 120),
      link: !chance.oneIn(3),
      beats: chance.oneIn(2) ? ('both' as const) : victim(),
    })),
    arbiter: {
      delayMs: chance.below(chance.oneIn(4) ? 150 : 6),
      awayUntil: chance.oneIn(4) ? chance.below(900) : 0,
      records: chance.oneIn(2),
    },
    slowOperation: chance.oneIn(2) ? { n: chance.below(40), forMs: chance.below(500) } : undefined,
    typeAt: [5 + chance.below(60), 20 + chance.below(100), 20 + chance.below(200)].sort((a, b) => a - b),
    backupSlice: chance.oneIn(2) ? 20 : 2 + chance.below(20),
    backupRests: chance.oneIn(3) ? { at: at(), forMs: chance.below(800) } : undefined,
    bufferBytes: chance.oneIn(2) ? PLAIN.bufferBytes : 200 + chance.below(1000),
    jitter: (limit) => jitter.below(limit),
  };
  return { name: `seed ${seed}`, plan };
}

/** For a bug report: where the history was cut, and how it ended. */
export function tell(history: History): string {
  const { points, killed, nodes } = history;
  const ends = Object.values(nodes).map(
    (node) => `${node.name}: ${node.haltReason ?? node.replica.phase}${node.haltCode === undefined ? '' : ` (${node.haltCode})`}`,
  );
  return `${points.length} points, killed ${killed.map((each) => each.name).join(', ') || 'nobody'}; ${ends.join(', ')}; over at ${history.ms} ms`;
}
