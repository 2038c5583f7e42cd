import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pluginsOf } from '../../src/config/plugins.ts';
import { configSchema } from '../../src/config/schema.ts';
import { loadPlugins } from '../../src/plugin/load.ts';

const FOLDER = join(import.meta.dirname, '../../src/plugins');

test('the setting checks takes every built-in check, and loads them before the listed plug-ins', async () => {
  const checks = readdirSync(FOLDER).flatMap((file) =>
    file.endsWith('.ts') && /\bports: \{\s*check:/.test(readFileSync(join(FOLDER, file), 'utf8'))
      ? [file.slice(0, -'.ts'.length)]
      : [],
  );
  expect(checks).toEqual(expect.arrayContaining(['equations', 'whole']));
  const config = configSchema.parse({ checks, plugins: ['quorum/plugins/majority'] });
  const plugins = await loadPlugins(pluginsOf(config), FOLDER);
  expect(plugins.map(({ name }) => name)).toEqual([...checks, 'majority']);
  expect(plugins.filter(({ ports }) => ports.check).map(({ name }) => name)).toEqual(checks);
  const premises = { use: 'quorum/plugins/premises', options: { samples: 8 } };
  const given = configSchema.parse({
    checks: ['premises', 'whole'],
    plugins: ['./own.ts', premises, 'quorum/plugins/whole'],
  });
  expect(pluginsOf(given)).toEqual([premises, 'quorum/plugins/whole', './own.ts']);
  const { error } = configSchema.safeParse({ checks: ['sums'] });
  expect(error!.issues[0]!.message).toContain('"equations"');
});
