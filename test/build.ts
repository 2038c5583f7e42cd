/**
 * What tests run when dist/ is as new as the sources (`npm test` and `.ci/run` build it first): modules of src/ and of
 * the other compiled folders are imported from dist/, by tests and by the processes that they start. Nothing compiles
 * TypeScript then, which takes more processor time than most of these processes' work, and the tests are of what the
 * package holds. With a dist/ that is older, everything runs from source, through Vite and tsx.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import { needsBuild } from '../bin/bootstrap.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COMPILED = /^(src|actors|streams|dashboards\/server|bench)\/.*\.ts$/;

export const IS_BUILT = !needsBuild(ROOT);

/** Resolves the sources to their JavaScript in dist/. */
export const built: Plugin = {
  name: 'built',
  enforce: 'pre',
  resolveId(id, importer) {
    if (importer === undefined || !/^[./].*\.ts$/.test(id)) return null;
    const path = relative(ROOT, resolve(dirname(importer), id));
    return COMPILED.test(path) ? join(ROOT, 'dist', path.replace(/ts$/, 'js')) : null;
  },
};

/**
 * Before the first test: compiles to dist/test the modules that tests run in processes and threads of their own. After
 * the last: fails if a test wrote to the run folder that belongs to the clone's user.
 */
export default function setup(): () => void {
  const runs = join(ROOT, 'runs');
  const hadRuns = existsSync(runs);
  if (IS_BUILT) compile();
  return () => {
    if (!hadRuns && existsSync(runs)) throw new Error(`a test made ${runs}: tests write to temporary folders`);
  };
}

function compile(): void {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  execFileSync(process.execPath, [tsc, '-p', join(ROOT, 'test', 'tsconfig.run.json')], { stdio: 'inherit' });
}
