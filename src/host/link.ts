/**
 * The link between two replicas as the event loop sees it: log batches one way, control messages both ways (protocol.md, "The log").
 * `link-tcp.ts` and `link-memory.ts` are the two links; the primary's machine thread writes the log itself (`log-writer.ts`).
 */
import type { Envelope, Message } from '../protocol/messages.ts';

/** What a replica does when its link speaks. Calls come from the event loop, never from within a call to the link. */
export interface LinkEvents {
  /** `logFd`: the descriptor for the machine thread's writes; -1 when the log goes through the ring of `link-memory.ts`. */
  opened(logFd: number): void;
  /** Once for each `opened`, or when the peer never came. */
  closed(why: string): void;
  control(body: Uint8Array): void;
  /** The batches that one wake-up brought, in order: framed but not checked. */
  batches(batches: readonly Uint8Array[]): void;
}

export interface Link {
  /** Starts to listen or to connect. */
  start(events: LinkEvents): void;
  /** One control message; ignored when the link is closed. */
  send(body: Uint8Array): void;
  /** Bytes of control messages that the peer has not taken. */
  readonly unsent: number;
  /**
   * Closes both ways, at once for the reader: nothing more is given. On the primary the descriptor must be released by the
   * machine thread first (`shared.ts`, LINK_*). Does nothing when closed; `closed` is not called for it.
   */
  close(): void;
  /** Stops and resumes the reading of batches: the receive ring is full, or has room again. */
  pause(): void;
  resume(): void;
  /** The machine thread has written to the memory ring: look. Does nothing for sockets. */
  wake(): void;
}

/** A control message is short; a report of a divergence is the longest. */
export const CONTROL_BYTES_MAX = 256 * 1024;

export function encodeEnvelope(envelope: Envelope): Uint8Array {
  return Buffer.from(JSON.stringify(envelope), 'utf8');
}

/** Throws `LinkError` for anything that is not a message of this protocol. */
export function decodeEnvelope(body: Uint8Array): Envelope {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  } catch {
    throw new LinkError('a control message that is not JSON');
  }
  if (!isRecord(value) || typeof value.run !== 'string' || !isCount(value.epoch) || !isMessage(value.message)) {
    throw new LinkError('a control message of no known kind');
  }
  return value as unknown as Envelope;
}

/** The peer said what no peer says: the link closes. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
}

type Field = 'text' | 'count' | 'ordinals' | 'role';

/** Every message's fields, so that what arrives is checked before `step` believes it. */
const FIELDS: { readonly [K in Message['kind']]: Readonly<Record<string, Field>> } = {
  hello: { vm: 'text', identity: 'text', role: 'role', config: 'text' },
  ack: { seq: 'count' },
  replayed: { seq: 'count', icount: 'count' },
  accepted: { ordinals: 'ordinals' },
  off: { code: 'count' },
  fenced: { epoch: 'count' },
  diverged: { report: 'text' },
  keepalive: {},
};

function isMessage(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const kind = value.kind;
  if (typeof kind !== 'string' || !Object.hasOwn(FIELDS, kind)) return false;
  return Object.entries(FIELDS[kind as Message['kind']]).every(([name, field]) => isField(value[name], field));
}

function isField(value: unknown, field: Field): boolean {
  switch (field) {
    case 'text':
      return typeof value === 'string';
    case 'count':
      return isCount(value);
    case 'role':
      return value === 'primary' || value === 'backup';
    case 'ordinals':
      return isRecord(value) && Object.values(value).every(isCount);
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
