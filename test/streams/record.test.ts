import { expect, test } from 'vitest';
import { earlierAnswers } from '../../src/daemon/earlier-answers.ts';
import type { LoopEvent } from '../../src/protocol/ports.ts';
import { evaluate } from '../../streams/evaluate.ts';
import { readState, writeState } from '../../src/guardian/state.ts';
import { Measures } from '../../streams/measures.ts';
import { markEvaluated, PROGRESS, settleStanding, standing } from '../../src/store/standing.ts';
import { recordStep } from '../../streams/record.ts';
import type { StoredFigures } from '../../streams/telemetry.ts';
import { RUNNING } from '../cli/view/status.ts';
import { memoryStore, rig, toyLabels } from '../support/rig.ts';
import { toyQuestions } from '../support/toy-policy.ts';

test('a run leaves a row of metrics for each step', async () => {
  const { run, store, errors } = await rig({ config: { loop: { steps: 4 }, evaluation: { everySteps: 1_000 } } });
  expect(await run()).toBe(4);
  expect(errors).toEqual([]);
  const { steps, at, columns } = store.history({ maxPoints: 100 });
  expect(steps).toEqual([0, 1, 2, 3, 4]); // 0: the measurement of the base
  expect(at).toEqual(at.toSorted((a, b) => a - b));
  for (const name of ['loss', 'kl', 'voteShare', 'staleness', 'memory.rss'])
    expect(columns[name]!.slice(1)).not.toContain(null);
  expect(store.metricRow(4)).toMatchObject({ at: at[4], loss: columns.loss![4] });
});

test('the row of a step has what was measured at the time, each actor among it', () => {
  const { at, actors } = RUNNING;
  const store = memoryStore();
  const measures = new Measures({ now: () => at, actors: () => actors, window: 2 });
  for (const share of [0, 0.5, 1])
    measures.judged({
      group: { samples: [], question: { origin: 'dataset' } },
      verdict: { share, rewards: [] },
    } as never);
  recordStep({ store, measures }, { n: 7, parent: 6, batchId: 6, metrics: null });
  const row = store.metricRow(7);
  expect(row).toMatchObject({ at, voteShare: 0.75, 'memory.rss': expect.any(Number) });
  for (const { id, busy } of actors) expect(row[`busy.${id}`]).toBe(busy);
});

test('an evaluation stores its accuracies and answers, and sends no label to watchers', async () => {
  const seen: LoopEvent[] = [];
  const { loop, store } = await rig();
  const watched = { ...loop, effects: { ...loop.effects, announce: (event: LoopEvent) => void seen.push(event) } };
  const evaluation = await evaluate(watched, { version: 0, full: true }, new AbortController().signal);

  const answers = store.answers(0)!;
  expect(answers).toHaveLength(evaluation.n);
  expect(answers.filter(({ right }) => right).length / evaluation.n).toBe(evaluation.greedy);
  for (const { answer, right, truth } of answers) expect(right).toBe(answer === truth);

  expect(seen).toHaveLength(1);
  for (const told of [evaluation, ...seen, ...store.evaluations()])
    expect(JSON.stringify(told)).not.toMatch(/truth|answers/);
  const { pass1, majK, passK } = evaluation.full!;
  expect(store.metricRow(0)).toEqual({ greedy: evaluation.greedy, pass1, majK, passK, at: expect.any(Number) });
});

test('where held-out questions have levels, each evaluation tells and stores the accuracy of each', async () => {
  const level = (id: string) => 1 + (Number(id.split('-')[1]) % 3);
  const { loop, store, telemetry } = await rig({ labels: { ...toyLabels, level } });
  const signal = new AbortController().signal;
  const quick = await evaluate(loop, { version: 0, full: false }, signal);
  const { full, levels } = await evaluate(loop, { version: 0, full: true }, signal);
  const answers = store.answers(0)!;
  for (const each of [1, 2, 3]) {
    const of = answers.filter(({ question }) => level(question.id) === each);
    expect(levels![each]).toBe(of.filter(({ right }) => right).length / of.length);
    expect(store.metricRow(0)[`level.${each}`]).toBe(levels![each]);
  }
  expect([quick.levels, full!.levels]).toEqual([levels, levels]);
  expect(telemetry.status().accuracy.levels).toEqual([{ version: 0, levels }]);
});

test('without labels an evaluation says what can be seen: answers as the base gave them, vote share, entropy, length; kept in the store, and told', async () => {
  const seen: LoopEvent[] = [];
  const { loop, store, run, stop } = await rig({
    labels: { label: () => undefined },
    config: { loop: { steps: 50 }, evaluation: { everySteps: 2 } },
  });
  const announce = (event: LoopEvent) => {
    seen.push(event);
    if (event.type === 'evaluated' && event.evaluation.version > 0) stop();
  };
  Object.assign(loop.effects, { announce });
  const base = await evaluate(loop, { version: 0, full: true }, new AbortController().signal);
  expect(base).toMatchObject({
    greedy: null,
    n: 0,
    labelFree: { n: 16, answered: 1, asBase: 1, asTrusted: null, responseTokens: 1 },
  });
  expect(base.full).toBeUndefined();
  const { voteShare, entropy } = base.labelFree!;
  expect(voteShare).toBeGreaterThan(0.5);
  expect(entropy).toBeGreaterThan(1); // four answers, one a little likelier: 1.29 nats
  const answers = store.answers(0)!;
  expect(answers.map(({ right, truth }) => [right, truth])).toEqual(answers.map(() => [null, null]));
  // Four answers of the base are made others, and two none at all: those are not compared.
  const changed = answers.map((each, i) => ({ ...each, answer: i < 4 ? 'other' : i < 6 ? null : each.answer }));
  store.saveAnswers(0, changed);

  await run();
  const told = seen.flatMap((event) => (event.type === 'evaluated' ? [event.evaluation] : []));
  expect(told.map(({ version, greedy }) => [version > 0, greedy])).toEqual([
    [false, null],
    [true, null],
  ]);
  const { version } = told[1]!;
  const before = new Map(changed.map(({ question, answer }) => [question.id, answer]));
  const same = store.answers(version)!.filter(({ question, answer }) => before.get(question.id) === answer);
  const { asBase, n, trusted, asTrusted, ...rest } = told[1]!.labelFree!;
  expect([asBase, n, trusted, asTrusted]).toEqual([same.length / 14, 16, null, null]);
  expect(store.metricRow(version)).toMatchObject({
    'heldOut.asBase': asBase,
    ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [`heldOut.${name}`, value])),
  });
  expect(store.metricNames()).not.toContain('greedy');
  expect((store.meta(PROGRESS) as StoredFigures).labelFree).toMatchObject({
    baseline: { version: 0, asBase: 1 },
    now: { version, asBase },
  });
  expect(JSON.stringify(store.evaluations())).not.toMatch(/truth|answers/);
});

test('the comparison uses the newest evaluated version up to the trusted one, without versions that a roll-back gave up', () => {
  const store = memoryStore();
  const [question] = toyQuestions(1);
  for (const n of [0, 5, 10]) {
    store.saveVersion({ n, parent: null, batchId: null, metrics: null });
    store.saveEvaluation({ version: n, greedy: null, n: 0 });
    store.saveAnswers(n, [{ question: question!, answer: String(n), right: null, truth: null }]);
  }
  const trusting = (version: number) => {
    writeState(store, { ...readState(store), trusted: { version, learningRate: 1, temperature: 1 } });
    return earlierAnswers(store).trusted;
  };
  expect(earlierAnswers(store)).toEqual({ base: new Map([[question!.id, '0']]), trusted: undefined });
  expect(trusting(7)).toEqual({ version: 5, answers: new Map([[question!.id, '5']]) });
  expect(trusting(10)?.version).toBe(10);
  store.setMeta('loop.rollbacks', [{ from: 3, as: 7 }]);
  expect([trusting(7)?.version, trusting(12)?.version, trusting(6)?.version]).toEqual([undefined, 10, 5]);
});

test('where some held-out questions have a label, accuracy is over those, and all are looked at without it', async () => {
  const { loop, store } = await rig({ labels: { label: (id) => (id.endsWith('3') ? '0' : undefined) } });
  const evaluation = await evaluate(loop, { version: 0, full: true }, new AbortController().signal);
  expect(evaluation).toMatchObject({ n: 2, full: { n: 2 }, labelFree: { n: 16 } });
  expect(
    store
      .answers(0)!
      .filter(({ truth }) => truth !== null)
      .map(({ question }) => question.id)
      .toSorted(),
  ).toEqual(['heldout-13', 'heldout-3']);
  expect(store.answers(0)).toHaveLength(16);
});

test('the record of a run from before it was kept is that of the stored progress, and outlives a start', async () => {
  const { loop, store } = await rig();
  await evaluate(loop, { version: 0, full: true }, loop.state.stop);
  const now = standing(store);
  expect(now).toMatchObject({ best: { version: 0 }, baseline: { full: { n: 16 } }, evaluated: 0 });
  const meta = new Map([[PROGRESS, store.meta(PROGRESS)]]);
  const old = {
    meta: (key: string) => meta.get(key),
    setMeta: (key: string, value: unknown) => void meta.set(key, value),
  };
  expect(standing(old)).toEqual(now);
  settleStanding(old, 5);
  meta.delete(PROGRESS);
  expect(standing(old)).toEqual({ ...now, saved: 5 });
});

test('the base counts as measured once it was measured in full, or without labels, whatever is evaluated later', () => {
  const store = memoryStore();
  const full = { n: 4, k: 2, greedy: 0.5, pass1: 0.4, majK: 0.5, passK: 0.6, byKind: {} };
  expect(markEvaluated(store, { version: 0, greedy: 0.5, n: 4 }).baseline).toBeNull();
  expect(markEvaluated(store, { version: 0, greedy: 0.5, n: 4, full }).baseline).toEqual({ full, labelFree: null });
  expect(markEvaluated(store, { version: 3, greedy: 0.25, n: 4, full: { ...full, greedy: 0.25 } })).toEqual({
    saved: null,
    best: { version: 0, greedy: 0.5 },
    baseline: { full, labelFree: null },
    evaluated: 3,
  });
});
