/** Speaks wire.ts to a world server as a replica would, with no machine behind it: a test says what it sends, and reads what came. */
import { connect, type Socket } from 'node:net';
import { SINKS, type Sink } from '../../emulator/index.ts';
import type { FromWorld, ToWorld } from '../../src/world/wire.ts';
import { encodeToWorld, fromWorldDecoder } from '../../src/world/wire-codec.ts';

type Kind = FromWorld['kind'];

export class FakeReplica {
  readonly heard: FromWorld[] = [];
  closed = false;
  readonly #socket: Socket;
  #wake: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    const decoder = fromWorldDecoder();
    socket.on('data', (chunk: Buffer) => {
      this.heard.push(...decoder.push(chunk));
      this.#ring();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.#ring();
    });
  }

  /** Connected and attached. */
  static async open(path: string, run: string, identity: string, role: 'primary' | 'backup' | 'solo' = 'primary'): Promise<FakeReplica> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('error', reject);
    });
    const replica = new FakeReplica(socket);
    replica.send({ kind: 'attach', run, identity, role, pid: 1 });
    return replica;
  }

  send(...messages: ToWorld[]): void {
    this.#socket.write(Buffer.concat(messages.map(encodeToWorld)));
  }

  /** Hello at every sink, and every answer: live. Returns what each had accepted. */
  async goLive(epoch: number, lastInput = 0): Promise<Record<Sink, number>> {
    this.send(...SINKS.map((sink) => ({ kind: 'hello' as const, sink, epoch, lastInput })));
    const accepted = { console: 0, disk: 0, net: 0, power: 0 };
    for (const sink of SINKS)
      accepted[sink] = (await this.hear('answer', (answer) => answer.sink === sink && answer.epoch === epoch)).accepted;
    return accepted;
  }

  /** The first message of this kind that fits, heard already or still to come. */
  async hear<K extends Kind>(
    kind: K,
    fits: (message: Extract<FromWorld, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<FromWorld, { kind: K }>> {
    for (;;) {
      const found = this.heardOf(kind).find(fits);
      if (found !== undefined) return found;
      if (this.closed) throw new Error(`the world closed the connection before ${kind}; heard ${JSON.stringify(this.heard)}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  heardOf<K extends Kind>(kind: K): Extract<FromWorld, { kind: K }>[] {
    return this.heard.filter((message): message is Extract<FromWorld, { kind: K }> => message.kind === kind);
  }

  async untilClosed(): Promise<void> {
    while (!this.closed) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  close(): void {
    this.#socket.destroy();
  }

  #ring(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
