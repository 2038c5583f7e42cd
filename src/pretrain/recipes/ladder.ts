/**
 * The recipe of `models/ladder`: a base with a slope. It starts from `models/mini`, which knows digits, clocks and
 * shapes. Reading is taught at every level, and few totals, mostly of low levels, so that the model reads further than
 * it adds.
 */
import { ASK_DIRECT, askLike, readingPrompt } from '../../data/figures/ask.ts';
import { ladderScene, type FigureKey } from '../../data/figures/figure.ts';
import { openLadder } from '../../data/figures/ladder/dataset.ts';
import { LEVELS } from '../../data/figures/ladder/family.ts';
import {
  FAMILY_NAMES,
  familyTexts,
  indexOf,
  ladderQuestion,
  type FamilyName,
  type Rung,
} from '../../data/figures/ladder/table.ts';
import { boxed } from '../../data/figures/tasks.ts';
import { Random } from '../../data/rng.ts';
import type { Example, Mixture, Recipe } from '../recipe.ts';
import { FIGURES } from './figures.ts';

/** Share of readings among the examples that do not request a question. */
const READING = 0.85;

/** What a reading is of, drawn at random: more often what is harder to read. */
const READ: readonly FamilyName[] = [
  'digits',
  'stacks',
  'stacks',
  'shapes',
  'shapes',
  'shapes',
  'hours',
  'chain',
  'chain',
];

/** The level of a total is 1 + floor(Exp(RATE)), at most the highest. */
const RATE = 0.4;

/** 40 of each family at each level. */
const HELD_OUT = 2400;

export const LADDER: Recipe = {
  words: {
    texts: FAMILY_NAMES.flatMap(familyTexts)
      .flatMap((text) => [text, askLike(text), readingPrompt(text)])
      .concat(ASK_DIRECT),
    maxNewTokens: 132,
  },
  start: { folder: 'models/mini', texts: FIGURES.words.texts },
  stages: [
    {
      name: 'slope',
      steps: 3500,
      learningRate: 2e-3,
      warmupSteps: 100,
      floor: 0.05,
      mixture: { direct: 0.25, ask: 0.05 },
    },
  ],
  batch: 64,
  evaluation: { everySteps: 500, quickQuestions: 240, questions: HELD_OUT, samples: 10 },
  sizes: {
    examples: 8,
    promptLengths: [41, 49],
    responseLengths: [8, 16, 24, 32, 48, 64, 96, 132],
  },
  example,
  heldOut: () => openLadder({ pool: 'heldout', pictures: HELD_OUT }),
  card: {
    title: 'Quorum ladder',
    about: `A Qwen2.5-VL of about one million parameters for one benchmark: the ladder, questions about 40 x 40 pictures in five families whose difficulty is
a level from 1 to 12. It answers low levels well and high levels hardly, so there is a slope to climb without labels; it knows nothing else.`,
    result: `${100 * READING} % of the other examples read the picture without an answer, at every level alike; the rest answer, at level 1 + floor(Exp(${RATE})),
at most 12. So the model reads further than it adds up, and its accuracy falls with the level.`,
  },
};

function example(index: number, seed: number, mixture: Mixture): Example {
  const random = new Random('ladder example', seed, index);
  const isRequest = random.chance(mixture.ask);
  const isReading = random.chance(READING);
  const family = random.pick(isReading ? READ : FAMILY_NAMES);
  const level =
    isRequest || isReading
      ? random.int(1, LEVELS)
      : Math.min(LEVELS, 1 + Math.floor(-Math.log(1 - random.float()) / RATE));
  const rung: Rung = { family, level };
  const figure: FigureKey = { set: 'ladder', rendering: 'plain', pool: 'pretrain', seed, index: indexOf(rung, index) };
  const { text, answer, reading, working } = ladderQuestion(rung, ladderScene(figure), random);
  if (isRequest) {
    const other = random.pick(familyTexts(family).filter((each) => each !== text));
    return { figure, prompt: random.chance(0.5) ? ASK_DIRECT : askLike(other), response: text };
  }
  if (isReading) return { figure, prompt: readingPrompt(text), response: reading };
  const isDirect = random.chance(mixture.direct);
  return { figure, prompt: text, response: isDirect ? boxed(answer) : `${working} ${boxed(answer)}` };
}
