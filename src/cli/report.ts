/** What the user is told: a line for each thing that happens to the pair (stderr), and the JSON object at the end (cli.md). */
import { styleText } from 'node:util';
import { V8_FLAGS } from '../host/v8-flags.ts';
import type { WorldStatus } from '../world/control.ts';
import type { EngineStatus, ReplicaStatus } from '../world/wire.ts';
import type { TakeoverTimes, WorldEvent, WorldResult } from '../world/world.ts';

export interface Reporter {
  line(text: string): void;
  event(event: WorldEvent): void;
}

/** Lines for a person. `raw`: the terminal is in raw mode, where a line feed alone does not go back to the left. */
export function reporter(
  stream: NodeJS.WriteStream,
  options: { readonly raw: () => boolean; readonly arbiter: string; readonly keys: boolean; readonly freshLine?: () => void },
): Reporter {
  const line = (text: string): void => {
    stream.write(text.split('\n').join(options.raw() ? '\r\n' : '\n') + (options.raw() ? '\r\n' : '\n'));
  };
  return {
    line,
    event(event) {
      const lines = describe(event, options);
      if (lines.length > 0) options.freshLine?.();
      for (const text of lines) line(` ${colour(stream, text)}`);
    },
  };
}

function describe(event: WorldEvent, options: { readonly arbiter: string; readonly keys: boolean }): string[] {
  switch (event.kind) {
    case 'started':
      return event.role === 'backup'
        ? [`backup   pid ${event.pid}`]
        : [`${event.role.padEnd(8)} pid ${event.pid}  epoch 1${options.keys ? '   console on this terminal (Ctrl-A h for help)' : ''}`];
    case 'status':
      return isNews(event.status, event.live) ? [stateLine(event.status, options.arbiter)] : [];
    case 'takeover':
      return [`takeover epoch ${event.epoch}  live after ${ms(event.times.total)} (detected ${ms(event.times.detect)})`];
    case 'died':
      return event.exit.code === 0 || event.explained
        ? []
        : [`${event.wasLive ? 'primary' : 'replica'}  pid ${event.exit.pid} ${howItDied(event.exit)}`];
    case 'halted':
      return event.reason === 'off' ? [] : [`halted   pid ${event.pid} (${event.reason}): ${event.detail}`];
    case 'netLost':
      return [`network  ${event.why}; the guest goes on without`];
    case 'recordLost':
      return [`record   of pid ${event.pid} ends here: ${event.why}; the guest goes on`];
    case 'live':
    case 'refused':
    case 'off':
      return [];
  }
}

/** What the live replica says; of a backup only that it would take over and may not. A fenced primary that wakes believes old things. */
function isNews(status: ReplicaStatus, live: boolean): boolean {
  return status.role === 'backup' ? status.reason === 'arbiter' : live && status.state !== 'halted';
}

function howItDied(exit: { code: number | null; signal: string | null; said: string }): string {
  const how = exit.signal === null ? `ended with status ${exit.code}` : `died (${exit.signal})`;
  return exit.said === '' ? how : `${how}: ${exit.said}`;
}

function stateLine(status: ReplicaStatus, arbiter: string): string {
  const state = status.state === 'protected' ? 'PROTECTED' : status.state.toUpperCase();
  const reason = status.reason === undefined || status.state === 'protected' ? '' : ` (${status.reason})`;
  const lag = status.state === 'protected' ? `  lag ${ms(status.lagMs)}` : '';
  return `${state}${reason}${lag} · epoch ${status.epoch} · arbiter ${arbiter}${status.stalled ? ' · stalled: held outputs at their limit' : ''}`;
}

/** Ctrl-A s. */
export function statusLines(status: WorldStatus): string[] {
  const head = `${status.name}  ${status.state}${status.reason === undefined || status.state === 'protected' ? '' : ` (${status.reason})`}  epoch ${status.epoch}  up ${status.seconds.toFixed(1)} s  takeovers ${status.takeovers}`;
  return [head, ...status.replicas.flatMap((replica) => [replicaLine(replica, status.seconds), ...engineLines(replica.status?.engine)])];
}

function replicaLine({ pid, live, status }: WorldStatus['replicas'][number], seconds: number): string {
  if (status === undefined) return `  pid ${pid}  starting`;
  const rate = seconds > 0 ? `${size(status.logBytes / seconds)}/s` : '';
  const log = status.logBytes > 0 ? ` · log ${size(status.logBytes)} (${rate})` : '';
  const held = live ? ` · outputs ${status.outputs}, held ${status.held}` : '';
  return `  ${status.role.padEnd(8)} pid ${pid}  icount ${status.icount} · lag ${ms(status.lagMs)}${log}${held}`;
}

function engineLines(engine: EngineStatus | undefined): string[] {
  if (engine === undefined) return [];
  const { name, instructions, regions, modules, wasmBytes, compileMs, exits } = engine;
  const { interpreter, translator } = instructions;
  const share = interpreter + translator === 0 ? 0 : (100 * translator) / (interpreter + translator);
  const head = `           engine ${name}  translated ${share.toFixed(1)} % of ${interpreter + translator} instructions`;
  if (modules.compiled === 0) return [head];
  const gone = `${regions.invalidated} invalidated, ${regions.evicted} evicted, ${regions.demoted} demoted`;
  const causes = Object.entries(exits).map(([cause, count]) => `${cause} ${count}`);
  return [
    head,
    `           regions ${regions.installed} of ${regions.compiled} (${gone}), entered ${regions.entered} times`,
    `           modules ${modules.installed} of ${modules.compiled}, ${size(wasmBytes)}, compiled in ${ms(compileMs)} · exits ${causes.join(', ')}`,
  ];
}

export interface JsonResult {
  readonly exit: number;
  readonly icount: number;
  readonly seconds: number;
  readonly mips: number;
  readonly epoch: number;
  readonly role: string;
  readonly takeovers: number;
  readonly takeoverMs: number | null;
  readonly logBytes: number;
  readonly outputs: number;
  readonly divergences: number;
  readonly digest: string | null;
  /** Of the replica that was live last. */
  readonly engine: (EngineStatus & { readonly v8Flags: readonly string[] }) | null;
}

/** `exit`: the status that this process ends with. */
export function jsonResult(result: WorldResult, exit: number): JsonResult {
  const icount = result.last?.icount ?? 0;
  const takeover = result.takeovers.at(-1);
  return {
    exit,
    icount,
    seconds: round(result.seconds, 3),
    mips: result.seconds > 0 ? round(icount / result.seconds / 1e6, 2) : 0,
    epoch: result.epoch,
    role: result.role,
    takeovers: result.takeovers.length,
    takeoverMs: takeover === undefined ? null : round(takeover.total, 1),
    logBytes: result.logBytes,
    outputs: result.last?.outputs ?? 0,
    divergences: result.divergences,
    digest: result.last?.digest ?? null,
    engine: result.last?.engine === undefined ? null : { ...result.last.engine, v8Flags: V8_FLAGS },
  };
}

/** A process has 8 bits for its status: a guest's code that would look like success there is 255. */
export function exitStatus(result: WorldResult): number {
  return result.exit === 0 ? 0 : result.exit & 0xff || 255;
}

/** `begin_signature` to `end_signature`: each little-endian word in 8 hex digits, a line each, as RISC-V test suites want it; a last part of one is filled with zeros. */
export function signatureText(bytes: Uint8Array): string {
  const words = new DataView(new ArrayBuffer(Math.ceil(bytes.length / 4) * 4));
  new Uint8Array(words.buffer).set(bytes);
  let text = '';
  for (let at = 0; at < words.byteLength; at += 4) text += `${words.getUint32(at, true).toString(16).padStart(8, '0')}\n`;
  return text;
}

export const takeoverLine = (times: TakeoverTimes): string =>
  `${ms(times.total)} (detect ${ms(times.detect)}, claim ${ms(times.claim)}, drain ${ms(times.drain)}, fence ${ms(times.fence)})`;

export const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

export function size(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  return bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

function colour(stream: NodeJS.WriteStream, text: string): string {
  if (!stream.isTTY || (process.env.NO_COLOR ?? '') !== '') return text;
  if (text.startsWith('PROTECTED')) return styleText('green', text, { validateStream: false });
  if (/^(UNPROTECTED|takeover|halted)/.test(text)) return styleText('yellow', text, { validateStream: false });
  return text;
}
