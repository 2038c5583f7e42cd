import { describe, expect, test } from 'vitest';
import { openPort, type CheckRequest, type FurtherSamples, type PluginDefinition } from '../../src/index.ts';
import { extractAnswer } from '../../src/learn/answer.ts';
import equations from '../../src/plugins/equations.ts';
import premises from '../../src/plugins/premises.ts';
import views from '../../src/plugins/views.ts';
import whole from '../../src/plugins/whole.ts';
import type { PictureRef, Sample } from '../../src/protocol/messages.ts';
import { idle, pluginContext } from '../support/plugin-context.ts';

const sample = (text: string): Sample => ({ tokens: [1], logprobs: [-1], text, finish: 'stop' });
const PICTURE: PictureRef = { type: 'figure', key: 'plain/train/3/1' };

function request(texts: readonly string[], pictures: readonly PictureRef[] = [PICTURE]): CheckRequest {
  const question = { id: 'q', text: 'What is the total?', pictures, origin: 'dataset' } as const;
  const answers = texts.map(extractAnswer);
  const classes = answers.map((answer) => (answer === null ? -1 : answers.indexOf(answer)));
  return { group: { id: 'g', sequence: 7, question, policyVersion: 2, samples: texts.map(sample) }, answers, classes };
}

async function opened<T>(definition: PluginDefinition<T>, options?: unknown, seed = 5) {
  const check = await openPort(definition, 'check', pluginContext<'check'>({ seed }), options);
  return async (asked: CheckRequest) => check(asked, idle);
}

/** What the check says once it has samples with these texts for each question that it asks. */
async function found(
  check: Awaited<ReturnType<typeof opened>>,
  asked: CheckRequest,
  answerTo: (wants: FurtherSamples) => string[][],
) {
  const wants = (await check(asked)) as FurtherSamples;
  const further = answerTo(wants).map((texts) => texts.map(sample));
  return check({ ...asked, further });
}

const RIGHT = '3 8 1 3+8=11 11+1=12 \\boxed{12}';

describe('equations and whole', () => {
  const group = request([RIGHT, '3 8 1 3+8=12 12+1=13 \\boxed{13}', '3 8 1 3+8=11 \\boxed{11}', '\\boxed{12}']);

  test('each denies what the other lets through', async () => {
    expect(await (await opened(equations))(group)).toEqual([
      { vote: true },
      { vote: false, why: '3+8 is 11, not 12', step: '3+8=12', falseFrom: '3 8 1 '.length },
      { vote: true },
      { vote: null, why: 'it has no equation to check' },
    ]);
    expect(await (await opened(whole))(group)).toEqual([
      { vote: true },
      { vote: true },
      { vote: false, why: 'it does not use the 1 that it lists', falseFrom: '3 8 1 3+8=11 '.length },
      { vote: false, why: 'it shows no step, as 3 of the 3 others do' },
    ]);
  });
});

describe('premises', () => {
  const misread = '3 9 1 3+9=12 12+1=13 \\boxed{13}';

  test('asks for readings of the same picture, with the prompt that the built-in models know', async () => {
    const check = await opened(premises, { samples: 3, temperature: 0.5 });
    expect(await check(request([RIGHT]))).toEqual({
      questions: [
        { text: 'Read the picture, without an answer: What is the total?', pictures: [PICTURE], verbatim: true },
      ],
      samples: 3,
      temperature: 0.5,
    });
  });

  test('denies a list that is not that of most readings; there may be none', async () => {
    const check = await opened(premises);
    const asked = request([RIGHT, misread, 'So it is 3 + 9 = 12. \\boxed{12}']);
    expect(await found(check, asked, () => [['3 8 1', '3 8 1', '3 9 1', 'I see digits']])).toEqual([
      { vote: true },
      { vote: false, why: '1 of 3 readings of the picture are its list', falseFrom: '3 '.length },
      { vote: null, why: 'it does not list what it reads' },
    ]);
    const votes = async (...readings: string[]) =>
      ((await found(check, asked, () => [readings])) as { vote: unknown }[]).map(({ vote }) => vote);
    expect(await votes('3 8 1', '3 9 1')).toEqual([false, false, null]);
    expect(await votes('3, 8, 1', '3 8 1:')).toEqual([true, false, null]);
    expect(await votes('five', 'a picture')).toEqual([null, null, null]);
    expect(await votes()).toEqual([null, null, null]);
  });

  test('with no readings, denies a list that is not that of most responses, and asks for nothing', async () => {
    const check = await opened(premises, { samples: 0 });
    const silent = 'So it is 3 + 9 = 12. \\boxed{12}';
    expect(await check(request([RIGHT, misread, RIGHT, silent]))).toMatchObject([
      { vote: true },
      { vote: false, why: '1 of 3 readings of the picture are its list', falseFrom: '3 '.length },
      { vote: true },
      { vote: null },
    ]);
    expect(await check(request([silent]))).toMatchObject([{ vote: null }]);
  });

  test.each([
    ['|4 8 1 4+8=12 \\boxed{12}', ['3 8 1']],
    ['3 8 |2 3+8=11 \\boxed{13}', ['3 8 1', '3 8 1']],
    ['3 |8 2 3+8=11 \\boxed{13}', ['3 8 1', '3 9 1', '3 9 2']],
    ['3 +8 |-1 3+8=11 \\boxed{10}', ['3 +8 +1']],
    ['<think>no</think> 3 8| 3+8=11 \\boxed{11}', ['3 8 1', '3 8 1', '3 8']],
    ['3 8 |1 3+8=11 \\boxed{12}', ['3 8', '3 8']],
  ])('of %j says where the first number stands that most of %j do not have', async (marked, readings) => {
    const asked = request([marked.replace('|', '')]);
    const findings = await found(await opened(premises), asked, () => [readings]);
    expect(findings).toMatchObject([{ vote: false, falseFrom: marked.indexOf('|') }]);
  });

  test('asks for nothing where there is no list, or no picture', async () => {
    const check = await opened(premises);
    expect(await check(request(['It is 3 + 9 = 12. \\boxed{12}']))).toEqual([
      { vote: null, why: 'it does not list what it reads' },
    ]);
    expect(await check(request([RIGHT], []))).toEqual([{ vote: null, why: 'no reading of the picture is a list' }]);
  });
});

describe('views', () => {
  test('asks the same question about changed pictures, other ones for another group, the same ones again', async () => {
    const check = await opened(views, { views: 2, samples: 3 });
    const asked = request([RIGHT]);
    const first = (await check(asked)) as FurtherSamples;
    expect(first.samples).toBe(3);
    expect(first.questions.map(({ text }) => text)).toEqual(['What is the total?', 'What is the total?']);
    expect(first.questions.map(({ pictures }) => pictures[0])).toEqual(
      [19, 20].map((seed) => ({ type: 'disturbed', of: PICTURE, seed })),
    );
    expect(await check(asked)).toEqual(first);
    const next = (await check({ ...asked, group: { ...asked.group, sequence: 8 } })) as FurtherSamples;
    expect(next.questions).not.toEqual(first.questions);
  });

  test('denies an answer that too few of the changed pictures get, by value', async () => {
    const check = await opened(views, { share: 0.5 });
    const asked = request(['\\boxed{0.5}', '\\boxed{3}', 'none']);
    const others = [
      ['\\boxed{\\frac12}', '\\boxed{1/2}'],
      ['\\boxed{3}', '\\boxed{7}', 'none'],
    ];
    expect(await found(check, asked, () => others)).toEqual([
      { vote: true },
      { vote: false, why: '1 of 4 answers at changed pictures are the same' },
      { vote: null, why: 'it has no answer' },
    ]);
    expect(await found(check, asked, () => [[], ['none']])).toMatchObject([{ vote: null }, { vote: null }, {}]);
  });

  test('abstains without a picture', async () => {
    const check = await opened(views);
    expect(await check(request([RIGHT], []))).toEqual([{ vote: null, why: 'it has no picture to change' }]);
  });
});
