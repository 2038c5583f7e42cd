/** Where Quorum keeps what can be made again and belongs to no run: under the user's cache folder. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** By the XDG base directory specification: a relative XDG_CACHE_HOME is ignored. The folder may not exist yet. */
export function cacheFolder(...names: readonly string[]): string {
  const own = process.env['XDG_CACHE_HOME'];
  return join(own !== undefined && isAbsolute(own) ? own : join(homedir(), '.cache'), 'quorum', ...names);
}
