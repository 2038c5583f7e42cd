/** The policy on a Tinker API server, against answers that a real one gave. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { ConfigInput } from '../../../src/config/schema.ts';
import { startDaemon } from '../../../src/daemon/daemon.ts';
import { completeConfig } from '../../../src/config/load.ts';
import { InputError, TimeoutError } from '../../../src/protocol/errors.ts';
import type { Sample } from '../../../src/protocol/messages.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { batchOf, questions, request, tinkerRun } from '../../support/tinker-run.ts';
import { recordedAt, resultOf, tinkerServer, type Fault } from '../../support/tinker-server.ts';

interface Sequences {
  readonly sequences: readonly {
    readonly tokens: number[];
    readonly logprobs: number[];
    readonly stop_reason: string;
  }[];
}
/** What the server sampled for question `i` with version 0; the second question was recorded first. */
const sampledFirst = (i: number) => (resultOf(recordedAt('asample')[1 - i]!).response as Sequences).sequences;

async function opened(settings: ConfigInput = {}, options: Parameters<typeof tinkerServer>[0] = {}) {
  const server = await tinkerServer(options);
  const { learner, sampler } = tinkerRun(server.url, settings);
  const notes: string[] = [];
  onTestFinished(() => learner[Symbol.asyncDispose]());
  await Promise.all([learner.open(), sampler.open()]);
  learner.onNote((text) => notes.push(text));
  return { server, learner, sampler, notes };
}

test('samples are the tokens and log-probabilities of the server, which learns from them with the loss it was asked for', async () => {
  const { server, learner, sampler, notes } = await opened();
  expect(learner.limits).toMatchObject({ context: 512, pictures: false });
  const { groups, newTokens } = await sampler.sample(request());
  groups.forEach((samples, i) =>
    samples.forEach(({ tokens, logprobs, finish }, n) => {
      const { stop_reason, ...given } = sampledFirst(i)[n]!;
      expect({ tokens, logprobs, finish }).toEqual({ ...given, finish: stop_reason });
    }),
  );
  expect(newTokens).toBe(16);
  const { version, metrics } = await learner.step(batchOf(groups));
  expect(version).toMatchObject({ n: 1, parent: 0, batchId: 0 });
  // The server scores what it sampled as it sampled it; the second mini-batch is after an update.
  expect(metrics.samplerGap).toBeLessThan(1e-6);
  expect(metrics.ratio).toBeCloseTo(1, 1);
  expect(metrics).toMatchObject({ tokens: 16, clipFraction: 0, learningRate: 1e-3 });
  expect(metrics.gradNorm).toBeCloseTo(2.118835210800171, 6);
  expect(metrics.entropy).toBeGreaterThan(5);
  const [first] = server.at('forward_backward');
  expect(first!['forward_backward_input']).toMatchObject({
    loss_fn: 'ppo',
    loss_fn_config: { clip_low_threshold: 0.8, clip_high_threshold: 1.2 },
  });
  expect(server.at('optim_step')[0]!['adam_params']).toEqual({
    learning_rate: 1e-3,
    beta1: 0.9,
    beta2: 0.99,
    eps: 1e-12,
    weight_decay: 0.01,
    grad_clip_norm: 1,
  });
  expect(notes).toEqual([
    expect.stringMatching(/learns grpo with its loss ppo, .*\[0\.8, 1\.2\].*no dual clip, the KL/),
  ]);
});

test('the KL penalty is in the advantages, scaled by the share of each token', async () => {
  const { server, learner, sampler } = await opened({ learner: { klCoefficient: 0.5, minibatches: 1 } });
  const { groups } = await sampler.sample(request());
  const far = groups.map((samples) =>
    samples.map((sample): Sample => ({
      ...sample,
      refLogprobs: sample.logprobs.map((logprob, t) => logprob - 0.1 * t),
    })),
  );
  await learner.step(batchOf(far)).catch(() => {}); // another request than the recorded one
  const { data } = server.at('forward_backward')[0]!['forward_backward_input'] as {
    data: { loss_fn_inputs: { advantages: { data: number[] } } }[];
  };
  data.forEach(({ loss_fn_inputs: { advantages } }, i) =>
    advantages.data
      .slice(-4)
      .forEach((given, t) => expect(given).toBeCloseTo(((i % 2 === 0 ? 1 : -1) - 0.5 * 0.1 * t) / 16, 9)),
  );
  // The base is scored only where a sample lacks it; the pictures of the start are scored.
  expect(server.at('forward').filter((body) => !JSON.stringify(body).includes('image'))).toEqual([]);
});

test('a repeated step gives the same reply; a step from another version is refused', async () => {
  const { server, learner, sampler } = await opened();
  const batch = batchOf((await sampler.sample(request())).groups);
  const reply = await learner.step(batch);
  expect(await learner.step(batch)).toBe(reply);
  expect(server.at('optim_step')).toHaveLength(2);
  await expect(learner.step({ ...batch, id: 1 })).rejects.toThrow('starts from version 0, but the newest is 1');
});

test('versions stay while they are held; the server is asked to delete those that are not', async () => {
  const { server, learner, sampler } = await opened();
  learner.retain(0);
  await learner.step(batchOf((await sampler.sample(request())).groups));
  expect((await sampler.sample(request(1))).groups).toHaveLength(2);
  expect((await learner.publish(0)).id).toMatch(/^tinker:.*\/v0-/);
  expect(server.deleted).toEqual([]);
  learner.release(0);
  await vi.waitFor(() => expect(server.deleted).toHaveLength(2));
  await expect(learner.publish(0)).rejects.toThrow(RangeError);
  expect(() => learner.release(1)).toThrow(RangeError);
});

test('a checkpoint is an adapter folder that names the state of the server, and a start and a restore load it', async () => {
  const { learner, sampler } = await opened();
  await learner.step(batchOf((await sampler.sample(request())).groups));
  const folder = join(temporaryFolder(), 'v1');
  await learner.save(1, folder);
  expect(readdirSync(folder).toSorted()).toEqual(['adapter_config.json', 'adapter_model.safetensors', 'tinker.json']);
  expect(JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8'))).toMatchObject({
    peft_type: 'LORA',
    r: 1,
  });
  await learner.restore(folder, 1, 2);
  expect((await learner.publish(2)).id).toContain('/v2-');
  await expect(learner.restore(folder, 3, 4)).rejects.toThrow('does not name the server');
  await expect(learner.restore(temporaryFolder(), 1, 3)).rejects.toThrow(/tinker\.json is missing/);

  const server = await tinkerServer();
  const again = tinkerRun(server.url, {}, { checkpoint: { version: 1, folder } });
  expect(await again.learner.open()).toEqual({ version: 1 });
  const { state } = JSON.parse(readFileSync(join(folder, 'tinker.json'), 'utf8')) as { state: string };
  expect(server.at('load_weights')).toMatchObject([{ path: state, optimizer: true }]);
  await again.learner[Symbol.asyncDispose]();
  expect(server.at('unload_model')).toHaveLength(1);
});

test.each<[Fault, string]>([
  [429, 'asample'],
  [503, 'asample'],
  [500, 'asample'],
  ['rubbish', 'asample'],
  ['cut', 'asample'],
  ['failed', 'asample'],
  [429, 'retrieve_future'],
  [500, 'retrieve_future'],
  ['rubbish', 'retrieve_future'],
  ['try-again', 'retrieve_future'],
])('%s at %s: the request is sent again, and gives the same samples', async (fault, path) => {
  const { server, sampler } = await opened();
  server.faults.push({ path, fault }, { path, fault });
  const { groups } = await sampler.sample(request());
  expect(groups.map((samples) => samples.map(({ tokens }) => tokens))).toEqual(
    [0, 1].map((i) => sampledFirst(i).map(({ tokens }) => tokens)),
  );
  expect(server.faults).toEqual([]);
});

test.each<[Fault, string, number]>([
  ['cut', 'forward_backward', 1],
  ['failed', 'forward_backward', 1],
  ['rubbish', 'optim_step', 1],
  [500, 'save_weights', 2],
])(
  '%s at %s in a step: nothing is sent twice, and the next try begins from the parent',
  async (fault, path, before) => {
    const { server, learner, sampler, notes } = await opened();
    const batch = batchOf((await sampler.sample(request())).groups);
    server.faults.push({ path, fault });
    await expect(learner.step(batch)).rejects.toThrow();
    expect(server.at('forward_backward')).toHaveLength(before);
    const { version } = await learner.step(batch);
    expect(version.n).toBe(1);
    expect(server.at('load_weights')).toMatchObject([
      { path: expect.stringMatching(/\/weights\/v0-/), optimizer: true },
    ]);
    expect(server.at('optim_step').length).toBeLessThanOrEqual(4);
    expect(notes.at(-1)).toContain('a step failed half-way: a new session continues from version 0');
  },
);

test('429 in a step is waited for: the server has not taken the request', async () => {
  const { server, learner, sampler } = await opened();
  const batch = batchOf((await sampler.sample(request())).groups);
  server.faults.push({ path: 'forward_backward', fault: 429 }, { path: 'optim_step', fault: 503 });
  expect((await learner.step(batch)).version.n).toBe(1);
  expect(server.at('load_weights')).toEqual([]);
});

test('a server that loses its session gets a new one, which continues from the newest version', async () => {
  const { server, learner, sampler, notes } = await opened();
  const batch = batchOf((await sampler.sample(request())).groups);
  server.lose();
  await expect(sampler.sample(request())).rejects.toThrow('Model not found');
  expect((await sampler.sample(request())).groups).toHaveLength(2);
  expect(notes.at(-1)).toContain('a new session continues from version 0');
  server.lose();
  await expect(learner.step(batch)).rejects.toThrow('Model not found');
  expect((await learner.step(batch)).version.n).toBe(1);
});

test('work that never ends costs its deadline, which names it', async () => {
  const { server, sampler } = await opened({ timeouts: { sampleSeconds: 0.3 } });
  server.faults.push({ path: 'asample', fault: 'pending' });
  const sampling = sampler.sample(request());
  await expect(sampling).rejects.toThrow(/sampling question q0: not done after 0\.3 s/);
  await expect(sampling).rejects.toBeInstanceOf(TimeoutError);
});

test('an abort ends a wait', async () => {
  const { server, sampler } = await opened();
  server.faults.push({ path: 'asample', fault: 'pending' });
  const end = new AbortController();
  const sampling = sampler.sample(request(), end.signal);
  await vi.waitFor(() => expect(server.at('retrieve_future').length).toBeGreaterThan(3));
  end.abort();
  await expect(sampling).rejects.toThrow('cancelled');
});

test('no more requests are in hand than `tinker.maxInHand`', async () => {
  const { server, sampler } = await opened({ tinker: { maxInHand: 1 } });
  await sampler.sample(request());
  expect(server.inHand.most).toBe(1);
});

test('the key comes from the environment, and is in no message', async () => {
  vi.stubEnv('TINKER_API_KEY', 'tml-sesame');
  onTestFinished(() => void vi.unstubAllEnvs());
  const { server, sampler } = await opened();
  expect(new Set(server.received.map(({ key }) => key))).toEqual(new Set(['tml-sesame']));
  for (let i = 0; i < 8; i++) server.faults.push({ path: 'asample', fault: 500 });
  const failing = sampler.sample({ ...request(), questions: [questions[0]!] });
  await expect(failing).rejects.toThrow(/asample answered 500.*\(8 attempts\)/);
  await expect(failing).rejects.not.toThrow('sesame');
});

test.each<{ name: string; settings: ConfigInput; words: RegExp }>([
  { name: 'no address', settings: { tinker: { url: null } }, words: /set `tinker\.url`/ },
  { name: 'no model', settings: { tinker: { model: null } }, words: /set `tinker\.model`/ },
  {
    name: 'a cluster',
    settings: { cluster: { nats: 'nats://127.0.0.1:4222' } },
    words: /`cluster\.nats` is set.*set `cluster\.nats` to null/,
  },
  {
    name: 'no adapter',
    settings: { learner: { adapter: { type: 'none' } } },
    words: /`learner\.adapter\.type` is "none".*rank: 16/,
  },
  {
    name: 'a temperature',
    settings: { sampling: { temperature: 0.7 } },
    words: /`sampling\.temperature` is 0\.7.*set 1/,
  },
  {
    name: 'a loss of sequences',
    settings: { learner: { objective: { type: 'gspo' } } },
    words: /is "gspo".*grpo, dr-grpo, dapo, cispo/,
  },
  {
    name: 'an entropy bonus',
    settings: { learner: { entropy: { coefficient: 0.1 } } },
    words: /entropy\.coefficient` is 0\.1.*set 0/,
  },
])('$name is refused, with the setting and the fix', ({ settings, words }) => {
  expect(() => tinkerRun('http://127.0.0.1:1', settings)).toThrow(words);
  expect(() => tinkerRun('http://127.0.0.1:1', settings)).toThrow(InputError);
});

test('a server without the model is refused at the start', async () => {
  const server = await tinkerServer();
  const { learner } = tinkerRun(server.url, { tinker: { model: 'other' } });
  await expect(learner.open()).rejects.toThrow(/has \.\/tinyqwen3, not "other": set `tinker\.model`/);
});

test('objectives have their clip on the server', async () => {
  const { server, learner, sampler } = await opened({ learner: { objective: { type: 'cispo' } } });
  await learner.step(batchOf((await sampler.sample(request())).groups)).catch(() => {});
  expect(server.at('forward_backward')[0]!['forward_backward_input']).toMatchObject({
    loss_fn: 'cispo',
    loss_fn_config: { clip_low_threshold: 0, clip_high_threshold: 5 },
  });
});

test('two pictures between the same tokens tell whether the server reads them', async () => {
  const { server, learner, sampler } = await opened({}, { reads: true });
  expect(learner.limits?.pictures).toBe(true);
  const picture = { type: 'figure', key: 'square/0/train/0' } as const;
  const asked = sampler.sample({ ...request(), questions: [{ ...questions[0]!, pictures: [picture] }] });
  await asked.catch(() => {}); // not recorded, or no such figure
  const [probe] = server
    .at('forward')
    .map(
      (body) =>
        body['forward_input'] as { data: { model_input: { chunks: { type: string; expected_tokens?: number }[] } }[] },
    );
  expect(probe!.data.map(({ model_input }) => model_input.chunks.map(({ type }) => type))).toEqual(
    [0, 1].map(() => ['encoded_text', 'image', 'encoded_text']),
  );
});

test('the daemon refuses data with pictures where the server drops them', async () => {
  const server = await tinkerServer();
  const runFolder = join(temporaryFolder(), 'run');
  const { config } = completeConfig({
    model: 'models/mini',
    runFolder,
    data: { type: 'figures' },
    dashboard: { port: null },
    workers: { engine: 'tinker' },
    tinker: { url: server.url, model: './tinyqwen3' },
    learner: { adapter: { type: 'lora', rank: 1 } },
  });
  await expect(startDaemon(config)).rejects.toThrow(
    /`data\.type` is "figures", whose questions have pictures, but the server http.* drops the pictures of \.\/tinyqwen3/,
  );
  expect(existsSync(join(runFolder, 'config.json'))).toBe(false);
  expect(server.at('unload_model')).toHaveLength(1);
});
