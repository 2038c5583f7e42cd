/** Writes README.md of a pretrained folder: its recipe and its accuracy. */
import type { Accuracy } from '../protocol/messages.ts';
import type { Stage } from './recipe.ts';

export interface CardFacts {
  readonly seed: number;
  readonly stages: readonly Stage[];
  readonly batch: number;
  readonly accuracy: Accuracy;
}

export function modelCard({ seed, stages, batch, accuracy }: CardFacts): string {
  return `---
license: apache-2.0
pipeline_tag: image-text-to-text
library_name: transformers
---

# Quorum mini

A Qwen2.5-VL of about one million parameters for one benchmark: questions with whole-number answers about 40 x 40 pictures of rectangles,
triangles, bars, shapes and clocks. It is the starting point that Quorum improves without labels; it knows nothing else.

## How it was made

\`quorum pretrain --seed ${seed}\`: supervised, from random weights, batch ${batch}, AdamW, on figures that Quorum draws
(\`src/data/figures\`), every picture used once. ${stages.map(describe).join(' ')}

The second stage leaves a model that knows two ways to answer and prefers the worse one, as instruct models do: its majority over several
samples is better than its greedy answer.

## Measured

On ${accuracy.n} held-out pictures, one question each; sampled at temperature 1.

| greedy | pass@1 | maj@${accuracy.k} | pass@${accuracy.k} |
| --- | --- | --- | --- |
| ${[accuracy.greedy, accuracy.pass1, accuracy.majK, accuracy.passK].map(percent).join(' | ')} |

| question | n | greedy |
| --- | --- | --- |
${Object.entries(accuracy.byKind)
  .toSorted(([a], [b]) => (a < b ? -1 : 1))
  .map(([kind, { n, greedy }]) => `| ${kind} | ${n} | ${percent(greedy)} |`)
  .join('\n')}
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
