import { expect, test } from 'vitest';
import { rig } from '../support/rig.ts';
import { toyAnswer } from '../support/toy-policy.ts';

test('the loop makes the toy better at its questions, with no labels', async () => {
  const { run, policy, errors, learnt } = rig({ config: { loop: { steps: 40 } }, questions: 32 });
  const right = () => Array.from({ length: 32 }, (_, i) => policy.probabilities(`question ${i}`)[toyAnswer(`question ${i}`)]!);
  expect(await run()).toBe(40);
  expect(errors).toEqual([]);
  expect(learnt).toHaveLength(40);
  const mean = right().reduce((sum, p) => sum + p, 0) / 32;
  expect(mean).toBeGreaterThan(0.6); // the base: e^0.7 / (e^0.7 + 3) = 0.40
});

test('where there are no questions the loop waits, says so, and stops when told', async () => {
  const { loop, run, stop, errors, store } = rig({ questions: 0 });
  const waits = new Promise<void>((resolve) => {
    const { questioner } = loop.crew;
    questioner.waitsFor = (what) => {
      if (what === 'questions: there are none') resolve();
    };
  });
  const running = run();
  await waits;
  stop();
  expect([await running, errors, store.nextSequence]).toEqual([0, [], 0]);
});
