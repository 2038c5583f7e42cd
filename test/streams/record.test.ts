import { expect, test } from 'vitest';
import type { LoopEvent } from '../../src/protocol/ports.ts';
import { evaluate } from '../../streams/evaluate.ts';
import { recordStep } from '../../streams/record.ts';
import { RUNNING } from '../cli/view/status.ts';
import { rig } from '../support/rig.ts';

test('a run leaves a row of metrics for each step', async () => {
  const { run, store, errors } = rig({ config: { loop: { steps: 4 }, evaluation: { everySteps: 1_000 } } });
  expect(await run()).toBe(4);
  expect(errors).toEqual([]);
  const { steps, at, columns } = store.history({ maxPoints: 100 });
  expect(steps).toEqual([1, 2, 3, 4]);
  expect(at).toEqual(at.toSorted((a, b) => a - b));
  for (const name of ['loss', 'kl', 'voteShare', 'staleness', 'memory.rss']) expect(columns[name]).not.toContain(null);
  expect(store.metricRow(4)).toMatchObject({ at: at[3], loss: columns.loss![3] });
});

test('the row of a step has what the status says at the time, each actor among it', () => {
  const { loop, store } = rig();
  recordStep({ store, telemetry: { ...loop.telemetry, status: () => RUNNING } as never }, { n: 7, parent: 6, batchId: 6, metrics: null });
  const { at, signals, memory, actors } = RUNNING;
  const row = store.metricRow(7);
  expect(row).toMatchObject({ at, voteShare: signals.voteShare, 'memory.rss': memory.rss });
  for (const { id, busy } of actors) expect(row[`busy.${id}`]).toBe(busy);
});

test('an evaluation leaves its accuracies and answers in the store, and tells nobody a label', async () => {
  const seen: LoopEvent[] = [];
  const { loop, policy, store } = rig();
  loop.version = (await policy.open()).version;
  policy.retain(loop.version);
  const watched = { ...loop, announce: (event: LoopEvent) => void seen.push(event) };
  const evaluation = await evaluate(watched, { version: 0, full: true }, new AbortController().signal);

  const answers = store.answers(0)!;
  expect(answers).toHaveLength(evaluation.n);
  expect(answers.filter(({ right }) => right).length / evaluation.n).toBe(evaluation.greedy);
  for (const { answer, right, truth } of answers) expect(right).toBe(answer === truth);

  expect(seen).toHaveLength(1);
  for (const told of [evaluation, ...seen, ...store.evaluations()]) expect(JSON.stringify(told)).not.toMatch(/truth|answers/);
  const { pass1, majK, passK } = evaluation.full!;
  expect(store.metricRow(0)).toEqual({ greedy: evaluation.greedy, pass1, majK, passK, at: expect.any(Number) });
});
