/**
 * Writes docs/configuration.md from the schema: `npx tsx docs/make-configuration.ts`. A test fails when the page is out
 * of date.
 */
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { describeConfig, type ConfigKey } from '../src/config/describe.ts';
import { presetDefaults } from '../src/config/preset.ts';
import type { ConfigInput } from '../src/config/schema.ts';

const PAGE = new URL('./configuration.md', import.meta.url);

const HEAD = `# Configuration

This page is made from the schema in \`src/config/schema.ts\` by \`npx tsx docs/make-configuration.ts\`.

Quorum reads \`quorum.config.ts\` (or \`.mts\`, \`.js\`, \`.mjs\`, \`.json\`, \`.yaml\`, \`.yml\`) in the folder where it is started, or the file that \`--config\`
names. Every key may be left out: it then has the default of the [preset](#presets). Relative paths start at the folder of the file. A key that does not
exist, or a value that is not allowed, is an error that names the key, the value and what is allowed.

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
win over the file. A value is read as YAML, or as it stands where the key takes text; a relative path in it starts at the current folder. \`null\` is no text: a folder of
that name is \`./null\`. An empty value is refused.

A module (\`.ts\`, \`.js\` ...) gives the configuration, or a promise of it, as its default export and has 20 seconds for that. It must not import itself by way of other
modules, because one of them would be read before the other is complete. A \`.json\` file has no comments; \`.yaml\` takes them. No key may be given twice, and no value
may hold itself.

## Presets

A preset is a set of defaults, so it counts only for what neither the file nor an option sets. \`preset: auto\` chooses by the model folder's \`config.json\` and the data:

| preset | chosen where | its defaults |
| --- | --- | --- |
| \`mini\` | the context (\`max_position_embeddings\`) is under 4,096 tokens and the vocabulary under 10,000, or the folder cannot be read | the recipe measured with the bundled model |
| \`ladder\` | as \`mini\`, and \`data.type\` is \`ladder\` | \`mini\`, with \`checks\` equations, whole and premises, \`curriculum.mode\` on, \`filters.shareFloor\` 0.1, \`learner.learningRate\` 1e-4, \`learner.klCoefficient\` 0, \`evaluation.questions\` 300 |
| \`vlm\` | the context is 4,096 tokens or more, or the vocabulary (\`vocab_size\`) 10,000 | the prompt and the settings of MM-UPT (arXiv 2505.22453) for Qwen2.5-VL |
| \`legacy\` | the run was begun before there were presets | \`mini\`, but the learning rate falls by a cosine to a tenth by step 60 |

\`quorum start\`, in its first lines, and \`quorum doctor\` say which preset holds and why. \`start\` keeps the preset that the run was begun with; \`--set preset=auto\`
chooses anew, \`--set preset=vlm\` names one. The tables below have the defaults of \`mini\`, and those of \`vlm\` where they differ. With \`mini\`,
\`sampling.maxNewTokens\` is the \`max_new_tokens\` of the folder's \`generation_config.json\`, where it has one. Three of \`vlm\` follow the model further:

- \`sampling.maxNewTokens\` is at most half of the context.
- \`loop.jobQuestions\` is as many questions as leave the keys and values of their responses within 4 GiB (2 for Qwen2.5-VL-3B, 1 for 7B).
- \`promptTemplate\` is \`{question}\` where the folder's chat template asks for \`\\boxed\` itself.

In every preset but \`legacy\` the learning rate stays constant after warm-up, because a run has no end by default. For a run that has one, \`--set
learner.schedule.totalSteps=200\` lets it fall by a cosine to a tenth.

Where \`vlm\` deviates from the paper: \`sampling.topP\` is 1 instead of 0.99, because a truncated sampler biases the importance ratios, and a step is one update of 128
questions instead of four such updates on 512. The paper publishes no prompts for synthetic questions; those here are our own.
`;

/** The page, as Markdown. */
export function configurationPage(): string {
  const keys = describeConfig();
  const vlm = presetDefaults('vlm');
  const sections = [...new Set(keys.map(sectionOf))];
  const tables = sections.map(
    (name) =>
      `## ${name || 'Top level'}\n\n${table(
        keys.filter((key) => sectionOf(key) === name),
        vlm,
      )}`,
  );
  return [HEAD, ...tables].join('\n');
}

function sectionOf({ path }: ConfigKey): string {
  return path.includes('.') ? path.split('.')[0]! : '';
}

/** As a table in Markdown. @param vlm the preset's defaults, named where they are not those of `mini`. */
export function table(keys: readonly ConfigKey[], vlm?: ConfigInput): string {
  const rows = keys.map((key) => {
    const own = key.when === undefined ? valueAt(vlm, key.path) : undefined;
    const byDefault =
      shown(key.default) + (own === undefined || isDeepStrictEqual(own, key.default) ? '' : ` (vlm: ${shown(own)})`);
    return `| ${[code(key.path), byDefault, ...wordsOf(key)].join(' | ')} |`;
  });
  return `| key | default | allowed | what it does |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

function wordsOf({ type, doc, when }: ConfigKey): string[] {
  return [escape(type), escape(`${doc}${when === undefined ? '' : ` (where \`${when}\`)`}`)];
}

function shown(value: unknown): string {
  return value === undefined ? '–' : code(JSON.stringify(value));
}

function code(text: string): string {
  return `\`${text}\``;
}

function valueAt(tree: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], tree);
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|');
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  writeFileSync(PAGE, configurationPage());
