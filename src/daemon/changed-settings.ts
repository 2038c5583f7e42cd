/** Compares the configuration with that of the last start, in all settings that affect the run's results. */
import { isDeepStrictEqual } from 'node:util';
import { configSchema } from '../config/schema.ts';

/** Settings left out: how and where the work is done, when it ends, and those with a check of their own. */
const ASIDE =
  /^(?:model|preset|promptTemplate|prompt|runFolder|seed|data|dashboard|log|workers|cluster|timeouts|store|checkpoints|supervision|loop\.(?:steps|stopWhen))(?:\.|$)/;
const LONGEST = 80;

export interface ChangedSetting {
  readonly path: string;
  readonly was: unknown;
  readonly is: unknown;
}

/** @param before as stored; settings that it lacks had their defaults. */
export function compareSettings(before: unknown, now: object): readonly ChangedSetting[] {
  const parsed = configSchema.safeParse(before);
  if (!parsed.success) return [];
  const [was, is] = [flat(parsed.data), flat(now)];
  const paths = [...new Set([...was.keys(), ...is.keys()])].filter((path) => !ASIDE.test(path));
  return paths
    .map((path) => ({ path, was: was.get(path), is: is.get(path) }))
    .filter((each) => !isDeepStrictEqual(each.was, each.is));
}

/** One line about the changes; empty without changes. */
export function describeChanges(changes: readonly ChangedSetting[]): string[] {
  if (changes.length === 0) return [];
  const words = changes.map(({ path, was, is }) => `${path} ${told(is)} (was ${told(was)})`);
  return [`settings changed since the last start: ${words.join('; ')}`];
}

/** Flattens an object to path -> value. */
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
