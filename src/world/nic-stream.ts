/**
 * The guest's network as a stream of frames, each behind a 4-byte big-endian length: what QEMU's `-netdev stream` and passt speak. The world
 * holds the connection, so it outlives replicas; when the peer closes it, that is told by name and frames are dropped from then on.
 */
import { connect, type Socket } from 'node:net';

/** Longest frame that the peer may send: 64 KiB and an Ethernet header. A longer one means that the stream is out of step. */
const MAX_FRAME_BYTES = 65_536 + 18;
/** Bytes waiting for a slow peer; frames beyond are dropped, as on any wire. */
const MAX_WAITING_BYTES = 1024 * 1024;

export interface Nic {
  readonly where: string;
  /** False: dropped (no connection, or the peer is too slow). */
  send(frame: Uint8Array): boolean;
  close(): void;
}

export interface NicEvents {
  onFrame(frame: Uint8Array): void;
  /** Once, when the connection ends without our asking. */
  onLost(why: string): void;
}

/** `where`: a path (it holds a slash, or no colon) or HOST:PORT. Rejects with a named reason when nobody listens there. */
export function connectNic(where: string, events: NicEvents): Promise<Nic> {
  const socket = connect(address(where));
  return new Promise((resolve, reject) => {
    const refused = (error: Error): void => reject(new Error(`cannot reach ${where}: ${error.message}`));
    socket.once('error', refused);
    socket.once('connect', () => {
      socket.off('error', refused);
      socket.setNoDelay(true);
      resolve(run(socket, where, events));
    });
  });
}

function run(socket: Socket, where: string, events: NicEvents): Nic {
  let open = true;
  let waiting: Buffer = Buffer.alloc(0);

  const lost = (why: string): void => {
    if (!open) return;
    open = false;
    socket.destroy();
    events.onLost(`${where}: ${why}`);
  };

  socket.on('error', (error) => lost(error.message));
  socket.on('close', () => lost('the peer closed the connection'));
  socket.on('data', (chunk: Buffer) => {
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
    while (open && waiting.length >= 4) {
      const length = waiting.readUInt32BE(0);
      if (length === 0 || length > MAX_FRAME_BYTES) return lost(`a frame of ${length} bytes, 1 to ${MAX_FRAME_BYTES} allowed`);
      if (waiting.length < 4 + length) return;
      // A copy, since the frame goes on to a socket of its own while more is read here.
      events.onFrame(new Uint8Array(waiting.subarray(4, 4 + length)));
      waiting = waiting.subarray(4 + length);
    }
  });

  return {
    where,
    send(frame) {
      if (!open || socket.writableLength > MAX_WAITING_BYTES) return false;
      const framed = Buffer.allocUnsafe(4 + frame.length);
      framed.writeUInt32BE(frame.length, 0);
      framed.set(frame, 4);
      socket.write(framed);
      return true;
    },
    close() {
      open = false;
      socket.destroy();
    },
  };
}

function address(where: string): { path: string } | { host: string; port: number } {
  const found = /^\[?([^/\]]+)\]?:(\d{1,5})$/.exec(where);
  return found === null ? { path: where } : { host: found[1], port: Number(found[2]) };
}
