/**
 * Two replicas, a world, an arbiter and a link in virtual time, single-threaded: one `Plan` is one history, to the last bit. Points are
 * counted, and a plan cuts at some of them; the oracle judges what the world has seen.
 */
import type { Output } from '../../emulator/index.ts';
import type { Heartbeat } from '../../src/protocol/events.ts';
import { createReplica } from '../../src/protocol/replica.ts';
import type { Rules } from '../../src/protocol/rules.ts';
import { createDriver } from '../../src/replay/create-driver.ts';
import type { Flaws } from '../support/toy-machine.ts';
import { type Guest, TOY } from './guests.ts';
import { HOST_RULES, type HostRules, type LinkItem, Node, type Surroundings } from './node.ts';
import { Schedule } from './schedule.ts';
import { type Connection, type FromWorld, type ToWorld, WORLD_RULES, World, type WorldRules } from './world.ts';

export type Name = 'A' | 'B';
const OTHER = { A: 'B', B: 'A' } as const;

/** `kill -9` at a point, and the fate of what the victim had said before: to its peer, and to the world (a number: that many ms later). */
export interface Cut {
  readonly at: number;
  readonly victims: readonly Name[];
  readonly link: 'arrives' | 'lost';
  readonly world: 'arrives' | 'lost' | number;
}

/** Everything that may differ between two histories. Times in milliseconds of virtual time. */
export interface Plan {
  readonly cuts: readonly Cut[];
  /** SIGSTOP and SIGCONT. */
  readonly stalls: readonly { readonly at: number; readonly victim: Name; readonly forMs: number }[];
  /** Heartbeats are lost, all or one side's; with `link` nothing passes the link either (it all arrives afterwards). */
  readonly partitions: readonly { readonly at: number; readonly forMs: number; readonly link: boolean; readonly beats: Name | 'both' }[];
  /** The arbiter's answer takes this long; until `awayUntil` it says `unknown`, having recorded the claim or not. */
  readonly arbiter: { readonly delayMs: number; readonly awayUntil: number; readonly records: boolean };
  /** The n-th world operation takes this long. */
  readonly slowOperation: { readonly n: number; readonly forMs: number } | undefined;
  readonly typeAt: readonly number[];
  /** Instructions that the backup replays in a millisecond; the primary runs 20. */
  readonly backupSlice: number;
  /** The backup's machine gets no time at all: its process lives, and its buffer fills. */
  readonly backupRests: { readonly at: number; readonly forMs: number } | undefined;
  /** Bytes of log that the backup holds before it stops reading. */
  readonly bufferBytes: number;
  /** Chance for everything else: latencies, slices, lost heartbeats. Undefined: all the same. */
  readonly jitter: ((limit: number) => number) | undefined;
}

export const PLAIN: Plan = {
  cuts: [],
  stalls: [],
  partitions: [],
  arbiter: { delayMs: 2, awayUntil: 0, records: false },
  slowOperation: undefined,
  typeAt: [12, 30, 55],
  backupSlice: 20,
  backupRests: undefined,
  bufferBytes: 1 << 20,
  jitter: undefined,
};

/** What a mutation switches off; all true in production. */
export interface Mutation {
  readonly rules?: Partial<Rules>;
  readonly world?: Partial<WorldRules>;
  readonly host?: Partial<HostRules>;
  readonly flaws?: Flaws;
  /** Flaws of the backup's machine alone. */
  readonly backupFlaws?: Flaws;
}

export interface History {
  readonly world: World;
  readonly nodes: Readonly<Record<Name, Node>>;
  /** Labels in order, with the replica at which each was passed. */
  readonly points: readonly string[];
  readonly killed: readonly { readonly name: Name; readonly epochOwner: Name | undefined }[];
  readonly epochs: ReadonlyMap<number, Name>;
  /** What went wrong while it ran. */
  readonly violations: string[];
  readonly ms: number;
}

const TICK_MS = 10;
const SINKS = { console: 'ordinal', disk: 'request', net: 'ordinal', power: 'last' } as const;
const RUN = '00000000000000aa';
const CONFIG = '00000000000000cc';
const LIMITS = { heartbeatSilenceTicks: 8, noProgressTicks: 40, keepaliveTicks: 5, arbiterRetryTicks: 3, startTicks: 60 };
/** Every history is over by then, or it is stuck. */
const END_MS = 6000;

class Killed extends Error {}

export function simulate(plan: Plan, mutation: Mutation = {}, guest: Guest = TOY): History {
  const schedule = new Schedule();
  const points: string[] = [];
  const violations: string[] = [];
  const epochs = new Map<number, Name>();
  const killed: { name: Name; epochOwner: Name | undefined }[] = [];
  const dead = new Map<Name, Pick<Cut, 'link' | 'world'>>();
  const stalled = new Map<Name, (() => void)[]>();
  const closed = { A: false, B: false };
  const chance = (limit: number): number => plan.jitter?.(limit) ?? 0;
  let acting: Name | undefined;
  let linkUntil = 0;
  const beatsUntil = { A: 0, B: 0 };

  /** Every place where something may die. */
  function point(label: string): void {
    const index = points.length;
    points.push(acting === undefined ? label : `${label} @${acting}`);
    for (const cut of plan.cuts) {
      if (cut.at !== index) continue;
      for (const victim of cut.victims) kill(victim, cut);
      if (acting !== undefined && dead.has(acting)) throw new Killed();
    }
  }

  function kill(name: Name, fate: Cut): void {
    if (dead.has(name) || nodes[name].halted) return;
    killed.push({ name, epochOwner: [...epochs].sort(([a], [b]) => b - a)[0]?.[1] });
    dead.set(name, fate);
    closeLink(name);
  }

  /** Something happens to a replica: not when it is dead, later when it is stopped. */
  function to(name: Name, act: () => void): void {
    if (dead.has(name)) return;
    const inbox = stalled.get(name);
    if (inbox !== undefined) return void inbox.push(act);
    const before = acting;
    acting = name;
    try {
      act();
    } catch (error) {
      if (!(error instanceof Killed)) {
        violations.push(`replica ${name} threw: ${error instanceof Error ? error.message : String(error)}`);
        dead.set(name, { link: 'lost', world: 'lost' });
        closeLink(name);
      }
    } finally {
      acting = before;
    }
    judge();
  }

  /**
   * One direction of a stream: first said, first heard. What a process said before it died arrives or is lost, as the cut says; to the world it
   * may also arrive late (an old primary's write, stuck somewhere on its way).
   */
  function stream(
    kind: 'link' | 'world',
    latency: () => number,
    deliver: (act: () => void) => void,
  ): (from: Name | undefined, act: () => void) => void {
    let last = 0;
    return (from, act) => {
      last = Math.max(last, schedule.now + latency());
      schedule.after(last - schedule.now, () => {
        const fate = from === undefined ? undefined : dead.get(from)?.[kind];
        if (fate === 'lost') return;
        if (typeof fate === 'number') schedule.after(fate, () => deliver(act));
        else deliver(act);
      });
    };
  }

  const world = new World(schedule, guest.sectorBytes, { ...WORLD_RULES, ...mutation.world }, point, (n, output) => {
    if (plan.slowOperation?.n === n) return plan.slowOperation.forMs;
    return duration(output) + chance(6);
  });

  const latency = (): number => 1 + chance(3);
  const linkLatency = (): number => Math.max(latency(), linkUntil - schedule.now);
  const link = { A: stream('link', linkLatency, (act) => to('B', act)), B: stream('link', linkLatency, (act) => to('A', act)) };
  const up = { A: stream('world', latency, (act) => act()), B: stream('world', latency, (act) => act()) };
  const down = { A: stream('world', latency, (act) => to('A', act)), B: stream('world', latency, (act) => to('B', act)) };

  /** The peer hears of it after everything that was said before. */
  function closeLink(name: Name): void {
    if (closed[name]) return;
    closed[name] = true;
    const other = OTHER[name];
    link[name](undefined, () => {
      if (closed[other]) return;
      closed[other] = true;
      nodes[other].hearPeer({ kind: 'closed', why: `${name} has closed it` });
    });
  }

  function surroundings(name: Name): Surroundings {
    const other = OTHER[name];
    const connection: Connection = { name, tell: (message: FromWorld) => down[name](undefined, () => nodes[name].hearWorld(message)) };
    return {
      run: RUN,
      now: () => schedule.now,
      bufferBytes: plan.bufferBytes,
      // The backup's clock is an hour behind: at go-live time must neither go back nor stand still all the same.
      clock: () => BigInt(schedule.now - (name === 'B' ? 3_600_000 : 0)) * 10_000n,
      budget: () => guest.scale * ((name === 'B' && !nodes.B.wentLive ? plan.backupSlice : 20) + chance(40)),
      point,
      toPeer: (item: LinkItem) => {
        if (closed[name]) return;
        link[name](name, () => {
          if (!closed[other]) nodes[other].hearPeer(item);
        });
      },
      closeLink: () => closeLink(name),
      toWorld: (message: ToWorld) => up[name](name, () => world.hear(connection, message)),
      claim: (epoch: number) => claim(name, epoch),
      beat: (heartbeat: Heartbeat) => {
        if (schedule.now < beatsUntil[name] || (plan.jitter !== undefined && chance(10) === 0)) return;
        schedule.after(1 + chance(4), () => to(other, () => nodes[other].hearBeat(heartbeat)));
      },
      halted: () => closeLink(name),
    };
  }

  function claim(name: Name, epoch: number): void {
    const { delayMs, awayUntil, records } = plan.arbiter;
    schedule.after(1 + chance(3), () => {
      if (dead.get(name)?.world === 'lost') return;
      const away = schedule.now < awayUntil;
      if (!away || records) {
        if (!epochs.has(epoch)) epochs.set(epoch, name);
        point(`claim recorded ${name}`);
      }
      const result = away ? 'unknown' : epochs.get(epoch) === name ? 'won' : 'lost';
      schedule.after(delayMs + chance(5), () =>
        to(name, () => {
          point(`claim ${result}`);
          nodes[name].act({ kind: 'claimed', epoch, result, by: epochs.get(epoch) });
        }),
      );
    });
  }

  function makeNode(name: Name, role: 'primary' | 'backup'): Node {
    const flaws = { ...mutation.flaws, ...(role === 'backup' ? mutation.backupFlaws : {}) };
    const machine = guest.make(flaws);
    const driver = createDriver({ machine, role, run: RUN, config: CONFIG, evidence: false });
    const rules = { rules: mutation.rules ?? {} };
    const replica = createReplica({ vm: 'toy', run: RUN, identity: name, config: CONFIG, role, sinks: SINKS, limits: LIMITS, ...rules });
    return new Node(name, replica, machine, driver, surroundings(name), { ...HOST_RULES, ...mutation.host });
  }

  const nodes: Record<Name, Node> = { A: makeNode('A', 'primary'), B: makeNode('B', 'backup') };

  /** At every moment at most one replica that any sink would obey. */
  function judge(): void {
    const obeyed = (['A', 'B'] as const).filter(
      (name) => !dead.has(name) && nodes[name].running && nodes[name].sinkEpoch > 0 && world.obeys(nodes[name].sinkEpoch),
    );
    if (obeyed.length > 1) once(`two live replicas are obeyed at once`);
  }
  const said = new Set<string>();
  function once(violation: string): void {
    if (!said.has(violation)) violations.push(violation);
    said.add(violation);
  }

  function every(ms: number, phase: number, act: () => void): void {
    const again = (): void => {
      if (over()) return;
      act();
      schedule.after(ms, again);
    };
    schedule.after(phase, again);
  }
  const gone = (name: Name): boolean => dead.has(name) || nodes[name].halted;
  const over = (): boolean => gone('A') && gone('B');

  for (const name of ['A', 'B'] as const) {
    schedule.after(0, () => to(name, () => nodes[name].act({ kind: 'start' })));
    every(1, 1, () => {
      if (!resting(name)) unlessStopped(name, () => nodes[name].turn());
    });
    every(TICK_MS, name === 'A' ? 5 : 7, () => unlessStopped(name, () => nodes[name].tick()));
  }
  function resting(name: Name): boolean {
    const rest = plan.backupRests;
    return name === 'B' && rest !== undefined && schedule.now >= rest.at && schedule.now < rest.at + rest.forMs;
  }
  /** A stopped process misses slices and ticks: they do not pile up. */
  function unlessStopped(name: Name, act: () => void): void {
    if (!stalled.has(name)) to(name, act);
  }
  schedule.after(3, () => {
    for (const name of ['A', 'B'] as const) to(name, () => nodes[name].act({ kind: 'linkOpened' }));
  });
  for (const [i, at] of plan.typeAt.entries()) schedule.after(at, () => world.type(0x41 + i));
  for (const stall of plan.stalls) {
    schedule.after(stall.at, () => {
      if (!stalled.has(stall.victim)) stalled.set(stall.victim, []);
    });
    schedule.after(stall.at + stall.forMs, () => {
      const inbox = stalled.get(stall.victim) ?? [];
      stalled.delete(stall.victim);
      for (const act of inbox) to(stall.victim, act);
      to(stall.victim, () => nodes[stall.victim].tick());
    });
  }
  for (const { at, forMs, link: mute, beats } of plan.partitions) {
    schedule.after(at, () => {
      if (beats !== 'B') beatsUntil.A = at + forMs;
      if (beats !== 'A') beatsUntil.B = at + forMs;
      if (mute) linkUntil = at + forMs;
    });
  }

  while (schedule.next(END_MS)) {
    if (violations.length > 8) break;
  }
  return { world, nodes, points, killed, epochs, violations, ms: schedule.now };
}

/** Later operations are often faster than earlier ones: whoever relies on their order is found out. */
function duration(output: Output): number {
  switch (output.kind) {
    case 'console':
    case 'frame':
    case 'off':
      return 1;
    case 'diskRead':
      return 2 + ((output.request * 5) % 7);
    case 'diskWrite':
    case 'diskFlush':
      return 2 + ((output.request * 11) % 9);
  }
}
