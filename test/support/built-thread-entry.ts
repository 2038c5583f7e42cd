/**
 * `src/lib/thread-entry.ts` as tests have it while dist/ is as new as the sources (vitest.config.ts): threads start
 * from JavaScript, for less than half the processor time of TypeScript through tsx. Threads that a test makes fail
 * patch the sources, so they run from these (thread-faults.ts).
 */
import { threadEntry as sourceEntry, type ThreadEntry } from '../../src/lib/thread-entry.ts';

const ROOT = new URL('../../', import.meta.url).href;

export function threadEntry(name: string, from: string): ThreadEntry {
  if (process.env['QUORUM_TEST_THREADS'] === 'source') return sourceEntry(name, from);
  if (!from.startsWith(ROOT)) throw new Error(`${from} is not a source of this project`);
  return { filename: new URL(`${name}.js`, `${ROOT}dist/${from.slice(ROOT.length)}`).href, execArgv: [] };
}
