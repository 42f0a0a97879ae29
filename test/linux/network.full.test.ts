/** Does the guest's network reach the host's own programs through QEMU as a gateway, and does an open TCP connection outlive `kill -9` of the primary? */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kill9 } from '../e2e/workload.ts';
import { qemuMissing } from '../firmware/qemu-guest.ts';
import { LinuxTwin, onCopy, PROMPT } from './guest.ts';

const missing = qemuMissing();
const LINES = 200;

describe.skipIf(missing)(`QEMU as the network's gateway${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'twinhart-net-'));
  const socket = join(dir, 'net.sock');
  let gateway: ChildProcess;
  let twin: LinuxTwin;
  let ports: { http: number; echo: number };

  beforeAll(async () => {
    ports = { http: await freePort(), echo: await freePort() };
    gateway = startGateway(socket, ports);
    while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 10));
    twin = new LinuxTwin([...onCopy(join(dir, 'disk.img')), '--net', `stream=${socket}`]);
    await twin.note(/PROTECTED/);
    await twin.see(PROMPT);
  }, 120_000);
  afterAll(async () => {
    twin.dispose();
    await twin.ended;
    gateway.kill();
    rmSync(dir, { recursive: true, force: true });
  });

  it('brings the guest to the host: a page, an echo that goes on across the kill, the page again', async () => {
    const page = await get(ports.http);
    expect(page).toContain('<title>twinhart<');
    await twin.run('nc -ll -p 7 -e cat & until grep -q :0007 /proc/net/tcp; do :; done');
    const client = connect(ports.echo, '127.0.0.1');
    await once(client, 'connect');
    const echoed = readAll(client);
    for (let line = 1; line <= LINES; line++) {
      client.write(`line ${line}\n`);
      await echoed.until(`line ${line}\n`);
      if (line === LINES / 2) {
        kill9('primary')(twin);
        // Half of what follows is under way before anybody has noticed.
        client.write('meanwhile\n');
      }
    }
    expect(twin.notes).toMatch(/takeover epoch 2/);
    const want = Array.from({ length: LINES }, (_, i) => `line ${i + 1}\n`);
    want.splice(LINES / 2, 0, 'meanwhile\n');
    expect(echoed.text()).toBe(want.join(''));
    client.destroy();
    expect(await get(ports.http)).toBe(page);
  }, 120_000);
});

/** User networking on one side, on the other what `--net stream=` speaks: no machine, no guest. */
function startGateway(path: string, { http, echo }: { http: number; echo: number }): ChildProcess {
  const forward = `hostfwd=tcp:127.0.0.1:${http}-10.0.2.15:80,hostfwd=tcp:127.0.0.1:${echo}-10.0.2.15:7`;
  const options = ['-M', 'none', '-nodefaults', '-display', 'none', '-netdev', `user,id=user,${forward}`];
  options.push('-netdev', `stream,id=stream,server=on,addr.type=unix,addr.path=${path}`);
  for (const id of ['user', 'stream']) options.push('-netdev', `hubport,hubid=0,id=hub-${id},netdev=${id}`);
  return spawn('qemu-system-riscv32', options, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** With HTTP/1.0 the end of the answer is the end of the connection. */
async function get(port: number): Promise<string> {
  const client = connect(port, '127.0.0.1');
  client.write('GET /index.html HTTP/1.0\r\n\r\n');
  const answer = readAll(client);
  await once(client, 'close');
  expect(answer.text()).toMatch(/^HTTP\/1\.\d 200 /);
  return answer.text().slice(answer.text().indexOf('\r\n\r\n') + 4);
}

function readAll(client: Socket): { text: () => string; until: (wanted: string) => Promise<void> } {
  let text = '';
  let wake = (): void => undefined;
  client.setEncoding('utf8').on('data', (more: string) => {
    text += more;
    wake();
  });
  client.on('close', () => wake());
  return {
    text: () => text,
    until: async (wanted) => {
      while (!text.endsWith(wanted)) {
        if (client.closed) throw new Error(`the connection ended before ${JSON.stringify(wanted)}; it said:\n${text}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

/** One that nobody uses now: QEMU takes it a moment later. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
