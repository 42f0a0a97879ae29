/** The options of `run` and `record` (cli.md): their names, their help, and the checked plan that they stand for. */
import { createHash, randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { LoadError, type MachineConfig, RAM_BYTES_MAX, RAM_BYTES_MIN } from '../../emulator/index.ts';
import { machineConfig } from '../host/load-run.ts';
import { ENGINES, type Engine, type FileRef, type RunConfig } from '../world/run-config.ts';
import { defaultStateFolder, generateName, knownRuns } from '../world/state-folder.ts';
import { CliError } from './errors.ts';
import { findSet, type ImageSet } from './image-sets.ts';
import { findImage, type ImageFile } from './images.ts';

/** As commander gives them. */
export interface RunOptions {
  readonly solo?: boolean;
  readonly engine: Engine;
  readonly engineBackup?: Engine;
  readonly clockOffsetBackup?: string;
  readonly memory: string;
  readonly bios: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly dtb?: string;
  readonly disk?: string;
  readonly net: string;
  readonly publish?: string;
  readonly clock: 'host' | 'icount';
  /** commander's name for `--no-reboot`. */
  readonly reboot: boolean;
  readonly record?: string;
  readonly profile?: string;
  readonly maxInstructions?: string;
  readonly signature?: string;
  readonly arbiter: string;
  readonly name?: string;
  readonly state?: string;
  readonly seed?: string;
  readonly restore?: string;
  readonly json?: boolean;
}

/** Everything decided and checked, nothing started: what `launch` needs. */
export interface Plan {
  readonly name: string;
  readonly state: string;
  readonly protection: 'pair' | 'solo';
  readonly machine: Omit<RunConfig['machine'], 'disk'>;
  readonly images: {
    readonly firmware: ImageFile | undefined;
    readonly main: ImageFile;
    readonly initrd: ImageFile | undefined;
    readonly dtb: ImageFile | undefined;
  };
  readonly disk: { readonly path: string; readonly ephemeral: boolean } | undefined;
  readonly netStream: string | undefined;
  /** The folder of the arbiter's keys, when it is not the state folder. */
  readonly arbiter: string | undefined;
  readonly engines: RunConfig['engines'];
  readonly backupClockOffsetMs: number;
  readonly maxInstructions: number | undefined;
  readonly record: string | undefined;
  readonly profile: string | undefined;
  /** The image must have the symbols for it. */
  readonly signature: boolean;
}

export const DISK_ID = 'twinhart';
const DEFAULT_IMAGE = 'os';
const FIRMWARE = 'sbi';
/** With `--clock icount` a run is a function of the image alone: these stand in for the host's clock and randomness. */
const FIXED_BOOT_TIME_NS = '1577836800000000000';
const FIXED_SEED = '7477696e68617274'.repeat(4);
const FIXED_MAC = '525400123456';

export function addRunOptions(command: Command): Command {
  return (
    command
      .option('--solo', 'one machine, no backup (default: a protected pair)')
      .addOption(engineOption())
      // Two engines in one pair: for tests of a failover across them.
      .addOption(new Option('--engine-backup <engine>').choices(ENGINES).hideHelp())
      // And a backup whose host has another time: for tests of a failover to it.
      .addOption(new Option('--clock-offset-backup <seconds>').hideHelp())
      .option('--memory <size>', 'guest RAM, such as 64M', '64M')
      .option('--bios <file>', 'M-mode firmware: default, none (IMAGE is entered in M-mode), or a file', 'default')
      .option('--kernel <file>', 'the image, as QEMU spells it')
      .option('--initrd <file>', 'initial RAM disk')
      .option('--append <text>', 'kernel command line; with linux, what follows its own (console=ttyS0 root=/dev/vda rw)')
      .option('--dtb <file>', 'a ready device tree instead of our own')
      .option(
        '--disk <file[,ephemeral]>',
        'virtio disk; ephemeral: writes go to memory and are gone at the end (linux: its own, ephemeral)',
      )
      .option('--net <how>', 'network: none, or stream=PATH, stream=HOST:PORT', 'none')
      .addOption(new Option('-p, --publish <port>', 'publish a guest port').hideHelp())
      .addOption(
        new Option('--clock <clock>', 'real time, or time from the instruction count alone').choices(['host', 'icount']).default('host'),
      )
      .option('--no-reboot', "the guest's reset ends the run (default: it starts the machine again)")
      .option('--max-instructions <n>', 'stop after n')
      .option('--signature <file>', 'at the end, write memory from begin_signature to end_signature, a 32-bit word a line')
      .option('--profile <file>', 'write which functions of the guest take the time, as a CPU profile for Chrome DevTools')
      .option('--arbiter <file:DIR>', 'who decides the epoch', 'file')
      .option('--name <name>', 'what the guest is called (default: generated)')
      .option('--state <dir>', 'where the files of runs live (default: $XDG_STATE_HOME/twinhart)')
      .option('--seed <hex>', 'up to 64 hex digits instead of a random seed for the entropy device')
      .addOption(new Option('--restore <file>', 'from a snapshot').hideHelp())
      .option('--json', 'one JSON object on stdout at the end; the console goes to stderr')
  );
}

/** `replay` and `demo` have it too. */
export const engineOption = (): Option =>
  new Option('--engine <engine>', 'what executes instructions: auto translates what is hot').choices(ENGINES).default('auto');

/** Checks every option and reads the images. Throws `CliError`; starts and writes nothing. */
export function makePlan(image: string | undefined, options: RunOptions): Plan {
  refuseWhatIsNotThere(options);
  if (image !== undefined && options.kernel !== undefined)
    throw new CliError('USAGE', 'IMAGE and --kernel name the same thing: give one of them');
  // As on QEMU, firmware that brings its payload along needs no image: it is the image, entered in M-mode.
  const alone = (image ?? options.kernel) === undefined && !['default', 'none'].includes(options.bios);
  const named = image ?? options.kernel ?? DEFAULT_IMAGE;
  const set = alone ? undefined : findSet(named);
  const main = set?.main ?? (alone ? findImage('firmware', options.bios) : findImage('image', named));
  const firmware =
    alone || options.bios === 'none' ? undefined : findImage('firmware', options.bios === 'default' ? FIRMWARE : options.bios);
  const initrd = options.initrd === undefined ? set?.initrd : findImage('initrd', options.initrd);
  const dtb = options.dtb === undefined ? undefined : findImage('device tree', options.dtb);
  const state = resolve(options.state ?? defaultStateFolder());
  const name = options.name ?? generateName(new Set(knownRuns(state).map((run) => run.vm)));
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw new CliError('USAGE', `--name ${name}: letters, digits, dot, dash and underscore, at most 64, a letter or digit first`);
  }
  const netStream = parseNet(options.net);
  const fixed = options.clock === 'icount';
  return {
    name,
    state,
    protection: options.solo ? 'solo' : 'pair',
    machine: {
      memoryBytes: parseMemory(options.memory),
      clock: options.clock,
      seed: parseSeed(options.seed) ?? (fixed ? FIXED_SEED : randomBytes(32).toString('hex')),
      bootTimeNs: fixed ? FIXED_BOOT_TIME_NS : String(BigInt(Date.now()) * 1_000_000n),
      net: netStream === undefined ? undefined : { mac: fixed ? FIXED_MAC : macOf(name) },
      virtioConsole: false,
      onReset: options.reboot ? 'restart' : 'end',
      images: {
        firmware: reference(firmware),
        main: { path: main.path, sha256: main.sha256 },
        initrd: reference(initrd),
        append: [set?.append, options.append].filter((text) => text).join(' '),
        dtb: reference(dtb),
      },
    },
    images: { firmware, main, initrd, dtb },
    disk: options.disk === undefined ? diskOf(set) : parseDisk(options.disk, set),
    netStream,
    arbiter: parseArbiter(options.arbiter),
    engines: { primary: options.engine, backup: options.engineBackup ?? options.engine },
    backupClockOffsetMs: parseSeconds('--clock-offset-backup', options.clockOffsetBackup ?? '0') * 1000,
    maxInstructions: parseCount('--max-instructions', options.maxInstructions),
    record: options.record === undefined ? undefined : writable('--record', options.record),
    profile: options.profile === undefined ? undefined : writable('--profile', options.profile),
    signature: options.signature !== undefined && writable('--signature', options.signature) !== '',
  };
}

/** What `use` makes of the configuration from which each replica builds its machine. Throws `CliError` for an image that is none, or does not fit. */
export function withConfig<T>(machine: RunConfig['machine'], images: Plan['images'], use: (config: MachineConfig) => T): T {
  try {
    const { firmware, main, initrd, dtb } = images;
    const files = { firmware: firmware?.bytes, main: main.bytes, initrd: initrd?.bytes, dtb: dtb?.bytes };
    return use(machineConfig(machine, files));
  } catch (error) {
    // The emulator knows what the bytes are for; which file they came from is known here.
    if (error instanceof LoadError)
      throw new CliError(
        'IMAGE_BAD',
        error.message.replace(/^image(?=:)/, `image ${images.main.path}`).replace(/^firmware(?=:)/, `firmware ${images.firmware?.path}`),
      );
    throw error;
  }
}

export function parseMemory(text: string): number {
  const found = /^(\d{1,10})([KMG]?)(?:i?B)?$/i.exec(text);
  const unit = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }[found?.[2].toUpperCase() ?? ''] ?? 1;
  const bytes = found === null ? Number.NaN : Number(found[1]) * unit;
  if (!(bytes >= RAM_BYTES_MIN && bytes <= RAM_BYTES_MAX && bytes % 4096 === 0)) {
    throw new CliError('USAGE', `--memory ${text}: a size from 64K to 1G, a multiple of 4K, such as 64M`);
  }
  return bytes;
}

export function parseCount(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = /^\d+$/.test(text.replaceAll('_', '')) ? Number(text.replaceAll('_', '')) : Number.NaN;
  if (!Number.isSafeInteger(count) || count === 0) throw new CliError('USAGE', `${option} ${text}: a whole number from 1 up`);
  return count;
}

function parseSeconds(option: string, text: string): number {
  if (!/^[+-]?\d{1,9}$/.test(text)) throw new CliError('USAGE', `${option} ${text}: a whole number of seconds`);
  return Number(text);
}

function parseSeed(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (!/^(?:0x)?[0-9a-f]{1,64}$/i.test(text)) throw new CliError('USAGE', '--seed: 1 to 64 hex digits');
  return text.replace(/^0x/i, '').toLowerCase().padStart(64, '0');
}

/** The image's own, which no run writes to. */
const diskOf = (set: ImageSet | undefined): Plan['disk'] => (set?.disk === undefined ? undefined : { path: set.disk, ephemeral: true });

function parseDisk(text: string, set: ImageSet | undefined): Plan['disk'] {
  if (text.startsWith('nbd://')) throw new CliError('NOT_YET', `--disk ${text}: disks over NBD are not there yet`);
  const [path, ...flags] = text.split(',');
  const unknown = flags.find((flag) => flag !== 'ephemeral');
  if (path === '' || unknown !== undefined) throw new CliError('USAGE', `--disk ${text}: FILE or FILE,ephemeral`);
  // An empty file would do for other guests; this one wants its root file system there.
  if (set?.disk !== undefined && !existsSync(path))
    throw new CliError('DISK_MISSING', `--disk ${path}: no such file; a root file system for it: cp ${quoted(set.disk)} ${quoted(path)}`);
  return { path: realPath(path), ephemeral: flags.includes('ephemeral') };
}

/** Its folder is there and may be written to, and it is no folder itself: better said now than when the run has ended. */
function writable(option: string, file: string): string {
  try {
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true) throw new Error('a folder is there');
    accessSync(dirname(resolve(file)), constants.W_OK);
    return resolve(file);
  } catch (error) {
    throw new CliError('USAGE', `${option} ${file}: ${(error as Error).message}`);
  }
}

/** As a shell takes it. */
const quoted = (path: string): string => (/^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

/** One name for one file: two runs may not write to the same disk by two names. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

function parseNet(text: string): string | undefined {
  if (text === 'none') return undefined;
  if (text === 'user' || text.startsWith('tap='))
    throw new CliError('NOT_YET', `--net ${text} is not there yet: none and stream=PATH|HOST:PORT are`);
  const where = /^stream=(.+)$/.exec(text)?.[1];
  if (where === undefined) throw new CliError('USAGE', `--net ${text}: none, or stream=PATH, or stream=HOST:PORT`);
  const port = /:(\d+)$/.exec(where)?.[1];
  if (port !== undefined && !where.includes('/') && !(Number(port) >= 1 && Number(port) <= 65_535))
    throw new CliError('USAGE', `--net ${text}: a port is a number from 1 to 65535`);
  return where;
}

function parseArbiter(text: string): string | undefined {
  if (text === 'file') return undefined;
  if (text.startsWith('etcd:')) throw new CliError('NOT_YET', `--arbiter ${text}: etcd is not there yet; file:DIR is`);
  const dir = /^file:(.+)$/.exec(text)?.[1];
  if (dir === undefined) throw new CliError('USAGE', `--arbiter ${text}: file:DIR`);
  return resolve(dir);
}

function refuseWhatIsNotThere(options: RunOptions): void {
  if (options.publish !== undefined) throw new CliError('NOT_YET', '-p needs --net user, which is not there yet');
  if (options.restore !== undefined) throw new CliError('NOT_YET', '--restore is not there yet');
}

const reference = (file: ImageFile | undefined): FileRef | undefined => file && { path: file.path, sha256: file.sha256 };

/** Locally administered, the same for the same name: a guest keeps its address on the network. */
const macOf = (name: string): string => `525400${createHash('sha256').update(name).digest('hex').slice(0, 6)}`;
