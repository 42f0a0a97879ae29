/**
 * A recording is a file: what the run was made from, then batches of its log as they were sent. One that was cut off is good to
 * its last whole batch; one that was damaged is refused, with the offset of the batch at fault (protocol.md, "The log").
 *
 *   0 "TWINHART"   8 version (4)   12 length of the description (4)   16 configuration hash (8)   24 CRC-32C of all of the header
 *   but itself (4)   28 description, JSON in UTF-8   then batches to the end
 */
import { crc32c } from './checksum.ts';
import { type BatchHeader, LOG_VERSION, type LogFault, openBatch, readHeader } from './codec.ts';
import { configHash, type Description, parseDescription } from './description.ts';
import { REPLAY_LIMITS } from './limits.ts';

export interface Recording {
  readonly kind: 'recording';
  readonly description: Description;
  readonly config: string;
  /** Undefined when there is no batch. */
  readonly run: string | undefined;
  readonly batches: readonly RecordedBatch[];
  /** Where and how the file ends early; undefined when its last batch is whole. */
  readonly cut: LogFault | undefined;
}

export interface RecordedBatch {
  readonly offset: number;
  readonly header: BatchHeader;
  readonly bytes: Uint8Array;
}

const HEADER_BYTES = 28;
const MAGIC = [0x54, 0x57, 0x49, 0x4e, 0x48, 0x41, 0x52, 0x54];

/** What a recording begins with; batches follow as the driver makes them. */
export function recordingHeader(description: Description): Uint8Array {
  const text = utf8(JSON.stringify(description));
  const header = new Uint8Array(HEADER_BYTES + text.length);
  header.set(MAGIC);
  header.set(text, HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(8, LOG_VERSION, true);
  view.setUint32(12, text.length, true);
  view.setBigUint64(16, BigInt(`0x${configHash(description)}`));
  view.setUint32(24, headerChecksum(header), true);
  return header;
}

/** Checks a whole file without decoding entries: every checksum, one run, epochs that rise, sequence numbers without a gap. */
export function openRecording(bytes: Uint8Array): Recording | LogFault {
  for (let i = 0; i < Math.min(MAGIC.length, bytes.length); i += 1)
    if (bytes[i] !== MAGIC[i]) return fault('damaged', 0, 'this is no recording (magic number)');
  if (bytes.length < HEADER_BYTES) return fault('cut', 0, `the header has ${HEADER_BYTES} bytes and more, the file ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(8, true);
  if (version !== LOG_VERSION)
    return fault('version', 0, `recorded with log version ${version}, this program reads version ${LOG_VERSION}`);
  const length = view.getUint32(12, true);
  if (length > REPLAY_LIMITS.descriptionBytes) return fault('damaged', 0, `a description of ${length} bytes`);
  if (bytes.length < HEADER_BYTES + length)
    return fault('cut', 0, `the header has ${HEADER_BYTES + length} bytes, the file ${bytes.length}`);
  const header = bytes.subarray(0, HEADER_BYTES + length);
  if (headerChecksum(header) !== view.getUint32(24, true)) return fault('damaged', 0, 'checksum of the header');
  const config = view.getBigUint64(16).toString(16).padStart(16, '0');
  const description = parseDescription(fromUtf8(header.subarray(HEADER_BYTES)));
  if (description === undefined) return fault('damaged', 0, 'the description of the configuration is none');
  if (configHash(description) !== config) return fault('damaged', 0, 'the configuration hash is not that of the description');
  const { batches, stopped } = readBatches(bytes, header.length, config);
  if (stopped !== undefined && stopped.code !== 'cut') return stopped;
  return { kind: 'recording', description, config, run: batches[0]?.header.run, batches, cut: stopped };
}

function readBatches(bytes: Uint8Array, start: number, config: string): { batches: RecordedBatch[]; stopped: LogFault | undefined } {
  const batches: RecordedBatch[] = [];
  let offset = start;
  while (offset < bytes.length) {
    const header = readHeader(bytes, offset);
    if (header === undefined) return { batches, stopped: fault('cut', offset, `${bytes.length - offset} bytes of a batch header`) };
    if (header.kind === 'fault') return { batches, stopped: header };
    const end = offset + header.length;
    if (end > bytes.length)
      return { batches, stopped: fault('cut', offset, `${bytes.length - offset} bytes of a batch of ${header.length}`) };
    const batch = bytes.subarray(offset, end);
    const opened = openBatch(batch, config);
    if (opened.kind === 'fault') return { batches, stopped: { ...opened, offset } };
    const before = batches.at(-1)?.header;
    if (before !== undefined && before.run !== header.run)
      return { batches, stopped: fault('order', offset, `run ${header.run} after run ${before.run}`) };
    if (before !== undefined && header.epoch < before.epoch)
      return { batches, stopped: fault('order', offset, `epoch ${header.epoch} after epoch ${before.epoch}`) };
    const first = before === undefined ? 1 : before.last + 1;
    if (header.first !== first) return { batches, stopped: fault('order', offset, `entry ${header.first} where ${first} should come`) };
    batches.push({ offset, header, bytes: batch });
    offset = end;
  }
  return { batches, stopped: undefined };
}

function headerChecksum(header: Uint8Array): number {
  return crc32c(header, HEADER_BYTES, header.length, crc32c(header, 0, 24));
}

const fault = (code: LogFault['code'], offset: number, detail: string): LogFault => ({ kind: 'fault', code, offset, detail });

/** The pure folders have no TextEncoder: UTF-8 through percent-encoding. */
function utf8(text: string): Uint8Array {
  const escaped = encodeURIComponent(text);
  const bytes: number[] = [];
  for (let i = 0; i < escaped.length; i += 1) {
    const percent = escaped[i] === '%';
    bytes.push(percent ? Number.parseInt(escaped.slice(i + 1, i + 3), 16) : escaped.charCodeAt(i));
    if (percent) i += 2;
  }
  return Uint8Array.from(bytes);
}

function fromUtf8(bytes: Uint8Array): string {
  let escaped = '';
  for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, '0')}`;
  try {
    return decodeURIComponent(escaped);
  } catch {
    return '';
  }
}
