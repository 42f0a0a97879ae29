/**
 * A pair as the simulation has it, but with the real host: two replicas with their machine threads, rings and link, in one process, over
 * the simulation's own world. A `HostPlan` says what is killed or stopped at which point; the simulation's oracle judges what came of it.
 */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMachine, type MachineConfig, type Output } from '../../emulator/index.ts';
import { memoryLinks } from '../../src/host/link-memory.ts';
import type { LoadedRun } from '../../src/host/load-run.ts';
import { Ring } from '../../src/host/ring.ts';
import type { Limits } from '../../src/protocol/limits.ts';
import { openBatch } from '../../src/replay/codec.ts';
import { configHash, describe } from '../../src/replay/description.ts';
import { openRecording } from '../../src/replay/recording.ts';
import { holderOf } from '../../src/world/arbiter-file.ts';
import type { Guest } from '../simulation/guests.ts';
import { type Judged, judge } from '../simulation/oracle.ts';
import type { Name } from '../simulation/simulation.ts';
import { type ToWorld as Said, WORLD_RULES, World } from '../simulation/world.ts';
import { BUSY_CONFIG } from '../support/busy-guest.ts';
import { type Op, PROGRAM, SECTOR_BYTES, TOY_CONFIG, ToyMachine } from '../support/toy-machine.ts';
import { gatedShared } from './gate.ts';
import { type Around, afterTurns, type Fate, HostNode, NEARLY, type Part } from './host-node.ts';

/** The n-th time (from 1) that a point with this label is passed. World points and `claim` have no replica's name. */
export interface At {
  readonly label: string;
  readonly nth: number;
}

/** `kill -9`, and what becomes of the victims' last words to their peer and to the world. */
export interface HostCut extends At, Fate {
  readonly victims: readonly Name[];
}

/** SIGSTOP of one thread or of a whole replica. It goes on when `until` is passed, or after so many ticks. */
export interface HostStall extends At {
  readonly victim: Name;
  readonly what: Part;
  readonly until: string | undefined;
  readonly ticks: number;
  /** The peer's patience ends before that. */
  readonly suspects: boolean;
}

export interface HostPlan {
  readonly guest: keyof typeof GUESTS;
  /** `limits.ringBytes`; every ring is twice that. */
  readonly ringBytes: number;
  readonly cuts: readonly HostCut[];
  readonly stalls: readonly HostStall[];
  /** The victim's machine thread dies when it has made outputs for the n-th time and before they are logged. */
  readonly madeCut: { readonly victim: Name; readonly nth: number } | undefined;
  /** `away`: from the first cut or stall on, until it has been asked this many times in vain. */
  readonly arbiterAway: number;
  /** The n-th world operation ends only when a new epoch's hello waits for it, or after many ticks. */
  readonly slowOperation: number | undefined;
  /** Held outputs, in bytes, that stall the machine. */
  readonly heldBytes: number;
  /** Ticks of 10 ms; false: none at all, so that nothing but a bell or a message wakes anybody. */
  readonly ticks: boolean;
}

export const CALM: HostPlan = {
  guest: 'toy',
  ringBytes: 1024,
  cuts: [],
  stalls: [],
  madeCut: undefined,
  arbiterAway: 0,
  slowOperation: undefined,
  heldBytes: 1 << 20,
  ticks: true,
};

/** Smallest that takes the guest's largest batch: four sectors read. */
export const SMALLEST_RING = { toy: 1024, talker: 1024, board: 8192 } as const;

/** It waits for nobody until the end, so that a log that nobody reads, and outputs that nobody takes, pile up. */
const TALK: readonly Op[] = [
  ...Array.from({ length: 60 }, (_, i): Op[] => [
    { op: 'print', bytes: 1 + (i % 3) },
    { op: 'frame' },
    { op: 'write', sector: i % 8, sectors: 1 },
    { op: 'print', bytes: 2 },
    { op: 'sleep', ticks: 1_500 },
  ]).flat(),
  { op: 'settle' },
  { op: 'echo' },
  { op: 'read', sector: 0, sectors: 4 },
  { op: 'settle' },
  { op: 'flush' },
  { op: 'print', bytes: 3 },
];

/** The small machine's programs; without one, the busy guest on the real board. */
const GUESTS = { toy: PROGRAM, talker: TALK, board: undefined } as const;

export interface HostHistory extends Judged {
  /** How often each label was passed. */
  readonly points: ReadonlyMap<string, number>;
  /** Cuts and stalls of the plan that happened. */
  readonly happened: number;
  /** What was seen full. */
  readonly full: ReadonlySet<string>;
  readonly verdict: readonly string[];
}

/** Threads come and go while a machine is crowded: only what is stuck takes so long. */
const DEADLINE_MS = 20_000;
const TICK_MS = 10;
const NO_TICKS_MS = 2 ** 31 - 1;
const SLOW = 1e6;
const SLOW_TICKS = 60;

export function play(plan: HostPlan): Promise<HostHistory> {
  return new ThreadedPair(plan).play();
}

class ThreadedPair implements Around {
  readonly plan: HostPlan;
  private readonly dir = mkdtempSync(join(tmpdir(), 'twinhart-schedule-'));
  private readonly config: MachineConfig;
  private readonly guest: Guest;
  private readonly world: World;
  private readonly nodes: Readonly<Record<Name, HostNode>>;
  private readonly logRing: Ring;
  private readonly points = new Map<string, number>();
  private readonly violations: string[] = [];
  private readonly killed: { name: Name; epochOwner: Name | undefined }[] = [];
  private readonly started = performance.now();
  private happened = 0;
  private readonly full = new Set<string>();
  private ticks = 0;
  private askedInVain = 0;
  private arbiter: 'here' | 'away' | 'back' = 'here';
  private slow: { readonly act: () => void; readonly until: number } | undefined;
  private over = (): void => {};
  private readonly ending: Promise<void>[] = [];

  constructor(plan: HostPlan) {
    this.plan = plan;
    const program = GUESTS[plan.guest];
    const toy = program !== undefined;
    this.config = toy
      ? { ...TOY_CONFIG, images: { ...TOY_CONFIG.images, append: JSON.stringify(program) } }
      : { ...BUSY_CONFIG, bootTimeNs: BigInt(Date.now()) * 1_000_000n };
    this.guest = {
      make: () => (toy ? new ToyMachine(program) : createMachine(this.config)),
      sectorBytes: toy ? SECTOR_BYTES : 512,
      scale: 1,
    };
    const turns = { after: (delay: number, act: () => void) => (delay >= SLOW ? this.delay(act) : afterTurns(delay, act)) };
    const takes = (n: number, output: Output): number => (n === plan.slowOperation ? SLOW : 'request' in output ? 2 + ((n * 5) % 7) : 1);
    this.world = new World(turns, this.guest.sectorBytes, WORLD_RULES, (label) => this.point(label), takes);
    const shared = { A: gatedShared(), B: gatedShared() };
    const links = memoryLinks(plan.ringBytes * 2, shared.A);
    this.logRing = new Ring(links.ring);
    const arbiterDir = join(this.dir, 'arbiter');
    mkdirSync(arbiterDir);
    const loaded = this.loaded(arbiterDir);
    const patient = (name: Name): boolean => !plan.stalls.some((stall) => stall.suspects && stall.victim !== name);
    const limits = (name: Name): Partial<Limits> => ({
      ringBytes: plan.ringBytes,
      heldBytes: plan.heldBytes,
      tickMs: plan.ticks ? TICK_MS : NO_TICKS_MS,
      ticksAtOnce: 1,
      arbiterRetryTicks: 2,
      startTicks: 150,
      // Nobody beats here: only the peer of what is stopped for long loses its patience.
      heartbeatSilenceTicks: Number.MAX_SAFE_INTEGER,
      noProgressTicks: patient(name) ? Number.MAX_SAFE_INTEGER : 30,
      // What is stopped whole cannot say that it is there; here only its machine and its ears are.
      ...(plan.stalls.some((stall) => stall.suspects && stall.victim === name) ? { keepaliveTicks: Number.MAX_SAFE_INTEGER } : {}),
    });
    this.nodes = {
      A: new HostNode({ name: 'A', loaded, limits: limits('A'), shared: shared.A, link: links.primary, logRing: links.ring }, this),
      B: new HostNode({ name: 'B', loaded, limits: limits('B'), shared: shared.B, link: links.backup, logRing: undefined }, this),
    };
  }

  async play(): Promise<HostHistory> {
    // Held by a field: the replicas read it from inside their first step.
    await this.untilOver();
    await Promise.all(this.ending);
    // What is still on its way to the world arrives, and what has begun there ends.
    this.slow?.act();
    await new Promise<void>((done) => afterTurns(60, done));
    const history = await this.history();
    rmSync(this.dir, { recursive: true, force: true });
    return history;
  }

  private async untilOver(): Promise<void> {
    const { madeCut } = this.plan;
    const over = new Promise<void>((resolve) => {
      this.over = resolve;
    });
    if (madeCut !== undefined) {
      const victim = this.nodes[madeCut.victim];
      void victim.gate.closeWhenMade(madeCut.nth).then(() => {
        this.happened++;
        this.kill(madeCut.victim, { link: 'arrives', world: 'arrives' });
      });
    }
    this.nodes.A.start(this.nodes.B);
    this.nodes.B.start(this.nodes.A);
    const deadline = setTimeout(() => {
      this.violations.push(`stuck after ${DEADLINE_MS} ms: ${this.dump()}`);
      for (const name of ['A', 'B'] as const) this.end(name);
      this.over();
    }, DEADLINE_MS);
    await over;
    clearTimeout(deadline);
  }

  // What may happen at a point.

  /** Every place where something may die or stop. */
  point(label: string): void {
    const nth = (this.points.get(label) ?? 0) + 1;
    this.points.set(label, nth);
    this.type();
    for (const cut of this.plan.cuts) {
      if (cut.label !== label || cut.nth !== nth) continue;
      this.happened++;
      if (this.plan.arbiterAway > 0) this.moveArbiter('away');
      for (const victim of cut.victims) this.kill(victim, cut);
    }
    for (const stall of this.plan.stalls) {
      if (stall.label === label && stall.nth === nth) {
        this.happened++;
        if (this.plan.arbiterAway > 0) this.moveArbiter('away');
        this.nodes[stall.victim].stop(stall.what, this.ticks + stall.ticks, stall.until);
      }
    }
    for (const node of Object.values(this.nodes)) node.passed(label, this.ticks);
    if (label.startsWith('hello disk') && (this.points.get('fenced disk') ?? 0) > 0) this.endSlow();
    this.oneLive();
    this.look();
  }

  tick(): void {
    this.ticks++;
    this.look();
    for (const node of Object.values(this.nodes)) node.passed('', this.ticks);
    if (this.slow !== undefined && this.ticks >= this.slow.until) this.endSlow();
  }

  /** Being full is a point, too: once for each thing that can be. */
  private look(): void {
    const found = Object.values(this.nodes).flatMap((node) => node.full);
    if (this.logRing.used() > this.plan.ringBytes * 2 * NEARLY) found.push('full log ring');
    for (const what of found) {
      if (this.full.has(what)) continue;
      this.full.add(what);
      this.point(what);
    }
  }

  claimed(name: Name, result: 'won' | 'lost' | 'unknown'): void {
    this.point(`claim ${result} @${name}`);
    if (result === 'unknown' && ++this.askedInVain >= this.plan.arbiterAway) this.moveArbiter('back');
  }

  /** `kill -9`, here and now: nothing that this replica does after this line is seen by anybody. */
  private kill(name: Name, fate: Pick<HostCut, 'link' | 'world'>): void {
    const node = this.nodes[name];
    if (node.gone) return;
    this.killed.push({ name, epochOwner: undefined });
    node.die(fate);
    this.end(name);
  }

  /** The process is gone: its threads, its sockets. */
  end(name: Name): void {
    const node = this.nodes[name];
    node.gone = true;
    this.ending.push(node.running.kill());
    if (this.nodes.A.gone && this.nodes.B.gone) this.over();
  }

  violation(what: string): void {
    this.violations.push(what);
  }

  hear(node: HostNode, message: Said): void {
    this.world.hear(node.connection, message);
  }

  /** Three bytes, while the guest talks; the last ones perhaps to a new primary. */
  private type(): void {
    const { console, input } = this.world;
    if (input.length < 3 && console.length >= 1 + input.length * 2) this.world.type(0x41 + input.length);
  }

  private delay(act: () => void): void {
    this.slow = { act, until: this.ticks + SLOW_TICKS };
  }

  private endSlow(): void {
    const { slow } = this;
    this.slow = undefined;
    if (slow !== undefined) afterTurns(5, slow.act);
  }

  private moveArbiter(to: 'away' | 'back'): void {
    if ((to === 'away' && this.arbiter !== 'here') || (to === 'back' && this.arbiter !== 'away')) return;
    this.arbiter = to;
    const dir = join(this.dir, 'arbiter');
    if (to === 'away') renameSync(dir, `${dir}-away`);
    else renameSync(`${dir}-away`, dir);
  }

  /** At every moment at most one replica that any sink would obey. */
  private oneLive(): void {
    const obeyed = Object.values(this.nodes).filter((node) => node.runs && !node.gone && this.world.obeys(node.sinkEpoch));
    if (obeyed.length > 1 && this.violations.length === 0) this.violations.push('two live replicas are obeyed at once');
  }

  // What came of it.

  private async history(): Promise<HostHistory> {
    this.moveArbiter('back');
    const epochs = new Map<number, Name>();
    for (let epoch = 1; epoch <= 4; epoch++) {
      const holder = await holderOf(join(this.dir, 'arbiter'), epoch);
      for (const node of Object.values(this.nodes)) if (node.identity === holder) epochs.set(epoch, node.name);
    }
    const logs = { A: this.log('primary'), B: this.log('backup') };
    const nodes = { A: this.nodes.A.told(logs.A), B: this.nodes.B.told(logs.B) };
    // When nobody has survived, nobody's record need be whole: a batch goes onto the link first, and what was heard was acked.
    const survivor = nodes.B.wentLive ? this.nodes.B : this.nodes.A;
    const records = survivor.fate === undefined ? [] : nodes.B.wentLive ? [] : [logs.A, logs.B, this.nodes.B.heard];
    const longest = records.sort((a, b) => b.length - a.length)[0];
    if (longest !== undefined) nodes.A = this.nodes.A.told(longest);
    const unwritten = survivor.fate !== undefined && lastEntry((nodes.B.wentLive ? nodes.B : nodes.A).log) < survivor.appended;
    const ms = Math.round(performance.now() - this.started);
    const { world, killed, violations, points, happened, full } = this;
    const judged: Judged = { world, nodes, killed, epochs, violations, ms };
    return { ...judged, points, happened, full, verdict: unwritten ? [] : judge(judged, this.guest) };
  }

  private log(role: string): Uint8Array[] {
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(join(this.dir, `log.${role}`));
    } catch {
      // It died before its machine was built.
      return [];
    }
    const recording = openRecording(bytes);
    if (recording.kind === 'fault') {
      if (recording.code !== 'cut') this.violations.push(`the record of the ${role} is no recording: ${recording.detail}`);
      return [];
    }
    return recording.batches.map((batch) => batch.bytes);
  }

  private dump(): string {
    const ring = `log ring ${this.logRing.used()} of ${this.plan.ringBytes * 2}`;
    const passed = [...this.points].map(([label, count]) => `${label} ${count}`).join(', ');
    return `${Object.values(this.nodes)
      .map((node) => node.dump())
      .join('; ')}; ${ring}; points: ${passed}`;
  }

  private loaded(arbiterDir: string): LoadedRun {
    const { config } = this;
    const file = { path: '', sha256: '0'.repeat(64) };
    const description = describe(config, {
      firmware: undefined,
      main: { name: this.plan.guest, sha256: file.sha256 },
      initrd: undefined,
      dtb: undefined,
    });
    return {
      machine: config,
      description,
      config: configHash(description),
      run: {
        vm: 'schedule',
        run: '00000000000000aa',
        dir: this.dir,
        protection: 'pair',
        machine: {
          memoryBytes: config.memoryBytes,
          clock: 'host',
          seed: '',
          bootTimeNs: String(config.bootTimeNs),
          disk: config.disk,
          net: undefined,
          virtioConsole: false,
          onReset: 'end',
          images: { firmware: undefined, main: file, initrd: undefined, append: config.images.append, dtb: undefined },
        },
        engines: { primary: 'interpreter', backup: 'interpreter' },
        backupClockOffsetMs: 0,
        profile: undefined,
        maxInstructions: undefined,
        record: join(this.dir, 'log'),
        worldSocket: '',
        linkSocket: '',
        heartbeat: { primary: 0, backup: 0 },
        arbiterDir,
        world: { pid: process.pid, controlSocket: '', disk: undefined },
      },
    };
  }
}

function lastEntry(log: readonly Uint8Array[]): number {
  const header = log.length === 0 ? undefined : openBatch(log.at(-1)!);
  return header?.kind === 'batch' ? header.last : 0;
}
