/** What a recipe says, and its Debian packages: those that must be installed, and those that a private apt fetches (apt-get(8), dpkg-query(1)). */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineSources, sourcesFor } from './apt-sources.ts';
import { CliError } from './errors.ts';

/** `recipe.json`. */
export interface Recipe {
  /** Debian packages that must be installed. */
  readonly packages: readonly string[];
  /** Debian source packages to fetch, each with its release; versions move inside a release, and old ones go. */
  readonly sources: Readonly<Record<string, string>>;
  /** Binary packages to fetch and take files from; they are not installed. */
  readonly binaries: Readonly<Record<string, string>>;
  /** Each phase with those that it needs; all of them come after the fetching. */
  readonly phases: Readonly<Record<string, readonly string[]>>;
  /** What it makes. */
  readonly files: readonly string[];
  /** The program whose version says which compiler it was. */
  readonly compiler: string;
}

/** The packages' versions. Throws CliError PACKAGES with the command that installs what is missing. */
export function installedPackages(name: string, packages: readonly string[]): Record<string, string> {
  const { versions, missing } = queryPackages(packages);
  if (missing.length > 0) {
    const count = missing.length === 1 ? 'a Debian package is' : `${missing.length} Debian packages are`;
    throw new CliError('PACKAGES', `image build ${name}: ${count} missing. This installs what it needs:\n  ${installCommand(missing)}`);
  }
  return versions;
}

export function missingPackages(recipe: string): string[] {
  return queryPackages((JSON.parse(readFileSync(join(recipe, 'recipe.json'), 'utf8')) as Recipe).packages).missing;
}

export function installCommand(packages: readonly string[]): string {
  return `${process.getuid?.() === 0 ? '' : 'sudo '}apt-get install -y --no-install-recommends ${packages.join(' ')}`;
}

function queryPackages(packages: readonly string[]): { versions: Record<string, string>; missing: string[] } {
  // Its status is 1 when it does not know one of them; what it knows it has said by then.
  // biome-ignore lint/suspicious/noTemplateCurlyInString: they are dpkg's.
  const said = spawnSync('dpkg-query', ['-W', '-f=${Package} ${db:Status-Status} ${Version}\n', ...packages], { encoding: 'utf8' });
  if (said.error !== undefined)
    throw new CliError('PACKAGES', `dpkg-query does not run here (${said.error.message}); recipes need Debian's packages`);
  const lines = said.stdout.split('\n').map((line) => line.split(' '));
  const versions = Object.fromEntries(lines.filter(([, status]) => status === 'installed').map(([name, , version]) => [name, version]));
  return { versions, missing: packages.filter((name) => !(name in versions)) };
}

/** The arguments of each run of apt-get, with a configuration of our own on top of the machine's: its mirrors and proxies, but our lists and state. */
export function fetchCommands(recipe: Recipe, work: string): string[][] {
  const { sources, binaries } = recipe;
  if (Object.keys(sources).length + Object.keys(binaries).length === 0) return [];
  const apt = join(work, 'apt');
  for (const part of ['lists/partial', 'cache/archives/partial', 'parts']) mkdirSync(join(apt, part), { recursive: true });
  const releases = [...new Set([...Object.values(sources), ...Object.values(binaries)])].sort();
  writeFileSync(join(apt, 'parts', 'debian.sources'), sourcesFor(releases, new Set(Object.values(binaries)), machineSources()));
  const settings = {
    'Dir::Etc::sourcelist': '/dev/null',
    'Dir::Etc::sourceparts': join(apt, 'parts'),
    'Dir::State::lists': join(apt, 'lists'),
    'Dir::Cache': join(apt, 'cache'),
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
    // Without it apt-get update that reached nothing is a success.
    'APT::Update::Error-Mode': 'any',
    // As root apt would fetch as a user who may not write to our folder.
    'APT::Sandbox::User': process.getuid?.() === 0 ? 'root' : '',
  };
  const file = join(apt, 'apt.conf');
  const text = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
  writeFileSync(file, text.join(''));
  const wanted = (packages: Readonly<Record<string, string>>): string[] =>
    Object.entries(packages).map(([name, release]) => `${name}/${release}`);
  return [
    ['-c', file, '-q', 'update'],
    ['-c', file, '-q', 'source', '--download-only', '--only-source', ...wanted(sources)],
    ['-c', file, '-q', 'download', ...wanted(binaries)],
  ];
}

/** The versions of what was fetched, by the packages' names. */
export function fetchedVersions(folder: string): Record<string, string> {
  const found = readdirSync(folder).flatMap((file): [string, string][] => {
    const path = join(folder, file);
    if (file.endsWith('.dsc')) return [[field(readFileSync(path, 'utf8'), 'Source'), field(readFileSync(path, 'utf8'), 'Version')]];
    if (!file.endsWith('.deb')) return [];
    const about = spawnSync('dpkg-deb', ['-f', path, 'Package', 'Version'], { encoding: 'utf8' }).stdout;
    return [[field(about, 'Package'), field(about, 'Version')]];
  });
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const field = (text: string, name: string): string => new RegExp(`^${name}: *(.*)$`, 'm').exec(text)?.[1] ?? '';
