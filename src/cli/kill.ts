/** `twinhart kill`: SIGKILL to one replica of a running guest, as a fault would; the world does it, since it owns the process. */
import type { Command } from 'commander';
import { askWorld } from '../world/control.ts';
import type { RunConfig } from '../world/run-config.ts';
import { defaultStateFolder, knownRuns } from '../world/state-folder.ts';
import { CliError } from './errors.ts';
import { isAlive } from './launch.ts';

export function addKill(program: Command): void {
  program
    .command('kill')
    .argument('<name>', 'the name of a running guest (twinhart ps)')
    .description('kill -9 one replica of a running guest')
    .option('--primary', 'the one that runs the guest')
    .option('--backup', 'the one that follows')
    .option('--state <dir>', 'where the files of runs live')
    .option('--json', 'one JSON object on stdout')
    .addHelpText('after', '\nExample:\n  twinhart kill calm-otter --primary')
    .action(async (name: string, options: { primary?: boolean; backup?: boolean; state?: string; json?: boolean }) => {
      if ((options.primary === true) === (options.backup === true)) throw new CliError('USAGE', 'kill: give --primary or --backup');
      const who = options.primary ? 'primary' : 'backup';
      const run = await liveRun(options.state ?? defaultStateFolder(), name);
      const answer = await askWorld(run.world.controlSocket, { do: 'kill', who });
      if (!answer.ok) throw new CliError('NO_REPLICA', answer.why);
      const pid = 'pid' in answer ? answer.pid : 0;
      process.stdout.write(
        options.json ? `${JSON.stringify({ name, killed: who, pid })}\n` : `killed the ${who} of ${name} (pid ${pid})\n`,
      );
    });
}

/** The run of this name that answers. Throws when none does. */
async function liveRun(state: string, name: string): Promise<RunConfig> {
  for (const run of knownRuns(state)) if (run.vm === name && (await isAlive(run))) return run;
  throw new CliError('NO_SUCH_RUN', `no guest named ${name} runs here`);
}
