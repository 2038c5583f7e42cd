/** Writes README.md of a pretrained folder: its recipe and its accuracy. */
import type { BuiltIn } from '../data/settings.ts';
import type { Accuracy } from '../protocol/messages.ts';
import { shareRight } from './accuracy.ts';
import type { Stage } from './recipe.ts';
import { MADE, RECIPES } from './recipes/table.ts';
import type { AnswerReply } from './worker.ts';

export interface CardFacts {
  readonly data: BuiltIn;
  /** `--like`, where it was given. */
  readonly like: string | undefined;
  readonly seed: number;
  /** `--steps`, where it was given. */
  readonly steps: number | undefined;
  readonly stages: readonly Stage[];
  readonly batch: number;
  readonly accuracy: Accuracy;
  readonly greedy: AnswerReply;
}

export function modelCard(facts: CardFacts): string {
  const { data, like, seed, steps, stages, batch, accuracy, greedy } = facts;
  const { title, about, result, from } = wordsOf(facts);
  const options = [
    like !== undefined && `--like ${like}`,
    data !== 'figures' && `--data ${data}`,
    `--seed ${seed}`,
    steps !== undefined && `--steps ${steps}`,
  ];
  return `---
license: apache-2.0
pipeline_tag: image-text-to-text
library_name: transformers
---

# ${title}

${about}

## How it was made

\`quorum pretrain ${options.filter(Boolean).join(' ')}\`: supervised, from ${from}, batch ${batch}, AdamW, on figures that Quorum draws
(\`src/data/figures\`)${like === undefined ? ', every picture used once' : ''}. ${stages.map(describe).join(' ')}

${result}

## Measured

On ${accuracy.n} held-out pictures, one question each; sampled at temperature 1.

| greedy | pass@1 | maj@${accuracy.k} | pass@${accuracy.k} |
| --- | --- | --- | --- |
| ${[accuracy.greedy, accuracy.pass1, accuracy.majK, accuracy.passK].map(percent).join(' | ')} |

| question | n | greedy |
| --- | --- | --- |
${kindsOf(accuracy)
  .map(([kind, { n, greedy: share }]) => `| ${kind} | ${n} | ${percent(share)} |`)
  .join('\n')}
${accuracy.levels === undefined ? '' : levelTable(accuracy, accuracy.levels, greedy)}`;
}

interface CardWords {
  readonly title: string;
  readonly about: string;
  readonly result: string;
  /** What training starts from. */
  readonly from: string;
}

function wordsOf({ data, like }: Pick<CardFacts, 'data' | 'like'>): CardWords {
  const { start, card } = RECIPES[data];
  if (like === undefined)
    return { ...card, from: start === undefined ? 'random weights' : `the weights of \`${start.folder}\`` };
  return {
    title: `${card.title}, widened to ${like}`,
    about: `The model of \`${MADE[data]}\` in the width of a Qwen2.5-VL of ${like}: it knows the same words and answers questions about the same pictures.
It shows on a machine with a GPU what the small one shows on a processor; most of its weights are there to be computed with.`,
    result: 'At the start the widened model computes what the small one does (Net2Net, Chen et al. 2016).',
    from: `the widened weights of \`${MADE[data]}\``,
  };
}

function kindsOf({ byKind }: Accuracy): [string, Accuracy['byKind'][string]][] {
  return Object.entries(byKind).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Greedy accuracy of each kind at each level. */
function levelTable(accuracy: Accuracy, levels: Readonly<Record<string, number>>, greedy: AnswerReply): string {
  const numbers = Object.keys(levels);
  const row = (name: string, shares: readonly number[]): string =>
    `| ${[name, ...shares.map((share) => (100 * share).toFixed(0))].join(' | ')} |`;
  const rows = kindsOf(accuracy).map(([name]) =>
    row(
      name,
      numbers.map((number) => shareRight(greedy, ({ kind, level }) => kind === name && String(level) === number)),
    ),
  );
  return `
Greedy by level, in per cent:

| level | ${numbers.join(' | ')} |
| --- ${numbers.map(() => '| --- ').join('')}|
${[row('all', Object.values(levels)), ...rows].join('\n')}
`;
}

function describe({ name, steps, learningRate, mixture }: Stage, index: number): string {
  const answers =
    mixture.direct === 0 ? 'all answers with their working' : `${percent(mixture.direct)} of the answers the box alone`;
  return `Stage ${index + 1} (${name}): ${steps} steps, peak learning rate ${learningRate}, ${answers}, ${percent(mixture.ask)} of the examples ask for a question.`;
}

function percent(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}
