/** The guest's network service across a kill -9: ARP, ping, and numbered requests that a client repeats until they are answered. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Call, impossibleKey } from '../support/history.ts';
import { NetPeer } from '../support/net-peer.ts';
import { emptyDisk, Twin } from '../support/twin.ts';

describe('--net stream', () => {
  let twin: Twin | undefined;
  let peer: NetPeer | undefined;
  afterEach(() => {
    twin?.dispose();
    peer?.close();
  });

  it('answers ARP, ping and every numbered request across a kill -9, in a history that one machine could have produced', async () => {
    let listening: Promise<NetPeer> | undefined;
    twin = new Twin((dir) => {
      listening = NetPeer.listen(join(dir, 'net.sock'));
      return ['os', '--net', `stream=${join(dir, 'net.sock')}`, '--disk', emptyDisk(dir)];
    });
    peer = await (listening as Promise<NetPeer>);
    await twin.see('twin> ');
    const mac = await peer.arp();
    expect(await peer.ping(1, Buffer.from('before'))).toEqual(Buffer.from('before'));

    const history: Call[] = [];
    let clock = 0;
    let killed = false;
    const client = async (name: string, calls: number): Promise<void> => {
      for (let number = 1; number <= calls; number++) {
        const key = `k${number % 3}`;
        const begun = ++clock;
        if (number % 2 === 1) {
          const value = `${name}-${number}`;
          expect(await (peer as NetPeer).kv(name, number, `set ${key} ${value}`)).toBe('ok');
          history.push({ client: name, key, action: { kind: 'set', value }, answer: undefined, begun, ended: ++clock });
        } else {
          const answer = await (peer as NetPeer).kv(name, number, `get ${key}`);
          const value = /^value (.*)$/.exec(answer)?.[1];
          history.push({ client: name, key, action: { kind: 'get' }, answer: value, begun, ended: ++clock });
        }
        if (name === 'a' && number === calls / 2) {
          (twin as Twin).kill('primary');
          killed = true;
        }
      }
    };
    await Promise.all([client('a', 40), client('b', 40), client('c', 40)]);

    expect(killed).toBe(true);
    expect(history).toHaveLength(120);
    expect(impossibleKey(history)).toBeUndefined();
    expect(await peer.arp(), 'the survivor has the same MAC').toBe(mac);
    expect(await peer.ping(2, Buffer.from('after'))).toEqual(Buffer.from('after'));
    expect(peer.connections, 'the world holds the connection, so it outlives the replicas').toBe(1);
    twin.type('poweroff\n');
    expect(await twin.ended).toBe(0);
  });
});
