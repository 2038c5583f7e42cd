/** How tests run a module of this project in a process or a thread of its own. */
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url).href;
const IS_BUILT = process.env['QUORUM_TEST_BUILT'] === '1';

/** The module that its process imports: its JavaScript while dist/ is as new as the sources (test/build.ts). */
export function moduleToRun(source: URL): URL {
  if (!IS_BUILT) return source;
  if (!source.href.startsWith(ROOT)) throw new Error(`${source} is not a module of this project`);
  return new URL(`dist/${source.href.slice(ROOT.length).replace(/\.ts$/, '.js')}`, ROOT);
}

/** Arguments of Node without which it cannot run `moduleToRun`. */
export const LOADER: readonly string[] = IS_BUILT ? [] : ['--import', import.meta.resolve('tsx')];

/** Arguments of Node that run the module. */
export const nodeArguments = (source: URL): string[] => [...LOADER, fileURLToPath(moduleToRun(source))];
