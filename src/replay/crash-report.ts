/**
 * What a replica leaves behind when the pair disagrees: its evidence as a file. The two sides' files together are bisect's input
 * (protocol.md, "The log").
 *
 *   0 "TWINDIFF"   8 version (4)   12 length of the text (4)   16 length of the snapshot (4)   20 CRC-32C of everything else (4)
 *   24 JSON in UTF-8: side, report, seq, reset, description   then the snapshot, then whole batches
 */
import type { Snapshot } from '../../emulator/index.ts';
import { bisect, type Difference, evidenceEntries, type MachineFactory } from './bisect.ts';
import { crc32c } from './checksum.ts';
import { decodeBatch, LOG_VERSION, type LogFault, splitBatches } from './codec.ts';
import { configHash, type Description, parseDescription } from './description.ts';
import type { Evidence } from './driver.ts';
import { fromUtf8, utf8 } from './recording.ts';

export interface CrashReport {
  readonly kind: 'crashReport';
  readonly side: 'primary' | 'backup';
  /** What the replica said: the divergence, with registers and disassembly. */
  readonly report: string;
  readonly description: Description;
  readonly evidence: Evidence;
}

const HEADER_BYTES = 24;
const MAGIC = 'TWINDIFF';

export function encodeCrashReport(crash: Omit<CrashReport, 'kind'>): Uint8Array {
  const { side, report, description, evidence } = crash;
  const text = utf8(JSON.stringify({ side, report, seq: evidence.seq, reset: evidence.snapshot === undefined, description }));
  const snapshot = evidence.snapshot ?? new Uint8Array();
  const parts = [text, snapshot, ...evidence.batches];
  const bytes = new Uint8Array(HEADER_BYTES + parts.reduce((sum, part) => sum + part.length, 0));
  bytes.set(utf8(MAGIC));
  let offset = HEADER_BYTES;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  const view = new DataView(bytes.buffer);
  view.setUint32(8, LOG_VERSION, true);
  view.setUint32(12, text.length, true);
  view.setUint32(16, snapshot.length, true);
  view.setUint32(20, checksum(bytes), true);
  return bytes;
}

export function openCrashReport(bytes: Uint8Array): CrashReport | LogFault {
  const fault = (code: LogFault['code'], detail: string): LogFault => ({ kind: 'fault', code, offset: 0, detail });
  if (bytes.length < HEADER_BYTES) return fault('cut', `a crash report has ${HEADER_BYTES} bytes and more, this file ${bytes.length}`);
  if (fromUtf8(bytes.subarray(0, MAGIC.length)) !== MAGIC) return fault('damaged', 'this is no crash report (magic number)');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(8, true);
  if (version !== LOG_VERSION) return fault('version', `written with log version ${version}, this program reads version ${LOG_VERSION}`);
  if (checksum(bytes) !== view.getUint32(20, true)) return fault('damaged', 'checksum: the file is damaged or was cut off');
  const start = HEADER_BYTES + view.getUint32(12, true);
  const end = start + view.getUint32(16, true);
  const head = JSON.parse(fromUtf8(bytes.subarray(HEADER_BYTES, start)));
  const description = parseDescription(JSON.stringify(head.description));
  if (description === undefined) return fault('damaged', 'the description of the configuration is none');
  const { batches } = splitBatches().push(bytes.subarray(end));
  const snapshot: Snapshot | undefined = head.reset ? undefined : bytes.slice(start, end);
  return { kind: 'crashReport', side: head.side, report: head.report, description, evidence: { seq: head.seq, snapshot, batches } };
}

/**
 * The first step on which two reports differ, each side by its own snapshot and machine. Undefined: both sides, run again, agree, so
 * that what happened was an accident of one host. Throws when the reports are not of one run and one checkpoint.
 */
export function bisectReports(
  left: CrashReport,
  right: CrashReport,
  makeLeft: MachineFactory,
  makeRight: MachineFactory,
): Difference | undefined {
  const [mine, yours] = [configHash(left.description), configHash(right.description)];
  if (mine !== yours) throw new Error(`the reports are of configurations ${mine} and ${yours}: want two of one run`);
  if (left.evidence.seq !== right.evidence.seq)
    throw new Error(`the reports begin after entries ${left.evidence.seq} and ${right.evidence.seq}: want one checkpoint`);
  // One side may have heard more of the log than the other; what both know is enough, and more does no harm.
  const longer = lastHorizon(left.evidence) >= lastHorizon(right.evidence) ? left.evidence : right.evidence;
  return bisect({
    left: makeLeft,
    right: makeRight,
    names: [left.side, right.side],
    entries: evidenceEntries(longer),
    snapshots: { left: left.evidence.snapshot, right: right.evidence.snapshot },
    to: lastHorizon(longer),
  });
}

function lastHorizon(evidence: Evidence): number {
  const last = evidence.batches.at(-1);
  const batch = last && decodeBatch(last);
  return batch === undefined || 'kind' in batch ? 0 : batch.horizon;
}

function checksum(bytes: Uint8Array): number {
  return crc32c(bytes, HEADER_BYTES, bytes.length, crc32c(bytes, 0, 20));
}
