/** Questions to the world's sinks (protocol.md, "Outputs", "Inputs", "The fence"), asked by replicas that have no machine behind them. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DiskRequest, Exit } from '../../emulator/index.ts';
import type { DiskFile } from '../../src/world/disk-server.ts';
import { WorldServer } from '../../src/world/server.ts';
import { FakeReplica } from './fake-replica.ts';

const RUN = '0123456789abcdef';
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const consoleOut = (epoch: number, ordinal: number, text: string) => ({ kind: 'console' as const, epoch, ordinal, bytes: bytes(text) });
const write = (epoch: number, ordinal: number, request = ordinal) => ({
  kind: 'disk' as const,
  epoch,
  request: { kind: 'diskWrite' as const, ordinal, request, sector: 0, data: new Uint8Array(512).fill(ordinal) },
});

/** A disk whose operations end when the test says so. */
class SlowDisk implements DiskFile {
  readonly path = 'slow';
  readonly sectors = 8;
  readonly readOnly = false;
  readonly ephemeral = false;
  /** Begun, oldest first; each entry ends its operation. */
  readonly begun: { readonly request: DiskRequest; end(): void }[] = [];
  /** While true, operations wait for their turn and have not begun. */
  queueing = false;
  readonly #turn: (() => void)[] = [];
  #wake: (() => void)[] = [];

  async perform(request: DiskRequest, start: () => boolean): Promise<{ status: 0; data: Uint8Array } | undefined> {
    if (this.queueing) await new Promise<void>((resolve) => this.#turn.push(resolve));
    if (!start()) return undefined;
    await new Promise<void>((resolve) => {
      this.begun.push({ request, end: resolve });
      for (const wake of this.#wake.splice(0)) wake();
    });
    return { status: 0, data: new Uint8Array(0) };
  }

  async untilBegun(count: number): Promise<void> {
    while (this.begun.length < count) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  letAllStart(): void {
    this.queueing = false;
    for (const start of this.#turn.splice(0)) start();
  }

  close = (): Promise<void> => Promise.resolve();
}

let dir: string;
let server: WorldServer;
let disk: SlowDisk;
let screen: string;
/** Resolves a write to the console; replaced by a test that wants it slow. */
let writeConsole: (written: Uint8Array) => Promise<void>;
let offs: { exit: Exit; signature: Uint8Array | undefined }[];
let refused: string[];
let room: boolean[];
let frames: string[];
const replicas: FakeReplica[] = [];

const open = async (identity: string, role: 'primary' | 'backup' = 'primary'): Promise<FakeReplica> => {
  const replica = await FakeReplica.open(join(dir, 'world.sock'), RUN, identity, role);
  replicas.push(replica);
  return replica;
};

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'twinhart-server-'));
  [disk, screen, offs, refused, room, frames] = [new SlowDisk(), '', [], [], [], []];
  writeConsole = async (written) => {
    screen += Buffer.from(written).toString('latin1');
  };
  server = new WorldServer({
    run: RUN,
    socket: join(dir, 'world.sock'),
    fenceFile: join(dir, 'fence'),
    writeConsole: (written) => writeConsole(written),
    disk,
    nic: () => ({
      where: 'test',
      send: (frame) => frames.push(Buffer.from(frame).toString('latin1')) > 0,
      close: () => undefined,
    }),
    events: {
      onAttached: () => undefined,
      onLive: () => undefined,
      onStatus: () => undefined,
      onHalted: () => undefined,
      onDetached: () => undefined,
      onRefused: (_, sink) => refused.push(sink),
      onOff: (exit, signature) => offs.push({ exit, signature }),
      onInputRoom: (more) => room.push(more),
      onFatal: (error) => {
        throw error;
      },
    },
  });
  await server.listen();
});

afterEach(async () => {
  for (const replica of replicas.splice(0)) replica.close();
  for (const operation of disk.begun) operation.end();
  await server.close();
  await rm(dir, { recursive: true, force: true });
});

describe('the fence', () => {
  it('records an epoch durably before it answers the hello', async () => {
    const primary = await open('aaaa0001');
    await primary.goLive(1);
    expect(await readFile(join(dir, 'fence'), 'utf8')).toBe('twinhart fence 1 identity aaaa0001\n');
  });

  it('refuses the late writes, console bytes, frames and power-off of a primary that was stopped, and tells it so', async () => {
    const old = await open('aaaa0001');
    await old.goLive(1);
    old.send(consoleOut(1, 1, 'before '));
    await old.hear('accepted');
    const next = await open('bbbb0002', 'backup');
    expect(await next.goLive(2)).toEqual({ console: 7, disk: 0, net: 0, power: 0 });

    // The old one wakes, not knowing, and sends what it was about to send.
    old.send(
      consoleOut(1, 8, 'LATE'),
      write(1, 1),
      { kind: 'frame', epoch: 1, ordinal: 1, bytes: bytes('late') },
      { kind: 'off', epoch: 1, ordinal: 1, exit: { code: 0, reason: 'poweroff' } },
    );
    expect(await old.hear('refuse', ({ sink }) => sink === 'disk')).toEqual({ kind: 'refuse', sink: 'disk', epoch: 2 });
    next.send(consoleOut(2, 8, 'after'));
    await next.hear('accepted', ({ ordinal }) => ordinal === 12);
    expect(screen).toBe('before after');
    expect(disk.begun).toEqual([]);
    expect(frames).toEqual([]);
    expect(offs).toEqual([]);
    expect(refused.sort()).toEqual(['console', 'disk', 'net', 'power']);
  });

  it('refuses requests under the new epoch from a replica that does not hold it', async () => {
    const [old, next] = [await open('aaaa0001'), await open('bbbb0002', 'backup')];
    await old.goLive(1);
    await next.goLive(2);
    old.send(write(2, 1));
    await old.hear('refuse', ({ sink }) => sink === 'disk');
    expect(disk.begun).toEqual([]);
  });

  it('answers a hello only when every operation that had begun has ended', async () => {
    const [old, next] = [await open('aaaa0001'), await open('bbbb0002', 'backup')];
    await old.goLive(1);
    old.send(write(1, 1));
    await disk.untilBegun(1);
    next.send({ kind: 'hello', sink: 'disk', epoch: 2, lastInput: 0 });
    // Another sink answers at once, after the disk's hello was read: so the disk's answer is being held back, not just slow.
    next.send({ kind: 'hello', sink: 'power', epoch: 2, lastInput: 0 });
    await next.hear('answer', ({ sink }) => sink === 'power');
    expect(next.heardOf('answer')).toHaveLength(1);
    disk.begun[0].end();
    expect(await next.hear('answer', ({ sink }) => sink === 'disk')).toEqual({ kind: 'answer', sink: 'disk', epoch: 2, accepted: 1 });
    expect(old.heardOf('completion')).toEqual([]);
  });

  it('checks a request when it starts, not when it was read: what waited for its turn is dropped', async () => {
    const [old, next] = [await open('aaaa0001'), await open('bbbb0002', 'backup')];
    await old.goLive(1);
    disk.queueing = true;
    old.send(write(1, 1), { kind: 'frame', epoch: 1, ordinal: 1, bytes: bytes('read') });
    await old.hear('accepted', ({ sink }) => sink === 'net');
    next.send({ kind: 'hello', sink: 'disk', epoch: 2, lastInput: 0 });
    await old.hear('refuse', ({ sink }) => sink === 'disk');
    disk.letAllStart();
    expect(await next.hear('answer')).toEqual({ kind: 'answer', sink: 'disk', epoch: 2, accepted: 0 });
    expect(disk.begun).toEqual([]);
  });

  it('drops console bytes that waited behind a slow console when the epoch rose', async () => {
    const [old, next] = [await open('aaaa0001'), await open('bbbb0002', 'backup')];
    await old.goLive(1);
    let release: () => void = () => undefined;
    let entered: () => void = () => undefined;
    const inside = new Promise<void>((resolve) => {
      entered = resolve;
    });
    writeConsole = async (written) => {
      entered();
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      screen += Buffer.from(written).toString('latin1');
    };
    old.send(consoleOut(1, 1, 'one'), consoleOut(1, 4, 'two'));
    await inside;
    const live = next.goLive(2);
    await old.hear('refuse');
    writeConsole = async (written) => {
      screen += Buffer.from(written).toString('latin1');
    };
    release();
    expect((await live).console).toBe(3);
    next.send(consoleOut(2, 4, 'two'));
    await next.hear('accepted', ({ ordinal }) => ordinal === 6);
    expect(screen).toBe('onetwo');
  });

  it('refuses a hello under a lower epoch, and one under the same epoch from somebody else', async () => {
    const [live, late] = [await open('bbbb0002'), await open('aaaa0001')];
    await live.goLive(2);
    late.send({ kind: 'hello', sink: 'disk', epoch: 1, lastInput: 0 });
    expect(await late.hear('refuse')).toEqual({ kind: 'refuse', sink: 'disk', epoch: 2 });
    late.send({ kind: 'hello', sink: 'console', epoch: 2, lastInput: 0 });
    await late.hear('refuse', ({ sink }) => sink === 'console');
  });

  it('refuses a request at a sink that has not answered, and hangs up on one that never said who it is', async () => {
    const replica = await open('aaaa0001');
    replica.send({ kind: 'hello', sink: 'console', epoch: 1, lastInput: 0 });
    await replica.hear('answer');
    replica.send(write(1, 1));
    await replica.hear('refuse', ({ sink }) => sink === 'disk');
    const stranger = await FakeReplica.open(join(dir, 'world.sock'), 'another run', 'cccc0003');
    await stranger.untilClosed();
  });
});

describe('the console sink', () => {
  it('writes each byte once, whichever replica brings it, and says how far it is', async () => {
    const [old, next] = [await open('aaaa0001'), await open('bbbb0002', 'backup')];
    await old.goLive(1);
    old.send(consoleOut(1, 1, 'hel'), consoleOut(1, 4, 'lo'));
    await old.hear('accepted', ({ ordinal }) => ordinal === 5);
    expect((await next.goLive(2)).console).toBe(5);
    next.send(consoleOut(2, 3, 'llo wor'), consoleOut(2, 10, 'ld'));
    await next.hear('accepted', ({ ordinal }) => ordinal === 11);
    expect(screen).toBe('hello world');
  });

  it('hangs up on a replica that leaves bytes out', async () => {
    const replica = await open('aaaa0001');
    await replica.goLive(1);
    replica.send(consoleOut(1, 5, 'gap'));
    await replica.untilClosed();
    expect(screen).toBe('');
  });
});

describe('console input', () => {
  const text = (replica: FakeReplica): string =>
    replica
      .heardOf('input')
      .map((input) => Buffer.from(input.bytes).toString('latin1'))
      .join('');

  it('is kept until someone is live, and numbered', async () => {
    server.input(bytes('ab'));
    const replica = await open('aaaa0001');
    await replica.goLive(1);
    server.input(bytes('c'));
    await replica.hear('input', ({ number }) => number === 3);
    expect(replica.heardOf('input')).toEqual([
      { kind: 'input', port: 0, number: 2, bytes: bytes('ab') },
      { kind: 'input', port: 0, number: 3, bytes: bytes('c') },
    ]);
  });

  it('goes on at a new primary where its log ends: nothing twice, nothing lost', async () => {
    const [old, next] = [await open('aaaa0001'), await open('bbbb0002', 'backup')];
    await old.goLive(1);
    server.input(bytes('0123456789'));
    await old.hear('input');
    old.send({ kind: 'inputAcked', epoch: 1, number: 4 });
    // The log of the next one ends with number 6, in the middle of what was sent in one piece.
    await next.goLive(2, 6);
    server.input(bytes('ab'));
    await next.hear('input', ({ number }) => number === 12);
    expect(text(next)).toBe('6789ab');
    expect(text(old)).toBe('0123456789');
  });

  it('hangs up on a log that ends before what was acked: that would lose input', async () => {
    const [old, next] = [await open('aaaa0001'), await open('bbbb0002', 'backup')];
    await old.goLive(1);
    server.input(bytes('0123'));
    await old.hear('input');
    old.send({ kind: 'inputAcked', epoch: 1, number: 4 }, consoleOut(1, 1, '.'));
    await old.hear('accepted');
    next.send({ kind: 'hello', sink: 'console', epoch: 2, lastInput: 2 });
    await next.untilClosed();
  });

  it('pauses its source when 64 KiB are kept, and lets it go on when they are acked', async () => {
    const replica = await open('aaaa0001');
    await replica.goLive(1);
    server.input(new Uint8Array(64 * 1024));
    expect(room).toEqual([false]);
    await replica.hear('input', ({ number }) => number === 64 * 1024);
    replica.send({ kind: 'inputAcked', epoch: 1, number: 1000 }, consoleOut(1, 1, '.'));
    await replica.hear('accepted');
    expect(room).toEqual([false, true]);
  });
});

describe('the disk sink', () => {
  it('accepts an ordinal only when it and all before it have ended', async () => {
    const replica = await open('aaaa0001');
    await replica.goLive(1);
    replica.send(write(1, 1), write(1, 2), write(1, 3));
    await disk.untilBegun(3);
    disk.begun[2].end();
    disk.begun[1].end();
    await replica.hear('completion', ({ request }) => request === 2);
    expect(replica.heardOf('accepted').every(({ ordinal }) => ordinal === 0)).toBe(true);
    disk.begun[0].end();
    await replica.hear('accepted', ({ ordinal }) => ordinal === 3);
  });

  it('performs a re-issued write again, and accepts new ones past what was lost with the old connection', async () => {
    const [old, next] = [await open('aaaa0001'), await open('bbbb0002', 'backup')];
    await old.goLive(1);
    old.send(write(1, 1), write(1, 2));
    await disk.untilBegun(2);
    for (const operation of disk.begun) operation.end();
    await old.hear('completion', ({ request }) => request === 2);
    // 3 to 5 were released into the dead connection, 4 dropped by the guest itself: 2, 3 and 5 come again, then a new one.
    expect((await next.goLive(2)).disk).toBe(2);
    next.send(write(2, 2), write(2, 3), write(2, 5), write(2, 6));
    await disk.untilBegun(6);
    for (const operation of disk.begun) operation.end();
    await next.hear('accepted', ({ sink, ordinal }) => sink === 'disk' && ordinal === 6);
    expect(disk.begun.map(({ request }) => request.request)).toEqual([1, 2, 2, 3, 5, 6]);
  });
});

describe('the power sink', () => {
  it('hears of the end once, with the signature that came before it', async () => {
    const [old, next] = [await open('aaaa0001'), await open('bbbb0002', 'backup')];
    await old.goLive(1);
    const off = { kind: 'off' as const, ordinal: 1, exit: { code: 3, reason: 'fail' as const } };
    old.send({ kind: 'signature', epoch: 1, bytes: bytes('sign') }, { ...off, epoch: 1 });
    await old.hear('accepted', ({ sink }) => sink === 'power');
    expect((await next.goLive(2)).power).toBe(1);
    next.send({ ...off, epoch: 2 });
    await next.hear('accepted', ({ sink }) => sink === 'power');
    expect(offs).toEqual([{ exit: off.exit, signature: bytes('sign') }]);
  });
});
