/** How other commands talk to a running world: a unix socket, one JSON line asked, one JSON line answered. */
import { connect, createServer, type Server } from 'node:net';
import type { ReplicaStatus } from './wire.ts';

export type Ask = { readonly do: 'status' } | { readonly do: 'kill'; readonly who: 'primary' | 'backup' } | { readonly do: 'quit' };

export type Answer =
  | { readonly ok: true; readonly status: WorldStatus }
  | { readonly ok: true; readonly pid: number }
  | { readonly ok: true }
  | { readonly ok: false; readonly why: string };

/** What `ps` and Ctrl-A s show. */
export interface WorldStatus {
  readonly name: string;
  readonly run: string;
  readonly pid: number;
  readonly state: ReplicaStatus['state'];
  readonly reason: string | undefined;
  readonly epoch: number;
  readonly seconds: number;
  readonly arbiter: string;
  readonly takeovers: number;
  readonly replicas: readonly { readonly pid: number; readonly live: boolean; readonly status: ReplicaStatus | undefined }[];
}

const LINE_LIMIT = 64 * 1024;

export function serveControl(path: string, answer: (ask: Ask) => Answer): Promise<Server> {
  const server = createServer((socket) => {
    let text = '';
    socket.on('error', () => socket.destroy());
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > LINE_LIMIT) socket.destroy();
      const end = text.indexOf('\n');
      if (end >= 0) socket.end(`${JSON.stringify(reply(text.slice(0, end), answer))}\n`);
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}

/** Rejects when nobody answers there: that world is gone. */
export function askWorld(path: string, ask: Ask, patienceMs = 2000): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = '';
    socket.setTimeout(patienceMs, () => socket.destroy(new Error(`no answer within ${patienceMs} ms`)));
    socket.setEncoding('utf8');
    socket.on('error', reject);
    socket.on('connect', () => socket.write(`${JSON.stringify(ask)}\n`));
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('end', () => {
      try {
        resolve(JSON.parse(text) as Answer);
      } catch {
        reject(new Error('the answer was cut off'));
      }
    });
  });
}

function reply(line: string, answer: (ask: Ask) => Answer): Answer {
  try {
    const ask = JSON.parse(line) as Ask;
    if (ask.do === 'status' || ask.do === 'quit' || (ask.do === 'kill' && (ask.who === 'primary' || ask.who === 'backup')))
      return answer(ask);
  } catch {
    // Falls through: not JSON is an unknown question too.
  }
  return { ok: false, why: 'unknown question' };
}
