/**
 * The heartbeat's datagram (protocol.md, "Roles, claims, fences"): what it says, and what is not one. It proves that the process
 * lives and, by the icount in it, that the machine moves; it carries no promise.
 */

/** What one heartbeat says. `run` and `identity` are the sender's; both are random, so a stranger cannot guess them. */
export interface Beat {
  readonly run: string;
  readonly identity: string;
  readonly epoch: number;
  readonly icount: number;
  readonly full: boolean;
}

const MAGIC = 0x54484842;
const VERSION = 1;
/** Magic, version, flags, two string lengths, epoch, icount. */
const FIXED = 4 + 1 + 1 + 1 + 1 + 4 + 8;

export function encodeBeat(beat: Beat): Uint8Array {
  const run = Buffer.from(beat.run, 'utf8');
  const identity = Buffer.from(beat.identity, 'utf8');
  if (run.length > 255 || identity.length > 255) throw new RangeError('run and identity of a heartbeat have at most 255 bytes');
  const bytes = Buffer.alloc(FIXED + run.length + identity.length);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt8(VERSION, 4);
  bytes.writeUInt8(beat.full ? 1 : 0, 5);
  bytes.writeUInt8(run.length, 6);
  bytes.writeUInt8(identity.length, 7);
  bytes.writeUInt32BE(beat.epoch, 8);
  bytes.writeBigUInt64BE(BigInt(beat.icount), 12);
  run.copy(bytes, FIXED);
  identity.copy(bytes, FIXED + run.length);
  return bytes;
}

/** Undefined for anything that is not exactly a heartbeat: a UDP port hears whatever anyone sends. */
export function decodeBeat(datagram: Uint8Array): Beat | undefined {
  const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  if (bytes.length < FIXED || bytes.readUInt32BE(0) !== MAGIC || bytes.readUInt8(4) !== VERSION) return undefined;
  const flags = bytes.readUInt8(5);
  const runEnd = FIXED + bytes.readUInt8(6);
  const end = runEnd + bytes.readUInt8(7);
  const icount = bytes.readBigUInt64BE(12);
  if (flags > 1 || end !== bytes.length || icount > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return {
    run: bytes.toString('utf8', FIXED, runEnd),
    identity: bytes.toString('utf8', runEnd, end),
    epoch: bytes.readUInt32BE(8),
    icount: Number(icount),
    full: flags === 1,
  };
}

/** What the heartbeat thread is started with (`heartbeat-worker.ts`). `shared`: see `shared.ts`. Ports are on 127.0.0.1. */
export interface HeartbeatData {
  readonly shared: SharedArrayBuffer;
  readonly run: string;
  readonly identity: string;
  readonly ownPort: number;
  readonly peerPort: number;
  readonly intervalMs: number;
}
