/** What the compiler cannot see: names that would make a pure folder impure, floors, orphans, leftovers. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { files, imports, linesThatMatch, ROOT, read } from './files.ts';

const all = files();
const code = all.filter((path) => path.endsWith('.ts'));
const pure = code.filter((path) => /^(emulator|src\/protocol|src\/replay)\//.test(path));

/** What each floor may import (ARCHITECTURE.md, "The floors"); the first prefix that fits a file is its floor. */
const FLOORS: readonly { floor: string; may: readonly RegExp[] }[] = [
  { floor: 'emulator/isa/', may: [/^emulator\/isa\//] },
  { floor: 'emulator/', may: [/^emulator\//] },
  { floor: 'src/protocol/', may: [/^src\/protocol\//] },
  { floor: 'src/replay/', may: [/^src\/(replay|protocol)\//, /^emulator\/(index|isa\/.*)\.ts$/] },
  // A thread that needs nothing of the machine but its compiler: all of it would take as long to load as the thread to start.
  { floor: 'src/host/compile-worker.ts', may: [/^src\/host\/compile-thread\.ts$/, /^emulator\/translator\/compile\.ts$/, /^node:/] },
  { floor: 'src/host/', may: [/^src\/(host|replay|protocol|world)\//, /^emulator\/(index|isa\/.*)\.ts$/, /^node:/] },
  { floor: 'src/world/', may: [/^src\/(host|world|replay|protocol)\//, /^emulator\/(index|isa\/.*)\.ts$/, /^node:/] },
  { floor: 'src/cli/', may: [/^src\//, /^emulator\/(index|isa\/.*)\.ts$/, /^node:/, /^commander$/] },
  { floor: 'src/', may: [/^src\//, /^emulator\/(index|isa\/.*)\.ts$/] },
];

describe('pure folders', () => {
  it('say no name whose answer differs from run to run or from host to host', () => {
    const banned =
      /\b(Date|crypto|performance|setTimeout|setInterval|setImmediate|queueMicrotask|process|Buffer|Intl|toLocale\w*|WeakRef|FinalizationRegistry)\b|\bMath\.(random|sin|cos|tan|asin|acos|atan2?|sinh|cosh|tanh|exp|expm1|log|log2|log10|log1p|pow|cbrt|hypot)\b|\bfetch\(|['"]node:/;
    expect(linesThatMatch(pure, banned), 'time and randomness arrive as an Input, an Event or configuration').toEqual([]);
  });

  it('refuse a host name at compile time', () => {
    expect(compileInside('emulator', 'export const pid = process.pid;')).toContain("Cannot find name 'process'");
  });

  it('refuse an import the wrong way at compile time', () => {
    const wrong = `import type { Seq } from '${join(ROOT, 'src/protocol/messages.ts')}';\nexport const x: Seq = 1;`;
    expect(compileInside('emulator', wrong)).toMatch(/TS6059|TS6307/);
  });
});

describe('floors', () => {
  it.each(FLOORS.map(({ floor }) => floor))('%s imports its own floor or below', (floor) => {
    const { may } = FLOORS.find((row) => row.floor === floor) as (typeof FLOORS)[number];
    const own = code.filter((path) => FLOORS.find((row) => path.startsWith(row.floor))?.floor === floor);
    const wrong = own.flatMap((path) =>
      imports(path)
        .filter((target) => !may.some((pattern) => pattern.test(target)))
        .map((target) => `${path} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('block a thread only where a machine may wait', () => {
    const hits = linesThatMatch(
      code.filter((path) => !path.startsWith('test/')),
      /Atomics\.wait\b/,
    ).map((hit) => hit.split(':')[0]);
    expect(hits.filter((path) => path !== 'src/host/doorbell.ts')).toEqual([]);
  });
});

describe('the tree', () => {
  it('has no TypeScript file that nothing reaches', () => {
    const entries = code.filter((path) =>
      /(^vitest\.config\.ts|\.test\.ts|\/main\.ts|-main\.ts|-worker\.ts|^src\/index\.ts|^emulator\/index\.ts|\.d\.ts)$/.test(path),
    );
    const reached = new Set<string>();
    const visit = (path: string): void => {
      if (reached.has(path) || !code.includes(path)) return;
      reached.add(path);
      for (const target of imports(path)) {
        visit(target);
        visit(target.replace(/\.js$/, '.ts'));
      }
    };
    entries.forEach(visit);
    expect(code.filter((path) => !reached.has(path))).toEqual([]);
  });

  it('exports no value that only its own file reads', () => {
    const unread = code.flatMap((path) =>
      [...read(path).matchAll(/^export (?:async )?(?:const|function\*?|class) (\w+)/gm)]
        .map((match) => match[1] as string)
        .filter((name) => {
          const mention = new RegExp(`\\b${name}\\b`);
          return !code.some((other) => other !== path && mention.test(read(other)));
        })
        .map((name) => `${path}: ${name}`),
    );
    expect(unread).toEqual([]);
  });

  it('has no leftover marks', () => {
    const marked = all.filter(
      (path) => /\.(ts|c|h|S|md|json|mjs)$/.test(path) && !path.startsWith('test/tidy/') && path !== 'package-lock.json',
    );
    const mark = new RegExp(`\\b(${['FIX', 'TO', 'XX', 'HA'].map((head, i) => head + ['ME', 'DO', 'X', 'CK'][i]).join('|')})\\b`);
    expect(marked.flatMap((path) => (mark.test(read(path)) ? [path] : []))).toEqual([]);
  });

  it('focuses and skips no test without a reason that the run prints', () => {
    const tests = code.filter((path) => path.endsWith('.test.ts') && !path.startsWith('test/tidy/'));
    expect(linesThatMatch(tests, /\b(it|test|describe)\.(only|todo|fails|skip)\b|\bretry:/)).toEqual([]);
  });

  it('has a lock file without addresses of a mirror, and exact versions', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved"/);
    const { dependencies, devDependencies } = JSON.parse(read('package.json'));
    for (const version of Object.values({ ...dependencies, ...devDependencies })) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('tells in the README to install what the recipe of Linux needs', () => {
    const told = /^sudo apt-get install -y --no-install-recommends (.*)$/m.exec(read('README.md'))?.[1];
    expect(told?.split(' ')).toEqual(JSON.parse(read('images/linux/recipe.json')).packages);
  });

  it('has no dead link between its own pages', () => {
    const dead = all
      .filter((path) => path.endsWith('.md'))
      .flatMap((path) =>
        [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)]
          .map((match) => normalize(join(dirname(path), match[1] as string)).replace(/\/$/, ''))
          .filter((target) => !all.some((file) => file === target || file.startsWith(`${target}/`)))
          .map((target) => `${path} -> ${target}`),
      );
    expect(dead).toEqual([]);
  });

  it('cites from its own pages only headings that they have', () => {
    const pageOf = (name: string): string => (name === 'ARCHITECTURE' ? 'ARCHITECTURE.md' : `docs/${name}.md`);
    const headings = (name: string): string[] => [...read(pageOf(name)).matchAll(/^#+ (.*)$/gm)].map((match) => match[1] as string);
    const wrong = all
      .filter((path) => /\.(ts|c|h|S)$/.test(path) && !path.startsWith('test/tidy/'))
      .flatMap((path) =>
        [
          ...read(path)
            .replace(/\n\s*\*?\s*/g, ' ')
            .matchAll(/\b(ARCHITECTURE|protocol|machine|cli)\.md((?:,? "[^"\n]+")+)/g),
        ].flatMap(([, page, cited]) =>
          [...(cited as string).matchAll(/"([^"]+)"/g)]
            .filter((match) => !headings(page as string).includes(match[1] as string))
            .map((match) => `${path} cites ${page}.md "${match[1]}"`),
        ),
      );
    expect(wrong).toEqual([]);
  });

  it('names in docs/paper.md only files that exist', () => {
    const named = [...read('docs/paper.md').matchAll(/`((?:emulator|src|test|bench|firmware|docs)\/[\w./-]+)`/g)].map(
      (match) => match[1] as string,
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !all.some((file) => file === name || file.startsWith(name.replace(/\/?$/, '/'))))).toEqual([]);
  });
});

/** Compiles one file under the rules of a project; returns what the compiler said. */
function compileInside(project: string, text: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'twinhart-tidy-'));
  try {
    writeFileSync(join(dir, 'wrong.ts'), text);
    const config = {
      extends: join(ROOT, project, 'tsconfig.json'),
      compilerOptions: { noEmit: true, rootDir: dir, outDir: join(dir, 'out'), tsBuildInfoFile: join(dir, 'info') },
      include: [],
      exclude: [],
      files: [join(dir, 'wrong.ts')],
      references: [],
    };
    writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(config));
    execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', dir], { encoding: 'utf8', stdio: 'pipe' });
    return '';
  } catch (error) {
    return String((error as { stdout?: string }).stdout ?? error);
  } finally {
    rmSync(dir, { recursive: true });
  }
}
