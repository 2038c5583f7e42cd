import { expect, test } from 'vitest';
import { questioner } from '../../actors/questioner.ts';
import { listDataset } from '../../src/data/jsonl.ts';
import { judge } from '../../src/learn/judge.ts';
import type { JudgedGroup } from '../../src/protocol/messages.ts';
import { Random } from '../../src/data/rng.ts';
import { digits, rig, toyConfig, type RigOptions } from '../support/rig.ts';
import { toyQuestions, ToyPolicy } from '../support/toy-policy.ts';

const STEPS = 12;
const CONFIG: NonNullable<RigOptions['config']> = {
  seed: 3,
  loop: { steps: STEPS, batchGroups: 5, jobQuestions: 2, maxStaleness: 0, maxOversample: 2 },
  filters: { shareFloor: 0.55 },
};

/** The loop as a for-loop, which is what staleness 0 promises to be. Returns the policy and what each step learnt from. */
async function plainLoop() {
  const config = toyConfig(CONFIG);
  const { batchGroups, jobQuestions, maxOversample } = config.loop;
  const policy = new ToyPolicy();
  const ask = questioner(listDataset('toy', toyQuestions(64)), config.seed);
  const batches: string[] = [];
  let sequence = 0;
  await policy.open();
  for (let version = 0, id = 0; version < STEPS;) {
    const kept: JudgedGroup[] = [];
    let judged = 0;
    while (kept.length < batchGroups && judged < maxOversample * batchGroups) {
      let wanted = Math.min(batchGroups - kept.length, maxOversample * batchGroups - judged);
      while (wanted > 0) {
        const questions = await ask({ from: sequence, count: Math.min(wanted, jobQuestions) });
        const { groups } = await policy.sample({ questions, params: config.sampling, seed: config.seed, version });
        for (const [i, question] of questions.entries()) {
          const group = { id: `g${sequence}`, sequence, question, policyVersion: version, samples: groups[i]! };
          const verdict = await judge(group, digits, { normaliseStd: true, shareFloor: config.filters.shareFloor });
          if (verdict.kept) kept.push({ group, verdict });
          sequence += 1;
        }
        judged += questions.length;
        wanted -= questions.length;
      }
    }
    if (kept.length === 0) continue;
    const { version: made } = await policy.learn({ id, parent: version, groups: kept });
    batches.push(kept.map(({ group }) => group.id).join(' '));
    version = made.n;
    id += 1;
  }
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
  const plain = await plainLoop();
  expect(errors).toEqual([]);
  expect(learnt.map(({ groups }) => groups.map(({ group }) => group.id).join(' '))).toEqual(plain.batches);
  expect(plain.batches.some((batch) => batch.split(' ').length < 5)).toBe(true); // a smaller batch was among them
  expect(policy.weights()).toBe(plain.weights);
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
