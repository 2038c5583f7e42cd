import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** A path, as the folder of the project may have blanks in its name. */
const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^quorum\/testing$/, replacement: source('src/testing.ts') },
      { find: /^quorum\/xstate$/, replacement: source('actors/from-machine.ts') },
      { find: /^quorum\/rxjs$/, replacement: source('streams/from-operator.ts') },
      { find: /^quorum$/, replacement: source('src/index.ts') },
      { find: /^quorum\/plugins\/(.*)$/, replacement: source('src/plugins/$1.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
