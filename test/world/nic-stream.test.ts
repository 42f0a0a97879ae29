/** Questions to the network stream: are frames whole however they arrive, and is the end of the connection told by name? */
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectNic, type Nic } from '../../src/world/nic-stream.ts';

let dir: string;
let server: Server;
let peer: Promise<Socket>;
let nic: Nic | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'twinhart-nic-'));
  server = createServer();
  peer = new Promise((resolve) => server.once('connection', resolve));
});
afterEach(async () => {
  nic?.close();
  server.close();
  await rm(dir, { recursive: true, force: true });
});

const listen = (where: string | number): Promise<void> =>
  new Promise((resolve) => (typeof where === 'string' ? server.listen(where, resolve) : server.listen(where, '127.0.0.1', resolve)));

/** Waits for things that callbacks bring. */
function inbox<T>(): { put(thing: T): void; take(): Promise<T> } {
  const things: T[] = [];
  const takers: ((thing: T) => void)[] = [];
  return {
    put(thing) {
      const taker = takers.shift();
      if (taker === undefined) things.push(thing);
      else taker(thing);
    },
    take: () => (things.length > 0 ? Promise.resolve(things.shift() as T) : new Promise((resolve) => takers.push(resolve))),
  };
}

const framed = (text: string): Buffer => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]);

describe('the network stream', () => {
  it('cuts what the peer sends into frames, whatever the pieces', async () => {
    await listen(join(dir, 'net.sock'));
    const frames = inbox<string>();
    nic = await connectNic(join(dir, 'net.sock'), {
      onFrame: (frame) => frames.put(Buffer.from(frame).toString()),
      onLost: () => undefined,
    });
    const socket = await peer;
    const stream = Buffer.concat([framed('first'), framed('second'), framed('3')]);
    for (const byte of stream.subarray(0, 12)) socket.write(Buffer.from([byte]));
    socket.write(stream.subarray(12));
    expect([await frames.take(), await frames.take(), await frames.take()]).toEqual(['first', 'second', '3']);
  });

  it('sends a frame behind its length, over TCP too', async () => {
    await listen(0);
    const { port } = server.address() as AddressInfo;
    nic = await connectNic(`127.0.0.1:${port}`, { onFrame: () => undefined, onLost: () => undefined });
    const socket = await peer;
    const got = inbox<Buffer>();
    socket.on('data', (chunk: Buffer) => got.put(chunk));
    expect(nic.send(Buffer.from('ping'))).toBe(true);
    expect(await got.take()).toEqual(framed('ping'));
  });

  it('tells by name that the peer went away, and drops frames from then on', async () => {
    await listen(join(dir, 'net.sock'));
    const lost = inbox<string>();
    nic = await connectNic(join(dir, 'net.sock'), { onFrame: () => undefined, onLost: lost.put });
    (await peer).destroy();
    expect(await lost.take()).toMatch(/net\.sock: the peer closed/);
    expect(nic.send(Buffer.from('ping'))).toBe(false);
  });

  it('gives up a stream that is out of step', async () => {
    await listen(join(dir, 'net.sock'));
    const lost = inbox<string>();
    nic = await connectNic(join(dir, 'net.sock'), { onFrame: () => undefined, onLost: lost.put });
    (await peer).write(Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3]));
    expect(await lost.take()).toMatch(/a frame of 4294967295 bytes/);
  });

  it('says where nobody listens', async () => {
    await expect(connectNic(join(dir, 'nobody.sock'), { onFrame: () => undefined, onLost: () => undefined })).rejects.toThrow(
      /cannot reach .*nobody\.sock/,
    );
  });
});
