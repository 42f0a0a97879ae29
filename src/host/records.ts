/**
 * What the event loop and the machine thread of one replica say to each other through their two rings. Hand-laid (a kind byte, 64-bit
 * floats for numbers, then the payload): they lie on the fast path, and JSON would cost more than the hop.
 */
import { type ConsolePort, EXIT_REASONS, type Ordinals, type Output, SINKS, type Statistics } from '../../emulator/index.ts';

export type ToMachine =
  | { readonly kind: 'protect'; readonly epoch: number }
  | { readonly kind: 'run'; readonly epoch: number; readonly logging: boolean }
  | { readonly kind: 'drain' }
  | { readonly kind: 'goLive'; readonly epoch: number }
  /** The link is open for the log: see `LogWriter.open`. */
  | { readonly kind: 'link'; readonly fd: number }
  /** The backup has replayed up to here. */
  | { readonly kind: 'agreed'; readonly seq: number }
  /** The backup says that it has diverged: write down what is needed to find out where. */
  | { readonly kind: 'evidence' }
  | { readonly kind: 'batch'; readonly bytes: Uint8Array }
  | { readonly kind: 'console'; readonly port: ConsolePort; readonly number: number; readonly bytes: Uint8Array }
  | { readonly kind: 'frame'; readonly bytes: Uint8Array }
  | { readonly kind: 'disk'; readonly request: number; readonly status: 0 | 1; readonly data: Uint8Array }
  | { readonly kind: 'inputEnded' };

export type FromMachine =
  /** First: the machine is built. */
  | { readonly kind: 'ready' }
  /** What the engines have done so far; a few times a second, and before `off` and `limit`. */
  | { readonly kind: 'statistics'; readonly statistics: Statistics }
  /** To be held (primary) or kept (backup). */
  | { readonly kind: 'output'; readonly output: Output }
  /** To be issued at once: a disk read, or any pending disk request at go-live. */
  | { readonly kind: 'request'; readonly output: Output }
  /** `madeAt`: microseconds, when the outputs of this range were made; 0 when there is none. */
  | {
      readonly kind: 'appended';
      readonly seq: number;
      readonly icount: number;
      readonly lastInput: number;
      readonly madeAt: number;
      readonly made: Ordinals;
    }
  /** `at`: microseconds, when the batch was whole on the link. */
  | { readonly kind: 'sent'; readonly seq: number; readonly at: number }
  | { readonly kind: 'replayed'; readonly seq: number; readonly icount: number; readonly made: Ordinals }
  | { readonly kind: 'drained'; readonly seq: number; readonly lastInput: number; readonly made: Ordinals }
  /** After the requests that go-live issues again. */
  | { readonly kind: 'live' }
  | { readonly kind: 'diverged'; readonly report: string }
  | { readonly kind: 'signature'; readonly bytes: Uint8Array }
  /** `pending`: disk requests emitted and not completed. */
  | { readonly kind: 'off'; readonly code: number; readonly pending: number; readonly digest: string }
  /** The machine runs no further: `--max-instructions` is reached (`idle` false), or nothing will ever end the guest's wait. */
  | { readonly kind: 'limit'; readonly idle: boolean; readonly digest: string }
  /** The machine thread uses the link's descriptor no more. */
  | { readonly kind: 'linkReleased' }
  | { readonly kind: 'linkBroken'; readonly why: string }
  /** The file of the log ends here: it can no longer be written. */
  | { readonly kind: 'recordLost'; readonly why: string };

const TO = ['protect', 'run', 'drain', 'goLive', 'link', 'agreed', 'evidence', 'batch', 'console', 'frame', 'disk', 'inputEnded'] as const;
const FROM = [
  'ready',
  'output',
  'request',
  'appended',
  'sent',
  'replayed',
  'drained',
  'live',
  'diverged',
  'signature',
  'off',
  'limit',
  'linkReleased',
  'linkBroken',
  'recordLost',
  'statistics',
] as const;
const OUTPUTS = ['console', 'frame', 'diskRead', 'diskWrite', 'diskFlush', 'off'] as const;

/** A record in two parts, as `Ring.write` takes it: `head` is reused by the next call. */
export interface Parts {
  readonly head: Uint8Array;
  readonly body: Uint8Array;
}

export function encodeToMachine(record: ToMachine): Parts {
  const kind = TO.indexOf(record.kind);
  switch (record.kind) {
    case 'protect':
    case 'goLive':
      return parts(kind, [record.epoch]);
    case 'run':
      return parts(kind, [record.epoch, record.logging ? 1 : 0]);
    case 'drain':
    case 'evidence':
    case 'inputEnded':
      return parts(kind, []);
    case 'link':
      return parts(kind, [record.fd]);
    case 'agreed':
      return parts(kind, [record.seq]);
    case 'batch':
    case 'frame':
      return parts(kind, [], record.bytes);
    case 'console':
      return parts(kind, [record.port, record.number], record.bytes);
    case 'disk':
      return parts(kind, [record.request, record.status], record.data);
  }
}

export function decodeToMachine(record: Uint8Array): ToMachine {
  const read = new Reader(record);
  const kind = TO[read.kind]!;
  switch (kind) {
    case 'protect':
    case 'goLive':
      return { kind, epoch: read.number() };
    case 'run':
      return { kind, epoch: read.number(), logging: read.number() === 1 };
    case 'drain':
    case 'evidence':
    case 'inputEnded':
      return { kind };
    case 'link':
      return { kind, fd: read.number() };
    case 'agreed':
      return { kind, seq: read.number() };
    case 'batch':
    case 'frame':
      return { kind, bytes: read.rest() };
    case 'console':
      return { kind, port: read.number() as ConsolePort, number: read.number(), bytes: read.rest() };
    case 'disk':
      return { kind, request: read.number(), status: read.number() as 0 | 1, data: read.rest() };
  }
}

export function encodeFromMachine(record: FromMachine): Parts {
  const kind = FROM.indexOf(record.kind);
  switch (record.kind) {
    case 'output':
    case 'request':
      return encodeOutput(kind, record.output);
    case 'appended':
      return parts(kind, [record.seq, record.icount, record.lastInput, record.madeAt, ...ordinals(record.made)]);
    case 'sent':
      return parts(kind, [record.seq, record.at]);
    case 'replayed':
      return parts(kind, [record.seq, record.icount, ...ordinals(record.made)]);
    case 'drained':
      return parts(kind, [record.seq, record.lastInput, ...ordinals(record.made)]);
    case 'ready':
    case 'live':
    case 'linkReleased':
      return parts(kind, []);
    case 'diverged':
      return parts(kind, [], Buffer.from(record.report));
    case 'linkBroken':
    case 'recordLost':
      return parts(kind, [], Buffer.from(record.why));
    case 'statistics':
      return parts(kind, [], Buffer.from(JSON.stringify(record.statistics)));
    case 'signature':
      return parts(kind, [], record.bytes);
    case 'off':
      return parts(kind, [record.code, record.pending], Buffer.from(record.digest));
    case 'limit':
      return parts(kind, [record.idle ? 1 : 0], Buffer.from(record.digest));
  }
}

export function decodeFromMachine(record: Uint8Array): FromMachine {
  const read = new Reader(record);
  const kind = FROM[read.kind]!;
  switch (kind) {
    case 'output':
    case 'request':
      return { kind, output: decodeOutput(read) };
    case 'appended': {
      const [seq, icount, lastInput, madeAt] = [read.number(), read.number(), read.number(), read.number()];
      return { kind, seq, icount, lastInput, madeAt, made: read.ordinals() };
    }
    case 'sent':
      return { kind, seq: read.number(), at: read.number() };
    case 'replayed':
      return { kind, seq: read.number(), icount: read.number(), made: read.ordinals() };
    case 'drained':
      return { kind, seq: read.number(), lastInput: read.number(), made: read.ordinals() };
    case 'ready':
    case 'live':
    case 'linkReleased':
      return { kind };
    case 'diverged':
      return { kind, report: read.text() };
    case 'linkBroken':
    case 'recordLost':
      return { kind, why: read.text() };
    case 'statistics':
      return { kind, statistics: JSON.parse(read.text()) as Statistics };
    case 'signature':
      return { kind, bytes: read.rest() };
    case 'off':
      return { kind, code: read.number(), pending: read.number(), digest: read.text() };
    case 'limit':
      return { kind, idle: read.number() === 1, digest: read.text() };
  }
}

function encodeOutput(kind: number, output: Output): Parts {
  const which = OUTPUTS.indexOf(output.kind);
  switch (output.kind) {
    case 'console':
    case 'frame':
      return parts(kind, [which, output.ordinal], output.bytes);
    case 'diskRead':
      return parts(kind, [which, output.request, output.sector, output.sectors]);
    case 'diskWrite':
      return parts(kind, [which, output.ordinal, output.request, output.sector], output.data);
    case 'diskFlush':
      return parts(kind, [which, output.ordinal, output.request]);
    case 'off':
      return parts(kind, [which, output.ordinal, output.exit.code, EXIT_REASONS.indexOf(output.exit.reason)]);
  }
}

function decodeOutput(read: Reader): Output {
  const kind = OUTPUTS[read.number()]!;
  switch (kind) {
    case 'console':
    case 'frame':
      return { kind, ordinal: read.number(), bytes: read.rest() };
    case 'diskRead':
      return { kind, request: read.number(), sector: read.number(), sectors: read.number() };
    case 'diskWrite':
      return { kind, ordinal: read.number(), request: read.number(), sector: read.number(), data: read.rest() };
    case 'diskFlush':
      return { kind, ordinal: read.number(), request: read.number() };
    case 'off':
      return { kind, ordinal: read.number(), exit: { code: read.number(), reason: EXIT_REASONS[read.number()]! } };
  }
}

const NOTHING = new Uint8Array(0);
const scratch = new Uint8Array(1 + 16 * 8);
const scratchView = new DataView(scratch.buffer);

function parts(kind: number, numbers: readonly number[], body: Uint8Array = NOTHING): Parts {
  scratch[0] = kind;
  for (let i = 0; i < numbers.length; i++) scratchView.setFloat64(1 + i * 8, numbers[i]!, true);
  return { head: scratch.subarray(0, 1 + numbers.length * 8), body };
}

const ordinals = (made: Ordinals): number[] => SINKS.map((sink) => made[sink]);

class Reader {
  readonly kind: number;
  private readonly record: Uint8Array;
  private readonly view: DataView;
  private at = 1;

  constructor(record: Uint8Array) {
    this.record = record;
    this.view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    this.kind = record[0]!;
  }

  number(): number {
    const value = this.view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  ordinals(): Ordinals {
    return { console: this.number(), disk: this.number(), net: this.number(), power: this.number() };
  }

  rest(): Uint8Array {
    return this.record.subarray(this.at);
  }

  text(): string {
    return Buffer.from(this.rest()).toString('utf8');
  }
}
