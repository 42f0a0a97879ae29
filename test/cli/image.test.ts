/** Questions to `twinhart image`, with recipes of a few lines: is a build whole or not there, the second one instant, a failure explained, and the list true? */
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliError, Interrupted } from '../../src/cli/errors.ts';
import { type BuildEvent, type BuildOptions, type BuildResult, buildImage } from '../../src/cli/image-build.ts';
import { buildsFolder, makeManifest, recipeFolder, recipeHash } from '../../src/cli/image-cache.ts';
import { type ListedImage, listImages, listText } from '../../src/cli/image-list.ts';
import { installCommand, type Recipe } from '../../src/cli/image-packages.ts';
import { progress } from '../../src/cli/image-progress.ts';
import { twinhart } from '../support/twin.ts';

let dir: string;
let recipe: string;
const before = { ...process.env };

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'twinhart-image-'));
  process.env.XDG_CACHE_HOME = join(dir, 'cache');
  // A machine that has every package there is, but those that a test takes away.
  mkdirSync(join(dir, 'bin'));
  program('dpkg-query', 'for p in "$@"; do case $p in -*) ;; *) grep -qsx "$p" "$MISSING" || echo "$p installed 1.0" ;; esac; done');
  process.env.PATH = `${join(dir, 'bin')}:${before.PATH}`;
  process.env.MISSING = join(dir, 'missing');
  recipe = writeRecipe(
    { first: 'echo "one" > "$OUT/a"', second: 'cat "$OUT/a" > "$OUT/b"; echo "$0" >> "$OUT/b"' },
    { first: [], second: ['first'] },
  );
});
afterEach(() => {
  for (const name of ['XDG_CACHE_HOME', 'PATH', 'MISSING']) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
  rmSync(dir, { recursive: true, force: true });
});

function program(name: string, body: string): void {
  writeFileSync(join(dir, 'bin', name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(dir, 'bin', name), 0o755);
}

/** Its phases make the files a and b, and note outside that they ran. */
function writeRecipe(scripts: Record<string, string>, phases: Recipe['phases'], files = ['a', 'b']): string {
  const folder = mkdtempSync(join(dir, 'recipe-'));
  mkdirSync(join(folder, 'phases'));
  const about: Recipe = { packages: ['cc'], sources: {}, binaries: {}, phases, files, compiler: 'true' };
  writeFileSync(join(folder, 'recipe.json'), JSON.stringify(about));
  writeFileSync(join(folder, 'environment.sh'), '');
  for (const [phase, script] of Object.entries(scripts))
    writeFileSync(join(folder, 'phases', `${phase}.sh`), `echo ${phase} >> ${dir}/ran\n${script}\n`);
  return folder;
}

const ran = (): string[] => (existsSync(join(dir, 'ran')) ? readFileSync(join(dir, 'ran'), 'utf8').trim().split('\n') : []);
const builds = (): string[] => (existsSync(buildsFolder('tiny')) ? readdirSync(buildsFolder('tiny')) : []);

async function build(more: Partial<BuildOptions> = {}): Promise<BuildResult & { events: BuildEvent[] }> {
  const events: BuildEvent[] = [];
  return { ...(await buildImage({ name: 'tiny', recipe, onEvent: (event) => events.push(event), ...more })), events };
}

/** Is there a process of this pid that has not ended? */
function runs(pid: string): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** What it failed with. */
async function failure(more: Partial<BuildOptions> = {}): Promise<unknown> {
  return build(more).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a build', () => {
  it('runs each phase after those that it needs, and leaves the files, a manifest and a log for each phase', async () => {
    const { image, built, events } = await build();
    expect(built).toBe(true);
    expect(image.folder).toBe(join(buildsFolder('tiny'), recipeHash(recipe)));
    expect(readFileSync(join(image.folder, 'b'), 'utf8')).toBe('one\nsecond\n');
    expect(image.manifest).toMatchObject({
      name: 'tiny',
      recipe: recipeHash(recipe),
      packages: { cc: '1.0' },
      files: { a: { bytes: 4 }, b: { bytes: 11 } },
    });
    expect(events.map((event) => (event.kind === 'damaged' ? event.kind : `${event.kind} ${event.phase}`))).toEqual([
      ...['start fetch', 'end fetch', 'start first', 'end first', 'start second', 'end second'],
    ]);
    expect(readdirSync(join(image.folder, 'logs')).sort()).toEqual(['fetch.log', 'first.log', 'second.log']);
    expect(builds()).toEqual([recipeHash(recipe)]);
  });

  it('is there the second time: nothing runs', async () => {
    const first = await build();
    const second = await build();
    expect(second).toMatchObject({ built: false, image: first.image, events: [] });
    expect(ran()).toEqual(['first', 'second']);
  });

  it('is made anew when asked to, and for another recipe beside it', async () => {
    await build();
    expect(await build({ force: true })).toMatchObject({ built: true });
    expect(ran()).toHaveLength(4);
    appendFileSync(join(recipe, 'phases/first.sh'), '\n');
    expect(await build()).toMatchObject({ built: true });
    expect(builds()).toHaveLength(2);
  });

  it('whose bytes have changed is named and made anew', async () => {
    const { image } = await build();
    writeFileSync(join(image.folder, 'a'), 'two\n');
    const again = await build();
    expect(again.events[0]).toEqual({ kind: 'damaged', what: [expect.stringContaining(join(image.folder, 'a'))] });
    expect(again.built).toBe(true);
    expect(readFileSync(join(image.folder, 'a'), 'utf8')).toBe('one\n');
    expect(builds()).toEqual([recipeHash(recipe)]);
  });

  it('sees nothing of the user’s environment but the path', async () => {
    recipe = writeRecipe({ first: 'env | cut -d= -f1 | sort > "$OUT/a"; umask >> "$OUT/a"; touch "$OUT/b"' }, { first: [] });
    process.env.CFLAGS = '-O0';
    try {
      const { image } = await build();
      const names = 'HOME JOBS LC_ALL OUT PATH PWD RECIPE SHLVL TMPDIR TZ WORK _ 0022'.split(' ');
      expect(readFileSync(join(image.folder, 'a'), 'utf8').trim().split('\n')).toEqual(names);
    } finally {
      delete process.env.CFLAGS;
    }
  });

  it('and another of the same recipe at the same time both end well', async () => {
    const both = await Promise.all([build({ force: true }), build({ force: true })]);
    for (const { image } of both) expect(readFileSync(join(image.folder, 'b'), 'utf8')).toBe('one\nsecond\n');
    expect(builds()).toEqual([recipeHash(recipe)]);
  });
});

describe('the fetching', () => {
  beforeEach(() => {
    mkdirSync(join(dir, 'apt.d'));
    writeFileSync(
      join(dir, 'apt.d/mirror.sources'),
      'Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n',
    );
    writeFileSync(join(dir, 'apt.list'), 'deb http://security.example/debian bookworm-security main\n');
    program('apt-config', `echo "LIST='${dir}/apt.list'"; echo "PARTS='${dir}/apt.d/'"`);
    program('dpkg-deb', "printf 'Package: tool\\nVersion: 2\\n'");
    const about = JSON.parse(readFileSync(join(recipe, 'recipe.json'), 'utf8')) as Recipe;
    const fetched = { ...about, sources: { libc: 'trixie' }, binaries: { tool: 'bookworm' } };
    writeFileSync(join(recipe, 'recipe.json'), JSON.stringify(fetched));
  });

  it('takes the machine’s mirror, each package from its release, and state of its own', async () => {
    program('apt-get', 'echo "did: $*" | sed "s,$2,CONF,"; cat "$2"; printf "Source: libc\\nVersion: 1:2-3\\n" > libc.dsc; touch tool.deb');
    const { image } = await build();
    const log = readFileSync(join(image.folder, 'logs/fetch.log'), 'utf8');
    expect(log.match(/^did: .*/gm)).toEqual([
      'did: -c CONF -q update',
      'did: -c CONF -q source --download-only --only-source libc/trixie',
      'did: -c CONF -q download tool/bookworm',
    ]);
    for (const setting of ['Dir::Etc::sourceparts', 'Dir::State::lists', 'Dir::Cache'])
      expect(log).toMatch(new RegExp(`^${setting} "${buildsFolder('tiny')}/`, 'm'));
    expect(image.manifest.sources).toEqual({ libc: '1:2-3', tool: '2' });
  });

  it('that fails shows what apt said', async () => {
    program('apt-get', 'echo "E: Failed to fetch"; exit 100');
    const error = (await failure()) as CliError;
    expect(error.code).toBe('IMAGE_BUILD');
    expect(error.message).toMatch(/fetch failed \(status 100\)(.*\n)*.*\| E: Failed to fetch$/);
    expect(ran()).toEqual([]);
  });

  it('without a mirror of Debian says so', async () => {
    rmSync(join(dir, 'apt.d/mirror.sources'));
    expect(await failure()).toMatchObject({ code: 'APT', status: 69 });
    expect(builds()).toEqual([]);
  });
});

describe('a build that fails', () => {
  it('says which phase and which log, with its end, and leaves nothing that looks whole', async () => {
    recipe = writeRecipe({ first: 'seq 1 40; echo no such thing >&2; exit 3', second: '' }, { first: [], second: ['first'] });
    const error = (await failure()) as CliError;
    expect(error).toMatchObject({ code: 'IMAGE_BUILD', status: 73 });
    const log = /The end of (.*):\n/.exec(error.message)?.[1] as string;
    expect(error.message).toMatch(/^image build tiny: first failed \(status 3\)/);
    expect(error.message).toMatch(/\| 40\n(.*\n)*.*\| no such thing\n/);
    expect(error.message).not.toContain('| 10\n');
    expect(readFileSync(log, 'utf8')).toContain('no such thing');
    expect(builds()).toEqual([`failed-${process.pid}`]);
    expect(ran()).toEqual(['first']);
  });

  it('ends the phases that run beside it', async () => {
    recipe = writeRecipe({ first: 'exit 3', second: 'mkfifo p; read -r line < p' }, { first: [], second: [] });
    expect(await failure()).toMatchObject({ code: 'IMAGE_BUILD' });
  });

  it('by an interrupt ends its processes and leaves no trace', async () => {
    recipe = writeRecipe({ first: `sleep 1000 & echo $! $$ > ${dir}/pids.new; mv ${dir}/pids.new ${dir}/pids; wait` }, { first: [] });
    const abort = new AbortController();
    const watcher = watch(dir, () => existsSync(join(dir, 'pids')) && abort.abort());
    expect(await failure({ signal: abort.signal })).toBeInstanceOf(Interrupted);
    watcher.close();
    expect(builds()).toEqual([]);
    const pids = readFileSync(join(dir, 'pids'), 'utf8').trim().split(' ');
    expect(pids).toHaveLength(2);
    expect(pids.filter(runs)).toEqual([]);
  });

  it('for a recipe that was edited meanwhile leaves no build of either', async () => {
    recipe = writeRecipe({ first: 'touch "$OUT/a" "$OUT/b"; echo >> "$RECIPE/environment.sh"' }, { first: [] });
    expect(await failure()).toMatchObject({ code: 'IMAGE_BUILD', message: expect.stringContaining('has changed') });
    expect(builds()).toEqual([]);
  });

  it('for want of a package names it with the one command that installs it, before anything is done', async () => {
    writeFileSync(join(dir, 'missing'), 'cc\n');
    const error = (await failure()) as CliError;
    expect(error).toMatchObject({ code: 'PACKAGES', status: 69 });
    expect(error.message).toContain(`\n  ${installCommand(['cc'])}`);
    expect(builds()).toEqual([]);
  });

  it('as one that was killed is removed by the next, on the same host', async () => {
    const left = ['here', 'elsewhere'].map((host) => `.building-${host === 'here' ? hostname() : host}-4194305-abc`);
    for (const folder of left) mkdirSync(join(buildsFolder('tiny'), folder), { recursive: true });
    await build();
    expect(builds().sort()).toEqual([left[1], recipeHash(recipe)]);
  });
});

describe('a check', () => {
  it('builds once more and finds the same bytes, or names the file that differs', async () => {
    expect(await failure({ check: true })).toMatchObject({ code: 'USAGE' });
    await build();
    await build({ check: true });
    expect(ran()).toHaveLength(4);
    recipe = writeRecipe({ first: 'echo one > "$OUT/a"; pwd > "$OUT/b"' }, { first: [] });
    const { image } = await build();
    const error = (await failure({ check: true })) as CliError;
    expect(error).toMatchObject({ code: 'IMAGE_DIFFERS' });
    expect(error.message).toMatch(/^b came out otherwise, from the same inputs/);
    expect(existsSync(join(image.folder, 'manifest.json'))).toBe(true);
  });
});

describe('what a build shows', () => {
  /** Everything that it writes for one phase, to a stream of this kind; its timer has no time to tick. */
  function shown(kind: { isTTY?: boolean; columns?: number }): string {
    const stream = new PassThrough({ encoding: 'utf8' });
    const show = progress(Object.assign(stream, kind) as unknown as NodeJS.WriteStream);
    const log = join(dir, 'kernel.log');
    writeFileSync(log, 'one\n\x1b[31mCC fs/inode.o\n');
    show.event({ kind: 'damaged', what: ['Image has another sum'] });
    show.event({ kind: 'start', phase: 'kernel', log });
    show.event({ kind: 'end', phase: 'kernel', seconds: 61.25 });
    show.end();
    return stream.read() as string;
  }

  it('without a terminal is a line for each phase', () => {
    expect(shown({})).toBe(' damaged, and built again: Image has another sum\n kernel       61.3 s\n');
  });

  it('on a terminal has a line that moves, with what runs and where it is, no wider than the screen', () => {
    const text = shown({ isTTY: true, columns: 20 });
    expect(text.split('\r\x1b[K')).toEqual([
      '',
      ' damaged, and built again: Image has another sum\n',
      ' kernel 0 s  CC fs/',
      ' kernel       61.3 s\n',
      '',
    ]);
  });
});

describe('image list', () => {
  const linux = (): ListedImage => listImages().find(({ name }) => name === 'linux') as ListedImage;

  it('has what comes with the project, whole, and says how to build what is not there', () => {
    writeFileSync(join(dir, 'missing'), 'flex\nbison\n');
    const images = listImages();
    expect(images.map(({ name, state }) => `${name} ${state}`)).toEqual(['os there', 'sbi there', 'bench there', 'linux not built']);
    expect(linux().cure).toBe(`${installCommand(['bison', 'flex'])}, then twinhart image build linux`);
    expect(listText(images)).toMatch(/^linux +not built .*\n +.*apt-get install .* bison flex, then twinhart image build linux\n/m);
  });

  it('has a built image with its files, the damaged one too, and builds of other recipes', () => {
    const hash = recipeHash(recipeFolder('linux'));
    const folder = join(buildsFolder('linux'), hash);
    for (const path of [folder, join(buildsFolder('linux'), '0123456789abcdef')]) {
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, 'Image'), 'x'.repeat(3 << 20));
    }
    const manifest = makeManifest(folder, ['Image'], { name: 'linux', recipe: hash, sources: {}, packages: {}, compiler: '' });
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
    expect(linux()).toMatchObject({
      state: 'there',
      files: [{ path: join(folder, 'Image'), bytes: 3 << 20 }],
      others: [{ bytes: 3 << 20 }],
    });
    expect(listText([linux()])).toMatch(/^linux +there +3\.0 MiB .*\n +1 of other recipes, 3\.0 MiB: .*0123456789abcdef\n$/);
    writeFileSync(join(folder, 'Image'), 'y'.repeat(3 << 20));
    expect(linux()).toMatchObject({ state: 'damaged', cure: expect.stringContaining('sha256') });
  });
});

describe('the verb', () => {
  it('lists, for people and as JSON', () => {
    const text = twinhart('image', 'list');
    expect(text).toMatchObject({ status: 0, stdout: expect.stringMatching(/^os +there/) });
    const json = JSON.parse(twinhart('image', 'list', '--json').stdout) as ListedImage[];
    expect(json.map(({ name }) => name)).toEqual(['os', 'sbi', 'bench', 'linux']);
  });

  it('names the packages that are missing, and ends with 69', () => {
    writeFileSync(join(dir, 'missing'), 'tcl\nflex\n');
    const { status, stderr } = twinhart('image', 'build', 'linux');
    expect(status).toBe(69);
    expect(stderr).toBe(
      `twinhart: image build linux: 2 Debian packages are missing. This installs what it needs:\n  ${installCommand(['flex', 'tcl'])}\n` +
        '  PACKAGES: Install them with that command, then build again: building installs nothing by itself.\n',
    );
  });

  it('refuses a name without a recipe, and says whether it comes with the project', () => {
    expect(twinhart('image', 'build', 'os')).toMatchObject({ status: 64, stderr: expect.stringContaining('comes with the project') });
    expect(twinhart('image', 'build', 'plan9')).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('recipes are there for linux'),
    });
  });
});
