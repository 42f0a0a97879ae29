/** The board's own sections of a snapshot: configuration, hart, machine, memory. Nothing derived is in them (machine.md). */
import type { Clock } from './clock.ts';
import type { MachineConfig } from './config.ts';
import type { State } from './devices/device.ts';
import { digestOf } from './digest.ts';
import type { Hart } from './hart/hart.ts';
import { type Exit, SINKS } from './io.ts';
import { STORED_CSRS } from './isa/index.ts';
import { CSR_WORD, HART_WORDS, PAGE_BYTES, WORD } from './layout.ts';
import type { Outputs } from './outputs.ts';
import type { Physical } from './physical.ts';
import { fieldsOf, SnapshotError } from './snapshot.ts';

const INT_MIN = -(2 ** 31);
const INT_MAX = 2 ** 31 - 1;

/** What must be equal in the configuration that restores: all that the guest can see but the images, which RAM holds. */
export function configState(config: MachineConfig): State {
  const { memoryBytes, clock, disk, net, virtioConsole, onReset, bootTimeNs } = config;
  return {
    memoryBytes,
    clock,
    bootTimeNs,
    virtioConsole,
    onReset,
    disk: disk === undefined ? null : { sectors: disk.sectors, readOnly: disk.readOnly, id: disk.id },
    net: net === undefined ? null : { mac: net.mac },
    // Never the seed itself.
    seed: digestOf(config.seed),
  };
}

export function sameConfig(config: MachineConfig, saved: State | undefined): void {
  const want = configState(config);
  fieldsOf('config', saved);
  for (const name of Object.keys(want)) {
    if (show(want[name]) !== show(saved?.[name])) {
      throw new SnapshotError(
        `the snapshot does not fit this machine: its ${name} is ${show(saved?.[name])}, here it is ${show(want[name])}. Restore it with the configuration that saved it.`,
      );
    }
  }
}

/** For comparison and for people. Names are sorted, as they come back from a snapshot. */
function show(value: unknown): string {
  if (value instanceof Uint8Array) return Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join(':');
  if (value === null || typeof value !== 'object') return String(value);
  const fields = value as Record<string, unknown>;
  const names = Object.keys(fields).sort();
  return `{${names.map((name) => `${name}: ${show(fields[name])}`).join(', ')}}`;
}

export function hartState(hart: Hart): State {
  const { words } = hart;
  const csrs: Record<string, number> = {};
  for (const { name } of STORED_CSRS) csrs[name] = words[CSR_WORD[name]];
  return {
    x: Array.from(words.subarray(WORD.x, WORD.x + 32)),
    pc: words[WORD.pc],
    privilege: words[WORD.privilege],
    waiting: words[WORD.waiting],
    reserved: words[WORD.reserved],
    reservedWord: words[WORD.reserved] === 0 ? 0 : words[WORD.reservedWord],
    tohostLow: words[WORD.tohostLow],
    csrs,
    icount: hart.icount,
    traps: hart.traps,
    cycleOffset: hart.cycleOffset,
    instretOffset: hart.instretOffset,
  };
}

export function restoreHart(hart: Hart, state: State | undefined): void {
  const fields = fieldsOf('hart', state);
  const { words } = hart;
  const word = (name: string, low = INT_MIN, high = INT_MAX): number => fields.integer(name, low, high);
  const x = fields.list('x', 32);
  if (x.length !== 32) throw new SnapshotError(`the snapshot does not fit this machine: hart: it has ${x.length} registers, want 32.`);
  for (let n = 1; n < 32; n++) words[WORD.x + n] = Number(x[n]);
  words[WORD.pc] = word('pc') & -2;
  const privilege = word('privilege', 0, 3);
  if (privilege === 2) throw new SnapshotError('the snapshot does not fit this machine: hart: privilege 2 does not exist.');
  words[WORD.privilege] = privilege;
  for (const name of ['waiting', 'reserved'] as const) words[WORD[name]] = word(name, 0, 1);
  words[WORD.tohostLow] = word('tohostLow', 0);
  words[WORD.reservedWord] = word('reservedWord');
  const csrs = fields.fields('csrs');
  for (const { name } of STORED_CSRS) words[CSR_WORD[name]] = csrs.integer(name, INT_MIN, INT_MAX);
  hart.end = fields.integer('icount');
  hart.left = 0;
  hart.traps = fields.integer('traps');
  hart.cycleOffset = fields.bigint('cycleOffset');
  hart.instretOffset = fields.bigint('instretOffset');
  hart.pmp.decode();
  hart.mmu.dropAll();
  hart.contextChanged();
  if (words.length !== HART_WORDS) throw new Error('hart state has another size than its layout');
}

/** How the guest has ended, if it has, and how often it was reset. */
export interface Life {
  readonly exit: Exit | undefined;
  readonly resets: number;
}

export function machineState(clock: Clock, outputs: Outputs, { exit, resets }: Life): State {
  const { icount, ticks, num, den } = clock.anchor;
  return {
    anchor: { icount, ticks, num, den },
    made: { ...outputs.made },
    exit: exit === undefined ? null : { code: exit.code, reason: exit.reason },
    resets,
  };
}

export function restoreMachineState(clock: Clock, outputs: Outputs, state: State | undefined): Life {
  const fields = fieldsOf('machine', state);
  const anchor = fields.fields('anchor');
  clock.anchor = {
    icount: anchor.integer('icount'),
    ticks: BigInt.asUintN(64, anchor.bigint('ticks')),
    num: anchor.integer('num', 0, INT_MAX),
    den: anchor.integer('den', 1, INT_MAX),
  };
  const made = fields.fields('made');
  for (const sink of SINKS) outputs.made[sink] = made.integer(sink);
  const resets = fields.integer('resets');
  if (fields.state.exit === null) return { exit: undefined, resets };
  const exit = fields.fields('exit');
  return { exit: { code: exit.integer('code'), reason: exit.text('reason') as Exit['reason'] }, resets };
}

/** The bytes of one frame, or undefined: all zeros. */
export type Page = Uint8Array | undefined;

/** Of memory as it is: a view. */
export function pageOf(memory: Physical, frame: number): Page {
  const at = memory.offsetOf(frame);
  return isBlank(memory, frame) ? undefined : memory.bytes.subarray(at, at + PAGE_BYTES);
}

/** `memory`: by frame. Frames that are not all zeros: their numbers (32 bits each, little-endian) and their bytes, one after the other. */
export function memoryState(memory: readonly Page[]): State {
  const used = memory.reduce((count, page) => (page === undefined ? count : count + 1), 0);
  const frames = new Uint8Array(used * 4);
  const pages = new Uint8Array(used * PAGE_BYTES);
  const view = new DataView(frames.buffer);
  let k = 0;
  for (const [frame, page] of memory.entries()) {
    if (page === undefined) continue;
    view.setUint32(k * 4, frame, true);
    pages.set(page, k * PAGE_BYTES);
    k++;
  }
  return { frames, pages };
}

/** Into memory that is all zeros. */
export function restoreMemory(memory: Physical, state: State | undefined): void {
  const fields = fieldsOf('memory', state);
  const frames = fields.bytes('frames', memory.layout.frames * 4);
  const count = frames.length / 4;
  const pages = fields.bytes('pages', count * PAGE_BYTES, true);
  const view = new DataView(frames.buffer, frames.byteOffset);
  for (let k = 0; k < count; k++) {
    const frame = view.getUint32(k * 4, true);
    if (frame >= memory.layout.frames)
      throw new SnapshotError(`the snapshot does not fit this machine: memory: there is no page ${frame}.`);
    memory.bytes.set(pages.subarray(k * PAGE_BYTES, (k + 1) * PAGE_BYTES), memory.offsetOf(frame));
    memory.dirty[frame] = 1;
  }
}

function isBlank(memory: Physical, frame: number): boolean {
  const start = memory.offsetOf(frame) >> 2;
  for (let k = start; k < start + PAGE_BYTES / 4; k++) if (memory.words[k] !== 0) return false;
  return true;
}
