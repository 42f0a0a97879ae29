/**
 * `npm run build`, its second half: each program and thread of Twinhart in one file, under dist/app. Node takes about a millisecond for each module that
 * it loads, and a protected pair starts nine threads of a hundred modules; what `tsc` compiled (dist/src) runs too, and later.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const APP = join(ROOT, 'dist', 'app');
const ENTRIES = {
  twinhart: 'src/cli/main.ts',
  'replica-main': 'src/host/replica-main.ts',
  'machine-worker': 'src/host/machine-worker.ts',
  'compile-worker': 'src/host/compile-worker.ts',
  'heartbeat-worker': 'src/host/heartbeat-worker.ts',
};

mkdirSync(APP, { recursive: true });
writeFileSync(join(APP, 'package.json'), '{ "type": "commonjs" }\n');
await Promise.all(Object.entries(ENTRIES).map(([name, entry]) => bundle(name, join(ROOT, entry))));

async function bundle(name, input) {
  // A module of which nothing is used is left out: none of ours does anything by being loaded, but the entries.
  const build = await rolldown({ input, platform: 'node', cwd: ROOT, treeshake: { moduleSideEffects: false } });
  await build.write({
    dir: APP,
    // Node starts a script some 8 ms sooner than a module.
    format: 'cjs',
    entryFileNames: `${name}.js`,
    // What is imported late is a file of its own.
    chunkFileNames: `${name}-[name].js`,
    // Names stay, for whoever reads a stack.
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  });
  await build.close();
}
