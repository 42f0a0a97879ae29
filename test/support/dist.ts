/** Workers and processes run compiled code (Node 20 loads no TypeScript in a worker): where a source file's output lies under dist/. */
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url)).replace(/dist\/$/, '');

/** `path`: from the repository's root, such as `src/host/replica-main.ts`. Throws when it was not built. */
export function built(path: string): URL {
  const file = `${ROOT}dist/${path.replace(/\.ts$/, '.js')}`;
  if (!existsSync(file)) throw new Error(`${file} is missing: run npm run build first`);
  return pathToFileURL(file);
}
