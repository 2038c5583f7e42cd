import { expect, test } from 'vitest';
import { listDataset } from '../../src/data/dataset.ts';
import type { JudgedGroup } from '../../src/protocol/messages.ts';
import { emptyWords, EmptyWindows } from '../../streams/empty-windows.ts';
import { gapWarning } from '../../src/learn/soundness.ts';
import { batchOf, judged } from '../support/batches.ts';
import { digits, rig, toyConfig } from '../support/rig.ts';
import { toyAnswer, ToyPolicy, toyQuestions } from '../support/toy-policy.ts';

test('the loop makes the toy better at its questions, with no labels', async () => {
  const { run, policy, errors, learnt } = await rig({ config: { loop: { steps: 40 } }, questions: 32 });
  const right = () =>
    Array.from({ length: 32 }, (_, i) => policy.probabilities(`question ${i}`)[toyAnswer(`question ${i}`)]!);
  expect(await run()).toBe(40);
  expect(errors).toEqual([]);
  expect(learnt).toHaveLength(40);
  const mean = right().reduce((sum, p) => sum + p, 0) / 32;
  expect(mean).toBeGreaterThan(0.6); // the base: e^0.7 / (e^0.7 + 3) = 0.40
});

test('where there are no questions the loop waits, says so, and stops when told', async () => {
  const { loop, run, stop, errors, store } = await rig({ questions: 0 });
  const waits = new Promise<void>((resolve) => {
    const { questioner } = loop.parts.performers;
    questioner.waitsFor = (what) => {
      if (what === 'questions: there are none') resolve();
    };
  });
  const running = run();
  await waits;
  stop();
  expect([await running, errors, store.nextSequence]).toEqual([0, [], 0]);
});

/** Its responses are cut off before they come to an answer. */
class Wordy extends ToyPolicy {
  override async sample(...call: Parameters<ToyPolicy['sample']>) {
    const reply = await super.sample(...call);
    return {
      ...reply,
      groups: reply.groups.map((group) =>
        group.map((sample) => ({ ...sample, text: 'Let us', finish: 'length' as const })),
      ),
    };
  }
}

test('where no group is kept the loop says why and what helps, less and less often', async () => {
  const [train, heldOut] = [listDataset('toy', toyQuestions(64)), listDataset('held-out', toyQuestions(4, 'heldout'))];
  const { loop, run, stop, errors, store } = await rig({
    other: { policy: new Wordy(), train, heldOut, grader: digits },
  });
  const said: string[] = [];
  const say = (text: string) => {
    said.push(text);
    if (said.length === 3) stop();
  };
  Object.assign(loop.effects, { say });
  await run();
  expect(errors).toEqual([]);
  const cause = String.raw`groups was kept: no learner step \(mostly without a boxed answer \d+\)\. 100 % of the responses were cut off at 28 tokens`;
  for (const text of said)
    expect(text).toMatch(new RegExp(`^none of \\d+ ${cause} without a boxed answer: raise sampling\\.maxNewTokens$`));
  const judged = said.map((text) => Number(/\d+/.exec(text)![0]));
  // the windows of 16 groups: the 1st, 2nd and 4th
  expect(judged.every((count, i) => count >= 16 * [1, 2, 4][i]!)).toBe(true);
  expect(store.nextSequence).toBeGreaterThanOrEqual(64);
});

test('a sampler that scales pictures down is reported once', async () => {
  class Scaling extends ToyPolicy {
    override async sample(...call: Parameters<ToyPolicy['sample']>) {
      return { ...(await super.sample(...call)), scaledPictures: 2 };
    }
  }
  const [train, heldOut] = [listDataset('toy', toyQuestions(64)), listDataset('held-out', toyQuestions(4, 'heldout'))];
  const { loop, run, errors } = await rig({
    other: { policy: new Scaling(), train, heldOut, grader: digits },
    config: { loop: { steps: 3 }, pictures: { maxTokens: 64 } },
  });
  const said: string[] = [];
  Object.assign(loop.effects, { say: (text: string) => void said.push(text) });
  await run();
  expect(errors).toEqual([]);
  expect(said.filter((text) => text.includes('scaled down'))).toEqual([
    'pictures of more than 64 tokens are scaled down (pictures.maxTokens): 2 in the first job with such a picture',
  ]);
});

test('a sampler that computes other log-probabilities than the learner is reported once, durably', async () => {
  class Apart extends ToyPolicy {
    override async step(...call: Parameters<ToyPolicy['step']>) {
      const reply = await super.step(...call);
      const metrics = { ...reply.metrics, samplerGap: 0.2345, samplerGapMax: 3 };
      return { metrics, version: { ...reply.version, metrics } };
    }
  }
  const [train, heldOut] = [listDataset('toy', toyQuestions(64)), listDataset('held-out', toyQuestions(4, 'heldout'))];
  const { loop, run, errors, store } = await rig({
    other: { policy: new Apart(), train, heldOut, grader: digits },
    config: { loop: { steps: 3, maxStaleness: 0 } },
  });
  const said: string[] = [];
  Object.assign(loop.effects, { say: (text: string) => void said.push(text) });
  await run();
  expect(errors).toEqual([]);
  const words =
    'the log-probabilities of sampler and learner differ by 0.23 nats a token (at most 3) at version 0, although no group is stale: they run different programs or weights; `learner.correction` {type: truncated, groups: all} corrects for it';
  expect(said.filter((text) => text.includes('differ by'))).toEqual([words]);
  expect(store.events(100, 'note').map(({ data }) => data)).toEqual([words]);
  expect(store.metricRow(3)).toMatchObject({ samplerGap: 0.2345, samplerGapMax: 3 });
});

test('no distance with a known cause is reported', () => {
  const batch = (policyVersion: number) => batchOf(0, 3, [judged(toyQuestions(1)[0]!, [], policyVersion, 0, () => 0)]);
  const gap = (samplerGap: number | undefined, sampling: object = {}, version = 3) =>
    gapWarning(batch(version), { ...(samplerGap !== undefined && { samplerGap }) }, { topP: 1, topK: 0, ...sampling });
  expect([gap(undefined), gap(0.09), gap(0.2, {}, 2), gap(0.2, { topP: 0.9 }), gap(0.2, { topK: 5 })]).toEqual(
    Array.from({ length: 5 }),
  );
  expect(gap(0.25, { topP: 0.9 })).toContain('differ by 0.25 nats');
});

test('the words name the reason that most groups were dropped for', () => {
  const config = toyConfig({ filters: { shareFloor: 0.6 } });
  const sample = { tokens: [1], logprobs: [0], text: '', finish: 'stop' as const };
  const dropped = (reason: JudgedGroup['verdict']['dropped'], answers: (string | null)[], why?: string) =>
    ({
      group: { samples: answers.map(() => sample) },
      verdict: { kept: false, dropped: reason, answers, why },
    }) as unknown as JudgedGroup;
  const words = (...groups: JudgedGroup[]) => {
    const empty = new EmptyWindows();
    empty.judged(groups);
    return emptyWords(empty.emptied()!, config);
  };
  const split = dropped('share-floor', ['1', '2']);
  expect(words(split, split, dropped('no-box', [null, null]))).toBe(
    'none of 3 groups was kept: no learner step (vote too split 2, mostly without a boxed answer 1). ' +
      'The votes agree too little for filters.shareFloor 0.6: ask easier questions, or lower it',
  );
  expect(words(dropped('no-box', [null, null, null, '1']))).toContain(
    '75 % of the responses ended without a boxed answer: ask for \\boxed{} in promptTemplate',
  );
  expect(words(dropped('all-agree', ['1', '1']))).toContain('ask harder questions');
  expect(words(dropped('filtered', ['1', '2'], 'length: 3 words'))).toContain('as last length: 3 words');
  expect(words()).toBe('none of 0 groups was kept: no learner step');
});

test("the guardian's floor of vote shares drops what filters.shareFloor of that height does, in the same run", async () => {
  const verdicts = async (floor: { readonly filter: number; readonly guardian: number }) => {
    const { loop, run, store } = await rig({ config: { filters: { shareFloor: floor.filter }, loop: { steps: 2 } } });
    loop.state.shareFloor = floor.guardian;
    await run();
    return store
      .judgedGroups(1_000)
      .map(({ group, verdict }) => [group.id, verdict.share, verdict.kept, verdict.dropped]);
  };
  const [raised, configured] = [
    await verdicts({ filter: 0, guardian: 0.6 }),
    await verdicts({ filter: 0.6, guardian: 0 }),
  ];
  expect(raised).toEqual(configured);
  expect(raised.map((row) => row[3])).toContain('share-floor');
  expect(raised.map((row) => row[2])).toContain(true);
});
