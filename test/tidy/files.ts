/** The tree as the tidy tests see it: every tracked or new file, its text, and the imports of the TypeScript ones. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url)).replace(/dist\/$/, '');

/** Paths relative to the root, sorted; what git ignores is not there. */
export function files(): string[] {
  const out = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' });
  return [...new Set(out.split('\n'))].filter((path) => path !== '' && existsSync(join(ROOT, path))).sort();
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Specifiers of imports, exports, `new URL('./x', import.meta.url)` and `built('x')`; relative ones resolved against the root. */
export function imports(path: string): string[] {
  const found: string[] = [];
  const pattern = /(?:from\s*|import\s*\(?\s*|new URL\(\s*|built\(\s*)(['"`])([^'"`\n]+)\1/g;
  for (const match of stripComments(read(path)).matchAll(pattern)) {
    const specifier = match[2] as string;
    found.push(specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : specifier);
  }
  return found;
}

/** Blanks out comments, keeping line numbers, so that prose may say `Date` where code may not. */
function stripComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' ')).replace(/(^|[^:'"`\\])\/\/[^\n]*/g, '$1');
}

/** `path:line: text` for each line of code (comments blanked) that matches. */
export function linesThatMatch(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    stripComments(read(path))
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}
