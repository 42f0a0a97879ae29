/** Does the small OS run on our machine as it does on QEMU, is an idle one idle, and is it unharmed by what comes over the network? */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MachineGuest } from './machine-guest.ts';

const MAC = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
const PEER = [0x52, 0x54, 0, 0, 0, 2];

describe('the small OS on our machine', () => {
  it('boots, runs a script that was typed before reset, and powers off with code 0', () => {
    const typed = 'kv set a 1\nkv load 1 3\nsum 100000\ncrash kv\nkv get a\npoweroff\n';
    const guest = new MachineGuest({ disk: new Uint8Array(1 << 20), net: true, typed });
    guest.settle();
    expect(guest.machine.exit).toEqual({ code: 0, reason: 'poweroff' });
    expect(guest.transcript.split('\n')).toEqual([
      'twinhart os: memory 16 MiB, disk 1024 KiB, net 52:54:00:12:34:56, entropy',
      'kv: 0 keys, on disk, sequence 0, log 0 of 1016 sectors, generation 1',
      'ready',
      'twin> kv set a 1',
      'ok',
      'twin> kv load 1 3',
      'ok k1',
      'ok k2',
      'ok k3',
      'loaded 3',
      'twin> sum 100000',
      'sum 100000 = 287671b0',
      'twin> crash kv',
      '',
      expect.stringMatching(/^kernel: task kv: store page fault at pc 4[0-9a-f]{7}, address 000dead0: restarted$/),
      'crash: it died and was restarted',
      'twin> kv get a',
      '1',
      'twin> poweroff',
      '',
    ]);
  });

  it('does nothing at all when there is nothing to do', () => {
    const guest = new MachineGuest({ disk: new Uint8Array(1 << 20) });
    guest.settle();
    const { icount } = guest.machine;
    expect(guest.machine.deadline(), 'no timer is armed').toBeUndefined();
    expect(guest.machine.run(icount + 1_000_000)).toBe('idle');
    expect(guest.machine.icount).toBe(icount);
    expect(icount, 'instructions from reset to the prompt').toBeLessThan(2_000_000);
  });

  it('answers over UDP with right checksums, and drops a request whose checksum is wrong', () => {
    const guest = new MachineGuest({ net: true });
    guest.settle();
    guest.frames.length = 0;
    const request = udp([...new TextEncoder().encode('ann 1 set city Lisbon')]);
    guest.frame(Uint8Array.from(request.with(-1, 0)));
    guest.settle();
    expect(guest.frames).toEqual([]);
    guest.frame(Uint8Array.from(request));
    guest.settle();
    const [reply] = guest.frames.map((frame) => [...frame]);
    expect(reply?.slice(0, 14)).toEqual([...PEER, ...MAC, 8, 0]);
    expect(new TextDecoder().decode(Uint8Array.from(reply?.slice(42) ?? []))).toBe('ann 1 ok\n');
    expect(checksum(reply?.slice(14, 34) ?? []), 'IP header').toEqual([0, 0]);
    const length = (reply?.length ?? 0) - 34;
    expect(checksum([...(reply?.slice(26, 34) ?? []), 0, 17, 0, length, ...(reply?.slice(34) ?? [])]), 'UDP').toEqual([0, 0]);
  });

  it('answers a ping, and drops whatever it cannot read without harm', () => {
    const guest = new MachineGuest({ net: true });
    guest.settle();
    const ping = icmpEcho(Array.from({ length: 40 }, (_, i) => i));
    const pings = () => {
      guest.frames.length = 0;
      guest.frame(Uint8Array.from(ping));
      guest.settle();
      return guest.frames.map((frame) => [...frame.subarray(42)]);
    };
    expect(pings()).toEqual([ping.slice(42)]);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(ping.length - 1), fc.nat(255)), { maxLength: 4 }), fc.nat(ping.length), (changes, length) => {
        const frame = Uint8Array.from(ping);
        for (const [at, value] of changes) frame[at] = value;
        guest.frame(frame.subarray(0, Math.max(14, length)));
        guest.settle();
      }),
      { numRuns: 200 },
    );
    expect(pings(), 'still there').toEqual([ping.slice(42)]);
    expect(guest.transcript).not.toContain('kernel');
  });
});

/** An Ethernet frame with an ICMP echo request for the guest, both checksums right. */
function icmpEcho(payload: readonly number[]): number[] {
  const icmp = [8, 0, 0, 0, 0x54, 0x57, 0, 1, ...payload];
  icmp.splice(2, 2, ...checksum(icmp));
  return ip(1, icmp);
}

/** A frame with a datagram for the guest's port 7000, both checksums right. */
function udp(payload: readonly number[]): number[] {
  const length = 8 + payload.length;
  const datagram = [0x9c, 0x40, 0x1b, 0x58, 0, length, 0, 0, ...payload];
  datagram.splice(6, 2, ...checksum([10, 0, 2, 2, 10, 0, 2, 15, 0, 17, 0, length, ...datagram]));
  return ip(17, datagram);
}

function ip(protocol: number, payload: readonly number[]): number[] {
  const header = [0x45, 0, 0, 20 + payload.length, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 2, 2, 10, 0, 2, 15];
  header.splice(10, 2, ...checksum(header));
  return [...MAC, ...PEER, 8, 0, ...header, ...payload];
}

function checksum(bytes: readonly number[]): [number, number] {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] as number) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return [(~sum >> 8) & 0xff, ~sum & 0xff];
}
