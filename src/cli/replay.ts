/** `twinhart replay`: runs a recording again to its end, or to an icount, and says where that led. Refuses what is damaged or of another image. */
import { type Command, Option } from 'commander';
import type { ReplayFlags } from './replay-run.ts';
import { engineOption } from './run-options.ts';

export function addReplay(program: Command): void {
  program
    .command('replay')
    .argument('<file>', 'a recording (twinhart record, or run --record)')
    .description('run a log again')
    .option('--to <icount>', 'stop there instead of at the end of the log')
    .addOption(engineOption())
    .option('--kernel <file>', 'the image, when it is no longer where it was recorded')
    .option('--bios <file>', 'the firmware, likewise')
    .option('--initrd <file>', 'the initial RAM disk, likewise')
    .option('--dtb <file>', 'the device tree, likewise')
    .option('--console', 'show what the guest wrote')
    .addOption(new Option('--gdb <port>', 'a debugger').hideHelp())
    .option('--json', 'one JSON object on stdout; the console goes to stderr')
    .addHelpText('after', '\nExample:\n  twinhart replay session.twh --to 1_000_000')
    .action(async (file: string, flags: ReplayFlags) => {
      // The one verb that runs a machine in this process: no other has to wait until the emulator is loaded.
      const { replay } = await import('./replay-run.ts');
      process.exitCode = replay(file, flags);
    });
}
