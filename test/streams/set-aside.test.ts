import { describe, expect, test } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { listDataset } from '../../src/data/dataset.ts';
import type { SampleReply, SampleRequest } from '../../src/protocol/ports.ts';
import { TimeoutError, WorkerError } from '../../src/protocol/errors.ts';
import type { Batch } from '../../src/protocol/messages.ts';
import { digits, memoryStore, rig, type Rig } from '../support/rig.ts';
import { toyQuestions, ToyPolicy } from '../support/toy-policy.ts';
import { until } from '../support/until.ts';

const WHY = 'GatherElements op: index 999999 must be within [-4, 3]';
const config = (maxStaleness: number, steps: number, more: ConfigInput = {}): ConfigInput => ({
  seed: 3,
  loop: { steps, batchGroups: 4, jobQuestions: 2, maxStaleness },
  ...more,
});
/** A learner that always fails on these batches. */
const poisoned = (...ids: readonly number[]) => ({
  faults: {
    beforeLearn: ({ id }: Batch) => {
      if (ids.includes(id)) throw new Error(WHY);
    },
  },
});
const sequences = (batches: readonly Batch[]) =>
  batches.flatMap(({ groups }) => groups.map(({ group }) => group.sequence));
const chain = ({ store }: Rig) =>
  store
    .versions(100)
    .toReversed()
    .map(({ n, parent, batchId }) => [n, parent, batchId]);

describe('a batch that the learner cannot take', () => {
  test.each([0, 2])(
    'is set aside after two tries, and the loop continues with the next one (staleness %i)',
    async (maxStaleness) => {
      const loop = await rig({ config: config(maxStaleness, 5), toy: poisoned(1, 3) });
      expect(await loop.run()).toBe(5);
      expect(loop.errors).toEqual([]);
      expect(loop.telemetry.status().held).toBeUndefined();
      expect(chain(loop)).toEqual([
        [0, null, null],
        [1, 0, 0],
        [2, 1, 2],
        [3, 2, 4],
        [4, 3, 5],
        [5, 4, 6],
      ]);
      const aside = loop.store.batchesSetAside(10);
      expect(aside).toMatchObject([
        { batchId: 3, parent: 2, cause: WHY, numbers: null },
        { batchId: 1, parent: 1, cause: WHY, numbers: null },
      ]);
      expect(aside.map(({ groupIds }) => groupIds.length)).toEqual([4, 4]);
      const [event] = loop.store.events(10, 'batch.set-aside');
      expect(event?.data).toMatchObject({ batch: 3, version: 2, cause: WHY, groups: aside[0]!.groupIds });
      const { kept, learnt, setAside } = loop.store.counts();
      expect([learnt, setAside, kept - learnt - setAside]).toEqual([20, 8, loop.store.unfinished().unbatched.length]);
      expect(loop.store.unfinished().unlearnt).toEqual([]);
      // Bounded staleness, with the batches that were set aside in between.
      expect(
        Math.max(
          ...loop.learnt.flatMap(({ parent, groups }) => groups.map(({ group }) => parent - group.policyVersion)),
        ),
      ).toBeLessThanOrEqual(maxStaleness);
      expect(loop.mostOutstanding()).toBeLessThanOrEqual((maxStaleness + 1) * 4 + 8);
      const learnt_ = sequences(loop.learnt);
      expect(new Set(learnt_).size).toBe(learnt_.length);
      expect(learnt_.some((sequence) => aside.some(({ groupIds }) => groupIds.includes(`g${sequence}`)))).toBe(false);
    },
  );

  test('the weights are those of a loop that never had it', async () => {
    const run = await rig({ config: config(0, 4), toy: poisoned(2) });
    await run.run();
    const plain = new ToyPolicy();
    await plain.open();
    for (const batch of run.store.batchesSince(0))
      await plain.step({ ...batch, settings: run.loop.state.settings.stepOf(batch) });
    expect(plain.weights()).toBe(run.policy.weights());
  });

  test('was stored by an earlier process that it ended: the next start counts its failure, sets it aside and continues', async () => {
    const store = memoryStore();
    const toy = poisoned(2);
    const before = await rig({ config: config(0, 5, { supervision: { maxRestarts: 0 } }), toy, store });
    expect(await before.run()).toBe(2);
    expect(before.errors).toMatchObject([{ message: WHY }]);
    expect(store.unfinished().unlearnt).toMatchObject([{ id: 2, parent: 2 }]);

    const after = await rig({ config: config(0, 5, { supervision: { maxRestarts: 0 } }), toy, store });
    expect(await after.run()).toBe(5);
    expect(after.errors).toEqual([]);
    expect(store.batchesSetAside(10)).toMatchObject([{ batchId: 2, parent: 2, cause: WHY }]);
    // Nor is it tried again by a third start.
    const third = await rig({
      config: config(0, 6),
      toy: { faults: { beforeLearn: ({ id }) => expect(id).not.toBe(2) } },
      store,
    });
    expect(await third.run()).toBe(6);
    expect(third.errors).toEqual([]);
  });

  test('was learnt once and fails when it is learnt again: the loop continues from the version before, as after a rollback', async () => {
    const store = memoryStore();
    const before = await rig({ config: config(0, 4), store });
    expect(await before.run()).toBe(4);
    const after = await rig({
      config: config(0, 7),
      toy: {
        faults: {
          beforeLearn: ({ id }) => {
            if (id === 2) throw new Error('its picture is gone');
          },
        },
      },
      store,
    });
    expect(await after.run()).toBe(7);
    expect(after.errors).toEqual([]);
    expect(chain(after).map(([n, parent]) => [n, parent])).toEqual([
      [0, null],
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 3],
      [5, 2],
      [6, 5],
      [7, 6],
    ]);
    expect(store.events(9, 'checkpoint').map(({ data }) => data)).toEqual([{ version: 5 }, { version: 2 }]);
    expect(store.events(9, 'replay.failed').map(({ data }) => data)).toEqual([
      { batch: 2, cause: 'its picture is gone', from: 2, as: 5, lost: 2 },
    ]);
    const learnt = store.batchesSince(0).flatMap(({ groups }) => groups.map(({ group }) => group.sequence));
    expect(new Set(learnt).size).toBe(learnt.length);
  });

  test('a thread that ends and a deadline that passes are half the evidence of an error', async () => {
    const failures = new Map<number, number>();
    const loop = await rig({
      config: config(0, 3, { supervision: { maxRestarts: 9 } }),
      toy: {
        faults: {
          beforeLearn: ({ id }) => {
            failures.set(id, (failures.get(id) ?? 0) + 1);
            if (id === 0 && failures.get(id)! < 4) throw new WorkerError('its thread ended');
            if (id === 1) throw new TimeoutError('not done after 1 s');
          },
        },
      },
    });
    expect(await loop.run()).toBe(3);
    expect(loop.store.batchesSetAside(9)).toMatchObject([{ batchId: 1, cause: 'not done after 1 s' }]);
    expect([failures.get(0), failures.get(1)]).toEqual([4, 4]);
  });

  test('a batch that fails once is learnt by the second try', async () => {
    let failures = 0;
    const loop = await rig({
      config: config(0, 4),
      toy: {
        faults: {
          beforeLearn: ({ id }) => {
            if (id === 1 && failures++ === 0) throw new Error('the thread ended');
          },
        },
      },
    });
    expect(await loop.run()).toBe(4);
    expect(loop.store.batchesSetAside(10)).toEqual([]);
    expect(loop.store.counts().batches).toBe(4);
  });

  test('however many there are among good ones, the restarts of the learner are not used up', async () => {
    const loop = await rig({ config: config(0, 6, { supervision: { maxRestarts: 2 } }), toy: poisoned(0, 2, 4, 6, 8) });
    expect(await loop.run()).toBe(6);
    expect(loop.errors).toEqual([]);
    expect(loop.store.batchesSetAside(10)).toHaveLength(5);
  });

  test('where every batch fails the learner is to blame: past its restarts the run ends', async () => {
    const loop = await rig({
      config: config(1, 5, { supervision: { maxRestarts: 3 } }),
      toy: { faults: { beforeLearn: () => Promise.reject(new Error(WHY)) } },
    });
    expect(await loop.run()).toBe(0);
    expect(loop.errors).toMatchObject([{ message: WHY }]);
    expect(loop.store.batchesSetAside(10)).toHaveLength(3);
    expect(loop.store.unfinished().unlearnt).toHaveLength(1);
  });
});

/** From version 2 on its samplers say log-probabilities that are off by a thousand, until it is healed. */
class Off extends ToyPolicy {
  healed = false;

  override async sample(request: SampleRequest, signal?: AbortSignal): Promise<SampleReply> {
    const reply = await super.sample(request, signal);
    if (this.healed || request.version < 2) return reply;
    const off = (logprobs: readonly number[]) => logprobs.map((logprob) => logprob - 1000);
    return {
      ...reply,
      groups: reply.groups.map((group) => group.map((sample) => ({ ...sample, logprobs: off(sample.logprobs) }))),
    };
  }
}

describe('a step that is not sound', () => {
  test('leaves the weights as they are, to the bit; the loop pauses with the reason, and a resume continues with the next batch', async () => {
    const policy = new Off();
    const parts = {
      policy,
      train: listDataset('toy', toyQuestions(64)),
      heldOut: listDataset('held-out', toyQuestions(16, 'heldout')),
      grader: digits,
    };
    const paused = await rig({ config: config(0, 5), other: parts });
    const done = paused.run();
    await until(() => paused.telemetry.status().held !== undefined && paused.loop.state.gate.isStill);
    expect(paused.loop.state.version).toBe(2);
    const plain = new ToyPolicy();
    await plain.open();
    for (const batch of paused.learnt) await plain.step(batch);
    expect(policy.current).toBe(2);
    expect(policy.weights()).toBe(plain.weights());
    expect(paused.telemetry.status().held).toMatch(
      /^batch 2 \(4 groups\) is set aside at version 2: the step is not sound .*mean importance ratio is Infinity/,
    );
    expect(paused.store.batchesSetAside(10)).toMatchObject([
      { batchId: 2, parent: 2, numbers: { ratio: Infinity, kl: 0 } },
    ]);

    policy.healed = true;
    await paused.commands.command({ type: 'resume' }, 'a test');
    await done;
    expect(paused.errors).toEqual([]);
    expect(chain(paused).map(([n, , batch]) => [n, batch])).toEqual([
      [0, null],
      [1, 0],
      [2, 1],
      [3, 3],
      [4, 4],
      [5, 5],
    ]);
  });

  test('that is in the chain already, from before there were bounds, is replayed as it was', async () => {
    const policy = new Off();
    await policy.open();
    const store = memoryStore();
    const first = await rig({ config: config(0, 2), store });
    await first.run();
    const [batch] = store.batchesSince(0);
    const wild = {
      ...batch!,
      groups: batch!.groups.map(({ group, verdict }) => ({
        verdict,
        group: { ...group, samples: group.samples.map((sample) => ({ ...sample, logprobs: [-1000] })) },
      })),
    };
    await expect(policy.step(wild)).rejects.toThrow('not sound');
    expect(policy.current).toBe(0);
    expect((await policy.step({ ...wild, again: true })).version.n).toBe(1);
  });
});
