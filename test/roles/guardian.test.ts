import { describe, expect, it } from 'vitest';
import { guardian, type GuardianParts } from '../../src/roles/guardian.ts';
import { listDataset, type Labels } from '../../src/data/dataset.ts';
import { probeSignals } from '../../src/guardian/probe.ts';
import { InputError } from '../../src/protocol/errors.ts';
import type { Question, Sample } from '../../src/protocol/messages.ts';
import type { SampleRequest } from '../../src/protocol/ports.ts';
import { digits, toyConfig } from '../support/rig.ts';

const SIGNAL = new AbortController().signal;

const questions: Question[] = Array.from({ length: 40 }, (_, i) => ({
  id: `q${i}`,
  text: `question ${i}`,
  pictures: [{ type: 'figure', key: `plain/held-out/0/${i}` }],
  origin: 'dataset',
}));

const sample = (answer: string): Sample => ({
  tokens: [1],
  logprobs: [-1],
  text: `\\boxed{${answer}}`,
  finish: 'stop',
});

/** What each response of a question says, by version. */
function parts(
  answers: (question: Question, version: number, i: number) => string,
  labels?: Labels,
  heldOut = questions,
) {
  const requests: SampleRequest[] = [];
  const config = toyConfig({ guardian: { mode: 'act', canaries: 16 }, seed: 3 });
  const given: GuardianParts = {
    sampler: {
      sample: (request) => {
        requests.push(request);
        const groups = request.questions.map((question) =>
          Array.from({ length: request.params.samples }, (_, i) => sample(answers(question, request.version, i))),
        );
        return Promise.resolve({ groups, promptTokens: 1, newTokens: 1, seconds: 0 });
      },
    },
    heldOut: listDataset('held-out', heldOut),
    train: listDataset('train', questions.slice(0, 20)),
    labels,
    grader: digits,
    config,
  };
  return { given, requests, config };
}

const numberOf = ({ text }: Question): number => Number(text.split(' ')[1]);

describe('the guardian', () => {
  it('asks the same few held-out questions each time, under names that no training question has, half of them disturbed', async () => {
    const { given, requests, config } = parts((question) => String(numberOf(question)));
    const ask = guardian(given);
    await ask({ version: 1 }, SIGNAL);
    const first = requests.splice(0).flatMap((request) => request.questions);
    await ask({ version: 2 }, SIGNAL);
    expect(requests.flatMap((request) => request.questions)).toEqual(first);
    expect(new Set(first.map(({ id }) => id)).size).toBe(2 * config.guardian.canaries);
    expect(first.every(({ id }) => id.startsWith('canary:'))).toBe(true);
    expect(first.filter(({ pictures }) => pictures[0]!.type === 'disturbed')).toHaveLength(config.guardian.canaries);
    const atMost = config.loop.jobQuestions * config.sampling.samples;
    expect(
      Math.max(...requests.map((request) => request.questions.length * request.params.samples)),
    ).toBeLessThanOrEqual(atMost);
    expect(requests.every(({ version, reference }) => version === 2 && reference !== true)).toBe(true);
  });

  it('is asked twice as often where it matters what it is not sure of', async () => {
    // The last two of six responses say something else, which three do not show.
    const { given, requests } = parts((question, _, i) =>
      i === 5 ? 'slip' : i === 4 ? 'other' : String(numberOf(question)),
    );
    const ask = guardian(given);
    expect((await ask({ version: 0 }, SIGNAL)).sure.every(Boolean)).toBe(true);
    requests.length = 0;
    expect((await ask({ version: 0, closely: true }, SIGNAL)).sure.some(Boolean)).toBe(false);
    expect(new Set(requests.map(({ params }) => params.samples))).toEqual(new Set([6]));
  });

  it('says what it is sure of, what a change of the picture moves, and what an earlier version said otherwise', async () => {
    // Even questions are answered well and firmly, odd ones are changed by a change of the picture; version 2 gives up
    // multiples of 4.
    const { given } = parts((question, version, i) => {
      const n = numberOf(question);
      if (n % 2 === 1) return question.pictures[0]!.type === 'disturbed' ? 'moved' : String(n);
      return version === 2 && n % 4 === 0
        ? 'forgotten'
        : i === 1 && question.pictures[0]!.type === 'disturbed'
          ? 'slip'
          : String(n);
    });
    const ask = guardian(given);
    const before = await ask({ version: 1 }, SIGNAL);
    const after = await ask({ version: 2, trusted: before, origin: before, recent: before }, SIGNAL);
    before.answers.forEach((answer, i) => {
      const n = Number(answer);
      expect(before.sure[i]).toBe(n % 2 === 0);
      expect(before.same[i]).toBeCloseTo(n % 2 === 0 ? 2 / 3 : 0);
      if (n % 2 === 0) expect(after.asTrusted![i]).toBe(n % 4 !== 0);
    });
    expect(before.answers.some((answer) => Number(answer) % 4 === 0)).toBe(true);
    expect(after.asOrigin).toEqual(after.asTrusted);
    expect(after.asRecent).toEqual(after.asTrusted);
    before.answers.forEach((answer, i) => {
      const n = Number(answer);
      if (n % 2 === 0) expect(after.shareRecent![i]).toBeCloseTo(n % 4 === 0 ? 0 : 5 / 6);
    });
    expect(before).not.toHaveProperty('asTrusted');
    expect(before).not.toHaveProperty('right');
  });

  it('takes canaries from the training pool only where nothing is held out', async () => {
    const { given, requests } = parts(() => '1', undefined, []);
    await guardian(given)({ version: 0 }, SIGNAL);
    const ids = new Set(questions.slice(0, 20).map(({ id }) => `canary:${id}`));
    const asked = requests.flatMap((request) => request.questions).filter(({ id }) => !id.endsWith(':changed'));
    expect(asked.every(({ id }) => ids.has(id))).toBe(true);
  });

  it('leaves out a canary that cannot be asked, says which and why once, and asks the others: what it says of them is as without it', async () => {
    const { given, requests } = parts((question) => String(numberOf(question)));
    const whole = await guardian(given)({ version: 1 }, SIGNAL);
    const bad = requests.flatMap((request) => request.questions).filter(({ id }) => !id.endsWith(':changed'))[5]!;
    const sample: typeof given.sampler.sample = (request, signal) => {
      if (request.questions.some(({ text }) => text === bad.text)) throw new InputError('the picture is damaged');
      return given.sampler.sample(request, signal);
    };
    requests.length = 0;
    const ask = guardian({ ...given, sampler: { sample } });
    const probe = await ask({ version: 1, trusted: whole, origin: whole }, SIGNAL);
    expect(probe.refused).toEqual([{ question: bad.id.replace('canary:', ''), reason: 'the picture is damaged' }]);
    expect(probe.answers).toEqual(whole.answers.map((answer, i) => (i === 5 ? null : answer)));
    expect(probe.same).toHaveLength(15);
    const signals = probeSignals(probe, { trusted: whole, origin: whole });
    expect(signals).toMatchObject({ agreement: 1, sureOf: 15, origin: 1, consistency: 1 });
    const asked = requests.length;
    await ask({ version: 2 }, SIGNAL);
    expect(requests).toHaveLength(asked + Math.ceil(32 / 5)); // in jobs again: the bad one is known
  });

  it('says how long the responses are, and of those that agree how many rest on work that does not hold', async () => {
    const work = (question: Question) => (numberOf(question) % 4 === 0 ? '2+1=4' : '1+1=2');
    const { given } = parts(() => '2');
    const worked: typeof given.sampler.sample = async (request, signal) => {
      const reply = await given.sampler.sample(request, signal);
      const text = (i: number) => `${work(request.questions[i]!)} \\boxed{2}`;
      return { ...reply, groups: reply.groups.map((group, i) => group.map((one) => ({ ...one, text: text(i) }))) };
    };
    const probe = await guardian({
      ...given,
      sampler: { sample: worked },
      config: toyConfig({ guardian: { canaries: 40 }, seed: 3 }),
    })({ version: 0 }, SIGNAL);
    expect(probeSignals(probe, {})).toMatchObject({ unsound: 0.25, canaryTokens: 1 });
    const without = await guardian(given)({ version: 0 }, SIGNAL);
    expect(without).not.toHaveProperty('unsound');
  });

  it('has an accuracy where it is given labels, alternatives included', async () => {
    const labels: Labels = {
      label: (id) => (id === 'q0' ? undefined : id.slice(1)),
      alternatives: (id) => (id === 'q2' ? ['x'] : []),
    };
    const { given } = parts(
      (question) => (numberOf(question) === 2 ? 'x' : numberOf(question) % 2 === 0 ? String(numberOf(question)) : 'no'),
      labels,
    );
    const { right, answers } = await guardian({
      ...given,
      config: toyConfig({ guardian: { mode: 'act', canaries: 40 }, seed: 3 }),
    })({ version: 0 }, SIGNAL);
    expect(answers).toHaveLength(40);
    expect(right!.filter(Boolean)).toHaveLength(19); // of the 39 with a label: the even ones
    expect(right).toHaveLength(39);
  });
});
