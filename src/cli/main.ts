#!/usr/bin/env node
/** `twinhart`: what a user types (cli.md). One file per verb; this one puts them together and turns errors into exit statuses. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addDemo } from './demo.ts';
import { CliError, explain } from './errors.ts';
import { addKill } from './kill.ts';
import { addLater } from './later.ts';
import { addPs } from './ps.ts';
import { addRecord } from './record.ts';
import { addRun } from './run.ts';

const program = new Command('twinhart')
  .description('A RISC-V machine whose guest outlives the machine it runs on.')
  .version(version(), '-V, --version')
  .exitOverride()
  .configureOutput({ outputError: () => undefined })
  .addHelpText(
    'after',
    "\nExample:\n  twinhart run --disk kv.img\n\nExit status: the guest's own code; 64 usage, 65 bad image or log, 69 arbiter or disk unreachable,\n70 divergence, 75 fenced.",
  );

addRun(program);
addDemo(program);
addRecord(program);
addKill(program);
addPs(program);
addLater(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) {
    // Help and version are no errors; help without a verb is commander's way to say that one is missing.
    if (error.exitCode === 0) return 0;
    const why = error.code === 'commander.help' ? 'a verb is missing' : error.message.replace(/^error: /, '');
    return show(new CliError('USAGE', why));
  }
  if (error instanceof CliError) return show(error);
  process.stderr.write(`twinhart: a defect: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 70;
}

function show(error: CliError): number {
  process.stderr.write(explain(error));
  return error.status;
}

function version(): string {
  // dist/src/cli -> the package's root.
  const file = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
