/** One replica's connection as the world sees it: who it is, which sinks have answered it, and how much of what it sent still waits. */
import type { Socket } from 'node:net';
import { SINKS, type Sink } from '../../emulator/index.ts';
import type { FromWorld, ReplicaStatus, ToWorld } from './wire.ts';
import { encodeFromWorld, toWorldDecoder } from './wire-codec.ts';

/** Bytes of requests that wait; above this the world stops reading the connection, and the replica's own limits stall its machine. */
const WAITING_LIMIT_BYTES = 8 * 1024 * 1024;
/** Bytes that the replica has not read; above this frames from the network are dropped. */
const UNREAD_LIMIT_BYTES = 4 * 1024 * 1024;

export interface ConnectionEvents {
  onMessage(message: ToWorld): void;
  onClosed(): void;
}

export class ReplicaConnection {
  identity = '';
  role: 'primary' | 'backup' | 'solo' = 'solo';
  pid = 0;
  status: ReplicaStatus | undefined;
  halted: { readonly reason: string; readonly code: number; readonly detail: string } | undefined;
  signature: Uint8Array | undefined;
  /** Why the world closed it, if it did. */
  failed: string | undefined;
  readonly #socket: Socket;
  readonly #answered = new Map<Sink, number>();
  readonly #refused = new Map<Sink, number>();
  #waiting = 0;

  constructor(socket: Socket, events: ConnectionEvents) {
    this.#socket = socket;
    const decoder = toWorldDecoder();
    socket.on('data', (chunk: Buffer) => {
      if (this.failed !== undefined) return;
      try {
        for (const message of decoder.push(chunk)) events.onMessage(message);
      } catch (error) {
        this.fail((error as Error).message);
      }
    });
    // A reset is how a killed process looks; 'close' follows and says the same.
    socket.on('error', () => undefined);
    socket.on('close', () => events.onClosed());
  }

  get answered(): Iterable<Sink> {
    return this.#answered.keys();
  }

  get congested(): boolean {
    return this.#socket.writableLength > UNREAD_LIMIT_BYTES;
  }

  attach(identity: string, role: 'primary' | 'backup' | 'solo', pid: number): void {
    this.identity = identity;
    this.role = role;
    this.pid = pid;
  }

  hasAnswer(sink: Sink): boolean {
    return this.#answered.has(sink);
  }

  answer(sink: Sink, epoch: number): void {
    this.#answered.set(sink, epoch);
  }

  answeredAll(epoch: number): boolean {
    return SINKS.every((sink) => this.#answered.get(sink) === epoch);
  }

  /** Says so once for each sink and epoch: a fenced replica may have thousands of requests under way. */
  refuse(sink: Sink, epoch: number): void {
    if (this.#refused.get(sink) === epoch) return;
    this.#refused.set(sink, epoch);
    this.send({ kind: 'refuse', sink, epoch });
  }

  send(message: FromWorld): void {
    if (!this.#socket.destroyed && this.#socket.writable) this.#socket.write(encodeFromWorld(message));
  }

  hold(bytes: number): void {
    this.#waiting += bytes;
    if (this.#waiting > WAITING_LIMIT_BYTES) this.#socket.pause();
  }

  release(bytes: number): void {
    this.#waiting -= bytes;
    if (this.#waiting <= WAITING_LIMIT_BYTES / 2 && this.#socket.isPaused()) this.#socket.resume();
  }

  /** The replica broke the rules of the wire: it is told nothing more, and is heard no more. */
  fail(why: string): void {
    this.failed ??= why;
    this.#socket.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
