/**
 * A questioner that gives the id of one question to another, as a plug-in may whose numbers begin anew: what is learnt
 * is what was sampled.
 */
import { expect, test } from 'vitest';
import { listDataset } from '../../src/data/dataset.ts';
import type { Question } from '../../src/protocol/messages.ts';
import { underOwnIds } from '../../streams/own-ids.ts';
import { digits, memoryStore, rig } from '../support/rig.ts';
import { toyQuestions, ToyPolicy } from '../support/toy-policy.ts';

test('texts that change under the same ids, within a run and between two, are questions of their own', async () => {
  const store = memoryStore();
  const sampled: Question[] = [];
  let asked = 0;
  for (const steps of [4, 8]) {
    const policy = new ToyPolicy({ faults: { beforeSample: ({ questions }) => void sampled.push(...questions) } });
    const list = listDataset('mine', toyQuestions(16));
    const train = { ...list, question: (i: number) => ({ ...list.question(i), text: `question ${asked++}` }) };
    const other = { policy, train, heldOut: listDataset('held-out', toyQuestions(16, 'heldout')), grader: digits };
    const { run, errors } = await rig({ other, store, config: { loop: { steps } } });
    await run();
    expect(errors).toEqual([]);
  }
  const texts = new Map<string, string>();
  for (const { id, text } of sampled) {
    expect(texts.get(id) ?? text).toBe(text);
    texts.set(id, text);
  }
  expect(texts.size).toBeGreaterThan(32);
  for (const { group } of store.judgedGroups(1_000)) expect(group.question.text).toBe(texts.get(group.question.id));
});

test('the same question keeps its id, and the same content gets the same new one', () => {
  const store = memoryStore();
  const [one] = toyQuestions(1) as [Question];
  const other = { ...one, text: 'another' };
  store.admit([{ sequence: 0, question: one }]);
  const [same, ...others] = underOwnIds(store, [one, other, other]);
  expect(same).toEqual(one);
  expect(others[0]!.id).toMatch(/^.+~[0-9a-f]{12}$/);
  expect(others[1]).toEqual(others[0]);
});
