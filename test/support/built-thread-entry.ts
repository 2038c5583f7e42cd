/**
 * Replaces `src/lib/thread-entry.ts` in tests while dist/ is as new as the sources (vitest.config.ts): threads start
 * from JavaScript, which takes less than half the processor time of TypeScript through tsx. Injected faults patch the
 * sources, so a test that injects them runs its threads from source (thread-faults.ts).
 */
import { threadEntry as sourceEntry, type ThreadEntry } from '../../src/lib/thread-entry.ts';

const ROOT = new URL('../../', import.meta.url).href;

export function threadEntry(name: string, from: string): ThreadEntry {
  if (process.env['QUORUM_TEST_THREADS'] === 'source') return sourceEntry(name, from);
  if (!from.startsWith(ROOT)) throw new Error(`${from} is not a source of this project`);
  return { filename: new URL(`${name}.js`, `${ROOT}dist/${from.slice(ROOT.length)}`).href, execArgv: [] };
}
