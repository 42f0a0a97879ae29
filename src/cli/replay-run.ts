/** What `twinhart replay` does: rebuilds the machine that was recorded and runs the log through it. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { Worker } from 'node:worker_threads';
import { createMachine, type Machine, type MachineOptions, type Output } from '../../emulator/index.ts';
import { engineOptions, startCompiler } from '../host/engine.ts';
import { workerUrl } from '../host/machine-port.ts';
import { setV8Flags } from '../host/v8-flags.ts';
import type { LogFault } from '../replay/codec.ts';
import type { Description, ImageName } from '../replay/description.ts';
import { openRecording, type Recording } from '../replay/recording.ts';
import { replayRecording } from '../replay/verify.ts';
import type { Engine } from '../world/run-config.ts';
import { CliError } from './errors.ts';
import { findImage, type ImageFile } from './images.ts';
import { parseCount, withConfig } from './run-options.ts';

export interface ReplayFlags {
  readonly to?: string;
  readonly engine: Engine;
  readonly kernel?: string;
  readonly bios?: string;
  readonly initrd?: string;
  readonly dtb?: string;
  readonly console?: boolean;
  readonly gdb?: string;
  readonly json?: boolean;
}

export function replay(file: string, flags: ReplayFlags): number {
  if (flags.gdb !== undefined) throw new CliError('NOT_YET', '--gdb is not there yet');
  const to = parseCount('--to', flags.to);
  const recording = readRecording(file);
  setV8Flags();
  const machine = rebuild(recording.description, flags, startEngine(flags.engine));
  const out = flags.json ? process.stderr : process.stdout;
  const onOutputs = (outputs: readonly Output[]): void => {
    if (flags.console) for (const output of outputs) if (output.kind === 'console') out.write(output.bytes);
  };
  const from = performance.now();
  const replayed = replayRecording(recording, machine, { ...(to === undefined ? {} : { to }), onOutputs });
  const seconds = (performance.now() - from) / 1000;

  const { icount, digest, seq, exit, epochs, cut, checkpoints } = replayed;
  if (cut !== undefined)
    process.stderr.write(` the file was cut off at byte ${cut.offset} (${cut.detail}): replayed to its last whole batch\n`);
  if (to !== undefined && icount < to && replayed.divergence === undefined)
    process.stderr.write(` the log ends at icount ${icount}, before ${to}\n`);
  if (flags.json) {
    const divergence = replayed.divergence ?? null;
    const engine = { name: flags.engine, ...machine.statistics() };
    process.stdout.write(
      `${JSON.stringify({ icount, digest, entries: seq, exit: exit?.code ?? null, epochs, checkpoints, cut: cut !== undefined, divergence, seconds, engine })}\n`,
    );
  } else {
    process.stdout.write(
      `icount ${icount}\ndigest ${digest}\nentries ${seq}, epochs ${epochs.join(' ') || 'none'}${exit ? `, guest ended with ${exit.code}` : ''}\n`,
    );
  }
  if (replayed.divergence !== undefined) throw new CliError('DIVERGENCE', `${file}: ${replayed.divergence}`);
  return 0;
}

function readRecording(file: string): Recording {
  let bytes: Uint8Array;
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) throw new Error('no such file');
    // A device or a pipe might never end.
    if (!found.isFile()) throw new Error('not a regular file');
    bytes = readFileSync(file);
  } catch (error) {
    throw new CliError('LOG_MISSING', `${file}: ${(error as Error).message}`);
  }
  const recording = openRecording(bytes);
  if (recording.kind === 'recording') return recording;
  throw new CliError(isOther(recording) ? 'LOG_OTHER' : 'LOG_BAD', `${file}: at byte ${recording.offset}: ${recording.detail}`);
}

const isOther = (fault: LogFault): boolean => fault.code === 'version' || fault.code === 'configuration';

/** The replay keeps this thread to itself until it has ended: the compiler's answers come by `receiveMessageOnPort`, and its end is ours. */
function startEngine(engine: Engine): MachineOptions {
  const port = startCompiler(engine, (name, workerData, transferList) => {
    const worker = new Worker(workerUrl(name), { workerData, transferList: [...transferList] });
    worker.unref();
    return worker;
  });
  return engineOptions(engine, port);
}

function rebuild(description: Description, flags: ReplayFlags, options: MachineOptions): Machine {
  const { images } = description;
  const files = {
    firmware: sameImage('firmware', images.firmware, flags.bios),
    main: sameImage('image', images.main, flags.kernel) as ImageFile,
    initrd: sameImage('initrd', images.initrd, flags.initrd),
    dtb: sameImage('device tree', images.dtb, flags.dtb),
  };
  const { disk, net } = description;
  const machine = { ...description, disk: disk ?? undefined, net: net ?? undefined, images: { ...files, append: images.append } };
  return withConfig(machine, files, (config) => createMachine(config, options));
}

/** The very image that was recorded: where it was, among ours, or where the user says; another one is refused with both named. */
function sameImage(what: string, recorded: ImageName | null, given: string | undefined): ImageFile | undefined {
  if (recorded === null) return undefined;
  const name = given ?? (existsSync(recorded.name) ? recorded.name : basename(recorded.name));
  const image = findImage(what, name);
  if (image.sha256 === recorded.sha256) return image;
  throw new CliError(
    'LOG_OTHER',
    `${what}: recorded with ${recorded.name} (sha256 ${recorded.sha256}), but ${image.path} is sha256 ${image.sha256}`,
  );
}
