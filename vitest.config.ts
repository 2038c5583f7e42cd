import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { built, IS_BUILT } from './test/build.ts';

/** A path, as the folder of the project may have blanks in its name. */
const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** A module of the sources is replaced there, which a built one does not notice. */
const MOCKS = ['test/dashboards/server/hub.test.ts'];

const OWN = [
  'test/{integration,faults,fuzz,security}/**/*.test.ts',
  'test/dashboards/browser/*.test.ts',
  'test/compute/engine/native.test.ts',
  'test/package.long.test.ts',
];

const plugins = IS_BUILT ? [built] : [];

export default defineConfig({
  resolve: {
    alias: [
      { find: /^quorum\/testing$/, replacement: source('src/testing.ts') },
      { find: /^quorum\/objectives$/, replacement: source('src/objectives.ts') },
      { find: /^quorum\/xstate$/, replacement: source('actors/from-machine.ts') },
      { find: /^quorum\/rxjs$/, replacement: source('streams/from-operator.ts') },
      { find: /^quorum$/, replacement: source('src/index.ts') },
      { find: /^quorum\/plugins\/(.*)$/, replacement: source('src/plugins/$1.ts') },
    ],
  },
  test: {
    globalSetup: ['test/build.ts'],
    setupFiles: ['test/setup.ts'],
    env: { QUORUM_TEST_BUILT: IS_BUILT ? '1' : '0' },
    server: { deps: { external: [/\/dist\//] } },
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      // What needs a process with modules of its own: whole daemons, faults, and module state that a test changes.
      { extends: true, plugins, test: { name: 'own', include: OWN } },
      { extends: true, test: { name: 'mocks', include: MOCKS } },
      // The files of a worker share their modules, whose imports take longer than the tests.
      {
        extends: true,
        plugins,
        test: { name: 'shared', include: ['test/**/*.test.ts'], exclude: [...OWN, ...MOCKS], isolate: false },
      },
    ],
  },
});
