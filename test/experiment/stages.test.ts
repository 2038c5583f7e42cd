import { describe, expect, it } from 'vitest';
import { openLadder } from '../../src/data/figures/ladder/dataset.ts';
import { openFigures } from '../../src/data/figures/dataset.ts';
import { stageOf, stagePlugin, stagesOf } from '../../src/experiment/stages.ts';
import type { RunQuestions } from '../../src/plugin/define.ts';
import { InputError } from '../../src/protocol/errors.ts';
import type { Ask } from '../../src/protocol/ports.ts';

const STAGES = ['digits', 'hours', 'chain'] as const;
const EACH = 24;

function opened(questions: RunQuestions, seed = 0): Ask {
  const { ask } = stagePlugin(STAGES, EACH).ports;
  return ask!({ questions, seed } as never) as Ask;
}

describe('the stages of a stream', () => {
  const { dataset } = openLadder({ pool: 'train', pictures: STAGES.length * EACH, families: STAGES });
  const signal = new AbortController().signal;
  const all = (ask: Ask) => ask({ from: 0, count: STAGES.length * EACH }, signal);

  it('come one after the other, each question of a stage once, in an order that the seed decides', async () => {
    const questions = await all(opened(dataset));
    expect(new Set(questions.map(({ id }) => id)).size).toBe(STAGES.length * EACH);
    expect(questions.map((question) => stageOf(question, STAGES))).toEqual(
      STAGES.flatMap((stage) => Array.from({ length: EACH }, () => stage)),
    );
    expect(await all(opened(dataset))).toEqual(questions);
    expect(await all(opened(dataset, 1))).not.toEqual(questions);
  });

  it('give the same questions for the same numbers, however they are asked for, past the end too', async () => {
    const ask = opened(dataset);
    const questions = await all(ask);
    const pieces = [];
    for (let from = 0; from < questions.length; from += 7)
      pieces.push(...(await ask({ from, count: Math.min(7, questions.length - from) }, signal)));
    expect(pieces).toEqual(questions);
    const past = await ask({ from: questions.length, count: 3 }, signal);
    expect(past.map((question) => stageOf(question, STAGES))).toEqual(['chain', 'chain', 'chain']);
  });

  it('are those that a run of one stage alone asks', async () => {
    const alone = openLadder({ pool: 'train', pictures: EACH, families: ['hours'] }).dataset;
    const ask = stagePlugin(['hours'], EACH).ports.ask!({ questions: alone, seed: 0 } as never) as Ask;
    const ids = (await ask({ from: 0, count: EACH }, signal)).map(({ id }) => id);
    expect(ids).toEqual((await all(opened(dataset))).slice(EACH, 2 * EACH).map(({ id }) => id));
  });
});

it('a question of a figure belongs to its kind of picture', () => {
  const { dataset } = openFigures({ pool: 'train', pictures: 5, questions: 'one' });
  const stages = Array.from({ length: 5 }, (_, i) =>
    stageOf(dataset.question(i), ['rectangle', 'triangle', 'bars', 'grid', 'clock']),
  );
  expect(stages).toEqual(['rectangle', 'triangle', 'bars', 'grid', 'clock']);
  expect(stageOf({}, ['bars'])).toBeUndefined();
});

it('stages are four by default, and bad ones are refused by name', () => {
  expect(stagesOf('ladder')).toHaveLength(4);
  expect(stagesOf('figures', ['clock', 'bars'])).toEqual(['clock', 'bars']);
  expect(() => stagesOf('ladder', ['digits', 'bars'])).toThrow(/--stages: ladder has no "bars"; it has digits, /);
  expect(() => stagesOf('ladder', ['digits', 'digits'])).toThrow(/digits is named twice/);
  expect(() => stagesOf('ladder', ['digits'])).toThrow(InputError);
});
