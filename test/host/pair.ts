/**
 * A pair inside one process: the real replicas with their threads, the real world server over a unix socket, and the small machine of
 * the simulation. Tests say what is killed and when; the survivor's record says what the world should have seen.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Exit, Output } from '../../emulator/index.ts';
import type { Link } from '../../src/host/link.ts';
import { memoryLinks } from '../../src/host/link-memory.ts';
import { connectLink, listenLink } from '../../src/host/link-tcp.ts';
import type { LoadedRun } from '../../src/host/load-run.ts';
import { type RunningReplica, startReplica } from '../../src/host/replica-process.ts';
import { Shared } from '../../src/host/shared.ts';
import { connectWorld } from '../../src/host/world-port.ts';
import type { Limits } from '../../src/protocol/limits.ts';
import { createDriver } from '../../src/replay/create-driver.ts';
import { configHash, describe } from '../../src/replay/description.ts';
import { openRecording } from '../../src/replay/recording.ts';
import { newIdentity } from '../../src/world/arbiter-file.ts';
import type { DiskFile } from '../../src/world/disk-server.ts';
import { WorldServer } from '../../src/world/server.ts';
import type { ReplicaStatus } from '../../src/world/wire.ts';
import { built } from '../support/dist.ts';
import { type Op, SECTOR_BYTES, TOY_CONFIG, ToyMachine } from '../support/toy-machine.ts';

const SECTORS = TOY_CONFIG.disk!.sectors;

export interface Ended {
  readonly code: number;
  readonly why: string;
}

export interface PairOptions {
  readonly limits?: Partial<Limits>;
  readonly backupLimits?: Partial<Limits>;
  /** What the user's terminal does with bytes: resolves when it has them. */
  readonly terminal?: () => Promise<void>;
  /** Between the primary's log and the backup: may change a batch. */
  readonly tamper?: (batch: Uint8Array) => Uint8Array;
  /** Another program for the backup; `declared`: its configuration hash says so. */
  readonly backupProgram?: { readonly program: readonly Op[] | string; readonly declared: boolean };
  readonly maxInstructions?: number;
  /** Where epochs are claimed: the pair's own folder when not said. */
  readonly arbiterDir?: string;
}

export class InProcessPair {
  readonly dir = mkdtempSync(join(tmpdir(), 'twinhart-pair-'));
  /** The console's bytes as the user saw them. */
  readonly console: number[] = [];
  readonly disk = new Uint8Array(SECTORS * SECTOR_BYTES);
  readonly statuses = new Map<string, ReplicaStatus>();
  readonly liveEpochs: number[] = [];
  exit: Exit | undefined;
  primary!: RunningReplica;
  backup!: RunningReplica;
  backupLink!: Link;
  readonly shared = { primary: new Shared(), backup: new Shared() };
  readonly ended: { primary?: Ended; backup?: Ended } = {};
  private readonly config: LoadedRun['machine'];
  private server!: WorldServer;
  private waiters: (() => void)[] = [];
  private readonly options: PairOptions;

  constructor(program: readonly Op[], options: PairOptions = {}) {
    this.options = options;
    this.config = { ...TOY_CONFIG, images: { ...TOY_CONFIG.images, append: JSON.stringify(program) } };
  }

  async start(link: 'memory' | 'unix'): Promise<void> {
    const { limits, terminal, tamper, backupProgram } = this.options;
    const loaded = await this.loaded();
    const { run, worldSocket, linkSocket, heartbeat } = loaded.run;
    this.server = new WorldServer({
      run,
      socket: worldSocket,
      fenceFile: join(this.dir, 'fence'),
      writeConsole: async (bytes: Uint8Array) => {
        await terminal?.();
        this.console.push(...bytes);
        this.look();
      },
      disk: this.diskFile(),
      nic: () => undefined,
      events: {
        onAttached: () => {},
        onLive: (_, epoch) => void this.liveEpochs.push(epoch),
        onStatus: (replica, status) => {
          this.statuses.set(replica.role, status);
          this.look();
        },
        onHalted: () => {},
        onDetached: () => {},
        onRefused: () => {},
        onOff: (exit) => {
          this.exit = exit;
          this.look();
        },
        onInputRoom: () => {},
        onFatal: (error) => {
          throw error;
        },
      },
    });
    await this.server.listen();
    const { shared } = this;
    const memory = link === 'memory' ? memoryLinks((limits?.ringBytes ?? 1 << 20) * 2, shared.primary) : undefined;
    const other = backupProgram === undefined ? loaded : this.withProgram(loaded, backupProgram);
    const links = {
      primary: memory?.primary ?? listenLink({ path: linkSocket }, run),
      backup: memory?.backup ?? connectLink({ path: linkSocket }, run),
    };
    this.backupLink = links.backup;
    const begin = (role: 'primary' | 'backup'): RunningReplica =>
      startReplica({
        loaded: role === 'primary' ? loaded : other,
        limits: { ...PATIENT, ...limits, ...(role === 'backup' ? this.options.backupLimits : {}) },
        role,
        identity: newIdentity(),
        shared: shared[role],
        world: connectWorld(worldSocket),
        link: tampered(links[role], tamper),
        ...(memory !== undefined && role === 'primary' ? { logRing: memory.ring } : {}),
        heartbeat:
          role === 'primary'
            ? { ownPort: heartbeat.primary, peerPort: heartbeat.backup }
            : { ownPort: heartbeat.backup, peerPort: heartbeat.primary },
        machineWorker: built('test/host/toy-machine-worker.ts'),
        ended: (code, why) => {
          this.ended[role] = { code, why };
          void this[role].kill();
          this.look();
        },
      });
    this.primary = begin('primary');
    this.backup = begin('backup');
  }

  type(text: string): void {
    this.server.input(Buffer.from(text));
  }

  async until(met: () => boolean): Promise<void> {
    while (!met()) await new Promise<void>((resolve) => this.waiters.push(resolve));
  }

  async close(): Promise<void> {
    await Promise.all([this.primary.kill(), this.backup.kill()]);
    await this.server.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Ends every connection of the world, as its death would. */
  endWorld(): Promise<void> {
    return this.server.close();
  }

  /** What one machine makes of the log that this replica recorded: the oracle. */
  replayed(role: 'primary' | 'backup'): { console: number[]; disk: Uint8Array; exit: Exit | undefined; report: string | undefined } {
    const recording = openRecording(readFileSync(join(this.dir, `log.${role}`)));
    if (recording.kind === 'fault') throw new Error(recording.detail);
    const machine = new ToyMachine(JSON.parse(this.config.images.append));
    const driver = createDriver({ machine, run: recording.run!, config: recording.config, role: 'backup' });
    for (const batch of recording.batches) driver.receive(batch.bytes);
    driver.drain();
    const console: number[] = [];
    const disk = new Uint8Array(SECTORS * SECTOR_BYTES);
    for (;;) {
      const turn = driver.turn(0n, 1_000_000);
      for (const output of turn.outputs) {
        if (output.kind === 'console') console.push(...output.bytes);
        // Overlapping writes are serialised by the machine, so the order made is one that the disk may have seen.
        if (output.kind === 'diskWrite') disk.set(output.data, output.sector * SECTOR_BYTES);
      }
      if (turn.state !== 'ran') return { console, disk, exit: machine.exit, report: turn.report };
    }
  }

  private async loaded(): Promise<LoadedRun> {
    const image = { name: 'toy', sha256: '0'.repeat(64) };
    const description = describe(this.config, { firmware: undefined, main: image, initrd: undefined, dtb: undefined });
    const file = { path: '', sha256: image.sha256 };
    return {
      machine: this.config,
      description,
      config: configHash(description),
      run: {
        vm: 'toy',
        run: '0123456789abcdef',
        dir: this.dir,
        protection: 'pair',
        machine: {
          memoryBytes: this.config.memoryBytes,
          clock: 'host',
          seed: '',
          bootTimeNs: '0',
          disk: this.config.disk,
          net: undefined,
          virtioConsole: false,
          onReset: 'end',
          images: { firmware: undefined, main: file, initrd: undefined, append: this.config.images.append, dtb: undefined },
        },
        engines: { primary: 'interpreter', backup: 'interpreter' },
        backupClockOffsetMs: 0,
        profile: undefined,
        maxInstructions: this.options.maxInstructions,
        record: join(this.dir, 'log'),
        worldSocket: join(this.dir, 'world'),
        linkSocket: join(this.dir, 'link'),
        heartbeat: { primary: await freeUdpPort(), backup: await freeUdpPort() },
        arbiterDir: this.options.arbiterDir ?? this.dir,
        world: { pid: process.pid, controlSocket: '', disk: undefined },
      },
    };
  }

  private withProgram(loaded: LoadedRun, { program, declared }: NonNullable<PairOptions['backupProgram']>): LoadedRun {
    const append = typeof program === 'string' ? program : JSON.stringify(program);
    return {
      ...loaded,
      machine: { ...loaded.machine, images: { ...loaded.machine.images, append } },
      config: declared ? 'f'.repeat(16) : loaded.config,
    };
  }

  private diskFile(): DiskFile {
    const at = (sector: number): number => sector * SECTOR_BYTES;
    return {
      path: 'memory',
      sectors: SECTORS,
      readOnly: false,
      ephemeral: true,
      perform: async (request: Exclude<Output, { kind: 'console' | 'frame' | 'off' }>, start: () => boolean) => {
        await new Promise((resolve) => setImmediate(resolve));
        if (!start()) return undefined;
        if (request.kind === 'diskWrite') this.disk.set(request.data, at(request.sector));
        const data =
          request.kind === 'diskRead' ? this.disk.slice(at(request.sector), at(request.sector + request.sectors)) : new Uint8Array(0);
        return { status: 0, data };
      },
      close: async () => {},
    };
  }

  private look(): void {
    for (const waiter of this.waiters.splice(0)) waiter();
  }
}

/** A crowded test machine shall not look like a dead peer; a link that closes is noticed at once all the same. */
const PATIENT: Partial<Limits> = { heartbeatSilenceTicks: 1000, noProgressTicks: 1000 };

/** The link with a stranger on it. */
function tampered(link: Link, tamper: PairOptions['tamper']): Link {
  if (tamper === undefined) return link;
  const start = link.start.bind(link);
  link.start = (events) =>
    start({
      opened: (fd) => events.opened(fd),
      closed: (why) => events.closed(why),
      control: (body) => events.control(body),
      batches: (batches) => events.batches(batches.map(tamper)),
    });
  return link;
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((done) => socket.close(done));
  return port;
}
