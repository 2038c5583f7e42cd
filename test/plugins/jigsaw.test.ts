import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { openPort, type Ask, type Question, type RewardReply } from '../../src/index.ts';
import { MINI } from '../../bench/jigsaw.ts';
import { openFigures } from '../../src/data/figures/dataset.ts';
import { parseTokenizer } from '../../src/compute/hf/tokenizer.ts';
import jigsaw from '../../src/plugins/jigsaw.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { idle, pluginContext, type ContextParts } from '../support/plugin-context.ts';
import { response, rewardRequest } from '../support/reward-request.ts';

const { dataset } = openFigures({ pool: 'train', pictures: 40, questions: 'one' });
const questions = Array.from({ length: dataset.size }, (_, i) => dataset.question(i));

const openAsk = (options: object = {}, parts: ContextParts<'ask'> = {}): Promise<Ask> =>
  openPort(jigsaw, 'ask', pluginContext<'ask'>({ questions, ...parts }), options);

const ask = async (options: object, count: number, parts: ContextParts<'ask'> = {}): Promise<readonly Question[]> =>
  (await openAsk(options, parts))({ from: 0, count }, idle);

async function openReward(options: object = {}, folder = temporaryFolder()) {
  const context = pluginContext<'reward'>({ folder });
  const reward = await openPort(jigsaw, 'reward', context, options);
  const earned = (question: Question, answers: readonly (string | null)[], sequence = 0): RewardReply => {
    const request = rewardRequest(answers.map((answer) => response(answer)));
    return reward({ ...request, group: { ...request.group, question, sequence } }, idle) as RewardReply;
  };
  return { earned, told: context.told };
}

/**
 * A question of 2 x 2 pieces that were put together as [4 3 1 2]; the first of the pair was at place 4, the second at
 * place 1.
 */
const order = [3, 2, 0, 1];
const picture = {
  type: 'rearranged',
  of: { type: 'figure', key: 'plain/train/0/0' },
  rows: 2,
  columns: 2,
  order,
} as const;
const full: Question = { id: 'jigsaw/full/2x2/7', text: '', origin: 'plugin', pictures: [picture] };
const pair: Question = { ...full, id: 'jigsaw/pair/2x2/1-3/7' };

describe('asking', () => {
  test('about pictures of the run, rearranged, the same for the same request', async () => {
    const whole = await ask({ levels: ['2x2'] }, 20);
    const again = await openAsk({ levels: ['2x2'] });
    expect(await again({ from: 15, count: 5 }, idle)).toEqual(whole.slice(15));
    expect(await again({ from: 0, count: 20 }, idle)).toEqual(whole);
    expect(await ask({ levels: ['2x2'] }, 20, { seed: 1 })).not.toEqual(whole);
    expect(new Set(whole.map(({ id }) => id)).size).toBe(20);
    for (const { pictures, origin, verbatim } of whole) {
      expect({ origin, verbatim, pictures }).toMatchObject({
        origin: 'plugin',
        verbatim: true,
        pictures: [{ type: 'rearranged' }],
      });
      expect(dataset.pictures()).toContainEqual((pictures[0] as typeof picture).of);
    }
  });

  test('every order comes up about as often as any other, and so does every pair', async () => {
    const asked = await ask({ levels: ['3x1'], transpose: false }, 1200);
    const counts = (values: readonly string[]) =>
      [...new Set(values)].map((value) => values.filter((other) => other === value).length);
    const orders = counts(asked.map(({ pictures }) => (pictures[0] as typeof picture).order.join('')));
    const pairs = counts(asked.map(({ id }) => id.split('/')[3]!));
    expect(orders).toHaveLength(6);
    expect(pairs).toHaveLength(3);
    expect(Math.min(...orders)).toBeGreaterThan(140);
    expect(Math.min(...pairs)).toBeGreaterThan(330);
  });

  test('rows and columns are exchanged in half of the questions, where wanted', async () => {
    const kinds = async (transpose: boolean) => {
      const asked = await ask({ form: 'full', levels: ['3x1'], transpose }, 100);
      return asked.filter(({ kind }) => kind === 'jigsaw/full/1x3').length;
    };
    expect(await kinds(true)).toBeGreaterThan(35);
    expect(await kinds(true)).toBeLessThan(65);
    expect(await kinds(false)).toBe(0);
  });

  test('in words that name the cut, the places and what can be answered', async () => {
    const words = '{rows} {columns} {pieces} {first} {second} {answers} {other} \\boxed{}';
    const [question] = await ask(
      { levels: ['2x1'], transpose: false, pairPrompt: words, relations: [...'abcdefgh'] },
      1,
    );
    expect(question!.text).toBe('2 1 2 1 2 c, d {other} \\boxed{}');
    const [order] = await ask({ form: 'full', levels: ['2x1'], transpose: false, fullPrompt: words }, 1);
    expect(order!.text).toBe('2 1 2 {first} {second} {answers} {other} \\boxed{}');
  });

  test('files in place of pictures of the run', async () => {
    const asked = await ask({ pictures: ['/a.png', '/b.png'] }, 20, { questions: [] });
    const paths = new Set(
      asked.map(({ pictures }) => ((pictures[0] as typeof picture).of as unknown as { path: string }).path),
    );
    expect(paths).toEqual(new Set(['/a.png', '/b.png']));
  });

  test('of the run without pictures: says what is missing', async () => {
    await expect(openAsk({}, { questions: [] })).rejects.toThrow('there is no picture to cut');
  });

  test.each([
    ['a cut that is none', { levels: ['2*2'] }, /levels.0: expected rows x columns/],
    ['one piece', { levels: ['1x1'] }, /levels.0: expected 2 to 9 pieces/],
    ['too many pieces', { levels: ['4x3'] }, /levels.0: expected 2 to 9 pieces/],
    ['relations that are missing', { relations: ['left'] }, /relations/],
  ])('refuses %s', async (_, options, message) => {
    await expect(openAsk(options)).rejects.toThrow(message);
  });
});

describe('a share of the questions', () => {
  const own: Ask = ({ from, count }) => Promise.resolve(Array.from({ length: count }, (_, i) => questions[from + i]!));

  test('is jigsaws, spread evenly; the others are the next ones of the run, none left out', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 }),
        async (share, counts) => {
          const source = await openAsk({ share }, { next: own });
          const asked: Question[] = [];
          for (const count of counts) asked.push(...(await source({ from: asked.length, count }, idle)));
          const others = asked.filter(({ origin }) => origin === 'dataset');
          expect(asked).toHaveLength(counts.reduce((sum, count) => sum + count));
          expect(asked.length - others.length).toBe(Math.floor(asked.length * share));
          expect(others).toEqual(questions.slice(0, others.length));
        },
      ),
      { numRuns: 30 },
    );
  });

  test('ends where the run gives fewer questions than were asked for', async () => {
    const slow: Ask = ({ from }) => own({ from, count: 1 }, idle);
    const source = await openAsk({ share: 0.5 }, { next: slow });
    const first = await source({ from: 0, count: 10 }, idle);
    expect(first.map(({ origin }) => origin)).toEqual(['dataset', 'plugin']);
    const second = await source({ from: 2, count: 10 }, idle);
    expect([...first, ...second]).toEqual(await ask({ share: 0.5 }, 4, { next: own }));
  });
});

describe('rewarding', () => {
  test('a whole order: the share of pieces that are in their place, and half of it all for the form', async () => {
    const { earned } = await openReward({ form: 'full' });
    const answers = [
      '4 3 1 2',
      '4,3,1,2',
      '4312',
      '[4, 3, 2, 1]',
      '1 2 3 4',
      '4 4 4 4',
      '4 3 1',
      '4 3 1 5',
      '4 3 1 x',
      null,
    ];
    expect(earned(full, answers)).toEqual({ rewards: [1.5, 1.5, 1.5, 1, 0.5, 0.75, 0, 0, 0, 0], verified: true });
  });

  test('a pair: 1 for how the two lay to each other', async () => {
    const { earned } = await openReward({ formatWeight: 0.1 });
    const answers = ['lower right', '\\text{Lower-right}.', 'upper left', 'right', 'somewhere', '4', null];
    expect(earned(pair, answers)).toEqual({ rewards: [1.1, 1.1, 0.1, 0.1, 0, 0, 0], verified: true });
  });

  test.each([
    ['left', [0, 1]],
    ['right', [1, 0]],
    ['above', [0, 3]],
    ['below', [3, 0]],
    ['upper left', [1, 5]],
    ['upper right', [1, 3]],
    ['lower left', [3, 1]],
    ['lower right', [5, 1]],
    ['left', [3, 5]],
  ])('%s: pieces %j of 3 x 3', async (relation, [first, second]) => {
    const { earned } = await openReward({ formatWeight: 0 });
    const rest = Array.from({ length: 9 }, (_, i) => i).filter((piece) => piece !== first && piece !== second);
    const question = {
      ...pair,
      id: 'jigsaw/pair/3x3/1-2/0',
      pictures: [{ ...picture, rows: 3, columns: 3, order: [first!, second!, ...rest] }],
    };
    expect(earned(question, [relation, 'above', 'below'])).toMatchObject({
      rewards: [1, Number(relation === 'above'), Number(relation === 'below')],
    });
  });

  test('a relation that two pieces of the cut cannot have is no answer', async () => {
    const { earned } = await openReward();
    const question = { ...pair, id: 'jigsaw/pair/2x1/1-2/0', pictures: [{ ...picture, columns: 1, order: [1, 0] }] };
    expect(earned(question, ['below', 'above', 'left'])).toMatchObject({ rewards: [1.5, 0.5, 0] });
  });

  test('answers of the user stand for the relations', async () => {
    const { earned } = await openReward({ relations: ['1', '2', '1', '2', '1', '1', '2', '2'] });
    expect(earned(pair, ['2', '1', '3'])).toMatchObject({ rewards: [1.5, 0.5, 0] });
  });

  test('every question that it asks has one right answer, which is worth most', async () => {
    for (const form of ['pair', 'full']) {
      const { earned } = await openReward({ form });
      for (const question of await ask({ form, levels: ['2x2'] }, 20)) {
        const { order } = question.pictures[0] as typeof picture;
        const right =
          form === 'full'
            ? [order.map((piece) => piece + 1).join(' ')]
            : ['left', 'right', 'above', 'below', 'upper left', 'upper right', 'lower left', 'lower right'];
        const { rewards } = earned(question, right) as { rewards: readonly number[] };
        expect(rewards.filter((reward) => reward === 1.5)).toHaveLength(1);
      }
    }
  });

  test.each([
    ['a question of the data set', { ...full, origin: 'dataset' }],
    ['one with an id of another kind', { ...full, id: 'jigsaw' }],
    ['one whose picture was cut otherwise', { ...full, pictures: [{ ...picture, rows: 4, columns: 1 }] }],
    ['one whose picture is whole', { ...full, pictures: [picture.of] }],
    ['one with two pictures', { ...full, pictures: [picture, picture] }],
    ['a pair without its places', { ...full, id: 'jigsaw/pair/2x2/7' }],
    ['a pair of a place that there is not', { ...pair, id: 'jigsaw/pair/2x2/1-5/7' }],
  ])('leaves %s to others', async (_, question) => {
    const { earned } = await openReward();
    expect(earned(question as Question, ['4 3 1 2', 'left'])).toBeUndefined();
  });
});

describe('levels', () => {
  const options = { form: 'full', levels: ['2x1', '2x2', '3x3'], window: 3, threshold: 0.5 };
  const easy: Question = { ...full, id: 'jigsaw/full/2x1/0', pictures: [{ ...picture, columns: 1, order: [1, 0] }] };
  const [right, wrong] = [['2 1'], ['1 2']];
  const pieces = (asked: readonly Question[]) =>
    asked.map(({ pictures }) => (pictures[0] as typeof picture).order.length);
  let folder: string;

  beforeEach(() => {
    folder = temporaryFolder();
  });

  test('rise when a window of groups is right often enough, for the questions that were not asked for yet', async () => {
    const source = await openAsk(options, { folder });
    const before = await source({ from: 0, count: 4 }, idle);
    const { earned, told } = await openReward(options, folder);
    [wrong, right, right].forEach((answers, i) => earned(easy, answers, i));
    expect(told).toEqual(['level 2 of 3: 2 x 2 pieces']);
    const after = await source({ from: 2, count: 4 }, idle);
    expect(after.slice(0, 2)).toEqual(before.slice(2));
    expect([pieces(before), pieces(after)]).toEqual([
      [2, 2, 2, 2],
      [2, 2, 4, 4],
    ]);
  });

  test('are as they were after a restart', async () => {
    const source = await openAsk(options, { folder });
    await source({ from: 0, count: 2 }, idle);
    const first = await openReward(options, folder);
    [right, right].forEach((answers, i) => first.earned(easy, answers, i));
    const second = await openReward(options, folder);
    second.earned(easy, right, 2);
    expect([first.told, second.told.length]).toEqual([[], 1]);
    const asked = await source({ from: 2, count: 2 }, idle);
    const reopened = await openAsk(options, { folder });
    expect(await reopened({ from: 2, count: 2 }, idle)).toEqual(asked);
    expect(pieces(await reopened({ from: 0, count: 6 }, idle))).toEqual([2, 2, 4, 4, 4, 4]);
  });

  test('count a group that is judged again once, and groups of another level not at all', async () => {
    const { earned, told } = await openReward(options, folder);
    for (let i = 0; i < 10; i++) earned(easy, right, i % 2);
    for (let i = 10; i < 20; i++) earned(full, ['4 3 1 2'], i);
    expect(told).toEqual([]);
    earned(easy, right, 2);
    expect(told).toHaveLength(1);
  });

  test('do not rise while too few are right: a piece in its place is not a jigsaw that is solved', async () => {
    const { earned, told } = await openReward(options, folder);
    [0, 1, 2].forEach((i) => earned(easy, right, i));
    for (let i = 3; i < 30; i++) earned(full, ['4 3 2 1', '4 3 1 2', '1 2 3 4'], i);
    expect(told).toHaveLength(1);
  });

  test('end with the last one', async () => {
    const { earned, told } = await openReward({ ...options, levels: ['2x1', '2x2'] }, folder);
    for (let i = 0; i < 10; i++) earned(easy, right, i);
    for (let i = 10; i < 20; i++) earned(full, ['4 3 1 2'], i);
    expect(told).toEqual(['level 2 of 2: 2 x 2 pieces']);
    expect(pieces(await ask({ ...options, levels: ['2x1', '2x2'] }, 2, { folder }))).toEqual([4, 4]);
  });
});

test('the words for the mini are words that it knows', async () => {
  const folder = join(import.meta.dirname, '../../models/mini');
  const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));
  const tokenizer = parseTokenizer(read('tokenizer.json'), read('tokenizer_config.json'), folder);
  const unknown = tokenizer.encode('<unk>')[0];
  for (const { text } of await ask(MINI, 8)) expect(tokenizer.encode(text)).not.toContain(unknown);
  for (const word of MINI.relations) expect(tokenizer.encode(`\\boxed{${word}}`)).not.toContain(unknown);
});
