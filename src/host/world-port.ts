/** A replica's one connection to the world (`src/world/wire.ts`): all its sinks and sources lie behind it. When it closes, the world is gone. */
import { createConnection, type Socket } from 'node:net';
import type { FromWorld, ToWorld } from '../world/wire.ts';
import { encodeToWorld, fromWorldDecoder } from '../world/wire-codec.ts';

export interface WorldEvents {
  /** The connection stands: say who you are. */
  opened(): void;
  message(message: FromWorld): void;
  closed(why: string): void;
}

export interface WorldPort {
  start(events: WorldEvents): void;
  send(message: ToWorld): void;
  /** Bytes that the world has not taken. */
  readonly unsent: number;
  /** Called when `unsent` has fallen to nothing again. */
  onDrain: () => void;
  /** Lets what was sent leave, then calls back; at the latest after a second, since a world that reads nothing is none. */
  end(ended: () => void): void;
  /** As a process that dies: nothing more is said. */
  destroy(): void;
}

const LAST_WORDS_MS = 1000;

export function connectWorld(path: string): WorldPort {
  return new SocketPort(path);
}

class SocketPort implements WorldPort {
  onDrain = (): void => {};
  private readonly path: string;
  private socket: Socket | undefined;
  private done = false;

  constructor(path: string) {
    this.path = path;
  }

  get unsent(): number {
    return this.socket?.writableLength ?? 0;
  }

  start(events: WorldEvents): void {
    const socket = createConnection({ path: this.path });
    this.socket = socket;
    const decoder = fromWorldDecoder();
    let why = 'the world closed its socket';
    socket.on('connect', () => events.opened());
    socket.on('drain', () => this.onDrain());
    socket.on('data', (chunk) => {
      if (this.done) return;
      for (const message of decoder.push(chunk)) events.message(message);
    });
    socket.on('error', (error) => {
      why = `the world's socket failed: ${error.message}`;
    });
    socket.on('close', () => {
      if (!this.done) events.closed(why);
    });
  }

  send(message: ToWorld): void {
    if (!this.done) this.socket?.write(encodeToWorld(message));
  }

  end(ended: () => void): void {
    if (this.done) return;
    this.done = true;
    const { socket } = this;
    if (socket === undefined || socket.destroyed) {
      ended();
      return;
    }
    let once = (): void => {
      once = () => {};
      ended();
    };
    setTimeout(() => once(), LAST_WORDS_MS).unref();
    socket.once('close', () => once());
    socket.end(() => once());
  }

  destroy(): void {
    this.done = true;
    this.socket?.destroy();
  }
}
