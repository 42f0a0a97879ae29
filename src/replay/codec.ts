/**
 * The log's bytes (protocol.md, "The log"): entries travel in batches, each a 60-byte header with a checksum of its own and a
 * body with another, so that a reader can tell a batch that was cut off from one that was damaged, before it decodes anything.
 *
 *   0 magic "TWHB"   4 version   5 flags (1: holds `protect`)   6 zero (2)   8 body length   12 entries   16 run (8)
 *   24 configuration hash (8)   32 epoch   36 CRC-32C of the body   40 first seq (8)   48 horizon (8)   56 CRC-32C of bytes 0..55
 *
 * Numbers are little-endian; `entry-codec.ts` has the entries.
 */
import { ByteReader, ByteWriter } from './bytes.ts';
import { crc32c } from './checksum.ts';
import type { Batch, Entry, Seq } from './entry.ts';
import { decodeEntry, encodeEntry, newCoder } from './entry-codec.ts';
import { REPLAY_LIMITS } from './limits.ts';

/** Raised with every change to the bytes of batches or recordings. */
export const LOG_VERSION = 2;
export const BATCH_HEADER_BYTES = 60;
const MAGIC = 0x42485754;

/** Why log bytes were refused. `offset`: where the batch (or the file's header) at fault begins. */
export interface LogFault {
  readonly kind: 'fault';
  /** cut: ends early · damaged: bytes are not what was written · version, configuration: of another one · limit: larger than we accept · order: a gap. */
  readonly code: 'cut' | 'damaged' | 'version' | 'configuration' | 'limit' | 'order';
  readonly offset: number;
  readonly detail: string;
}

export interface BatchHeader {
  readonly kind: 'batch';
  readonly run: string;
  readonly config: string;
  readonly epoch: number;
  readonly first: Seq;
  /** first - 1 when there is no entry. */
  readonly last: Seq;
  readonly count: number;
  readonly horizon: number;
  /** One of its entries is `protect`. */
  readonly protects: boolean;
  /** Bytes, header included. */
  readonly length: number;
}

/** Gathers entries and makes batches of them. */
export class BatchEncoder {
  private readonly run: string;
  private readonly config: string;
  private readonly body = new ByteWriter(4096);
  private count = 0;
  private protects = false;
  private coder = newCoder();

  constructor(run: string, config: string) {
    this.run = run;
    this.config = config;
  }

  /** Bytes of entries waiting. */
  get size(): number {
    return this.body.length;
  }

  get entries(): number {
    return this.count;
  }

  add(entry: Entry): void {
    encodeEntry(this.body, this.coder, entry);
    this.count += 1;
    if (entry.kind === 'protect') this.protects = true;
  }

  /** A whole batch of everything added since the last; `first` is the number of its first entry (or of the next one). */
  flush(epoch: number, first: Seq, horizon: number): Uint8Array {
    const body = this.body.take();
    const batch = new Uint8Array(BATCH_HEADER_BYTES + body.length);
    if (batch.length > REPLAY_LIMITS.batchBytes)
      throw new Error(`a batch of ${batch.length} bytes is above the limit of ${REPLAY_LIMITS.batchBytes}: offer smaller inputs`);
    batch.set(body, BATCH_HEADER_BYTES);
    const view = new DataView(batch.buffer);
    view.setUint32(0, MAGIC, true);
    view.setUint8(4, LOG_VERSION);
    view.setUint8(5, this.protects ? 1 : 0);
    view.setUint32(8, body.length, true);
    view.setUint32(12, this.count, true);
    setDigest(view, 16, this.run);
    setDigest(view, 24, this.config);
    view.setUint32(32, epoch, true);
    view.setUint32(36, crc32c(body), true);
    setSafe(view, 40, first);
    setSafe(view, 48, horizon);
    view.setUint32(56, crc32c(batch, 0, 56), true);
    this.count = 0;
    this.protects = false;
    this.coder = newCoder();
    return batch;
  }
}

export function encodeBatch(batch: Batch, config: string): Uint8Array {
  const encoder = new BatchEncoder(batch.run, config);
  for (const entry of batch.entries) encoder.add(entry);
  return encoder.flush(batch.epoch, batch.first, batch.horizon);
}

/**
 * Checks one whole batch without decoding its entries: what a receiver does before it acks. `config`: the configuration hash
 * that it must have. Run and epoch are the caller's to judge: another epoch's batch is whole, and fenced.
 */
export function openBatch(bytes: Uint8Array, config?: string): BatchHeader | LogFault {
  const header = readHeader(bytes, 0);
  if (header === undefined) return fault('cut', `a batch header has ${BATCH_HEADER_BYTES} bytes, here are ${bytes.length}`);
  if (header.kind === 'fault') return header;
  if (bytes.length < header.length) return fault('cut', `batch of ${header.length} bytes ends after ${bytes.length}`);
  if (bytes.length > header.length)
    return fault('damaged', `batch of ${header.length} bytes is followed by ${bytes.length - header.length} more`);
  const want = word(bytes, 36);
  const actual = crc32c(bytes, BATCH_HEADER_BYTES);
  if (actual !== want) return fault('damaged', `checksum of entries: want ${hex8(want)}, is ${hex8(actual)}`);
  if (config !== undefined && header.config !== config)
    return fault('configuration', `batch of configuration ${header.config}, this machine has ${config}`);
  return header;
}

/** Decodes a batch that `openBatch` has accepted; still checks every field. */
export function decodeBatch(bytes: Uint8Array): Batch | LogFault {
  const header = openBatch(bytes);
  if (header.kind === 'fault') return header;
  const reader = new ByteReader(bytes, BATCH_HEADER_BYTES);
  const coder = newCoder();
  const entries: Entry[] = [];
  try {
    for (let i = 0; i < header.count; i += 1) {
      const entry = decodeEntry(reader, coder, header.first + i);
      if (entry.at > header.horizon) return fault('damaged', `entry ${entry.seq} is at ${entry.at}, past the horizon ${header.horizon}`);
      entries.push(entry);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return fault('damaged', `entry ${header.first + entries.length} ${error.message}`);
  }
  if (reader.left > 0) return fault('damaged', `${reader.left} bytes after the last entry`);
  return { run: header.run, epoch: header.epoch, first: header.first, horizon: header.horizon, entries };
}

/** Cuts a stream of bytes into whole batches, checked or not (`openBatch` checks). Holds at most one batch and one chunk. */
export function splitBatches(): {
  push(chunk: Uint8Array): { batches: Uint8Array[]; fault: LogFault | undefined };
  readonly pending: number;
} {
  let held = new Uint8Array(64 << 10);
  let length = 0;
  let offset = 0;
  let broken: LogFault | undefined;
  return {
    push(chunk) {
      const batches: Uint8Array[] = [];
      if (broken) return { batches, fault: broken };
      if (length + chunk.length > held.length) {
        const bigger = new Uint8Array(Math.max(held.length * 2, length + chunk.length));
        bigger.set(held.subarray(0, length));
        held = bigger;
      }
      held.set(chunk, length);
      length += chunk.length;
      let start = 0;
      for (;;) {
        const header = readHeader(held.subarray(0, length), start);
        if (header?.kind === 'fault') {
          broken = { ...header, offset: offset + start };
          break;
        }
        if (header === undefined || length - start < header.length) break;
        batches.push(held.slice(start, start + header.length));
        start += header.length;
      }
      held.copyWithin(0, start, length);
      length -= start;
      offset += start;
      return { batches, fault: broken };
    },
    /** Bytes of a batch that is not whole yet. */
    get pending() {
      return length;
    },
  };
}

/** The header at `start`; undefined when fewer than 60 bytes are there (and those do not contradict one). */
export function readHeader(bytes: Uint8Array, start: number): BatchHeader | LogFault | undefined {
  const there = bytes.length - start;
  for (let i = 0; i < Math.min(4, there); i += 1)
    if (bytes[start + i] !== ((MAGIC >>> (8 * i)) & 0xff)) return fault('damaged', 'no batch begins here (magic number)', start);
  if (there > 4 && bytes[start + 4] !== LOG_VERSION)
    return fault('version', `batch of log version ${bytes[start + 4]}, this program reads version ${LOG_VERSION}`, start);
  if (there < BATCH_HEADER_BYTES) return undefined;
  const want = word(bytes, start + 56);
  const actual = crc32c(bytes, start, start + 56);
  if (actual !== want) return fault('damaged', `checksum of batch header: want ${hex8(want)}, is ${hex8(actual)}`, start);
  const length = BATCH_HEADER_BYTES + word(bytes, start + 8);
  const count = word(bytes, start + 12);
  if (length > REPLAY_LIMITS.batchBytes) return fault('limit', `batch of ${length} bytes, limit ${REPLAY_LIMITS.batchBytes}`, start);
  if (count > REPLAY_LIMITS.batchEntries) return fault('limit', `batch of ${count} entries, limit ${REPLAY_LIMITS.batchEntries}`, start);
  const first = getSafe(bytes, start + 40);
  return {
    kind: 'batch',
    run: getDigest(bytes, start + 16),
    config: getDigest(bytes, start + 24),
    epoch: word(bytes, start + 32),
    first,
    last: first + count - 1,
    count,
    horizon: getSafe(bytes, start + 48),
    protects: (bytes[start + 5]! & 1) !== 0,
    length,
  };
}

const fault = (code: LogFault['code'], detail: string, offset = 0): LogFault => ({ kind: 'fault', code, offset, detail });
/** Little-endian. A header is read some thousand times a second: a DataView of a short array costs microseconds, since V8 has to move it. */
const word = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
const hex8 = (word: number): string => word.toString(16).padStart(8, '0');

function setSafe(to: DataView, offset: number, value: number): void {
  to.setUint32(offset, value >>> 0, true);
  to.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
}

function getSafe(from: Uint8Array, offset: number): number {
  return word(from, offset) + word(from, offset + 4) * 0x1_0000_0000;
}

function setDigest(to: DataView, offset: number, digest: string): void {
  to.setBigUint64(offset, BigInt(`0x${digest}`));
}

/** Big-endian. */
function getDigest(from: Uint8Array, offset: number): string {
  const half = (at: number): number => ((from[at]! << 24) | (from[at + 1]! << 16) | (from[at + 2]! << 8) | from[at + 3]!) >>> 0;
  return hex8(half(offset)) + hex8(half(offset + 4));
}
