/** What the configuration says otherwise than at the last start, of all that has a part in what the run becomes. */
import { isDeepStrictEqual } from 'node:util';
import { configSchema } from '../config/schema.ts';

/** How and where the work is done, what has a check of its own, and when it ends. */
const ASIDE =
  /^(?:model|preset|promptTemplate|runFolder|seed|data|dashboard|log|workers|timeouts|store|checkpoints|supervision|loop\.(?:steps|stopWhen))(?:\.|$)/;
const LONGEST = 80;

export interface ChangedSetting {
  readonly path: string;
  readonly was: unknown;
  readonly is: unknown;
}

/** @param before as stored: settings that it does not name had their defaults. */
export function compareSettings(before: unknown, now: object): readonly ChangedSetting[] {
  const parsed = configSchema.safeParse(before);
  if (!parsed.success) return [];
  const [was, is] = [flat(parsed.data), flat(now)];
  const paths = [...new Set([...was.keys(), ...is.keys()])].filter((path) => !ASIDE.test(path));
  return paths
    .map((path) => ({ path, was: was.get(path), is: is.get(path) }))
    .filter((each) => !isDeepStrictEqual(each.was, each.is));
}

/** Nothing where nothing changed. */
export function describeChanges(changes: readonly ChangedSetting[]): string[] {
  if (changes.length === 0) return [];
  const words = changes.map(({ path, was, is }) => `${path} ${told(is)} (was ${told(was)})`);
  return [`settings changed since the last start: ${words.join('; ')}`];
}

/** Path -> value that is no object. */
export function flat(value: object, path = ''): Map<string, unknown> {
  const entries = Object.entries(value).flatMap(([key, inner]: [string, unknown]): [string, unknown][] => {
    const at = path === '' ? key : `${path}.${key}`;
    return typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? [...flat(inner, at)] : [[at, inner]];
  });
  return new Map(entries.filter(([, inner]) => inner !== undefined));
}

function told(value: unknown): string {
  const text = JSON.stringify(value) ?? 'not set';
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
}
