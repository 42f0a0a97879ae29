/** `twinhart record`: one machine with its log kept; the same as `run --solo --record FILE`. */
import type { Command } from 'commander';
import { runPlan } from './run.ts';
import { addRunOptions, makePlan, type RunOptions } from './run-options.ts';

export function addRecord(program: Command): void {
  const command = addRunOptions(
    program.command('record').argument('<image>', 'an ELF, a raw kernel Image, or a name: os, linux, linux-initramfs'),
  );
  // Taken, since the command line of a run should do here too, but a recording is always of one machine.
  command.options.find((option) => option.long === '--solo')?.hideHelp();
  command
    .description('run one machine and keep its log')
    .requiredOption('-o, --output <file>', 'where the log goes')
    .addHelpText('after', '\nExample:\n  twinhart record os -o session.twh       then: twinhart replay session.twh')
    .action(async (image: string, options: RunOptions & { output: string }) => {
      process.exitCode = await runPlan(makePlan(image, { ...options, solo: true, record: options.output }), options);
    });
}
