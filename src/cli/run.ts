/** `twinhart run`: boots a guest, by default as a protected pair, with its console here; this process is the world. */
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { ConsoleSource, KEY_HELP, type TerminalKey } from '../world/terminal.ts';
import type { World } from '../world/world.ts';
import { CliError, codeForStatus } from './errors.ts';
import { type Ended, launch } from './launch.ts';
import { exitStatus, jsonResult, type Reporter, reporter, signatureText, statusLines } from './report.ts';
import { addRunOptions, makePlan, type Plan, type RunOptions } from './run-options.ts';

/** For what was written last, after a signal. */
const LAST_WORDS_MS = 500;

export function addRun(program: Command): void {
  addRunOptions(program.command('run').argument('[image]', 'an ELF, a raw kernel Image, or a name: os, linux, linux-initramfs', undefined))
    .description('boot a guest under fault tolerance; its console on this terminal')
    .option('--record <file>', 'keep the log too')
    .addHelpText(
      'after',
      '\nExample:\n  twinhart run --disk kv.img            the small OS, as a pair; Ctrl-A k kills the primary\n  twinhart run linux                    Linux, its writes gone at the end; --disk FILE keeps them\n  twinhart run --solo --bios none test.elf',
    )
    .action(async (image: string | undefined, options: RunOptions) => {
      process.exitCode = await runPlan(makePlan(image, options), options);
    });
}

/** Runs to the end and returns the exit status. Everything that `run` and `record` have in common. */
export async function runPlan(plan: Plan, options: Pick<RunOptions, 'json' | 'profile' | 'signature'>): Promise<number> {
  const source = new ConsoleSource(process.stdin);
  const out = options.json ? process.stderr : process.stdout;
  let raw = false;
  let midLine = false;
  const report = reporter(process.stderr, {
    raw: () => raw,
    arbiter: plan.arbiter === undefined ? 'file' : `file:${plan.arbiter}`,
    keys: source.isTerminal,
    // After a prompt a message starts a line of its own.
    freshLine: () => {
      if (raw && midLine) report.line('');
      midLine = false;
    },
  });
  let world: World | undefined;
  let signalled = 0;
  const leave = (status: number): void => {
    signalled ||= status;
    // Before there is a world there is nothing to see to.
    if (world === undefined) process.exit(status);
    world.quit();
  };
  // A reader that went away (`| head`, a terminal that hung up) ends the run: the guest's bytes have nowhere to go.
  out.on('error', () => leave(141));
  process.stderr.on('error', () => undefined);
  const signals = onSignals(leave);
  const launched = await launch(plan, {
    write: (bytes) => {
      if (bytes.length > 0) midLine = bytes[bytes.length - 1] !== 0x0a;
      return new Promise((resolve) => out.write(bytes, () => resolve()));
    },
    onEvent: report.event,
    onInputRoom: (room) => source.flow(room),
  });
  const running = launched.world;
  world = running;
  source.start({
    onBytes: (bytes) => running.input(bytes),
    onKey: (key) => onKey(key, running, report),
    onEnd: () => running.inputEnded(),
  });
  raw = source.isTerminal;
  const ended = await launched.ended.finally(() => {
    source.stop();
    raw = false;
    signals.off();
  });
  return finish(ended, report, options, signalled);
}

function finish(
  { result, kept, recordLost, profiled }: Ended,
  report: Reporter,
  options: Pick<RunOptions, 'json' | 'profile' | 'signature'>,
  signalled: number,
): number {
  const status = result.guest === undefined && signalled !== 0 ? signalled : exitStatus(result);
  // What still waits for a reader that takes nothing would keep this process alive.
  if (signalled !== 0) setTimeout(() => process.exit(status), LAST_WORDS_MS).unref();
  if (options.json) process.stdout.write(`${JSON.stringify(jsonResult(result, status))}\n`);
  if (kept !== undefined) report.line(` the files of this run are kept in ${kept}`);
  if (result.guest === undefined && result.problem !== undefined && result.exit !== 0) {
    throw new CliError(codeForStatus(result.exit), result.problem);
  }
  if (options.signature !== undefined && result.guest !== undefined) writeSignature(options.signature, result.signature);
  if (result.guest === undefined && signalled === 0 && result.problem !== undefined) report.line(` stopped  ${result.problem}`);
  if (options.signature !== undefined && result.guest === undefined)
    report.line(` no signature  ${options.signature} is not written: the guest did not end`);
  if (options.profile !== undefined && !profiled)
    report.line(` no profile  ${options.profile} is empty: the replica that was live at the end ended without writing it`);
  if (recordLost !== undefined) throw new CliError('RECORD', `--record: the log is not whole: ${recordLost}`);
  return status;
}

function writeSignature(file: string, signature: Uint8Array | undefined): void {
  if (signature === undefined)
    throw new CliError('IMAGE_BAD', `--signature ${file}: begin_signature to end_signature must be at most 1 MiB of RAM, in this order`);
  try {
    writeFileSync(file, signatureText(signature));
  } catch (error) {
    throw new CliError('USAGE', `--signature ${file}: ${(error as Error).message}`);
  }
}

function onKey(key: TerminalKey, world: World, report: Reporter): void {
  switch (key) {
    case 'quit':
      world.quit();
      return;
    case 'help':
      for (const text of ['', ...KEY_HELP]) report.line(text);
      return;
    case 'status':
      for (const text of ['', ...statusLines(world.status())]) report.line(text);
      return;
    case 'kill':
      if (world.kill('primary') === undefined) report.line('\nthere is no primary to kill');
      return;
  }
}

/** SIGINT, SIGTERM, SIGHUP and SIGQUIT leave in order: the terminal is given back, the replicas go too. Again, or after that, they act as ever. */
export function onSignals(leave: (status: number) => void): { off(): void } {
  const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGQUIT: 131 } as const;
  const handlers = Object.entries(signals).map(([signal, status]) => {
    const handler = (): void => leave(status);
    process.once(signal, handler);
    return { signal, handler };
  });
  return {
    off() {
      for (const { signal, handler } of handlers) process.off(signal, handler);
    },
  };
}
