/**
 * Writes docs/built-in-plugins.md from src/plugins: `npx tsx docs/make-built-in-plugins.ts`. A test fails when the page
 * is out of date.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { z } from 'zod';
import { describeSchema } from '../src/config/describe.ts';
import { importDefault } from '../src/lib/import-default.ts';
import type { PluginDefinition } from '../src/plugin/define.ts';
import { table } from './make-configuration.ts';

const PAGE = new URL('./built-in-plugins.md', import.meta.url);
const FOLDER = new URL('../src/plugins/', import.meta.url);

const HEAD = `# Built-in plug-ins

They come in by the same door as anybody's ([plugins.md](plugins.md)): list one by its name, with options where it has some. This page is made from their
sources in \`src/plugins\` by \`npx tsx docs/make-built-in-plugins.ts\`.

\`\`\`ts
import { defineConfig } from 'quorum';

export default defineConfig({
  plugins: ['quorum/plugins/soft-vote', { use: 'quorum/plugins/jsonl', options: { file: './events.jsonl' } }],
});
\`\`\`
`;

/** The page, as Markdown. */
export async function builtInPluginsPage(): Promise<string> {
  const names = readdirSync(FOLDER).flatMap((file) => /^([a-z-]+)\.ts$/.exec(file)?.[1] ?? []);
  const sections = await Promise.all(names.toSorted().map(section));
  return [HEAD, ...sections].join('\n');
}

async function section(name: string): Promise<string> {
  const { ports, options } = (await importDefault(
    `quorum/plugins/${name}`,
    import.meta.filename,
  )) as PluginDefinition<unknown>;
  const [, header = ''] = /^\/\*\*([\s\S]*?)\*\//.exec(readFileSync(new URL(`${name}.ts`, FOLDER), 'utf8')) ?? [];
  const words = header.replaceAll(/^\s*\* ?/gm, '').trim();
  const list = Object.keys(ports).map((port) => `\`${port}\``);
  const keys = options === undefined ? [] : describeSchema(options as unknown as z.ZodType);
  return `## ${name}\n\n${words}\n\nPort${list.length > 1 ? 's' : ''}: ${list.join(', ')}. ${keys.length === 0 ? 'No options.\n' : `Options:\n\n${table(keys)}`}`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  writeFileSync(PAGE, await builtInPluginsPage());
