/**
 * `wire.ts` in bytes: a 4-byte big-endian length, then a body whose first byte names the message. Decoding is incremental and
 * bounded: whatever the peer sends is a message or a `WireError`, never another exception and never an allocation it asked for.
 */
import { EXIT_REASONS, EXITS, type Exit, SINKS } from '../../emulator/index.ts';
import { ByteReader, ByteWriter, WireError } from './bytes.ts';
import { ENGINES } from './run-config.ts';
import type { EngineStatus, FromWorld, ReplicaStatus, Takeover, ToWorld } from './wire.ts';

export { WireError } from './bytes.ts';

/** Longest body. A disk request's data is far below it; a signature may come near. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;
const MAX_TEXT_BYTES = 64 * 1024;

const TO_WORLD = [
  'attach',
  'hello',
  'console',
  'frame',
  'diskRead',
  'diskWrite',
  'diskFlush',
  'signature',
  'off',
  'inputAcked',
  'status',
  'halted',
] as const;
const FROM_WORLD = ['answer', 'refuse', 'accepted', 'completion', 'input', 'frameIn', 'inputEnded', 'quit'] as const;
const ROLES = ['primary', 'backup', 'solo'] as const;
const STATUS_ROLES = ['primary', 'backup', 'solo', 'halted'] as const;
const STATES = ['protected', 'unprotected', 'halted'] as const;

/** A whole frame, ready for the socket. */
export function encodeToWorld(message: ToWorld): Buffer {
  switch (message.kind) {
    case 'attach':
      return to('attach').text(message.run).text(message.identity).u8(ROLES.indexOf(message.role)).u53(message.pid).frame();
    case 'hello':
      return to('hello').u8(SINKS.indexOf(message.sink)).u53(message.epoch).u53(message.lastInput).frame();
    case 'console':
    case 'frame':
      return to(message.kind, message.bytes.length).u53(message.epoch).u53(message.ordinal).bytes(message.bytes).frame();
    case 'disk':
      return encodeDisk(message);
    case 'signature':
      return to('signature', message.bytes.length).u53(message.epoch).bytes(message.bytes).frame();
    case 'off': {
      const { code, reason } = message.exit;
      return to('off').u53(message.epoch).u53(message.ordinal).u32(code).u8(EXIT_REASONS.indexOf(reason)).frame();
    }
    case 'inputAcked':
      return to('inputAcked').u53(message.epoch).u53(message.number).frame();
    case 'status':
      return to('status', 512).text(JSON.stringify(message.status)).frame();
    case 'halted':
      return to('halted').text(clip(message.reason)).u32(message.code).text(clip(message.detail)).frame();
  }
}

/** A whole frame, ready for the socket. */
export function encodeFromWorld(message: FromWorld): Buffer {
  switch (message.kind) {
    case 'answer':
      return from('answer').u8(SINKS.indexOf(message.sink)).u53(message.epoch).u53(message.accepted).frame();
    case 'refuse':
      return from('refuse').u8(SINKS.indexOf(message.sink)).u53(message.epoch).frame();
    case 'accepted':
      return from('accepted').u8(SINKS.indexOf(message.sink)).u53(message.ordinal).frame();
    case 'completion':
      return from('completion', message.data.length).u53(message.request).u8(message.status).bytes(message.data).frame();
    case 'input':
      return from('input', message.bytes.length).u8(message.port).u53(message.number).bytes(message.bytes).frame();
    case 'frameIn':
      return from('frameIn', message.bytes.length).bytes(message.bytes).frame();
    case 'inputEnded':
    case 'quit':
      return from(message.kind).frame();
  }
}

/** Collects what a socket brings and gives back whole messages. After a `WireError` it stays closed. */
export class WireDecoder<T> {
  readonly #decode: (body: Buffer) => T;
  #chunks: Buffer[] = [];
  #held = 0;
  #broken: WireError | undefined;

  constructor(decode: (body: Buffer) => T) {
    this.#decode = decode;
  }

  /** The messages that this chunk completes, in order. Throws `WireError`; the messages before the bad one are lost with it. */
  push(chunk: Uint8Array): T[] {
    if (this.#broken !== undefined) throw this.#broken;
    this.#chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this.#held += chunk.byteLength;
    const messages: T[] = [];
    try {
      for (let body = this.#body(); body !== undefined; body = this.#body()) messages.push(this.#decode(body));
    } catch (error) {
      this.#chunks = [];
      this.#broken = error instanceof WireError ? error : new WireError(String(error));
      throw this.#broken;
    }
    return messages;
  }

  #body(): Buffer | undefined {
    if (this.#held < 4) return undefined;
    if (this.#chunks[0].length < 4) this.#join();
    const length = this.#chunks[0].readUInt32BE(0);
    if (length === 0 || length > MAX_BODY_BYTES) throw new WireError(`a body of ${length} bytes, 1 to ${MAX_BODY_BYTES} allowed`);
    if (this.#held < 4 + length) return undefined;
    if (this.#chunks[0].length < 4 + length) this.#join();
    const first = this.#chunks[0];
    this.#held -= 4 + length;
    if (first.length === 4 + length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(4 + length);
    return first.subarray(4, 4 + length);
  }

  #join(): void {
    this.#chunks = [Buffer.concat(this.#chunks)];
  }
}

export const toWorldDecoder = (): WireDecoder<ToWorld> => new WireDecoder(decodeToWorld);
export const fromWorldDecoder = (): WireDecoder<FromWorld> => new WireDecoder(decodeFromWorld);

function encodeDisk({ epoch, request }: Extract<ToWorld, { kind: 'disk' }>): Buffer {
  switch (request.kind) {
    case 'diskRead':
      return to('diskRead').u53(epoch).u53(request.request).u53(request.sector).u32(request.sectors).frame();
    case 'diskWrite': {
      const out = to('diskWrite', request.data.length).u53(epoch).u53(request.request).u53(request.ordinal);
      return out.u53(request.sector).bytes(request.data).frame();
    }
    case 'diskFlush':
      return to('diskFlush').u53(epoch).u53(request.request).u53(request.ordinal).frame();
  }
}

function decodeToWorld(body: Buffer): ToWorld {
  const input = new ByteReader(body);
  const message = readToWorld(input);
  input.end();
  return message;
}

function readToWorld(input: ByteReader): ToWorld {
  const kind = input.pick(TO_WORLD, 'message to the world');
  switch (kind) {
    case 'attach':
      return { kind, run: input.text(256), identity: input.text(256), role: input.pick(ROLES, 'role'), pid: input.u53() };
    case 'hello':
      return { kind, sink: input.pick(SINKS, 'sink'), epoch: input.u53(), lastInput: input.u53() };
    case 'console':
    case 'frame':
      return { kind, epoch: input.u53(), ordinal: input.u53(), bytes: input.bytes() };
    case 'diskRead':
      return {
        kind: 'disk',
        epoch: input.u53(),
        request: { kind, request: input.u53(), sector: input.u53(), sectors: input.u32() },
      };
    case 'diskWrite':
      return {
        kind: 'disk',
        epoch: input.u53(),
        request: { kind, request: input.u53(), ordinal: input.u53(), sector: input.u53(), data: input.bytes() },
      };
    case 'diskFlush':
      return { kind: 'disk', epoch: input.u53(), request: { kind, request: input.u53(), ordinal: input.u53() } };
    case 'signature':
      return { kind, epoch: input.u53(), bytes: input.bytes() };
    case 'off':
      return { kind, epoch: input.u53(), ordinal: input.u53(), exit: readExit(input) };
    case 'inputAcked':
      return { kind, epoch: input.u53(), number: input.u53() };
    case 'status':
      return { kind, status: readStatus(input.text(MAX_TEXT_BYTES)) };
    case 'halted':
      return { kind, reason: input.text(MAX_TEXT_BYTES), code: input.u32(), detail: input.text(MAX_TEXT_BYTES) };
  }
}

function decodeFromWorld(body: Buffer): FromWorld {
  const input = new ByteReader(body);
  const message = readFromWorld(input);
  input.end();
  return message;
}

function readFromWorld(input: ByteReader): FromWorld {
  const kind = input.pick(FROM_WORLD, 'message from the world');
  switch (kind) {
    case 'answer':
      return { kind, sink: input.pick(SINKS, 'sink'), epoch: input.u53(), accepted: input.u53() };
    case 'refuse':
      return { kind, sink: input.pick(SINKS, 'sink'), epoch: input.u53() };
    case 'accepted':
      return { kind, sink: input.pick(SINKS, 'sink'), ordinal: input.u53() };
    case 'completion':
      return { kind, request: input.u53(), status: input.pick([0, 1] as const, 'disk status'), data: input.bytes() };
    case 'input':
      return { kind, port: input.pick([0, 1] as const, 'console port'), number: input.u53(), bytes: input.bytes() };
    case 'frameIn':
      return { kind, bytes: input.bytes() };
    case 'inputEnded':
    case 'quit':
      return { kind };
  }
}

const readExit = (input: ByteReader): Exit => ({ code: input.u32(), reason: input.pick(EXIT_REASONS, 'exit reason') });

/** Status is rare and has many fields: JSON, each field checked for its type. */
function readStatus(text: string): ReplicaStatus {
  const fields = parseObject(text, 'status');
  const takeover = fields.takeover === undefined ? undefined : objectOf(fields.takeover, 'takeover');
  const stages = fields.stageMicros === undefined ? undefined : objectOf(fields.stageMicros, 'stageMicros');
  return {
    role: oneOf(STATUS_ROLES, fields.role, 'role'),
    state: oneOf(STATES, fields.state, 'state'),
    reason: optionalText(fields.reason, 'reason'),
    epoch: number(fields.epoch, 'epoch'),
    icount: number(fields.icount, 'icount'),
    seq: number(fields.seq, 'seq'),
    lagMs: number(fields.lagMs, 'lagMs'),
    logBytes: number(fields.logBytes, 'logBytes'),
    outputs: number(fields.outputs, 'outputs'),
    held: number(fields.held, 'held'),
    stalled: fields.stalled === true,
    takeover: takeover === undefined ? undefined : readTakeover(takeover),
    heldMicros: fields.heldMicros === undefined ? undefined : readPercentiles(fields.heldMicros),
    stageMicros:
      stages === undefined
        ? undefined
        : { flush: readPercentiles(stages.flush), ack: readPercentiles(stages.ack), release: readPercentiles(stages.release) },
    engine: fields.engine === undefined ? undefined : readEngine(objectOf(fields.engine, 'engine')),
    digest: optionalText(fields.digest, 'digest'),
    recordLost: optionalText(fields.recordLost, 'recordLost'),
  };
}

const readTakeover = (fields: Record<string, unknown>): Takeover => ({
  suspectedAt: number(fields.suspectedAt, 'suspectedAt'),
  wonAt: number(fields.wonAt, 'wonAt'),
  drainedAt: number(fields.drainedAt, 'drainedAt'),
  liveAt: number(fields.liveAt, 'liveAt'),
});

const readEngine = (fields: Record<string, unknown>): EngineStatus => ({
  name: oneOf(ENGINES, fields.name, 'engine'),
  instructions: readNumbers(['interpreter', 'translator'], fields.instructions, 'instructions'),
  regions: readNumbers(['installed', 'compiled', 'invalidated', 'evicted', 'demoted', 'entered'], fields.regions, 'regions'),
  modules: readNumbers(['installed', 'compiled'], fields.modules, 'modules'),
  wasmBytes: number(fields.wasmBytes, 'wasmBytes'),
  compileMs: number(fields.compileMs, 'compileMs'),
  exits: readNumbers(EXITS, fields.exits, 'exits'),
});

function readNumbers<K extends string>(names: readonly K[], value: unknown, what: string): Record<K, number> {
  const fields = objectOf(value, what);
  return Object.fromEntries(names.map((name) => [name, number(fields[name], name)])) as Record<K, number>;
}

function readPercentiles(value: unknown): { p50: number; p99: number } {
  const fields = objectOf(value, 'percentiles');
  return { p50: number(fields.p50, 'p50'), p99: number(fields.p99, 'p99') };
}

function parseObject(text: string, what: string): Record<string, unknown> {
  try {
    return objectOf(JSON.parse(text), what);
  } catch (error) {
    throw error instanceof WireError ? error : new WireError(`${what} is not JSON`);
  }
}

function objectOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new WireError(`${what} is not an object`);
  return value as Record<string, unknown>;
}

function number(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new WireError(`${what} is not a number`);
  return value;
}

function optionalText(value: unknown, what: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new WireError(`${what} is not a text`);
  return value;
}

function oneOf<T extends string>(choices: readonly T[], value: unknown, what: string): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new WireError(`${what} is none of ${choices.join(', ')}`);
  return found;
}

const to = (kind: (typeof TO_WORLD)[number], room = 0): ByteWriter => new ByteWriter(64 + room).u8(TO_WORLD.indexOf(kind));
const from = (kind: (typeof FROM_WORLD)[number], room = 0): ByteWriter => new ByteWriter(64 + room).u8(FROM_WORLD.indexOf(kind));
const clip = (text: string): string => text.slice(0, MAX_TEXT_BYTES / 4);
