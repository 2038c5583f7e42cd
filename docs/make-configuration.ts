/** Writes docs/configuration.md from the schema: `npx tsx docs/make-configuration.ts`. A test fails when the page is out of date. */
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { describeConfig, type ConfigKey } from '../src/config/describe.ts';

const PAGE = new URL('./configuration.md', import.meta.url);

const HEAD = `# Configuration

This page is made from the schema in \`src/config/schema.ts\` by \`npx tsx docs/make-configuration.ts\`.

Quorum reads \`quorum.config.ts\` (or \`.mts\`, \`.js\`, \`.mjs\`, \`.json\`, \`.yaml\`, \`.yml\`) in the folder where it is started, or the file that \`--config\`
names. Every key may be left out. Relative paths start at the folder of the file. A key that does not exist, or a value that is not allowed, is an
error that names the key, the value and what is allowed.

\`\`\`ts
import { defineConfig } from 'quorum';

export default defineConfig({
  data: { type: 'jsonl', trainFile: './questions.jsonl' },
  learner: { learningRate: 3e-5, klCoefficient: 0.05 },
  workers: { rolloutWorkers: 2 },
});
\`\`\`

On the command line, \`--set path=value\` sets one key and may be given more than once: \`quorum start --set learner.learningRate=3e-5 --set
'data={type: figures, rendering: hard}'\`. It wins over the options with a name of their own (\`--model\`, \`--data\`, \`--run\`, \`--steps\`, \`--seed\`), and these
win over the file. A value is read as YAML; a relative path in it starts at the current folder.
`;

/** The page, as Markdown. */
export function configurationPage(): string {
  const keys = describeConfig();
  const sections = [...new Set(keys.map(sectionOf))];
  const tables = sections.map((name) => `## ${name || 'Top level'}\n\n${table(keys.filter((key) => sectionOf(key) === name))}`);
  return [HEAD, ...tables].join('\n');
}

function sectionOf({ path }: ConfigKey): string {
  return path.includes('.') ? path.split('.')[0]! : '';
}

/** As a table in Markdown. */
export function table(keys: readonly ConfigKey[]): string {
  const rows = keys.map(({ path, type, default: value, doc, when }) =>
    [
      `\`${path}\``,
      value === undefined ? '–' : `\`${JSON.stringify(value)}\``,
      escape(type),
      escape(`${doc}${when === undefined ? '' : ` (where \`${when}\`)`}`),
    ].join(' | '),
  );
  return `| key | default | allowed | what it does |\n| --- | --- | --- | --- |\n${rows.map((row) => `| ${row} |`).join('\n')}\n`;
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|');
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) writeFileSync(PAGE, configurationPage());
