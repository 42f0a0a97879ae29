/**
 * Histories of a threaded pair: the cut points of protocol.md "Proof" that a host can see, with the ways to die or to be stopped there.
 * Threads are never the same twice, so a point is "the n-th time that"; a history that never gets there says that nothing happened.
 */
import { random } from '../simulation/random.ts';
import type { Name } from '../simulation/simulation.ts';
import type { Fate } from './host-node.ts';
import { CALM, type HostCut, type HostHistory, type HostPlan, type HostStall, play, SMALLEST_RING } from './threads.ts';

export interface HostTrial {
  readonly name: string;
  readonly plan: HostPlan;
}

/** Points of an undisturbed run, and how often each guest passes them at least. */
const OUTPUT_POINTS: Readonly<Record<string, number>> = {
  'made @A': 14,
  'appended @A': 7,
  'sent @A': 11,
  'received @B': 7,
  'acked @B': 7,
  'heard ack @A': 7,
  'released console @A': 6,
  'released disk @A': 6,
  'released net @A': 3,
  'begun console': 6,
  'begun disk': 7,
  'ended console': 6,
  'ended disk': 7,
  'accepted console': 6,
  'accepted disk': 7,
  'accepted net': 3,
  'heard accepted disk @A': 6,
  'said accepted @A': 4,
  'told request @A': 2,
  'asked disk @A': 2,
  'completion logged @A': 5,
  'made @B': 6,
  'replayed @B': 7,
  'off @A': 1,
  'released power @A': 1,
  'begun power': 1,
  'accepted power': 1,
  'said off @A': 1,
};

const START_POINTS: readonly string[] = [
  'start @B',
  'claim sent @A',
  'claim won @A',
  'hello disk @A',
  'fenced power',
  'linkOpened @A',
  'said hello @A',
  'heard hello @A',
  'performed protect @A',
  'appended @A',
  'sent @A',
  'received @B',
  'acked @B',
  'heard ack @A',
  'run @A',
];

/** After the primary's death, in the order in which they come. */
const TAKEOVER_POINTS: readonly string[] = [
  'linkClosed @B',
  'claim sent @B',
  'claim won @B',
  'performed drain @B',
  'drained @B',
  'hello console @B',
  'hello disk @B',
  'hello power @B',
  'heard answered console @B',
  'heard answered power @B',
  'live @B',
  'told request @B',
  'told live @B',
  'asked disk @B',
  'released console @B',
  'released disk @B',
  'new entry @B',
  'completion logged @B',
  'off @B',
  'released power @B',
];

/** When the backup has died: the second time, because the first start claims too. */
const ALONE_POINTS: readonly string[] = ['linkClosed @A', 'claim sent @A', 'claim won @A', 'run @A'];

/** Every label at which something dies here. */
export const CUT_POINTS: readonly string[] = [
  ...new Set([...Object.keys(OUTPUT_POINTS), ...START_POINTS, ...TAKEOVER_POINTS, ...ALONE_POINTS]),
];

const FATES: readonly Fate[] = [
  { link: 'arrives', world: 'arrives' },
  { link: 'lost', world: 'lost' },
  { link: 'lost', world: 'late' },
  { link: 'arrives', world: 'late' },
  { link: 'lost', world: 'arrives' },
];

const plain = (guest: HostPlan['guest']): HostPlan => ({ ...CALM, guest, ringBytes: SMALLEST_RING[guest] });

/** What came of many histories. */
export interface Findings {
  readonly runs: number;
  readonly takeovers: number;
  /** Histories in which everything planned came to pass. */
  readonly happened: number;
  /** What was ever seen full. */
  readonly full: ReadonlySet<string>;
  readonly points: ReadonlySet<string>;
  readonly slowestMs: number;
  readonly failures: readonly string[];
}

/** Plays all, a few at once (threads of one history wait for one another most of the time); stops after three failures. */
export async function playAll(trials: Iterable<HostTrial>, atOnce = 3): Promise<Findings> {
  const left = trials[Symbol.iterator]();
  const full = new Set<string>();
  const points = new Set<string>();
  const failures: string[] = [];
  let [runs, takeovers, happened, slowestMs] = [0, 0, 0, 0];
  const player = async (): Promise<void> => {
    for (let next = left.next(); !next.done && failures.length < 3; next = left.next()) {
      const { name, plan } = next.value;
      const history = await play(plan);
      runs++;
      if (history.nodes.B.wentLive) takeovers++;
      if (history.happened >= plan.cuts.length + plan.stalls.length + (plan.madeCut === undefined ? 0 : 1)) happened++;
      for (const what of history.full) full.add(what);
      for (const label of history.points.keys()) points.add(label);
      slowestMs = Math.max(slowestMs, history.ms);
      if (history.verdict.length > 0) failures.push(`${name}: ${history.verdict.join('; ')} (${tell(history)})`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, player));
  return { runs, takeovers, happened, full, points, slowestMs, failures };
}

export function* every(stride: number, trials: Iterable<HostTrial>): Generator<HostTrial> {
  let i = 0;
  for (const trial of trials) if (i++ % stride === 0) yield trial;
}

/** Either side dies at each point of the outputs' way; the fates of last words take turns. No ticks: bells and messages must be enough, except
 *  for what is said once in a tick. */
export function* singleCuts(guest: HostPlan['guest']): Generator<HostTrial> {
  let i = 0;
  for (const [label, count] of Object.entries(OUTPUT_POINTS)) {
    for (let nth = Math.min(2, count); nth <= count; nth += 2) {
      for (const victim of ['A', 'B'] as const)
        yield cutTrial({ ...plain(guest), ticks: label === 'said accepted @A' }, label, nth, victim, FATES[i++ % 5]!);
    }
  }
}

/** While the pair comes together: some of these end without a guest, when nobody else may run it. */
export function* startCuts(guest: HostPlan['guest']): Generator<HostTrial> {
  let i = 0;
  for (const label of START_POINTS) {
    for (const victim of ['A', 'B'] as const) yield cutTrial(plain(guest), label, 1, victim, FATES[i++ % 5]!);
  }
}

/** One after the other, the second at each point of the takeover; or both at the same instant. */
export function* doubleCuts(guest: HostPlan['guest']): Generator<HostTrial> {
  let i = 0;
  const firsts = Object.entries(OUTPUT_POINTS).filter(([, count]) => count > 2);
  const twice = (second: string, nth: number, victim: Name): HostTrial => {
    const [label, count] = firsts[i % firsts.length]!;
    const other = victim === 'A' ? 'B' : 'A';
    const once = cutTrial({ ...plain(guest), ticks: false }, label, 2 + (i % (count - 1)), other, FATES[i % 5]!);
    i++;
    const cut: HostCut = { label: second, nth, victims: [victim], ...FATES[(i * 3) % 5]! };
    return { name: `${once.name}, then ${victim} at ${second}`, plan: { ...once.plan, cuts: [...once.plan.cuts, cut] } };
  };
  for (let round = 0; round < 3; round++) {
    for (const second of TAKEOVER_POINTS) yield twice(second, 1, 'B');
    for (const second of ALONE_POINTS) yield twice(second, second === 'linkClosed @A' ? 1 : 2, 'A');
  }
  for (const [label] of firsts) {
    const cuts = [{ label, nth: 2, victims: ['A', 'B'], ...FATES[i++ % 5]! } as const];
    yield { name: `${guest}: kill both at ${label} 2`, plan: { ...plain(guest), ticks: false, cuts } };
  }
}

/** In the machine thread itself: outputs made, and their entry never appended. */
export function* madeCuts(guest: HostPlan['guest']): Generator<HostTrial> {
  for (const victim of ['A', 'B'] as const) {
    for (let nth = 1; nth <= 12; nth++)
      yield {
        name: `${guest}: ${victim}'s machine thread dies with output range ${nth} made`,
        plan: { ...plain(guest), madeCut: { victim, nth } },
      };
  }
}

/** A world operation of the old epoch is still under way when the new one says hello, the arbiter does not know, or both. */
export function* slowWorlds(guest: HostPlan['guest']): Generator<HostTrial> {
  for (let n = 2; n < 20; n += 2) {
    const once = cutTrial(plain(guest), n % 4 === 0 ? 'begun disk' : 'released disk @A', 1 + (n >> 2), 'A', FATES[n % 5]!);
    yield { name: `${once.name}, world operation ${n} takes long`, plan: { ...once.plan, slowOperation: n } };
    const victim = n % 4 === 0 ? 'A' : 'B';
    const away = cutTrial(plain(guest), 'acked @B', 1 + (n >> 2), victim, FATES[n % 5]!);
    yield { name: `${away.name}, arbiter away ${n >> 1} times`, plan: { ...away.plan, arbiterAway: n >> 1, slowOperation: n } };
  }
}

/** Nobody dies: a thread or a replica stops, is suspected or not, and wakes. */
export function* stops(guest: HostPlan['guest']): Generator<HostTrial> {
  for (const [label, count] of Object.entries(OUTPUT_POINTS)) {
    if (count < 3) continue;
    for (const victim of ['A', 'B'] as const) {
      const until = victim === 'A' ? 'live @B' : 'claim sent @A';
      yield stopTrial(plain(guest), { label, nth: 2, victim, what: 'replica', until, ticks: 200, suspects: true });
      yield stopTrial(plain(guest), { label, nth: 3, victim, what: 'machine thread', until: undefined, ticks: 4, suspects: false });
    }
  }
}

/** Rings as small as they may be, and somebody who does not empty them; then a death, or none. */
export function* pressures(): Generator<HostTrial> {
  const base = plain('talker');
  const stalls: readonly HostStall[] = [
    { label: 'received @B', nth: 3, victim: 'B', what: 'machine thread', until: undefined, ticks: 12, suspects: false },
    { label: 'received @B', nth: 3, victim: 'B', what: 'reading of the link', until: undefined, ticks: 12, suspects: false },
    { label: 'sent @A', nth: 6, victim: 'A', what: 'event loop', until: undefined, ticks: 0, suspects: false },
    { label: 'replayed @B', nth: 3, victim: 'B', what: 'event loop', until: undefined, ticks: 0, suspects: false },
  ];
  const fulls = ['full log ring', 'full backlog @B', 'full ring to machine @B', 'full ring from machine @A', 'full ring from machine @B'];
  let i = 0;
  for (const stall of stalls) {
    for (const heldBytes of [1 << 20, 1500]) {
      yield stopTrial({ ...base, heldBytes }, stall);
      for (const label of heldBytes === 1500 ? ['full held outputs @A', 'full held outputs @B'] : fulls) {
        for (const victims of [['A'], ['B'], ['A', 'B']] as const) {
          const calm = stopTrial({ ...base, heldBytes }, { ...stall, until: victims[0] === 'A' ? 'performed drain @B' : 'claim sent @A' });
          const cut = { label, nth: 1, victims, ...FATES[i++ % 5]! };
          yield { name: `${calm.name}, kill ${victims.join(' and ')} at ${label}`, plan: { ...calm.plan, cuts: [cut] } };
        }
      }
    }
  }
  yield { name: 'talker: rings full, no ticks, nobody stops', plan: { ...base, ticks: false } };
  // With ticks: a backup hears what has been accepted once in a tick.
  yield { name: 'talker: rings full, few outputs held', plan: { ...base, heldBytes: 600 } };
}

/** Anything, from a seed: what the plan says, that is; the threads choose for themselves. */
export function* seeds(first: number, count: number): Generator<HostTrial> {
  for (let seed = first; seed < first + count; seed++) yield { name: `seed ${seed}`, plan: seeded(seed) };
}

function seeded(seed: number): HostPlan {
  const chance = random(seed);
  const one = <T>(from: readonly T[]): T => from[chance.below(from.length)]!;
  const some = <T>(most: number, make: () => T): T[] => Array.from({ length: chance.below(most + 1) }, make);
  const guest = one(['toy', 'toy', 'talker', 'board'] as const);
  const point = (): { label: string; nth: number } => {
    const [label, count] = one(Object.entries(OUTPUT_POINTS));
    return chance.oneIn(4)
      ? { label: one([...TAKEOVER_POINTS, ...ALONE_POINTS]), nth: 1 + chance.below(2) }
      : { label, nth: 1 + chance.below(count) };
  };
  const victim = (): Name => one(['A', 'B']);
  const parts = ['machine thread', 'reading of the link', 'replica', 'event loop'] as const;
  return {
    guest,
    ringBytes: SMALLEST_RING[guest] * one([1, 1, 1, 4]),
    cuts: some(2, () => ({ ...point(), victims: [victim()], ...one(FATES) })),
    stalls: some(2, () => ({
      ...point(),
      victim: victim(),
      what: one(parts),
      until: chance.oneIn(2) ? point().label : undefined,
      ticks: chance.below(50),
      suspects: chance.oneIn(3),
    })),
    madeCut: chance.oneIn(5) ? { victim: victim(), nth: 1 + chance.below(14) } : undefined,
    arbiterAway: chance.oneIn(4) ? chance.below(4) : 0,
    slowOperation: chance.oneIn(3) ? chance.below(30) : undefined,
    heldBytes: chance.oneIn(3) ? 400 + chance.below(2000) : CALM.heldBytes,
    ticks: true,
  };
}

function cutTrial(base: HostPlan, label: string, nth: number, victim: Name, fate: Fate): HostTrial {
  const words = `link ${fate.link}, world ${fate.world}`;
  return {
    name: `${base.guest}: kill ${victim} at ${label} ${nth}, its words: ${words}`,
    plan: { ...base, cuts: [{ label, nth, victims: [victim], ...fate }] },
  };
}

function stopTrial(base: HostPlan, stall: HostStall): HostTrial {
  const { label, nth, victim, what, ticks } = stall;
  const held = base.heldBytes === CALM.heldBytes ? '' : `, ${base.heldBytes} bytes held at most`;
  return {
    name: `${base.guest}: stop ${victim}'s ${what} at ${label} ${nth} for ${ticks} ticks at most${held}`,
    plan: { ...base, stalls: [stall] },
  };
}

/** For a bug report. */
function tell({ nodes, killed, ms, full }: HostHistory): string {
  const ends = Object.values(nodes).map((node) => `${node.name}: ${node.haltReason ?? node.replica.phase} ${node.haltCode ?? ''}`);
  const dead = killed.map((each) => each.name).join(', ') || 'nobody';
  return `killed ${dead}; ${ends.join(', ')}; full: ${[...full].join(', ') || 'nothing'}; over after ${ms} ms`;
}
