import { defineConfig } from 'vitest/config';

// `fast`: npm test, needs nothing but Node. `full`: what takes longer or needs Debian packages (skips visibly without them).
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'tidy', include: ['test/tidy/*.test.ts'] } },
      { test: { name: 'fast', include: ['test/**/*.test.ts'], exclude: ['test/**/*.full.test.ts'], testTimeout: 60_000 } },
      { test: { name: 'full', include: ['test/**/*.full.test.ts'], testTimeout: 1_800_000 } },
    ],
  },
});
