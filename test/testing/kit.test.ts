import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { packagePath } from '../../src/lib/package-path.ts';
import { loadPromptEncoder } from '../../src/compute/models/folder.ts';
import { encodeQuestion } from '../../src/compute/rollout/prompts.ts';
import {
  API_VERSION,
  definePlugin,
  type CheckRequest,
  type PluginDefinition,
  type PortName,
  type Ports,
  type Sample,
} from 'quorum';
import { recorded, testPlugin } from 'quorum/testing';
import { z } from 'zod';
import { temporaryFolder } from '../support/temporary.ts';

const rewardOf = (reward: Ports['reward']): PluginDefinition<undefined> =>
  definePlugin({ name: 'mine', apiVersion: API_VERSION, ports: { reward: () => reward } });

const [request] = recorded.requests.reward;

describe('what was recorded', () => {
  test('is of a real run: votes that differ, batches that made versions, evaluations', () => {
    expect(recorded.versions.map(({ n }) => n)).toEqual([1, 2, 3]);
    expect(recorded.batches.map(({ parent, groups }) => [parent, groups.length])).toEqual([
      [0, 3],
      [1, 3],
      [2, 3],
    ]);
    expect(recorded.groups.some(({ verdict }) => !verdict.kept)).toBe(true);
    expect(recorded.evaluations.some(({ full }) => full !== undefined)).toBe(true);
    expect(JSON.stringify(recorded)).not.toContain('"label"');
  });

  test.each(Object.keys(recorded.requests) as PortName[])(
    'has requests for %s, and its next passes the boundary on them',
    async (port) => {
      expect(recorded.requests[port].length).toBeGreaterThan(0);
      const solo = ['ask', 'sample', 'judge', 'learn', 'evaluate', 'synthesize', 'advantage'];
      const open = ({ next }: { readonly next: unknown }) => next;
      const silent = {
        check: ({ answers }: CheckRequest) => answers.map(() => ({ vote: null, why: 'nothing to check' })),
        reward: () => undefined,
        filter: () => undefined,
        panel: () => ({ title: 'mine', blocks: [] }),
        watch: () => {},
        export: () => {},
      };
      const ports = {
        [port]: solo.includes(port) ? open : () => silent[port as keyof typeof silent],
      } as PluginDefinition<undefined>['ports'];
      await using kit = await testPlugin(definePlugin({ name: 'mine', apiVersion: API_VERSION, ports }));
      const played = await kit.play(port);
      expect(played.map((each) => each.request)).toEqual(recorded.requests[port]);
      expect(kit.state(port)).toMatchObject({ state: 'running', restarts: 0 });
    },
  );

  test('the real vote, played again, is the recorded one', async () => {
    await using kit = await testPlugin(
      definePlugin({ name: 'mine', apiVersion: API_VERSION, ports: { judge: ({ next }) => next } }),
    );
    const verdicts = (await kit.play('judge')).map(({ reply }) => reply.classes);
    expect(verdicts).toEqual(recorded.groups.map(({ verdict }) => verdict.classes));
  });
});

describe('the boundary is the daemon’s', () => {
  test('a reply that is not what the port asks for is an error that names the plug-in', async () => {
    await using kit = await testPlugin(rewardOf(() => [1]));
    await expect(kit.ports.reward(request!)).rejects.toThrow(
      /plug-in mine, port "reward": .*expected an array of 6 numbers/,
    );
  });

  const [judged] = recorded.groups;
  const six = (value: unknown): unknown[] => [0, 0, 0, value, 0, 0];
  test.each<readonly [PortName, unknown, unknown]>([
    ['reward', six(Number.NaN), 'response 3: NaN is not finite'],
    ['reward', six(-Infinity), 'response 3: -Infinity is not finite'],
    ['reward', six(1e300), 'response 3: 1e+300 is not finite in 32 bits'],
    ['reward', six('1'), 'response 3: expected a number, found "1"'],
    ['reward', six(Promise.resolve(1)), 'response 3: expected a number, found Promise { 1 }'],
    ['reward', [1, 2], 'expected an array of 6 numbers, one a response, found an array of 2'],
    [
      'reward',
      null,
      'expected an array of 6 numbers, one a response, {rewards, verified} with such an array, or undefined, found null',
    ],
    ['reward', { rewards: six(Number.NaN) }, 'rewards: response 3: NaN is not finite'],
    ['reward', { rewards: six(1), weight: 1 }, 'unknown field "weight"'],
    ['advantage', undefined, 'expected an array of 6 numbers, one a response, found undefined'],
    ['advantage', six(Number.NaN), 'response 3: NaN is not finite'],
    ['judge', { ...judged!.verdict, advantages: six(Number.NaN) }, 'advantages: response 3: NaN is not finite'],
    ['judge', { ...judged!.verdict, share: Number.NaN }, 'share: NaN is not finite'],
    ['judge', { ...judged!.verdict, kept: undefined }, 'kept: missing; expected true or false'],
    ['judge', 3, 'expected an object, found 3'],
    ['evaluate', { ...recorded.evaluations[0]!, greedy: Number.NaN }, 'greedy: NaN is not finite'],
    ['check', [{ vote: true }], 'expected 6 findings, one a response, found an array of 1'],
    ['check', six({ vote: false, why: '' }), expect.stringMatching(/^0: expected /)],
    ['check', { questions: [], samples: 1 }, expect.stringMatching(/^questions: expected/)],
    [
      'filter',
      true,
      'expected a text of 1 to 1000 characters, why the group is dropped, or undefined to keep it, found true',
    ],
    ['ask', [{ ...recorded.questions[0]!, text: 7 }], '0.text: expected a text, found 7'],
    [
      'ask',
      [{ ...recorded.questions[0]!, pictures: [{ type: 'url' }] }],
      expect.stringMatching(/^0\.pictures\.0\.type: expected 'file' \| 'figure' .*, found "url"$/),
    ],
    [
      'panel',
      { title: 'a', blocks: [{ type: 'numbers', rows: [{ name: 'x', value: Number.NaN }] }] },
      'blocks.0.rows.0.value: NaN is not finite',
    ],
  ])('%s answers %j', async (port, reply, words) => {
    await using kit = await testPlugin(
      definePlugin({ name: 'mine', apiVersion: API_VERSION, ports: { [port]: () => () => reply } }),
    );
    const [about] = recorded.requests[port] as readonly unknown[];
    const call = kit.ports[port] as (request: unknown) => Promise<unknown>;
    const { message } = (await call(about).catch((error: unknown) => error)) as Error;
    const start = `plug-in mine, port "${port}": its reply is not what the port asks for: `;
    expect(message.slice(0, start.length)).toBe(start);
    expect(message.slice(start.length)).toEqual(words);
  });

  const [asked] = recorded.requests.sample;
  const wrapped = (change: (sample: Sample) => Sample): PluginDefinition<undefined> =>
    definePlugin({
      name: 'mine',
      apiVersion: API_VERSION,
      ports: {
        sample:
          ({ next }) =>
          async (request, signal) => {
            const reply = await next(request, signal);
            return { ...reply, groups: reply.groups.map((group) => group.map(change)) };
          },
      },
    });

  test.each<[string, (sample: Sample) => Sample, RegExp]>([
    [
      'tokens outside the vocabulary',
      (sample) => ({ ...sample, tokens: sample.tokens.map((token) => token + 999_999) }),
      /token ids below 96, .*found 1000\d\d\d/,
    ],
    [
      'the first token after the vocabulary',
      (sample) => ({ ...sample, tokens: [...sample.tokens.slice(1), 96] }),
      /token ids below 96, .*found 96/,
    ],
    [
      'a token below 0',
      (sample) => ({ ...sample, tokens: sample.tokens.map(() => -1) }),
      /expected an array of token ids/,
    ],
    [
      'more tokens than were asked for',
      (sample) => ({
        ...sample,
        tokens: Array<number>(65).fill(7),
        logprobs: Array<number>(65).fill(-1),
        refLogprobs: Array<number>(65).fill(-1),
      }),
      /expected at most 64 tokens .*found 65/,
    ],
    [
      'log-probabilities that are not numbers',
      (sample) => ({ ...sample, logprobs: sample.logprobs.map(() => Number.NaN) }),
      /log-probabilities/,
    ],
    [
      'log-probabilities without end',
      (sample) => ({ ...sample, logprobs: sample.logprobs.map(() => -Infinity) }),
      /log-probabilities/,
    ],
    [
      'log-probabilities past 32 bits',
      (sample) => ({ ...sample, logprobs: sample.logprobs.map(() => -1e39) }),
      /log-probabilities/,
    ],
    [
      'fewer log-probabilities than tokens',
      (sample) => ({ ...sample, logprobs: sample.logprobs.slice(1) }),
      /as many logprobs/,
    ],
  ])('a sampler whose responses have %s', async (_, change, words) => {
    await using kit = await testPlugin(wrapped(change));
    await expect(kit.ports.sample(asked!)).rejects.toThrow(words);
    expect(kit.state('sample').state).toBe('restarting');
  });

  test('the plug-in gets the limits of the model, which come from the run', async () => {
    const told = definePlugin({
      name: 'mine',
      apiVersion: API_VERSION,
      ports: {
        sample: ({ next, limits, tell }) => {
          tell(JSON.stringify(limits));
          return next;
        },
      },
    });
    await using kit = await testPlugin(told, { limits: { vocabulary: 10, context: 512 } });
    expect(kit.told).toEqual(['{"vocabulary":10,"context":512}']);
    await expect(kit.ports.sample(asked!)).rejects.toThrow('the size of the model');
  });

  test('a reward that the learner could not compute with', async () => {
    await using kit = await testPlugin(rewardOf(({ votes }) => votes.map(() => 1e39)));
    await expect(kit.ports.reward(request!)).rejects.toThrow(/finite in 32 bits/);
  });

  test('options and labels', async () => {
    const definition = definePlugin({
      name: 'mine',
      apiVersion: API_VERSION,
      options: z.strictObject({ weight: z.number() }),
      ports: {
        reward:
          (context) =>
          ({ group }) =>
            group.samples.map(() => context.options.weight * Number(context.label(group.question.id))),
      },
    });
    await expect(testPlugin(definition, { options: { weight: 'a' } })).rejects.toThrow(/options\.weight/);
    await using denied = await testPlugin(definition, { options: { weight: 2 } });
    await expect(denied.ports.reward(request!)).rejects.toThrow('labels: true');
    await using allowed = await testPlugin(definition, {
      options: { weight: 2 },
      labels: { [request!.group.question.id]: '3' },
    });
    expect(await allowed.ports.reward(request!)).toEqual([6, 6, 6, 6, 6, 6]);
  });

  test('a port that it does not have', async () => {
    await using kit = await testPlugin(rewardOf(() => undefined));
    await expect(kit.ports.panel()).rejects.toThrow('plug-in mine has no port "panel"; it has reward');
  });

  test('the types say what a port is asked and replies', async () => {
    await using kit = await testPlugin(rewardOf(() => undefined));
    expectTypeOf(kit.ports.filter).returns.resolves.toEqualTypeOf<string | undefined>();
    // @ts-expect-error A reward is asked about a group.
    await expect(kit.ports.reward({ from: 0, count: 1 })).rejects.toThrow();
  });
});

describe('time', () => {
  const RESTARTS = { supervision: { maxRestarts: 2, backoffMilliseconds: 1000 }, timeouts: { pluginSeconds: 30 } };

  test('a deadline ends when the test says that the time has passed, not before', async () => {
    await using kit = await testPlugin(
      rewardOf(() => new Promise(() => {})),
      { config: RESTARTS },
    );
    let settled = false;
    const reply = kit.ports.reward(request!).finally(() => (settled = true));
    reply.catch(() => {});
    await kit.advance(29_999);
    expect(settled).toBe(false);
    await kit.advance(1);
    await expect(reply).rejects.toThrow('reward-mine: answering: not done after 30 s');
    expect(kit.state('reward')).toMatchObject({ state: 'restarting', restarts: 1 });
  });

  test('back-off doubles, and past the budget the actor is parked', async () => {
    let calls = 0;
    await using kit = await testPlugin(
      rewardOf(() => {
        calls++;
        throw new Error('not today');
      }),
      { config: RESTARTS },
    );
    const reply = kit.ports.reward(request!, { retry: true });
    await kit.advance(999);
    expect(calls).toBe(1);
    await expect(kit.ports.reward(request!)).rejects.toThrow('waits before it is restarted');
    await kit.advance(1);
    expect(calls).toBe(2);
    await kit.advance(1999);
    expect(kit.state('reward')).toMatchObject({ state: 'restarting', restarts: 2 });
    await kit.advance(1);
    await expect(reply).rejects.toThrow('not today');
    expect(kit.state('reward')).toMatchObject({ state: 'parked', error: 'plug-in mine, port "reward": not today' });
    expect(calls).toBe(3);
  });

  test('with retry the same request is made again after the restart', async () => {
    let broken = true;
    await using kit = await testPlugin(
      rewardOf(({ votes }) => {
        if (broken) throw new Error('not yet');
        return votes;
      }),
    );
    const reply = kit.ports.reward(request!, { retry: true });
    await kit.advance(0);
    broken = false;
    await kit.advance(250);
    expect(await reply).toEqual(request!.votes);
    expect(kit.state('reward')).toMatchObject({ state: 'running', restarts: 1 });
  });
});

test('what it tells is kept, within the daemon’s limit a minute', async () => {
  await using kit = await testPlugin(
    definePlugin({
      name: 'mine',
      apiVersion: API_VERSION,
      ports: {
        filter:
          ({ tell }) =>
          ({ group }) =>
            tell(group.id) as undefined,
      },
    }),
  );
  for (let i = 0; i < 3; i++) await kit.play('filter');
  expect(kit.told).toHaveLength(10);
  await kit.advance(60_000);
  await kit.play('filter');
  expect(kit.told[10]).toMatch(/and 17 lines before it, too many to show/);
});

test('a temporary folder is deleted with the kit, a given folder stays, and the port is closed', async () => {
  const mine = (ended: () => void) =>
    definePlugin({
      name: 'mine',
      apiVersion: API_VERSION,
      ports: {
        watch: ({ folder, signal }) => {
          signal.addEventListener('abort', ended);
          return ({ type }) => writeFileSync(join(folder, type), '');
        },
      },
    });
  let ended = 0;
  const kit = await testPlugin(mine(() => ended++));
  await kit.play('watch');
  expect(existsSync(join(kit.folder, 'learnt'))).toBe(true);
  await kit[Symbol.asyncDispose]();
  expect(existsSync(kit.folder)).toBe(false);
  expect(ended).toBe(1);
  const folder = temporaryFolder();
  const other = await testPlugin(
    mine(() => ended++),
    { folder },
  );
  await other.play('watch');
  await other[Symbol.asyncDispose]();
  expect(existsSync(join(folder, 'plugins/mine/learnt'))).toBe(true);
});

test('a plug-in that is named by its path runs in a thread when it is to; stop, tokenizer and prompt work in both places', async () => {
  const file = join(temporaryFolder(), 'mine.ts');
  writeFileSync(
    file,
    `import { definePlugin } from 'quorum';
     import { threadId } from 'node:worker_threads';
     export default definePlugin({ name: 'mine', apiVersion: 1, ports: {
       reward: ({ stop }) => ({ votes }) => (stop('enough'), votes.map(() => threadId)),
       filter: ({ tokenizer, prompt }) => async ({ group }) => {
         const { text, tokens } = await prompt(group.question);
         return JSON.stringify([text, tokens, await tokenizer.decode(await tokenizer.encode('22'))]);
       },
     } });`,
  );
  await using here = await testPlugin(file);
  await using there = await testPlugin(file, { thread: true });
  const [own, other] = [await here.ports.reward(request!), await there.ports.reward(request!)];
  expect((other as readonly number[])[0]).toBeGreaterThan((own as readonly number[])[0]!);
  await vi.waitFor(() => expect([here.stops, there.stops]).toEqual([['enough'], ['enough']]), 30_000); // a thread's words have a way of their own
  const judged = recorded.requests.filter[0]!;
  const { question } = judged.group;
  const encoder = await loadPromptEncoder(packagePath('models/mini'));
  const { ids } = await encodeQuestion(encoder, question);
  const words = JSON.parse((await here.ports.filter(judged))!) as [text: string, tokens: number[], again: string];
  expect(words.slice(1)).toEqual([Array.from(ids), '22']);
  expect(words[0]).toContain(question.text);
  expect(encoder.tokenizer.encode(words[0]).length).toBeLessThan(ids.length); // a picture is one token in the text
  expect(JSON.parse((await there.ports.filter(judged))!)).toEqual(words);
});

test('an opener that never comes back is an error after its deadline', async () => {
  const stuck = definePlugin({
    name: 'stuck',
    apiVersion: API_VERSION,
    ports: { reward: () => new Promise<never>(() => {}) },
  });
  const kit = testPlugin(stuck, { config: { timeouts: { openSeconds: 0.05 } } });
  await expect(kit).rejects.toThrow('plug-in stuck: opening its ports: not done after 0.05 s');
});
