/**
 * The link over TCP or a unix socket: two connections, so that each has one writer. On `log` only the primary's machine thread
 * writes; `control` belongs to the two event loops. The primary listens, the backup connects.
 */
import { createConnection, createServer, type Socket } from 'node:net';
import { WireDecoder, WireError } from '../world/wire-codec.ts';
import { CONTROL_BYTES_MAX, type Link, type LinkEvents } from './link.ts';

/** A unix socket's path, or a TCP address. */
export type LinkAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** First line on a connection: what it is for, and of which run. Run names are short; anything longer is a stranger. */
const PREAMBLE = /^twinhart (log|control) ([\w.-]{1,200})\n/;
const PREAMBLE_BYTES_MAX = 256;
const RETRY_MS = 10;

/** The primary's side: takes one backup, and listens until it is closed. */
export function listenLink(address: LinkAddress, run: string): Link {
  const link = new SocketLink();
  const waiting: { log?: Socket; control?: Socket } = {};
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    readPreamble(socket, (purpose, from) => {
      // One backup at a time; a second one, or a stranger, is told nothing.
      if (from !== run || link.isOpen || waiting[purpose] !== undefined) return void socket.destroy();
      waiting[purpose] = socket;
      socket.once('close', () => {
        if (waiting[purpose] === socket) delete waiting[purpose];
      });
      const { log, control } = waiting;
      if (log === undefined || control === undefined) return;
      delete waiting.log;
      delete waiting.control;
      link.open(log, control, true);
    });
  });
  server.on('error', (error) => {
    throw new Error(`cannot listen for the backup: ${error.message}`);
  });
  link.begin = () => void server.listen('path' in address ? { path: address.path } : { host: address.host, port: address.port });
  link.ended = () => {
    server.close();
    for (const socket of Object.values(waiting)) socket.destroy();
  };
  return link;
}

/** The backup's side: tries until the primary listens. */
export function connectLink(address: LinkAddress, run: string): Link {
  const link = new SocketLink();
  const dial = (purpose: 'log' | 'control'): Promise<Socket> =>
    new Promise((resolve) => {
      const attempt = (): void => {
        const socket = createConnection({ ...('path' in address ? { path: address.path } : address), allowHalfOpen: true });
        const failed = (): void => {
          socket.destroy();
          if (!link.given) setTimeout(attempt, RETRY_MS);
        };
        socket.once('error', failed);
        socket.once('connect', () => {
          socket.off('error', failed).on('error', () => {});
          socket.write(`twinhart ${purpose} ${run}\n`);
          resolve(socket);
        });
      };
      attempt();
    });
  link.begin = () => {
    Promise.all([dial('log'), dial('control')]).then(([log, control]) => {
      if (link.given) for (const socket of [log, control]) socket.destroy();
      else link.open(log, control, false);
    });
  };
  return link;
}

class SocketLink implements Link {
  begin = (): void => {};
  ended = (): void => {};
  /** Closed before it opened: whatever connects later is dropped. */
  given = false;
  private log: Socket | undefined;
  private control: Socket | undefined;
  private events: LinkEvents | undefined;
  private paused = false;
  private failed = false;

  get isOpen(): boolean {
    return this.control !== undefined;
  }

  get unsent(): number {
    return this.control?.writableLength ?? 0;
  }

  start(events: LinkEvents): void {
    this.events = events;
    this.begin();
  }

  open(log: Socket, control: Socket, writesLog: boolean): void {
    this.log = log;
    this.control = control;
    for (const socket of [log, control]) {
      socket.setNoDelay(true);
      socket.removeAllListeners('error');
    }
    this.read(control, CONTROL_BYTES_MAX, (bodies) => {
      for (const body of bodies) if (this.owns(control)) this.events?.control(body);
    });
    // The writer's event loop never reads the log's socket: Node would close a descriptor under the machine thread when the peer dies.
    if (writesLog) log.pause().on('error', () => {});
    else this.read(log, Number.POSITIVE_INFINITY, (batches) => this.events?.batches(batches));
    if (log.destroyed || control.destroyed) setImmediate(() => this.fail(control, 'the peer closed the link'));
    this.events?.opened(writesLog ? descriptor(log) : -1);
  }

  send(body: Uint8Array): void {
    if (this.control === undefined) return;
    const frame = Buffer.allocUnsafe(4 + body.length);
    frame.writeUInt32BE(body.length, 0);
    frame.set(body, 4);
    this.control.write(frame);
  }

  close(): void {
    this.given = true;
    const { log, control } = this;
    this.log = this.control = undefined;
    log?.destroy();
    // What was said last (`fenced`, `off`) still leaves.
    control?.destroySoon();
    this.ended();
  }

  pause(): void {
    this.paused = true;
    this.log?.pause();
  }

  resume(): void {
    this.paused = false;
    this.log?.resume();
  }

  wake(): void {}

  private read(socket: Socket, bound: number, give: (bodies: readonly Uint8Array[]) => void): void {
    const decoder = new WireDecoder((body: Buffer): Uint8Array => {
      if (body.length > bound) throw new WireError(`a frame of ${body.length} bytes, at most ${bound} allowed`);
      return body;
    });
    const isLog = socket === this.log;
    socket.on('data', (chunk) => {
      if (!this.owns(socket)) return;
      try {
        const bodies = decoder.push(chunk);
        if (bodies.length > 0) give(bodies);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        this.fail(socket, `the peer sent ${error.message}`);
      }
    });
    socket.on('error', (error) => this.fail(socket, `the link failed: ${error.message}`));
    socket.on('end', () => this.fail(socket, 'the peer closed the link'));
    socket.on('close', () => this.fail(socket, 'the link closed'));
    if (!isLog || !this.paused) socket.resume();
    else socket.pause();
  }

  private owns(socket: Socket): boolean {
    return socket === this.log || socket === this.control;
  }

  /** Tells it once; the sockets stay until `close`, since the machine thread may be writing. */
  private fail(socket: Socket, why: string): void {
    if (!this.owns(socket) || this.failed) return;
    this.failed = true;
    this.events?.closed(why);
  }
}

function readPreamble(socket: Socket, give: (purpose: 'log' | 'control', run: string) => void): void {
  let head = Buffer.alloc(0);
  const take = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const line = head.indexOf(10);
    if (line < 0) {
      if (head.length > PREAMBLE_BYTES_MAX) socket.destroy();
      return;
    }
    socket.off('data', take);
    socket.pause();
    const found = PREAMBLE.exec(head.toString('latin1', 0, line + 1));
    if (found === null) return void socket.destroy();
    if (line + 1 < head.length) socket.unshift(head.subarray(line + 1));
    give(found[1] as 'log' | 'control', found[2]!);
  };
  socket.on('data', take);
}

/** Node names the descriptor of a socket only on its handle; stable since Node 0.x on every Unix. */
function descriptor(socket: Socket): number {
  const fd = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd;
  if (fd === undefined || fd < 0)
    throw new Error('this Node does not tell the descriptor of a socket: the log cannot be flushed by its own thread');
  return fd;
}
