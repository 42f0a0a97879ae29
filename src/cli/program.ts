/** The whole command line as one commander program: one file per verb, put together here; and what an error of any kind comes to. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addDemo } from './demo.ts';
import { CliError, explain, Interrupted } from './errors.ts';
import { addImage } from './image.ts';
import { addKill } from './kill.ts';
import { addLater } from './later.ts';
import { addPs } from './ps.ts';
import { addRecord } from './record.ts';
import { addReplay } from './replay.ts';
import { addRun } from './run.ts';

const AFTER_HELP = `
Example:
  twinhart run --disk kv.img

Exit status: the guest's own code; 64 usage, 65 bad image or log, 69 arbiter, disk, network or a package
out of reach, 70 divergence, 73 an image that could not be built, 75 fenced.`;

/** Parsing it throws: `settle` turns what was thrown into words and an exit status. */
export function createProgram(): Command {
  const program = new Command('twinhart')
    .description('A RISC-V machine whose guest outlives the machine it runs on.')
    .version(version(), '-V, --version')
    .exitOverride()
    // Our own words for errors, in the form of the table.
    .configureOutput({ outputError: () => undefined })
    .addHelpText('after', AFTER_HELP);
  for (const add of [addRun, addDemo, addRecord, addReplay, addKill, addPs, addImage, addLater]) add(program);
  return program;
}

/** The exit status for what was thrown, and what goes to standard error. */
export function settle(error: unknown): { readonly status: number; readonly text: string } {
  if (error instanceof CommanderError) {
    // Help and version are no errors; help without a verb is commander's way to say that one is missing.
    if (error.exitCode === 0) return { status: 0, text: '' };
    const why = error.code === 'commander.help' ? 'a verb is missing' : error.message.replace(/^error: /, '').replaceAll('\n', ' ');
    return settle(new CliError('USAGE', why));
  }
  if (error instanceof Interrupted) return { status: error.status, text: '' };
  if (error instanceof CliError) return { status: error.status, text: explain(error) };
  return { status: 70, text: `twinhart: a defect: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n` };
}

function version(): string {
  // Seen from dist/src/cli, or from src/cli.
  for (const path of ['../../../package.json', '../../package.json']) {
    try {
      const about = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { name?: string; version?: string };
      if (about.name === 'twinhart' && about.version !== undefined) return about.version;
    } catch {
      // The other place.
    }
  }
  return 'unknown';
}
