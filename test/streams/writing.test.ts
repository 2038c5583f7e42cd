/** Questions that the model writes and is rewarded for, in the real loop around a toy whose answers are questions. */
import { describe, expect, test } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { Batch } from '../../src/protocol/messages.ts';
import { rig, type Rig, type RigOptions } from '../support/rig.ts';
import { TOY_KINDS } from '../support/toy-policy.ts';

const EVERY = 3;
const STEPS = 12;
const REWARD = { mode: 'on', everySteps: EVERY, groups: 4, questions: 8, votes: 8 } as const;
const CONFIG = {
  seed: 3,
  loop: { steps: STEPS, batchGroups: 8, jobQuestions: 2, maxStaleness: 0, maxOversample: 2 },
  synthesis: { mode: 'direct', share: 0.5, poolQuestions: 24, batchQuestions: 8, reward: REWARD },
} as const satisfies ConfigInput;
const PROMPT = 'Ask a question about this picture.';

const ofWriting = ({ groups }: Batch) => groups.filter(({ group }) => group.question.origin === 'writing').length;

async function ran(options: RigOptions): Promise<Rig> {
  const made = await rig(options);
  await made.run();
  expect(made.errors).toEqual([]);
  return made;
}

describe('the loop with rewarded questions', () => {
  test('learns from written questions alone every third step, and never otherwise', async () => {
    const { learnt, store } = await ran({ config: CONFIG });
    expect(learnt).toHaveLength(STEPS);
    for (const { parent, groups } of learnt) {
      const written = ofWriting({ groups } as Batch);
      expect([parent, written]).toEqual([parent, (parent + 1) % EVERY === 0 ? groups.length : 0]);
    }
    const writing = learnt.filter((batch) => ofWriting(batch) > 0);
    expect(writing.length).toBe(STEPS / EVERY);
    for (const { groups } of writing) {
      expect(groups.length).toBeLessThanOrEqual(REWARD.groups);
      for (const { group, verdict } of groups) {
        expect(group.samples).toHaveLength(REWARD.questions);
        expect(verdict.written).toHaveLength(REWARD.questions);
        expect(verdict.rewards).toEqual(
          verdict.written!.map(({ spread, novelty, balance }) => spread * novelty * balance),
        );
      }
    }
    const n = writing.at(-1)!.parent + 1;
    expect(store.metricRow(n)).toMatchObject({ 'synthesis.usable': 1 });
    expect(store.metricRow(n - 1)['synthesis.usable']).toBeUndefined();
  });

  test('shows what the last such step was about', async () => {
    const { telemetry } = await ran({ config: CONFIG });
    const { reward } = telemetry.status().synthesis!;
    expect(reward).toMatchObject({ usable: 1 });
    expect(reward!.kinds).toBeGreaterThan(1);
    expect(reward!.kinds).toBeLessThanOrEqual(TOY_KINDS.length);
  });

  test('comes to write the kind whose votes are split, not those that are known or lost', async () => {
    const known = (text: string) => text.startsWith(TOY_KINDS[0]) || text.startsWith(TOY_KINDS[1]);
    const lost = (text: string) => text.startsWith(TOY_KINDS[2]);
    const edge = (text: string) => (known(text) ? 20 : lost(text) || text === PROMPT ? 0 : 2);
    const config = { ...CONFIG, loop: { ...CONFIG.loop, steps: 24 }, filters: { shareFloor: 0.7 } };
    const { policy } = await ran({ config, toy: { edge, learningRate: 4 } });
    const [, , , split] = policy.probabilities(PROMPT);
    expect(split).toBeGreaterThan(0.5); // 0.25 at first
    const { policy: without } = await ran({
      config: { ...config, synthesis: { ...CONFIG.synthesis, reward: { mode: 'off' } } },
      toy: { edge, learningRate: 4 },
    });
    expect(without.probabilities(PROMPT)).toEqual([0.25, 0.25, 0.25, 0.25]);
  });

  test.each([1, 3])('is the same every time, with %i samplers', async (samplers) => {
    const [one, other] = [await ran({ config: CONFIG }), await ran({ config: CONFIG, samplers })];
    expect(other.policy.weights()).toBe(one.policy.weights());
    expect(other.learnt.map(({ groups }) => groups.map(({ verdict }) => verdict))).toEqual(
      one.learnt.map(({ groups }) => groups.map(({ verdict }) => verdict)),
    );
  });

  test('learns the same whatever the labels say', async () => {
    const weights = async (label: (id: string) => string | undefined) =>
      (await ran({ config: CONFIG, labels: { label } })).policy.weights();
    expect(await weights(() => undefined)).toBe(await weights((id) => String(id.length % 4)));
  });

  test.each([1, 2, 4])('keeps the bound on staleness and mixes no batch: %i', async (maxStaleness) => {
    const config = { ...CONFIG, loop: { ...CONFIG.loop, steps: 24, maxStaleness } };
    const { learnt } = await ran({ config, samplers: 2 });
    expect(learnt).toHaveLength(24);
    expect(learnt.filter((batch) => ofWriting(batch) > 0).length).toBeGreaterThan(3);
    for (const batch of learnt) {
      expect([0, batch.groups.length]).toContain(ofWriting(batch));
      for (const { group } of batch.groups)
        expect(batch.parent - group.policyVersion).toBeLessThanOrEqual(maxStaleness);
    }
  });

  test('continues where nothing that is written can be used', async () => {
    const config = { ...CONFIG, synthesis: { ...CONFIG.synthesis, maxWords: 2 } };
    const { learnt, loop } = await ran({ config });
    expect(loop.state.version).toBe(STEPS);
    expect(learnt.filter((batch) => ofWriting(batch) > 0)).toEqual([]);
  });
});
