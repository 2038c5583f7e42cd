import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { needsBuild } from './bin/bootstrap.js';

/** A path, as the folder of the project may have blanks in its name. */
const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const OWN = [
  'test/{integration,faults,fuzz,security}/**/*.test.ts',
  'test/dashboards/browser/*.test.ts',
  'test/dashboards/server/hub.test.ts',
  'test/compute/engine/native.test.ts',
  'test/package.long.test.ts',
];

export default defineConfig({
  resolve: {
    alias: [
      ...(needsBuild(source('.'))
        ? []
        : [{ find: /^(\.\.\/)+lib\/thread-entry\.ts$/, replacement: source('test/support/built-thread-entry.ts') }]),
      { find: /^quorum\/testing$/, replacement: source('src/testing.ts') },
      { find: /^quorum\/objectives$/, replacement: source('src/objectives.ts') },
      { find: /^quorum\/xstate$/, replacement: source('actors/from-machine.ts') },
      { find: /^quorum\/rxjs$/, replacement: source('streams/from-operator.ts') },
      { find: /^quorum$/, replacement: source('src/index.ts') },
      { find: /^quorum\/plugins\/(.*)$/, replacement: source('src/plugins/$1.ts') },
    ],
  },
  test: {
    setupFiles: ['test/setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      // What needs a process with modules of its own: whole daemons, faults, and module state that a test changes.
      { extends: true, test: { name: 'own', include: OWN } },
      // The files of a worker share their modules, whose imports take longer than the tests.
      { extends: true, test: { name: 'shared', include: ['test/**/*.test.ts'], exclude: OWN, isolate: false } },
    ],
  },
});
