/**
 * A divergence leaves two files beside each replica: the snapshot of the last checkpoint on which both sides agreed, and the log since
 * (protocol.md, "The log"). Together the two pairs are the crash report, and bisect's input (`src/replay/bisect.ts`).
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { splitBatches } from '../replay/codec.ts';
import type { Evidence } from '../replay/driver.ts';

/** `prefix`: a path without an ending; `.snapshot` (none when the sides agree on reset only) and `.log` are added. */
export function writeEvidence(prefix: string, { snapshot, batches }: Evidence): void {
  if (snapshot !== undefined) writeFileSync(`${prefix}.snapshot`, snapshot, { mode: 0o600 });
  writeFileSync(`${prefix}.log`, Buffer.concat(batches), { mode: 0o600 });
}

/** What `writeEvidence` wrote, less the sequence number of the snapshot, which its batches tell. Throws when the log is damaged. */
export function readEvidence(prefix: string): Pick<Evidence, 'snapshot' | 'batches'> {
  const { batches, fault } = splitBatches().push(readFileSync(`${prefix}.log`));
  if (fault !== undefined) throw new Error(`${prefix}.log at ${fault.offset}: ${fault.detail}`);
  const file = `${prefix}.snapshot`;
  return { snapshot: existsSync(file) ? Uint8Array.from(readFileSync(file)) : undefined, batches };
}
