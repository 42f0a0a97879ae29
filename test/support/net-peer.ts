/**
 * The other end of `--net stream=PATH`: a listener that speaks 4-byte big-endian length + Ethernet frame, answers ARP for its own
 * address, pings the guest and asks its key-value store over UDP. Requests are numbered and sent again until they are answered.
 */
import { createServer, type Server, type Socket } from 'node:net';

const MAC = Buffer.from('525400000002', 'hex');
const BROADCAST = Buffer.alloc(6, 0xff);
const HOST = [10, 0, 2, 2] as const;
const GUEST = [10, 0, 2, 15] as const;
const KV_PORT = 7000;
const [ARP, IPV4] = [0x0806, 0x0800];
const [ICMP, UDP] = [1, 17];

export class NetPeer {
  readonly #server: Server;
  #socket: Socket | undefined;
  #buffered = Buffer.alloc(0);
  #guestMac: Buffer | undefined;
  readonly #waiting = new Map<string, (payload: Buffer) => void>();
  /** Frames heard from the guest, in order. */
  readonly frames: Buffer[] = [];
  /** Connections accepted so far: one, if whoever holds the other end outlives the replicas. */
  connections = 0;

  static async listen(path: string): Promise<NetPeer> {
    const peer = new NetPeer();
    await new Promise<void>((resolve) => peer.#server.listen(path, resolve));
    return peer;
  }

  constructor() {
    this.#server = createServer((socket) => {
      this.connections++;
      this.#socket = socket;
      this.#buffered = Buffer.alloc(0);
      socket.on('data', (bytes) => this.#read(bytes));
      socket.on('error', () => socket.destroy());
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#server.close();
  }

  /** Resolves with the guest's MAC, asking again every `everyMs` until it answers. */
  async arp(everyMs = 100): Promise<string> {
    const request = Buffer.concat([
      ethernet(BROADCAST, ARP),
      Buffer.from([0, 1, 8, 0, 6, 4, 0, 1]),
      MAC,
      Buffer.from(HOST),
      Buffer.alloc(6),
      Buffer.from(GUEST),
    ]);
    return (await this.#ask('arp', request, everyMs)).toString('hex');
  }

  /** Echo request `sequence`; resolves with the payload that came back. */
  async ping(sequence: number, payload: Buffer, everyMs = 100): Promise<Buffer> {
    const echo = Buffer.concat([Buffer.from([8, 0, 0, 0, 0x54, 0x57, sequence >> 8, sequence & 255]), payload]);
    echo.writeUInt16BE(checksum(echo), 2);
    return this.#ask(`icmp ${sequence}`, this.#ip(ICMP, echo), everyMs);
  }

  /** One numbered request to the key-value store, e.g. `set city lisbon`; resolves with the answer after `<client> <number> `. */
  async kv(client: string, number: number, request: string, everyMs = 200): Promise<string> {
    const body = Buffer.from(`${client} ${number} ${request}`);
    const udp = Buffer.alloc(8);
    udp.writeUInt16BE(40_000, 0);
    udp.writeUInt16BE(KV_PORT, 2);
    udp.writeUInt16BE(8 + body.length, 4);
    const answer = await this.#ask(`udp ${client} ${number}`, this.#ip(UDP, Buffer.concat([udp, body])), everyMs);
    return answer.toString();
  }

  #ip(protocol: number, payload: Buffer): Buffer {
    if (this.#guestMac === undefined) throw new Error('ask arp() first');
    const header = Buffer.alloc(20);
    header[0] = 0x45;
    header.writeUInt16BE(20 + payload.length, 2);
    header[8] = 64;
    header[9] = protocol;
    header.set(HOST, 12);
    header.set(GUEST, 16);
    header.writeUInt16BE(checksum(header), 10);
    return Buffer.concat([ethernet(this.#guestMac, IPV4), header, payload]);
  }

  /** Sends `frame` now and every `everyMs` until something answers `key`. */
  #ask(key: string, frame: Buffer, everyMs: number): Promise<Buffer> {
    return new Promise((resolve) => {
      const again = setInterval(() => this.#send(frame), everyMs);
      this.#waiting.set(key, (payload) => {
        clearInterval(again);
        this.#waiting.delete(key);
        resolve(payload);
      });
      this.#send(frame);
    });
  }

  #send(frame: Buffer): void {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(frame.length);
    this.#socket?.write(Buffer.concat([length, frame]));
  }

  #read(bytes: Buffer): void {
    this.#buffered = Buffer.concat([this.#buffered, bytes]);
    while (this.#buffered.length >= 4) {
      const length = this.#buffered.readUInt32BE(0);
      if (this.#buffered.length < 4 + length) return;
      const frame = Buffer.from(this.#buffered.subarray(4, 4 + length));
      this.#buffered = this.#buffered.subarray(4 + length);
      this.frames.push(frame);
      this.#hear(frame);
    }
  }

  #hear(frame: Buffer): void {
    const type = frame.readUInt16BE(12);
    if (type === ARP) {
      const [operation, mac, sender] = [frame.readUInt16BE(20), frame.subarray(22, 28), frame.subarray(28, 32)];
      if (!sender.equals(Buffer.from(GUEST))) return;
      this.#guestMac = Buffer.from(mac);
      if (operation === 2) this.#waiting.get('arp')?.(this.#guestMac);
      else if (frame.subarray(38, 42).equals(Buffer.from(HOST))) this.#answerArp(mac, sender);
      return;
    }
    if (type !== IPV4) return;
    const packet = frame.subarray(14, 14 + frame.readUInt16BE(16));
    const payload = packet.subarray((packet.readUInt8(0) & 15) * 4);
    if (packet[9] === ICMP && payload[0] === 0) this.#waiting.get(`icmp ${payload.readUInt16BE(6)}`)?.(payload.subarray(8));
    if (packet[9] === UDP) {
      const [, client, number, answer] = /^(\S+) (\d+) ([\s\S]*)$/.exec(payload.subarray(8, payload.readUInt16BE(4)).toString()) ?? [];
      if (answer !== undefined) this.#waiting.get(`udp ${client} ${number}`)?.(Buffer.from(answer.trimEnd()));
    }
  }

  #answerArp(mac: Buffer, address: Buffer): void {
    this.#send(Buffer.concat([ethernet(mac, ARP), Buffer.from([0, 1, 8, 0, 6, 4, 0, 2]), MAC, Buffer.from(HOST), mac, address]));
  }
}

function ethernet(to: Buffer, type: number): Buffer {
  return Buffer.concat([to, MAC, Buffer.from([type >> 8, type & 255])]);
}

/** The internet checksum (RFC 1071). */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
