import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Labels } from '../../src/data/dataset.ts';
import { openFigures } from '../../src/data/figures/dataset.ts';
import { Grader } from '../../src/learn/grader.ts';
import type { Learner } from '../../src/policy/learner.ts';
import { closing, openLocal } from '../support/local-policy.ts';
import { plainLoop } from '../support/plain-loop.ts';
import { rig, temporaryFolder, toyConfig } from '../support/rig.ts';

const STEPS = 2;
const INPUT = {
  model: 'models/mini',
  seed: 11,
  sampling: { samples: 4 },
  loop: { steps: STEPS, batchGroups: 3, jobQuestions: 2, maxStaleness: 0 },
  learner: { learningRate: 1e-3, minibatches: 1 },
  evaluation: { questions: 4, fullQuestions: 4, everySteps: 1 },
};
const train = openFigures({ pool: 'train', pictures: 100, questions: 'one' }).dataset;
const heldOut = openFigures({ pool: 'heldout', pictures: 8, questions: 'one' });
const grader = new Grader({ deadlineSeconds: 5 });
afterAll(() => grader[Symbol.asyncDispose]());

/** Checksum of the weights of version `STEPS`. */
async function weights(learner: Learner): Promise<string> {
  const folder = join(temporaryFolder(), 'model');
  await learner.save(STEPS, folder);
  return createHash('sha256')
    .update(await readFile(join(folder, 'model.safetensors')))
    .digest('hex');
}

async function byLoop(labels: Labels): Promise<string> {
  await using policy = closing(toyConfig(INPUT));
  const { run, errors } = rig({ config: INPUT, labels, other: { policy, train, heldOut: heldOut.dataset, grader } });
  expect(await run()).toBe(STEPS);
  expect(errors).toEqual([]);
  return await weights(policy.learner);
}

test('with the bundled model, staleness 0 is a for-loop bit for bit, whatever the labels say', async () => {
  await using policy = await openLocal(toyConfig(INPUT));
  const base = createHash('sha256')
    .update(await readFile(join('models/mini', 'model.safetensors')))
    .digest('hex');
  await plainLoop(policy, train, grader, toyConfig(INPUT), STEPS);
  const byHand = await weights(policy.learner);
  expect(byHand).not.toBe(base);
  expect(await byLoop(heldOut.labels)).toBe(byHand);
  expect(await byLoop({ label: () => undefined })).toBe(byHand);
}, 240_000);
