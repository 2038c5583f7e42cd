/**
 * Jigsaw-R1 (arXiv 2505.23590): the run's own pictures are cut into pieces and rearranged, and the model is asked for
 * the order or for the relative position of two pieces. The cut determines the truth, so the reward is a rule and uses
 * no label.
 */
import {
  API_VERSION,
  definePlugin,
  type Ask,
  type PictureRef,
  type PortContext,
  type Question,
  type Reward,
} from 'quorum';
import { z } from 'zod';
import { LevelOfQuestions, SuccessRecord } from './jigsaw/curriculum.ts';
import { dice, shuffled, type Roll } from './jigsaw/dice.ts';
import { MOST_PIECES, puzzleOf, questionOf, RELATIONS, relationsOf, type Cut, type Puzzle } from './jigsaw/puzzle.ts';
import { scoreOf } from './jigsaw/score.ts';

const PAIR_PROMPT =
  'The picture was cut into {rows} x {columns} pieces, and they were put together in another order. Places are numbered row by row, from 1. ' +
  'In the original picture, where was the piece that is now at place {first} to the piece that is now at place {second}? ' +
  String.raw`Answer in \boxed{} with one of: {answers}.`;

const FULL_PROMPT =
  'The picture was cut into {rows} x {columns} pieces, and they were put together in another order. Places are numbered row by row, from 1. ' +
  'For each place in turn, give the number of the place to which its piece belongs. ' +
  String.raw`Answer in \boxed{} with {pieces} numbers, separated by spaces.`;

const share = () => z.number().gt(0).max(1);
const cut = z
  .string()
  .regex(/^[1-9]x[1-9]$/, 'expected rows x columns, such as "2x1"')
  .transform((text): Cut => ({ rows: Number(text[0]), columns: Number(text[2]) }))
  .refine(
    ({ rows, columns }) => rows * columns >= 2 && rows * columns <= MOST_PIECES,
    `expected 2 to ${MOST_PIECES} pieces`,
  );

const options = z.strictObject({
  form: z
    .enum(['pair', 'full'])
    .default('pair')
    .describe('`pair` asks how two pieces lay to each other, `full` for the order of all.'),
  levels: z
    .array(cut)
    .min(1)
    .max(16)
    .default([{ rows: 2, columns: 1 }])
    .describe('Rows x columns, from the easiest on, such as ["2x1", "2x2"].'),
  transpose: z.boolean().default(true).describe('Exchange rows and columns in every other question.'),
  threshold: share().default(0.9).describe('Share of right responses that ends a level.'),
  window: z.int().positive().max(10_000).default(128).describe('Groups over which that share is counted.'),
  share: share().default(1).describe("Share of the questions that are jigsaws; the others are the run's own."),
  formatWeight: z
    .number()
    .min(0)
    .default(0.5)
    .describe('Reward of a well-formed wrong answer; the right answer earns 1.'),
  relations: z
    .array(z.string().regex(/[\p{L}\p{N}]/u, 'expected a letter or a digit'))
    .length(RELATIONS.length)
    .default([...RELATIONS])
    .describe(`What a model answers for ${RELATIONS.join(', ')}.`),
  pairPrompt: z
    .string()
    .min(1)
    .default(PAIR_PROMPT)
    .describe('May hold {rows}, {columns}, {pieces}, {first}, {second} and {answers}.'),
  fullPrompt: z.string().min(1).default(FULL_PROMPT).describe('May hold {rows}, {columns} and {pieces}.'),
  pictures: z.array(z.string().min(1)).min(1).optional().describe("Files to cut in place of the run's pictures."),
});

type Options = z.output<typeof options>;

export default definePlugin({
  name: 'jigsaw',
  apiVersion: API_VERSION,
  options,
  ports: { ask: openAsk, reward: openReward },
});

function openAsk(context: PortContext<Options, 'ask'>): Ask {
  const { options, seed, folder } = context;
  const pictures =
    options.pictures?.map((path): PictureRef => ({ type: 'file', path })) ?? context.questions.pictures();
  if (pictures.length === 0)
    throw new Error("there is no picture to cut: give the run's questions pictures, or list files in options.pictures");
  const levels = options.levels.length > 1 ? new LevelOfQuestions(folder) : undefined;
  return async ({ from, count }, signal) => {
    const levelAt = levels?.ask(from, count) ?? (() => 0);
    const own = (await ownQuestions(context, from, count, signal)).values();
    const questions: Question[] = [];
    for (let sequence = from; sequence < from + count; sequence++) {
      const question = isJigsaw(sequence, options.share)
        ? jigsaw(sequence, options, options.levels[levelAt(sequence)]!, pictures, seed)
        : own.next().value;
      if (question === undefined) break;
      questions.push(question);
    }
    return questions;
  };
}

/** The source behind the plug-in counts its own questions from 0, so none of them is skipped. */
async function ownQuestions(
  context: PortContext<Options, 'ask'>,
  from: number,
  count: number,
  signal: AbortSignal,
): Promise<readonly Question[]> {
  const { share } = context.options;
  const first = from - jigsawsBefore(from, share);
  const wanted = from + count - jigsawsBefore(from + count, share) - first;
  return wanted === 0 ? [] : context.next({ from: first, count: wanted }, signal);
}

/** Jigsaws are spread evenly: `share` of any first n questions, rounded down. */
function jigsawsBefore(sequence: number, share: number): number {
  return Math.floor(sequence * share);
}

function isJigsaw(sequence: number, share: number): boolean {
  return jigsawsBefore(sequence + 1, share) > jigsawsBefore(sequence, share);
}

function jigsaw(
  sequence: number,
  options: Options,
  level: Cut,
  pictures: readonly PictureRef[],
  seed: number,
): Question {
  const roll = dice(seed, sequence);
  const picture = pictures[roll(pictures.length)]!;
  const { rows, columns } = options.transpose && roll(2) === 1 ? { rows: level.columns, columns: level.rows } : level;
  const pieces = Array.from({ length: rows * columns }, (_, i) => i);
  const order = shuffled(pieces, roll);
  const pair = options.form === 'pair' ? twoOf(pieces, roll) : null;
  const puzzle: Puzzle = { rows, columns, order, pair };
  return questionOf(puzzle, picture, textOf(puzzle, options), sequence);
}

/** In order of place, so the order of naming reveals nothing. */
function twoOf(places: readonly number[], roll: Roll): [number, number] {
  const [one, other] = shuffled(places, roll) as [number, number, ...number[]];
  return [Math.min(one, other), Math.max(one, other)];
}

function textOf(puzzle: Puzzle, { pairPrompt, fullPrompt, relations }: Options): string {
  const { rows, columns, order, pair } = puzzle;
  const answers = [...new Set(relationsOf(puzzle).map((relation) => relations[relation]))].join(', ');
  const all = { rows, columns, pieces: order.length };
  const values: Record<string, string | number> = pair
    ? { ...all, first: pair[0] + 1, second: pair[1] + 1, answers }
    : all;
  return (pair ? pairPrompt : fullPrompt).replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
    String(values[name] ?? whole),
  );
}

function openReward({ options, folder, tell }: PortContext<Options, 'reward'>): Reward {
  const { levels, transpose, threshold, window, relations, formatWeight } = options;
  const success =
    levels.length > 1 ? new SuccessRecord(folder, { levels: levels.length, threshold, window }) : undefined;
  const levelOf = ({ rows, columns }: Cut): number =>
    levels.findIndex(
      (level) =>
        (level.rows === rows && level.columns === columns) ||
        (transpose && level.rows === columns && level.columns === rows),
    );

  return ({ group, answers }) => {
    const puzzle = puzzleOf(group.question);
    if (!puzzle) return undefined;
    const scores = answers.map((answer) => scoreOf(puzzle, answer, relations));
    const right = scores.filter(({ accuracy }) => accuracy === 1).length / scores.length;
    const reached = success?.add(levelOf(puzzle), group.sequence, right);
    if (reached !== undefined)
      tell(`level ${reached + 1} of ${levels.length}: ${levels[reached]!.rows} x ${levels[reached]!.columns} pieces`);
    return { rewards: scores.map(({ accuracy, format }) => accuracy + formatWeight * format), verified: true };
  };
}
