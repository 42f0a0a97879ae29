/** `twinhart image list|build`: the images that there are, and the making of those that do not come with the project. */
import type { Command } from 'commander';
import { CliError } from './errors.ts';
import { type BuildResult, buildImage } from './image-build.ts';
import { listImages, listText } from './image-list.ts';
import { progress } from './image-progress.ts';

/** Images with a recipe. */
const RECIPES = ['linux'];

interface BuildFlags {
  readonly force?: boolean;
  readonly check?: boolean;
  readonly json?: boolean;
}

export function addImage(program: Command): void {
  const image = program
    .command('image')
    .description('list and build guest images')
    .addHelpText('after', '\nExample:\n  twinhart image build linux\n  twinhart image list');
  image
    .command('list')
    .description('which images there are, how large, and what is missing')
    .option('--json', 'a JSON array on stdout')
    .addHelpText('after', '\nExample:\n  twinhart image list')
    .action((options: { json?: boolean }) => {
      const images = listImages();
      process.stdout.write(options.json ? `${JSON.stringify(images)}\n` : listText(images));
    });
  image
    .command('build')
    .argument('<name>', `the image: ${RECIPES.join(', ')}`)
    .description('build an image into the cache folder, from Debian packages; once for each recipe')
    .option('--force', 'build it where it is there already')
    .option('--check', 'build it once more, and compare every byte with the one that is there')
    .option('--json', 'one JSON object on stdout')
    .addHelpText('after', '\nExample:\n  twinhart image build linux')
    .action(async (name: string, options: BuildFlags) => {
      if (!RECIPES.includes(name)) {
        const comes = listImages().some((known) => known.name === name);
        throw new CliError(
          'USAGE',
          comes ? `image build ${name}: it comes with the project` : `image build ${name}: recipes are there for ${RECIPES.join(', ')}`,
        );
      }
      const result = await build(name, options);
      process.stdout.write(options.json ? `${JSON.stringify(resultObject(name, result))}\n` : resultText(name, result, options));
    });
}

async function build(name: string, options: BuildFlags): Promise<BuildResult> {
  const shown = progress(process.stderr);
  const interrupted = new AbortController();
  const abort = (): void => interrupted.abort();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, abort);
  try {
    return await buildImage({
      name,
      force: options.force === true,
      check: options.check === true,
      onEvent: shown.event,
      signal: interrupted.signal,
    });
  } finally {
    for (const signal of signals) process.off(signal, abort);
    shown.end();
  }
}

function resultText(name: string, { image, built }: BuildResult, options: BuildFlags): string {
  if (options.check) return `${name} built again: the same bytes\n`;
  return `${name} ${built ? 'is built' : 'is there'}: ${image.folder}\n`;
}

function resultObject(name: string, { image, built, seconds }: BuildResult): object {
  const { recipe, files } = image.manifest;
  return { name, built, recipe, folder: image.folder, files, seconds };
}
