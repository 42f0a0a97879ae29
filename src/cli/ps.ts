/** `twinhart ps`: the guests that run, each with its replicas, as their worlds tell it. */
import type { Command } from 'commander';
import { askWorld, type WorldStatus } from '../world/control.ts';
import { defaultStateFolder, knownRuns } from '../world/state-folder.ts';
import { statusLines } from './report.ts';

export function addPs(program: Command): void {
  program
    .command('ps')
    .description('list running guests and their replicas')
    .option('--state <dir>', 'where the files of runs live')
    .option('--json', 'a JSON array on stdout')
    .addHelpText('after', '\nExample:\n  twinhart ps')
    .action(async (options: { state?: string; json?: boolean }) => {
      const statuses = await runningGuests(options.state ?? defaultStateFolder());
      if (options.json) process.stdout.write(`${JSON.stringify(statuses)}\n`);
      else if (statuses.length === 0) process.stdout.write('no guest runs\n');
      else process.stdout.write(`${statuses.flatMap(statusLines).join('\n')}\n`);
    });
}

async function runningGuests(state: string): Promise<WorldStatus[]> {
  const answers = await Promise.allSettled(knownRuns(state).map((run) => askWorld(run.world.controlSocket, { do: 'status' })));
  return answers.flatMap((answer) =>
    answer.status === 'fulfilled' && answer.value.ok && 'status' in answer.value ? [answer.value.status] : [],
  );
}
