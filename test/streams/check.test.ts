/** Checks take votes; what they find is stored before the vote and survives everything that may happen to the loop. */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { API_VERSION, definePlugin, type PluginDefinition } from '../../src/plugin/define.ts';
import { InputError } from '../../src/protocol/errors.ts';
import type { PluginSpec } from '../../src/plugin/load.ts';
import type { RolloutGroup, Sample } from '../../src/protocol/messages.ts';
import type { Check, CheckRequest, SampleRequest } from '../../src/protocol/ports.ts';
import type { Store } from '../../src/store/store.ts';
import { rig, type Rig, type RigOptions } from '../support/rig.ts';

const plugin = (check: Check, name = 'odd'): PluginDefinition<undefined> =>
  definePlugin({ name, apiVersion: API_VERSION, ports: { check: () => check } });

/** Denies every other response. */
const everyOther: Check = ({ group }) =>
  group.samples.map((_, i) => (i % 2 === 1 ? { vote: false, why: 'an odd place', step: String(i) } : { vote: true }));

const abstains: Check = ({ group }) => group.samples.map(() => ({ vote: null, why: 'no work' }));

function checked(plugins: readonly PluginSpec[], options: RigOptions = {}): Promise<Rig> {
  return rig({ ...options, plugins, config: { loop: { steps: 3 }, ...options.config } });
}

/** Samples with version 0 and fails on the others. */
const samplesElsewhere = (requests: SampleRequest[]): PluginDefinition<undefined> =>
  definePlugin({
    name: 'elsewhere',
    apiVersion: API_VERSION,
    ports: {
      sample: () => async (request) => {
        if (request.version > 0) throw new Error('the server is gone');
        requests.push(request);
        const sample = (i: number): Sample => ({
          tokens: [i % 3],
          logprobs: [-1],
          text: `\\boxed{${i % 3}}`,
          finish: 'stop',
        });
        const groups = request.questions.map(() => Array.from({ length: request.params.samples }, (_, i) => sample(i)));
        return { groups, promptTokens: 1, newTokens: 1, seconds: 1 };
      },
    },
  });

const judged = (store: Store) => store.judgedGroups(1_000).toReversed();
const verdicts = (store: Store) => judged(store).map(({ verdict }) => verdict);

test('a denied response has no vote and reward 0; the verdict, the store and the signals say how many', async () => {
  const { run, store, loop } = await checked([plugin(everyOther)]);
  expect(await run()).toBe(3);
  const groups = judged(store);
  for (const { group, verdict } of groups) {
    expect(group.checks).toEqual([{ check: 'odd', findings: everyOther({ group } as CheckRequest, loop.state.stop) }]);
    group.samples.forEach((_, i) => {
      if (i % 2 === 0) return;
      expect([verdict.answers[i] !== null, verdict.classes[i], verdict.rewards[i]]).toEqual([true, -1, 0]);
    });
    expect(verdict.lost).toMatchObject({ by: { odd: 4 } });
    expect(verdict.share).toBeLessThanOrEqual(0.5);
  }
  const { checks, judged: count } = store.counts();
  expect(checks).toEqual({ odd: { held: 4 * count, denied: 4 * count, abstained: 0, lost: 4 * count } });
  expect(store.metricRow(3)).toMatchObject({ votesLost: 0.5, winnersLost: expect.any(Number) });
});

test('a group that loses every vote is dropped for that', async () => {
  const none: Check = ({ group }) => group.samples.map(() => ({ vote: false, why: 'no' }));
  const { run, store } = await checked([
    plugin((request, signal) => (request.group.sequence % 3 === 0 ? none : abstains)(request, signal)),
  ]);
  await run();
  for (const { group, verdict } of judged(store)) {
    const isLost = group.sequence % 3 === 0;
    expect(verdict.dropped === 'no-vote').toBe(isLost);
    if (isLost) expect(verdict).toMatchObject({ winner: -1, share: 0, kept: false, lost: { by: { odd: 8 } } });
  }
});

test('checks that deny nothing change no verdict and no weight', async () => {
  const without = await checked([]);
  const holds: Check = ({ group }) => group.samples.map(() => ({ vote: true }));
  const withChecks = await checked([plugin(abstains, 'abstains'), plugin(holds, 'holds')]);
  await without.run();
  await withChecks.run();
  expect(verdicts(withChecks.store)).toEqual(verdicts(without.store));
  expect(withChecks.policy.weights()).toBe(without.policy.weights());
  expect(withChecks.store.metricRow(3)).toMatchObject({ votesLost: 0, winnersLost: 0 });
  expect(without.store.metricRow(3)).not.toHaveProperty('votesLost');
});

test('a loop that ends between the check and the vote uses what was found, after the restart', async () => {
  const whole = await checked([plugin(everyOther)]);
  await whole.run();
  let before: Rig | undefined = undefined as Rig | undefined;
  before = await checked([plugin(everyOther)], {
    beforeJudge: (group) => {
      if (group.sequence < 3) return;
      before!.stop();
      throw new Error('ends here');
    },
  });
  await before.run();
  const { unjudged } = before.store.unfinished();
  expect(unjudged.some(({ checks }) => checks?.[0]?.check === 'odd')).toBe(true);
  const seen: RolloutGroup[] = [];
  const counts: Check = (request, signal) => {
    seen.push(request.group);
    return everyOther(request, signal);
  };
  const after = await checked([plugin(counts)], { store: before.store });
  await after.run();
  const known = new Set(unjudged.flatMap(({ id, checks }) => (checks ? [id] : [])));
  expect(seen.filter(({ id }) => known.has(id))).toEqual([]);
  expect(seen.length).toBeGreaterThan(0);
  expect(verdicts(after.store)).toEqual(verdicts(whole.store));
});

test('a check that is parked abstains, and the loop says so and continues', async () => {
  const fails: Check = () => Promise.reject(new Error('out of ideas'));
  const { run, store, telemetry } = await checked([plugin(fails, 'broken'), plugin(everyOther)], {
    config: { loop: { steps: 3 }, supervision: { maxRestarts: 2 } },
  });
  expect(await run()).toBe(3);
  for (const { group } of judged(store)) {
    const broken = group.checks?.find(({ check }) => check === 'broken');
    expect(broken?.findings).toEqual(group.samples.map(() => ({ vote: null, why: 'the check is parked' })));
  }
  expect(verdicts(store).every(({ lost }) => lost?.by['odd'] === 4)).toBe(true);
  expect(telemetry.status().notes.filter(({ text }) => text.startsWith('check broken is parked'))).toHaveLength(1);
});

describe('further samples', () => {
  /** Denies responses that differ from the first further sample of another question. */
  const asks =
    (further: (readonly (readonly Sample[])[])[], temperature?: number): Check =>
    (request) => {
      if (request.further === undefined)
        return {
          questions: ['first', 'second'].map((text) => ({
            text: `${text} of ${request.group.question.text}`,
            pictures: [],
          })),
          samples: 2,
          temperature,
        };
      further.push(request.further);
      const [reading] = request.further[0]!;
      return request.group.samples.map(({ text }) =>
        text === reading!.text ? { vote: true } : { vote: false, why: 'another reading', step: text },
      );
    };
  const watched = (requests: SampleRequest[]): RigOptions => ({
    toy: { faults: { beforeSample: (request) => void requests.push(request) } },
  });
  const isOwn = ({ questions }: SampleRequest) => questions[0]!.origin === 'plugin';

  test('are of the newest version, go in jobs, and are the same in the next run', async () => {
    const requests: SampleRequest[] = [];
    const [first, second]: (readonly (readonly Sample[])[])[][] = [[], []];
    const one = await checked([plugin(asks(first!, 0.5), 'reads')], watched(requests));
    const other = await checked([plugin(asks(second!, 0.5), 'reads')]);
    await one.run();
    await other.run();
    expect(first!.length).toBeGreaterThan(8);
    for (const samples of first!) expect(samples.map((each) => each.length)).toEqual([2, 2]);
    expect(second).toEqual(first);
    expect(verdicts(other.store)).toEqual(verdicts(one.store));
    const own = requests.filter(isOwn);
    const groups = one.store.judgedGroups(1_000);
    expect(own.flatMap(({ questions }) => questions.map(({ id }) => id)).toSorted()).toEqual(
      groups.flatMap(({ group: { id } }) => [`${id}/reads/0`, `${id}/reads/1`]).toSorted(),
    );
    expect(own.length).toBe(Math.ceil(groups.length / 2)); // a job has two groups
    for (const { params } of own) expect(params).toMatchObject({ samples: 2, temperature: 0.5 });
    for (const { version, questions } of own) {
      const versions = questions.map(
        ({ id }) => groups.find(({ group }) => id.startsWith(`${group.id}/`))!.group.policyVersion,
      );
      expect(versions).toEqual(questions.map(() => version)); // staleness 0
    }
  });

  test('reach a check in a thread, too', async () => {
    const use = fileURLToPath(new URL('../support/one-less.mjs', import.meta.url));
    const here = await checked([use]);
    const inThread = await checked([{ use, thread: true }]);
    await here.run();
    await inThread.run();
    await inThread.roster.close();
    expect(here.store.counts().checks['one-less']!.lost).toBeGreaterThan(0);
    expect(judged(inThread.store)).toEqual(judged(here.store));
  }, 60_000);

  test('a question that cannot be asked has none', async () => {
    const further: (readonly (readonly Sample[])[])[] = [];
    const refuses: RigOptions = {
      toy: {
        faults: {
          beforeSample({ questions }) {
            if (questions.some(({ text }) => text.startsWith('second'))) throw new InputError('too long');
          },
        },
      },
    };
    const { run, store } = await checked([plugin(asks(further), 'reads')], refuses);
    expect(await run()).toBe(3);
    for (const samples of further) expect(samples.map((each) => each.length)).toEqual([2, 0]);
    expect(store.counts().checks['reads']!.held).toBeGreaterThan(0);
  });

  test('come from the plug-in that samples, and from the own sampler once that is parked', async () => {
    const [elsewhere, own]: SampleRequest[][] = [[], []];
    const further: (readonly (readonly Sample[])[])[] = [];
    const { run } = await checked([samplesElsewhere(elsewhere!), plugin(asks(further), 'reads')], {
      ...watched(own!),
      config: { loop: { steps: 3 }, supervision: { maxRestarts: 1 } },
    });
    expect(await run()).toBe(3);
    const there = elsewhere!.filter(isOwn);
    expect(there.length).toBeGreaterThan(1);
    expect(further[0]!.flat().map(({ text }) => text)).toEqual([
      '\\boxed{0}',
      '\\boxed{1}',
      '\\boxed{0}',
      '\\boxed{1}',
    ]);
    expect(there.every(({ version }) => version === 0)).toBe(true);
    expect(own!.filter(isOwn).length).toBeGreaterThan(0);
  });

  test('a sampler that fails on them parks the check, not the loop', async () => {
    const fails: RigOptions = {
      config: { loop: { steps: 3 }, supervision: { maxRestarts: 1 } },
      toy: {
        faults: {
          beforeSample(request) {
            if (isOwn(request)) throw new Error('no memory');
          },
        },
      },
    };
    const { run, store } = await checked([plugin(asks([]), 'reads')], fails);
    expect(await run()).toBe(3);
    const { reads } = store.counts().checks;
    expect(reads).toEqual({ held: 0, denied: 0, abstained: 8 * store.counts().judged, lost: 0 });
  });

  test('a check that asks again for samples is at fault', async () => {
    const always: Check = () => ({ questions: [{ text: 'more', pictures: [] }], samples: 1 });
    const { run, plugins } = await checked([plugin(always, 'greedy')], {
      config: { loop: { steps: 3 }, supervision: { maxRestarts: 1 } },
    });
    expect(await run()).toBe(3);
    expect(plugins.parked('check')).toMatchObject([
      { plugin: 'greedy', error: expect.stringContaining('it was given the samples that it asked for') },
    ]);
  });
});
