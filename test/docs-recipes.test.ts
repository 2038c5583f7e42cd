/** The recipes' configurations: the schema takes them, and their tables say what they hold. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { describeConfig } from '../src/config/describe.ts';
import { parseConfig } from '../src/config/load.ts';

const FOLDER = 'docs/recipes';

function valueAt(tree: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], tree);
}

describe.each(readdirSync(FOLDER))('%s', (name) => {
  const page = readFileSync(join(FOLDER, name), 'utf8');
  const written: unknown = parse(/```yaml\n([\s\S]*?)```/.exec(page)![1]!);
  const rows = [...page.matchAll(/^\|.*\| `([\w.]+)` \| `([^`]+)` \|$/gm)].map(([, key, value]) => ({
    key: key!,
    value: JSON.parse(value!) as unknown,
  }));

  it('is a configuration', () => {
    expect(parseConfig(written)).toMatchObject(written as object);
  });

  it('has a line of the table for each setting that it explains, with the value that holds', () => {
    expect(rows.length).toBeGreaterThan(20);
    const config = parseConfig(written);
    const known = new Set(describeConfig().map(({ path }) => path));
    for (const { key, value } of rows) {
      expect(known).toContain(key);
      expect([key, valueAt(config, key)]).toEqual([key, value]);
    }
  });
});
