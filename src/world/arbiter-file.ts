/**
 * The arbiter on a directory (protocol.md, "Roles, claims, fences"): epoch n belongs to whoever makes the file `epoch-<n>` first. The key is
 * a complete, synced file put in place with link(2), which is atomic on local file systems and NFS; it is never removed, never a lease.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, link, open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';

export interface Claim {
  readonly result: 'won' | 'lost' | 'unknown';
  /** The winner's identity, when lost. */
  readonly by: string | undefined;
  /** Why it is not known, when unknown: ask again with the same identity. */
  readonly why: string | undefined;
}

/** Drawn once, at process start, and never used again: a process that was restarted is another claimant. */
export const newIdentity = (): string => randomBytes(16).toString('hex');

/** Claims `epoch` in `dir` (which must exist) for `identity`. Never throws; asking again after `unknown` is safe. */
export async function claimEpoch(dir: string, epoch: number, identity: string): Promise<Claim> {
  if (!/^[0-9a-f]{8,64}$/.test(identity)) throw new RangeError(`an identity is 8 to 64 hex digits, not ${JSON.stringify(identity)}`);
  if (!Number.isSafeInteger(epoch) || epoch < 1) throw new RangeError(`an epoch is a number from 1, not ${epoch}`);
  const key = join(dir, `epoch-${epoch}`);
  const draft = join(dir, `.epoch-${epoch}.${identity}.${randomBytes(4).toString('hex')}`);
  try {
    try {
      await writeSynced(draft, content(epoch, identity));
      await link(draft, key);
      await syncDirectory(dir);
      return { result: 'won', by: undefined, why: undefined };
    } catch (error) {
      // An error does not say that the link was not made (a lost NFS reply, a failed sync): only the key itself does.
      return await readKey(dir, key, epoch, identity, error);
    }
  } finally {
    await unlink(draft).catch(() => undefined);
  }
}

/** Who holds `epoch`, or undefined when nobody does (or the key cannot be read). */
export async function holderOf(dir: string, epoch: number): Promise<string | undefined> {
  return parse(await readFile(join(dir, `epoch-${epoch}`), 'utf8').catch(() => ''), epoch);
}

async function readKey(dir: string, key: string, epoch: number, identity: string, cause: unknown): Promise<Claim> {
  try {
    const holder = parse(await readFile(key, 'utf8'), epoch);
    if (holder === undefined) return unknown(`${key} is not a key of this arbiter`);
    if (holder !== identity) return { result: 'lost', by: holder, why: undefined };
    await syncDirectory(dir);
    return { result: 'won', by: undefined, why: undefined };
  } catch (error) {
    return unknown(`${reason(cause)}; then, reading the key: ${reason(error)}`);
  }
}

const content = (epoch: number, identity: string): string => `twinhart epoch ${epoch} identity ${identity}\n`;

function parse(text: string, epoch: number): string | undefined {
  const found = /^twinhart epoch (\d+) identity ([0-9a-f]{8,64})\n$/.exec(text);
  return found !== null && Number(found[1]) === epoch ? found[2] : undefined;
}

async function writeSynced(path: string, text: string): Promise<void> {
  await using(await open(path, 'wx', 0o600), async (file) => {
    await file.writeFile(text);
    await file.sync();
  });
}

export async function syncDirectory(dir: string): Promise<void> {
  await using(await open(dir, 'r'), (file) => file.sync());
}

async function using(file: FileHandle, work: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await work(file);
  } finally {
    await file.close();
  }
}

const unknown = (why: string): Claim => ({ result: 'unknown', by: undefined, why });
const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));
