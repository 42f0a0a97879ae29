/**
 * The oracle (protocol.md "Proof"): runs the surviving log on a fresh machine, alone, and holds everything that the world has seen against it.
 * It knows nothing of `step`, and reads the log without the `Driver`.
 */
import type { Machine, Output } from '../../emulator/index.ts';
import { decodeBatch } from '../../src/replay/codec.ts';
import type { Entry } from '../../src/replay/entry.ts';
import type { Flaws } from '../support/toy-machine.ts';
import { type Guest, TOY } from './guests.ts';
import type { Node } from './node.ts';
import type { History, Name } from './simulation.ts';

/** What the oracle looks at: a history of the simulation, or one of real replicas (test/host). */
export interface Judged extends Pick<History, 'world' | 'killed' | 'epochs' | 'violations' | 'ms'> {
  readonly nodes: Readonly<Record<Name, Side>>;
}

export type Side = Pick<Node, 'name' | 'replica' | 'log' | 'wentLive' | 'halted' | 'haltCode' | 'haltReason' | 'haltDetail'>;

/** What is wrong with this history; nothing when it keeps every promise. `flaws`: those that both machines had. */
export function judge(history: Judged, guest: Guest = TOY, flaws: Flaws = {}): string[] {
  const survivor = survivorOf(history);
  const solo = runAlone(survivor.log, guest.make(flaws));
  return [
    ...history.violations,
    ...solo.violations,
    ...outputs(history, solo.outputs),
    ...input(history, solo.entries),
    ...disk(history, solo, guest.sectorBytes),
    ...divergences(history),
    ...liveness(history),
  ];
}

/** The replica that went live last: its log says what happened. */
function survivorOf({ nodes }: Judged): Side {
  return nodes.B.wentLive ? nodes.B : nodes.A;
}

interface Solo {
  readonly outputs: readonly Output[];
  readonly entries: readonly Entry[];
  readonly machine: Machine;
  readonly violations: string[];
}

function runAlone(log: readonly Uint8Array[], machine: Machine): Solo {
  const outputs: Output[] = [];
  const entries: Entry[] = [];
  const violations: string[] = [];
  const take = (): void => void outputs.push(...machine.takeOutputs());
  let horizon = 0;
  const runTo = (at: number): void => {
    while (machine.icount < at) {
      const before = machine.icount;
      const pause = machine.run(at);
      take();
      if (machine.icount === before || pause === 'off') break;
    }
    if (machine.icount !== at) violations.push(`the surviving log says icount ${at}, a machine alone is at ${machine.icount}`);
  };
  for (const bytes of log) {
    const batch = decodeBatch(bytes);
    if ('kind' in batch) {
      violations.push(`the surviving log has a bad batch: ${batch.detail}`);
      break;
    }
    for (const entry of batch.entries) {
      if (entry.seq !== entries.length + 1) violations.push(`entry ${entries.length + 1} of the surviving log is missing`);
      entries.push(entry);
      runTo(entry.at);
      if (violations.length > 0) return { outputs, entries, machine, violations };
      if (entry.kind !== 'input') continue;
      const why = machine.refuses(entry.input);
      if (why === undefined) machine.deliver(entry.input);
      else violations.push(`entry ${entry.seq} of the surviving log is refused: ${why}`);
      take();
    }
    horizon = batch.horizon;
  }
  runTo(horizon);
  return { outputs, entries, machine, violations };
}

/** By ordinal, once each, in order, and equal to what the machine alone makes. */
function outputs({ world }: Judged, alone: readonly Output[]): string[] {
  const found: string[] = [];
  const bytes: number[] = [];
  const frames: Uint8Array[] = [];
  const exits: number[] = [];
  for (const output of alone) {
    if (output.kind === 'console') bytes.push(...output.bytes);
    if (output.kind === 'frame') frames.push(output.bytes);
    if (output.kind === 'off') exits.push(output.exit.code);
  }
  world.console.forEach(({ ordinal, byte }, i) => {
    if (ordinal !== i + 1)
      found.push(`console output ${i + 1} of the world has ordinal ${ordinal}: ${ordinal > i + 1 ? 'lost' : 'doubled'}`);
    else if (byte !== bytes[i]) found.push(`console output ${ordinal} is ${byte} in the world, ${bytes[i]} in the surviving log`);
  });
  world.frames.forEach(({ ordinal, bytes: frame }, i) => {
    if (ordinal !== i + 1) found.push(`frame ${i + 1} of the world has ordinal ${ordinal}`);
    else if (!same(frame, frames[i])) found.push(`frame ${ordinal} differs from the surviving log`);
  });
  if (world.exits.length > 1) found.push(`the guest ended ${world.exits.length} times`);
  for (const code of world.exits) if (code !== exits[0]) found.push(`the world saw exit ${code}, the surviving log has ${exits[0]}`);
  if (world.atExit !== undefined) {
    const { console: written, frames: sent, begun } = world.atExit;
    const ended = alone.reduce((most, output) => (output.kind === 'diskWrite' || output.kind === 'diskFlush' ? output.ordinal : most), 0);
    if (written !== bytes.length) found.push(`the guest went off when the world had ${written} of ${bytes.length} console bytes`);
    if (sent !== frames.length) found.push(`the guest went off when the world had ${sent} of ${frames.length} frames`);
    if (world.atExit.disk !== ended || begun > 0)
      found.push(`the guest went off with disk operations not ended: ${world.atExit.disk} of ${ended}`);
  }
  if (String.fromCharCode(...bytes).includes('time went back')) found.push('the guest saw time go back');
  return found.slice(0, 3);
}

/** What was typed is in the log once, in order, from the first byte on. */
function input({ world }: Judged, entries: readonly Entry[]): string[] {
  const found: string[] = [...(world.lostInput === undefined ? [] : [world.lostInput])];
  let count = 0;
  for (const entry of entries) {
    if (entry.kind !== 'input' || entry.input.kind !== 'console') continue;
    for (const byte of entry.input.bytes) {
      const typed = world.input[count];
      count += 1;
      if (typed === undefined || typed.byte !== byte || entry.origin !== count) {
        found.push(`input ${count} was ${typed?.byte}, the surviving log has ${byte} with number ${entry.origin}: lost or doubled`);
        return found;
      }
    }
  }
  return found;
}

/** Reads have seen, and the disk holds, what the completions in the log allow. */
function disk({ world }: Judged, solo: Solo, sectorBytes: number): string[] {
  const found: string[] = [];
  const requests = new Map<number, Output>();
  const byOrdinal = new Map<number, Uint8Array>();
  for (const output of solo.outputs) {
    if (output.kind === 'diskWrite') byOrdinal.set(output.ordinal, output.data);
    if (output.kind === 'diskWrite' || output.kind === 'diskRead' || output.kind === 'diskFlush') requests.set(output.request, output);
  }
  for (const { ordinal, data } of world.writes) {
    if (!same(data, byOrdinal.get(ordinal)))
      found.push(`disk write ${ordinal} reached the disk with other bytes than the surviving log gives it`);
  }
  const model = new Uint8Array(world.disk.length);
  const completed = new Set<number>();
  for (const entry of solo.entries) {
    if (entry.kind !== 'input' || entry.input.kind !== 'disk') continue;
    const { request, data } = entry.input;
    const asked = requests.get(request);
    completed.add(request);
    if (asked?.kind === 'diskWrite') model.set(asked.data, asked.sector * sectorBytes);
    if (asked?.kind !== 'diskRead') continue;
    const now = model.subarray(asked.sector * sectorBytes, (asked.sector + asked.sectors) * sectorBytes);
    if (!same(data, now)) found.push(`disk read ${request} saw bytes that the completions before it do not allow`);
  }
  const pending = [...requests.values()].filter((each) => each.kind === 'diskWrite' && !completed.has(each.request));
  for (let i = 0; i < model.length; i++) {
    const allowed = pending.some((each) => each.kind === 'diskWrite' && world.disk[i] === each.data[i - each.sector * sectorBytes]);
    if (world.disk[i] === model[i] || allowed) continue;
    found.push(`byte ${i} of the disk is ${world.disk[i]}, the surviving log's completions leave ${model[i]}`);
    break;
  }
  return found.slice(0, 3);
}

/** Both replicas run the same machine: a divergence is always somebody's bug. */
function divergences({ nodes }: Judged): string[] {
  const all = Object.values(nodes).filter((node) => node.haltReason === 'divergence');
  return all.map((node) => `replica ${node.name} halted with ${node.haltCode}: ${node.haltDetail.split('\n')[0]}`);
}

/** With the arbiter and one replica up the guest reaches its end, and then nobody stays. */
function liveness(history: Judged): string[] {
  const { nodes, world, killed } = history;
  const dead = new Set(killed.map((each) => each.name));
  const up = (['A', 'B'] as const).filter((name) => !dead.has(name) && !nodes[name].halted);
  if (up.length > 0) {
    const what = world.exits.length > 0 ? 'the guest is off, and' : 'the guest is stuck, and';
    return [`${what} ${up.map((name) => `${name} is still ${describe(nodes[name])}`).join(', ')} after ${history.ms} ms`];
  }
  if (world.exits.length > 0 || mayEnd(history, dead)) return [];
  return [`the guest never ended, though ${(['A', 'B'] as const).filter((name) => !dead.has(name)).join(' and ')} lived to go on`];
}

/** The guest may die when its only machine does: both killed, the owner of the newest epoch killed, or a backup that was never protected. */
function mayEnd({ nodes, epochs }: Judged, dead: ReadonlySet<Name>): boolean {
  if (dead.has('A') && dead.has('B')) return true;
  if (dead.has('A') && !isProtected(nodes.B.log)) return true;
  const owner = [...epochs].sort(([a], [b]) => b - a)[0]?.[1];
  if (owner === undefined || !dead.has(owner)) return false;
  return nodes[owner === 'A' ? 'B' : 'A'].haltReason === 'fenced';
}

function isProtected(log: readonly Uint8Array[]): boolean {
  return log.some((bytes) => {
    const batch = decodeBatch(bytes);
    return 'entries' in batch && batch.entries.some((entry) => entry.kind === 'protect');
  });
}

function describe(node: Side): string {
  const { replica } = node;
  return replica.phase === 'live' ? `live (${replica.protection})` : replica.phase;
}

function same(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i]);
}
