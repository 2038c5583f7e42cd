import { expect, test } from 'vitest';
import { listDataset } from '../../src/data/dataset.ts';
import { Random } from '../../src/data/rng.ts';
import { plainLoop } from '../support/plain-loop.ts';
import { digits, rig, toyConfig, type RigOptions } from '../support/rig.ts';
import { toyQuestions, ToyPolicy } from '../support/toy-policy.ts';

const STEPS = 12;
const CONFIG: NonNullable<RigOptions['config']> = {
  seed: 3,
  loop: { steps: STEPS, batchGroups: 5, jobQuestions: 2, maxStaleness: 0, maxOversample: 2 },
  filters: { shareFloor: 0.55 },
};

async function plain() {
  const policy = new ToyPolicy();
  await policy.open();
  const batches = await plainLoop(policy, listDataset('toy', toyQuestions(64)), digits, toyConfig(CONFIG), STEPS);
  return { weights: policy.weights(), batches };
}

test.each([
  ['one sampler', 1, false],
  ['three samplers of uneven speed', 3, true],
])('staleness 0 is a for-loop, bit for bit: %s', async (_, samplers, uneven) => {
  const random = new Random(1, 'delays');
  const wait = async () => {
    for (let turns = uneven ? random.int(0, 4) : 0; turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const { run, policy, learnt, errors } = rig({ config: CONFIG, samplers, toy: { faults: { beforeSample: wait, beforeLearn: wait } } });
  await run();
  const byHand = await plain();
  expect(errors).toEqual([]);
  expect(learnt.map(({ groups }) => groups.map(({ group }) => group.id).join(' '))).toEqual(byHand.batches);
  expect(byHand.batches.some((batch) => batch.split(' ').length < 5)).toBe(true); // a smaller batch was among them
  expect(policy.weights()).toBe(byHand.weights);
});

test('labels change nothing: right, shuffled and missing labels lead to the same weights', async () => {
  const train = async (label: (id: string) => string | undefined) => {
    const { run, policy, errors } = rig({ config: CONFIG, labels: { label } });
    await run();
    expect(errors).toEqual([]);
    return policy.weights();
  };
  const right = await train((id) => String(id.length % 4));
  expect(await train((id) => String((id.length * 7 + 1) % 4))).toBe(right);
  expect(await train(() => undefined)).toBe(right);
});
