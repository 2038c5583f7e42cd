import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    alias: [
      { find: /^quorum\/testing$/, replacement: new URL('src/testing.ts', import.meta.url).pathname },
      { find: /^quorum\/xstate$/, replacement: new URL('actors/from-machine.ts', import.meta.url).pathname },
      { find: /^quorum\/rxjs$/, replacement: new URL('streams/from-operator.ts', import.meta.url).pathname },
      { find: /^quorum$/, replacement: new URL('src/index.ts', import.meta.url).pathname },
      { find: /^quorum\/plugins\/(.*)$/, replacement: new URL('src/plugins/$1.ts', import.meta.url).pathname },
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
