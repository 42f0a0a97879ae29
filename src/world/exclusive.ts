/**
 * One holder at a time of a thing that two runs may not share, whatever state folder or user they have: a disk's file, a guest's name. Linux's
 * abstract socket addresses serve as the locks, since the kernel gives one back at the very moment its holder dies. They reach as far as one network
 * namespace does; other systems have none, and there only what run.json files tell keeps two runs apart.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { platform } from 'node:os';

export interface Held {
  release(): void;
}

/** Undefined: someone else holds it. `thing`: the same text for the same thing. */
export function hold(thing: string): Promise<Held | undefined> {
  if (platform() !== 'linux') return Promise.resolve({ release: () => undefined });
  const address = `\0twinhart-${createHash('sha256').update(thing).digest('hex').slice(0, 32)}`;
  // Whoever connects learns nothing: the address being taken is all that counts.
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(address, () => {
      server.unref();
      resolve({ release: () => void server.close() });
    });
  });
}
