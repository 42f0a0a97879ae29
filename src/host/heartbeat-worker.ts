/**
 * The heartbeat's own thread: it never runs guest code and never touches the link, so that a busy machine or a full socket does
 * not look like a death (protocol.md, "Roles, claims, fences"). Datagrams that are not the peer's heartbeat are ignored.
 */
import { createSocket } from 'node:dgram';
import { workerData } from 'node:worker_threads';
import { decodeBeat, encodeBeat, type HeartbeatData } from './heartbeat.ts';
import { Shared } from './shared.ts';

const HOST = '127.0.0.1';

const data = workerData as HeartbeatData;
const shared = new Shared(data.shared);
const socket = createSocket('udp4');

socket.on('message', (datagram, from) => {
  if (from.address !== HOST || from.port !== data.peerPort) return;
  const beat = decodeBeat(datagram);
  if (beat === undefined || beat.run !== data.run || beat.identity === data.identity || beat.epoch < shared.epoch) return;
  shared.hear(beat.icount, beat.full);
});

// A bind that fails ends the process (the thread dies): a pair without heartbeats would be a pair that fails over by accident.
socket.bind(data.ownPort, HOST, () => {
  const beat = (): void => {
    const { epoch, icount, full } = shared;
    // Errors of a single datagram (the peer's port is closed) are what silence is for.
    socket.send(encodeBeat({ run: data.run, identity: data.identity, epoch, icount, full }), data.peerPort, HOST, () => {});
  };
  beat();
  setInterval(beat, data.intervalMs);
});
