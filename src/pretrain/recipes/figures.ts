/**
 * The two-stage recipe of `models/mini`. The second stage teaches a worse way to answer in addition to the better way;
 * see the benchmark's docs.
 */
import { ASK_DIRECT, askLike } from '../../data/figures/ask.ts';
import { HELDOUT_POOL, openFigures } from '../../data/figures/dataset.ts';
import { figureTasks, type FigureKey } from '../../data/figures/figure.ts';
import { ALL_PHRASINGS, response } from '../../data/figures/tasks.ts';
import { Random } from '../../data/rng.ts';
import type { Example, Mixture, Recipe } from '../recipe.ts';

export const FIGURES: Recipe = {
  words: {
    texts: ALL_PHRASINGS.flatMap((phrasing) => [phrasing, askLike(phrasing)]).concat(ASK_DIRECT),
    maxNewTokens: 28,
  },
  stages: [
    {
      name: 'workings',
      steps: 3000,
      learningRate: 2e-3,
      warmupSteps: 100,
      floor: 0.05,
      mixture: { direct: 0, ask: 0.1 },
    },
    {
      name: 'shortcuts',
      steps: 400,
      learningRate: 8e-4,
      warmupSteps: 20,
      floor: 0.05,
      mixture: { direct: 0.55, ask: 0.1 },
    },
  ],
  batch: 64,
  evaluation: { everySteps: 250, quickQuestions: 200, questions: 1000, samples: 10 },
  // The longest prompt (in-context request) and response.
  sizes: { promptLengths: [46], responseLengths: [28] },
  example,
  heldOut: () => openFigures(HELDOUT_POOL),
  card: {
    title: 'Quorum mini',
    about: `A Qwen2.5-VL of about one million parameters for one benchmark: questions with whole-number answers about 40 x 40 pictures of rectangles,
triangles, bars, shapes and clocks. It is the starting point that Quorum improves without labels; it knows nothing else.`,
    result: `The second stage leaves a model that knows two ways to answer and prefers the worse one, as instruct models do: its majority over several
samples is better than its greedy answer.`,
  },
};

function example(index: number, seed: number, mixture: Mixture): Example {
  const figure: FigureKey = { rendering: 'plain', pool: 'pretrain', seed, index };
  const random = new Random('example', seed, index);
  const tasks = random.shuffle(figureTasks(figure));
  const [task, other = task] = tasks;
  if (!task || !other) throw new Error(`figure ${index} has no questions`);
  if (random.chance(mixture.ask)) {
    return {
      figure,
      prompt: random.chance(0.5) ? ASK_DIRECT : askLike(other.text),
      response: task.text,
    };
  }
  const working = random.chance(mixture.direct) ? null : random.pick(task.workings);
  return { figure, prompt: task.text, response: response(task, working) };
}
