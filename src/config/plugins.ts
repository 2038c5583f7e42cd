/** Which plug-ins a run loads. */
import { isPlain } from './merge.ts';
import type { Config } from './schema.ts';

/** The plug-ins of a run: its checks, each with the options that `plugins` gives it, then the others that it lists. */
export function pluginsOf({ checks, plugins }: Pick<Config, 'checks' | 'plugins'>): Config['plugins'] {
  const others = [...plugins];
  const first = checks.map((name) => {
    const path = `quorum/plugins/${name}`;
    const at = others.findIndex((each) => (isPlain(each) && 'use' in each ? each.use : each) === path);
    return at < 0 ? path : others.splice(at, 1)[0]!;
  });
  return [...first, ...others];
}
