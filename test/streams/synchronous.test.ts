import { expect, expectTypeOf, test } from 'vitest';
import { listDataset } from '../../src/data/dataset.ts';
import { Random } from '../../src/data/rng.ts';
import { PROGRESS, standing } from '../../src/store/standing.ts';
import { evaluate } from '../../streams/evaluate.ts';
import type { Listener } from '../../streams/listener.ts';
import { plainLoop } from '../support/plain-loop.ts';
import { digits, rig, toyConfig, type RigOptions } from '../support/rig.ts';
import { toyQuestions, ToyPolicy } from '../support/toy-policy.ts';

const STEPS = 12;
const CONFIG: NonNullable<RigOptions['config']> = {
  seed: 3,
  loop: { steps: STEPS, batchGroups: 5, jobQuestions: 2, maxStaleness: 0, maxOversample: 2 },
  filters: { shareFloor: 0.55 },
};

const hearsNothing = () => {};
const DEAF: Listener = {
  note: hearsNothing,
  changed: hearsNothing,
  version: hearsNothing,
  restoring: hearsNothing,
  bound: hearsNothing,
  synthesis: hearsNothing,
  curriculum: hearsNothing,
  guardian: hearsNothing,
  held: hearsNothing,
  saved: hearsNothing,
  evaluated: hearsNothing,
  keep: hearsNothing,
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
    for (let turns = uneven ? random.int(0, 4) : 0; turns > 0; turns -= 1)
      await new Promise((resolve) => setImmediate(resolve));
  };
  const { run, policy, learnt, errors } = await rig({
    config: CONFIG,
    samplers,
    toy: { faults: { beforeSample: wait, beforeLearn: wait } },
  });
  await run();
  const byHand = await plain();
  expect(errors).toEqual([]);
  expect(learnt.map(({ groups }) => groups.map(({ group }) => group.id).join(' '))).toEqual(byHand.batches);
  expect(byHand.batches.some((batch) => batch.split(' ').length < 5)).toBe(true); // a smaller batch was among them
  expect(policy.weights()).toBe(byHand.weights);
});

test('labels change nothing: right, shuffled and missing labels lead to the same weights', async () => {
  const train = async (label: (id: string) => string | undefined) => {
    const { run, policy, errors } = await rig({ config: CONFIG, labels: { label } });
    await run();
    expect(errors).toEqual([]);
    return policy.weights();
  };
  const right = await train((id) => String(id.length % 4));
  expect(await train((id) => String((id.length * 7 + 1) % 4))).toBe(right);
  expect(await train(() => undefined)).toBe(right);
});

/** Missing from a row whose stages took no measurable time, as those of the toy may. */
const RATES = ['rolloutTokensPerSecond', 'learnerTokensPerSecond', 'overlap'];

test('the loop decides the same with a telemetry that hears nothing', async () => {
  const outcome = async (isDeaf: boolean) => {
    const { loop, run, policy, store, telemetry, errors } = await rig({
      config: { ...CONFIG, checkpoints: { everySteps: 5 }, evaluation: { everySteps: 1_000 } },
    });
    if (isDeaf) Object.assign(telemetry, DEAF);
    for (const greedy of [0.25, 0.5, 0.4]) {
      const full = { n: 16, k: 4, greedy, pass1: 0.2, majK: 0.3, passK: 0.5, byKind: {} };
      const perform = () => Promise.resolve({ version: 0, greedy, n: 16, full });
      const performers = { ...loop.parts.performers, evaluator: { perform } as never };
      await evaluate({ ...loop, parts: { ...loop.parts, performers } }, { version: 0, full: true }, loop.state.stop);
    }
    await run();
    expect(errors).toEqual([]);
    const evaluations = store.evaluations().map(({ version, greedy, full }) => ({ version, greedy, full }));
    const { voteShare, reward, staleness } = store.metricRow(STEPS);
    const names = store.metricNames().filter((name) => !RATES.includes(name));
    const metrics = { voteShare, reward, staleness, names };
    return {
      weights: policy.weights(),
      saves: store.events(9, 'checkpoint').map(({ data }) => data),
      evaluations,
      stands: standing(store),
      metrics,
      told: store.meta(PROGRESS),
    };
  };
  const { told, ...heard } = await outcome(false);
  const { told: untold, ...unheard } = await outcome(true);
  expect(unheard).toEqual(heard);
  expect([told, untold]).toEqual([expect.anything(), undefined]);
  expect(heard.saves).toEqual([{ version: 10 }, { version: 5 }, { version: 0, best: true }]);
  expect(heard.stands).toMatchObject({
    saved: 10,
    best: { version: 0, greedy: 0.5 },
    baseline: { full: { greedy: 0.4 } },
  });
});

test('no stage can read the telemetry: what stages see of it returns nothing', async () => {
  expectTypeOf<ReturnType<Listener[keyof Listener]>>().toEqualTypeOf<void>();
  const { loop } = await rig();
  // @ts-expect-error a stage that asked for the status would not compile
  const planted = (): unknown => loop.parts.telemetry.status;
  expect(planted).toBeTypeOf('function');
});
