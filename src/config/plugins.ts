/** Which plug-ins a run loads. */
import type { Config } from './schema.ts';

/** The plug-ins of a run: its checks, then those that it lists. */
export function pluginsOf({ checks, plugins }: Pick<Config, 'checks' | 'plugins'>): Config['plugins'] {
  return [...checks.map((name) => `quorum/plugins/${name}`), ...plugins];
}
