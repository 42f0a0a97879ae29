/** The heartbeat (src/host/heartbeat*.ts): its own thread says how far the machine is, and believes nobody but its peer. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type Beat, decodeBeat, encodeBeat, type HeartbeatData } from '../../src/host/heartbeat.ts';
import { Shared } from '../../src/host/shared.ts';
import { built } from '../support/dist.ts';

const beat: Beat = { run: 'a-run', identity: 'peer', epoch: 3, icount: 2 ** 53 - 1, full: true };

describe('a datagram', () => {
  it('comes back as it was said', () => {
    expect(decodeBeat(encodeBeat(beat))).toEqual(beat);
  });

  it('that is cut, grown or of another kind says nothing, and never throws', () => {
    const good = encodeBeat(beat);
    for (let length = 0; length < good.length; length++) expect(decodeBeat(good.subarray(0, length))).toBeUndefined();
    expect(decodeBeat(Buffer.concat([good, Buffer.of(0)]))).toBeUndefined();
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => decodeBeat(bytes) === undefined));
    fc.assert(
      fc.property(fc.nat(19), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const bytes = Uint8Array.from(good);
        bytes[at] = value;
        decodeBeat(bytes);
      }),
    );
  });
});

describe('the heartbeat thread', () => {
  const opened: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });

  const udp = async (): Promise<Socket> => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    opened.push({ close: () => new Promise<void>((done) => socket.close(done)) });
    return socket;
  };

  it('says the icount of the moment, and hears only its peer', async () => {
    const peer = await udp();
    const stranger = await udp();
    const reserve = createSocket('udp4').bind(0, '127.0.0.1');
    await once(reserve, 'listening');
    const ownPort = reserve.address().port;
    await new Promise<void>((done) => reserve.close(done));
    const shared = new Shared();
    shared.epoch = 3;
    shared.icount = 41;
    const data: HeartbeatData = {
      shared: shared.buffer,
      run: 'a-run',
      identity: 'me',
      ownPort,
      peerPort: peer.address().port,
      intervalMs: 2,
    };
    const worker = new Worker(built('src/host/heartbeat-worker.ts'), { workerData: data });
    opened.push({ close: () => worker.terminate() });

    const [first] = (await once(peer, 'message')) as [Uint8Array];
    expect(decodeBeat(first)).toEqual({ run: 'a-run', identity: 'me', epoch: 3, icount: 41, full: false });
    shared.icount = 2 ** 40;
    shared.full = true;
    for (;;) {
      const [next] = (await once(peer, 'message')) as [Uint8Array];
      const said = decodeBeat(next)!;
      if (said.icount === 41) continue;
      expect(said.icount).toBe(2 ** 40);
      if (said.full) break;
    }

    const say = (socket: Socket, bytes: Uint8Array): Promise<void> =>
      new Promise((done) => socket.send(bytes, ownPort, '127.0.0.1', () => done()));
    await say(stranger, encodeBeat(beat));
    await say(peer, encodeBeat({ ...beat, run: 'another' }));
    await say(peer, encodeBeat({ ...beat, identity: 'me' }));
    await say(peer, encodeBeat({ ...beat, epoch: 2 }));
    await say(peer, Buffer.from('hello'));
    await say(peer, encodeBeat({ ...beat, icount: 7, full: false }));
    while (shared.heard() === undefined) await once(peer, 'message');
    expect(shared.heard()).toEqual({ count: 1, icount: 7, full: false });
  });
});
