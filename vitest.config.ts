/** The suites as projects (test/README.md): which files each has, and on which engine it runs them. */
import { defineConfig } from 'vitest/config';

/** What runs guest programs in this process: once on each engine (test/support/engine.ts). */
const ENGINE_CASES = [
  'test/emulator/hart/{invisible,machine}.test.ts',
  'test/emulator/priv/*.test.ts',
  'test/emulator/isa/{instructions,nodes}.test.ts',
  'test/emulator/{checkpoint,reset}.test.ts',
  'test/firmware/{machine,sbi}.test.ts',
  'test/oracle/slices.test.ts',
  'test/replay/{machine,os,icount-clock}.test.ts',
];

// `fast`: npm test, needs nothing but Node. `full`: what takes longer or needs Debian packages (skips visibly without them).
export default defineConfig({
  test: {
    projects: [
      // It reads every file for every export: slow where others work, and no sign of anything.
      { test: { name: 'tidy', include: ['test/tidy/*.test.ts'], testTimeout: 60_000 } },
      { test: { name: 'fast', include: ['test/**/*.test.ts'], exclude: ['test/**/*.full.test.ts'], testTimeout: 60_000 } },
      { test: { name: 'full', include: ['test/**/*.full.test.ts'], testTimeout: 1_800_000 } },
      // The cases of `fast` once more, on the other engines: `translator` takes every address for a hot one.
      ...(['translator', 'auto'] as const).map((engine) => ({
        test: { name: engine, include: ENGINE_CASES, env: { ENGINE: engine }, testTimeout: 120_000 },
      })),
    ],
  },
});
