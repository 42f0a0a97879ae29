/** The verbs of cli.md that this version does not have: each says so in one line. */
import type { Command } from 'commander';
import { CliError } from './errors.ts';

const LATER: Readonly<Record<string, string>> = {
  verify: 'replay in parallel segments and compare digests',
  log: 'dump, pcap or stats of a recording',
  backup: 'be the backup of a primary on another machine',
  top: 'running guests, live',
  console: 'attach to the console of a running guest',
  switchover: 'let the backup take over, in order',
  protect: 'give a guest a new backup',
  unprotect: 'let a guest run without its backup',
  snapshot: 'save a running guest to a file',
  gateway: 'the network service by itself',
  'disk-server': 'the disk service by itself',
  bench: 'measure',
  doctor: 'check this machine',
  completion: 'shell completion',
};

export function addLater(program: Command): void {
  for (const [verb, what] of Object.entries(LATER)) {
    program
      .command(verb, { hidden: true })
      .description(`${what} (not there yet)`)
      .argument('[anything...]')
      .allowUnknownOption()
      .action(() => {
        throw new CliError('NOT_YET', `${verb} (${what}) is not there yet`);
      });
  }
}
