/** The link between replicas (src/host/link*.ts, log-writer.ts): one list of cases over memory, unix socket and TCP. */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeEnvelope, encodeEnvelope, type Link, LinkError, type LinkEvents } from '../../src/host/link.ts';
import { memoryLinks } from '../../src/host/link-memory.ts';
import { connectLink, type LinkAddress, listenLink } from '../../src/host/link-tcp.ts';
import { LINK_CLOSED, LINK_CLOSING, LINK_OPEN, LINK_WRITING, Shared } from '../../src/host/shared.ts';
import type { Envelope } from '../../src/protocol/messages.ts';
import { built } from '../support/dist.ts';
import { batchOf } from './ring-records.ts';

const RUN = 'run-1';
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** One end and what it has heard; `until` resolves when a heard thing makes it true. */
class End implements LinkEvents {
  readonly control_: string[] = [];
  readonly batches_: Uint8Array[] = [];
  readonly closes: string[] = [];
  fd: number | undefined;
  readonly link: Link;
  private waiters: (() => void)[] = [];

  constructor(link: Link) {
    this.link = link;
    link.start(this);
    cleanups.push(() => link.close());
  }

  opened(fd: number): void {
    this.fd = fd;
    this.look();
  }
  closed(why: string): void {
    this.closes.push(why);
    this.look();
  }
  control(body: Uint8Array): void {
    this.control_.push(Buffer.from(body).toString());
    this.look();
  }
  batches(batches: readonly Uint8Array[]): void {
    this.batches_.push(...batches.map((batch) => Uint8Array.from(batch)));
    this.look();
  }
  async until(met: () => boolean): Promise<void> {
    while (!met()) await new Promise<void>((resolve) => this.waiters.push(resolve));
  }
  private look(): void {
    for (const waiter of this.waiters.splice(0)) waiter();
  }
}

interface Pair {
  readonly primary: End;
  readonly backup: End;
  readonly shared: Shared;
  readonly ring: SharedArrayBuffer | undefined;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

function unixAddress(): LinkAddress {
  const dir = mkdtempSync(join(tmpdir(), 'twinhart-link-'));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return { path: join(dir, 'link') };
}

const KINDS: Record<string, () => Promise<Pair>> = {
  memory: async () => {
    const shared = new Shared();
    const links = memoryLinks(1 << 16, shared);
    return { primary: new End(links.primary), backup: new End(links.backup), shared, ring: links.ring };
  },
  unix: async () => sockets(unixAddress()),
  tcp: async () => sockets({ host: '127.0.0.1', port: await freePort() }),
};

async function sockets(address: LinkAddress): Promise<Pair> {
  // The backup first: it must keep trying until the primary listens.
  const backup = new End(connectLink(address, RUN));
  return { primary: new End(listenLink(address, RUN)), backup, shared: new Shared(), ring: undefined };
}

async function openPair(kind: string): Promise<Pair> {
  const pair = await KINDS[kind]!();
  await pair.primary.until(() => pair.primary.fd !== undefined);
  await pair.backup.until(() => pair.backup.fd !== undefined);
  pair.shared.link = LINK_OPEN;
  return pair;
}

function writer(pair: Pair, count: number, seed: number): { ended: Promise<{ ended: string; sent: number }> } {
  const workerData = { shared: pair.shared.buffer, ring: pair.ring, fd: pair.primary.fd, count, seed };
  const worker = new Worker(built('test/host/link-writer-worker.ts'), { workerData });
  cleanups.push(() => worker.terminate());
  const ended = new Promise<{ ended: string; sent: number }>((resolve, reject) => {
    worker.on('error', reject);
    worker.on('message', (message) => (message === 'look' ? pair.primary.link.wake() : resolve(message)));
  });
  return { ended };
}

describe.each(Object.keys(KINDS))('a link over %s', (kind) => {
  it('carries control messages both ways, in order', async () => {
    const { primary, backup } = await openPair(kind);
    for (let i = 0; i < 20; i++) {
      primary.link.send(Buffer.from(`p${i}`));
      backup.link.send(Buffer.from(`b${i}`));
    }
    await backup.until(() => backup.control_.length === 20);
    await primary.until(() => primary.control_.length === 20);
    expect(backup.control_).toEqual(Array.from({ length: 20 }, (_, i) => `p${i}`));
    expect(primary.control_).toEqual(Array.from({ length: 20 }, (_, i) => `b${i}`));
  });

  it('carries batches from the machine thread unharmed, and a paused reader stalls the writer without loss', async () => {
    const pair = await openPair(kind);
    const seed = 7;
    const count = 3000;
    pair.backup.link.pause();
    const { ended } = writer(pair, count, seed);
    await pair.backup.until(() => true);
    pair.backup.link.resume();
    await pair.backup.until(() => {
      // Pause and go on, so that the writer meets a full link again and again.
      if (pair.backup.batches_.length % 3 === 0) {
        pair.backup.link.pause();
        setImmediate(() => pair.backup.link.resume());
      }
      return pair.backup.batches_.length >= count;
    });
    expect(await ended).toEqual({ ended: 'sent', sent: count });
    expect(pair.backup.batches_.length).toBe(count);
    expect(pair.backup.batches_.every((batch, i) => Buffer.compare(batch, batchOf(seed, i)) === 0)).toBe(true);
  });

  it('lets go of a writer that is stuck on it when it closes', async () => {
    const pair = await openPair(kind);
    pair.backup.link.pause();
    const { ended } = writer(pair, 1_000_000, 3);
    // Stuck means: in the middle of a write at several looks in a row, with a turn of the loop between.
    for (let stuck = 0; stuck < 200; ) {
      stuck = pair.shared.link === LINK_WRITING ? stuck + 1 : 0;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(pair.shared.moveLink(LINK_WRITING, LINK_CLOSING)).toBe(true);
    pair.shared.bell.ring();
    expect((await ended).ended).toBe('closed');
    expect(pair.shared.link).toBe(LINK_CLOSED);
  });

  it('tells the other end once when one closes, and gives nothing after one closed it', async () => {
    const { primary, backup } = await openPair(kind);
    backup.link.send(Buffer.from('last words'));
    backup.link.close();
    primary.link.send(Buffer.from('too late'));
    await primary.until(() => primary.closes.length > 0);
    expect(primary.control_).toEqual(['last words']);
    primary.link.close();
    expect(backup.closes).toEqual([]);
    expect(backup.control_).toEqual([]);
    expect(primary.closes).toHaveLength(1);
  });
});

describe('a link over a socket', () => {
  it('opens for its own run only, and for one backup only', async () => {
    const address = unixAddress() as { path: string };
    const primary = new End(listenLink(address, RUN));
    for (const line of ['twinhart log another\n', 'GET / HTTP/1.1\n', 'x'.repeat(1000)]) {
      const stranger = createConnection(address.path);
      stranger.on('error', () => {});
      stranger.on('connect', () => stranger.write(line));
      stranger.resume();
      await once(stranger, 'close');
    }
    expect(primary.fd).toBeUndefined();
    const backup = new End(connectLink(address, RUN));
    await primary.until(() => primary.fd !== undefined);
    await backup.until(() => backup.fd !== undefined);
    const second = createConnection(address.path);
    second.on('error', () => {});
    second.write(`twinhart control ${RUN}\n`);
    second.resume();
    await once(second, 'close');
    expect(primary.closes).toEqual([]);
  });

  it('closes on a frame of an absurd length', async () => {
    const address = unixAddress() as { path: string };
    const primary = new End(listenLink(address, RUN));
    const [log, control] = ['log', 'control'].map((purpose) => {
      const socket = createConnection(address.path);
      socket.on('error', () => {});
      socket.write(`twinhart ${purpose} ${RUN}\n`);
      return socket;
    });
    cleanups.push(
      () => log!.destroy(),
      () => control!.destroy(),
    );
    await primary.until(() => primary.fd !== undefined);
    control!.write(Buffer.of(0xff, 0xff, 0xff, 0xff));
    await primary.until(() => primary.closes.length > 0);
    expect(primary.closes[0]).toMatch(/4294967295 bytes/);
  });
});

describe('a control message', () => {
  const messages: Envelope['message'][] = [
    { kind: 'hello', vm: 'v', identity: 'abc', role: 'backup', config: 'c' },
    { kind: 'ack', seq: 7 },
    { kind: 'replayed', seq: 7, icount: 2 ** 53 - 1 },
    { kind: 'accepted', ordinals: { console: 3, disk: 0 } },
    { kind: 'off', code: 3 },
    { kind: 'fenced', epoch: 2 },
    { kind: 'diverged', report: 'entry 7' },
    { kind: 'keepalive' },
  ];

  it.each(messages.map((message) => [message.kind, message] as const))('%s comes back as it was said', (_, message) => {
    expect(decodeEnvelope(encodeEnvelope({ run: RUN, epoch: 1, message }))).toEqual({ run: RUN, epoch: 1, message });
  });

  it('of the wrong shape is a LinkError, whatever the bytes are', () => {
    const refused = (text: string): void => expect(() => decodeEnvelope(Buffer.from(text)), text).toThrow(LinkError);
    for (const message of [
      '{"kind":"ack"}',
      '{"kind":"ack","seq":-1}',
      '{"kind":"ack","seq":1.5}',
      '{"kind":"toString"}',
      'null',
      '[]',
      '{}',
    ])
      refused(`{"run":"r","epoch":1,"message":${message}}`);
    refused('{"run":"r","epoch":"1","message":{"kind":"keepalive"}}');
    fc.assert(
      fc.property(fc.json(), (text) => {
        try {
          decodeEnvelope(Buffer.from(text));
        } catch (error) {
          expect(error).toBeInstanceOf(LinkError);
        }
      }),
    );
  });
});
