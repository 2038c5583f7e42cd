import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { modelText } from '../../src/compute/rollout/model-text.ts';
import { writeSafetensors } from '../../src/compute/hf/safetensors.ts';
import { InputError, openPort, type Question, type SampleRequest, type WeightsRef } from '../../src/index.ts';
import sglang from '../../src/plugins/sglang.ts';
import { f32 } from '../../src/protocol/tensor.ts';
import { idle, pluginContext } from '../support/plugin-context.ts';
import { recorded, sglangServer, type SglangServer } from '../support/sglang-server.ts';

interface Output {
  readonly text: string;
  readonly output_ids: number[];
  readonly prompt_token_ids: number[];
  readonly meta_info: { readonly output_token_logprobs: [number, number][] };
}

const generated = recorded('generate');
const place = mkdtempSync(join(tmpdir(), 'quorum-sglang-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));
const picture = join(place, 'picture.png');
const [url] = generated.request['image_data'] as [string];
writeFileSync(picture, Buffer.from(url.replace(/^data:image\/png;base64,/, ''), 'base64'));

/** The question that was recorded. */
const question: Question = {
  id: 'q0',
  text: 'How large is the rectangle?',
  pictures: [{ type: 'file', path: picture }],
  origin: 'dataset',
};
const request: SampleRequest = {
  questions: [question],
  params: { samples: 2, temperature: 1, topP: 1, topK: 0, maxNewTokens: 28 },
  seed: 1,
  version: 0,
};

type Kind = 'adapter' | 'tower' | 'model';

function ref(version: number, kind: Kind, saved: string[]): WeightsRef {
  return {
    version,
    id: `${version}-weights-of-${kind}`,
    size: 0,
    read: () => Promise.reject(new Error('not read')),
    async save(folder) {
      saved.push(folder);
      mkdirSync(folder, { recursive: true });
      if (kind === 'model') return 'model';
      const layer = kind === 'tower' ? 'visual.blocks.0.mlp.up_proj' : 'layers.0.mlp.up_proj';
      writeFileSync(join(folder, 'adapter_config.json'), '{}');
      await writeSafetensors(join(folder, 'adapter_model.safetensors'), {
        [`base_model.model.model.${layer}.lora_B.weight`]: f32([2, 1], [0, 0]),
      });
      return 'adapter';
    },
  };
}

async function opened(servers: readonly SglangServer[], options: object = {}, kind: Kind = 'adapter') {
  const saved: string[] = [];
  const parts = { questions: [question], next: () => Promise.reject(new Error('not asked')) };
  const context = {
    ...pluginContext<'sample'>(parts),
    ...modelText({ folder: 'models/mini', template: '{question}' }),
    weights: async (version: number) => ref(version, kind, saved),
  };
  const sample = await openPort(sglang, 'sample', context, {
    urls: servers.map((server) => server.url),
    model: 'mini',
    backoffMilliseconds: 1,
    maxBackoffMilliseconds: 2,
    ...options,
  });
  return { sample, context, saved };
}

test('samples are the token ids and log-probabilities that SGLang drew, for the prompt that the learner encodes', async () => {
  const server = await sglangServer();
  const { sample } = await opened([server]);
  const reply = await sample(request, idle);
  const outputs = generated.response as Output[];
  expect(reply.groups[0]).toHaveLength(2);
  reply.groups[0]!.forEach(({ tokens, logprobs, text, finish }, i) => {
    const { output_ids, text: theirs, meta_info } = outputs[i]!;
    expect([tokens, text, finish]).toEqual([output_ids, theirs, 'stop']);
    expect(logprobs).toEqual(meta_info.output_token_logprobs.map(([logprob]) => Math.min(0, logprob)));
  });
  expect(reply.promptTokens).toBe(outputs[0]!.prompt_token_ids.length);
  const body = server.bodies('/generate').at(-1)!;
  expect(body['text']).toBe(generated.request['text']);
  expect(body['sampling_params']).toEqual(generated.request['sampling_params']);
  expect(body).toMatchObject({ lora_path: 'quorum-v0-0-weight', return_logprob: true, return_prompt_token_ids: true });
  expect(body['image_data']).toEqual([expect.stringMatching(/^data:image\/bmp;base64,/)]);
});

test('a question without pictures is asked by its token ids', async () => {
  const server = await sglangServer();
  const { sample, context } = await opened([server]);
  const words = { ...question, pictures: [] };
  await expect(sample({ ...request, questions: [words] }, idle)).rejects.toThrow(/makes 38 tokens of question q0/);
  const body = server.bodies('/generate').at(-1)!;
  expect(body['input_ids']).toEqual((await context.prompt(words)).tokens);
  expect(body).not.toHaveProperty('text');
});

test('a truncated distribution, of which SGLang gives no log-probabilities, is refused with what to set', async () => {
  const { sample } = await opened([await sglangServer()]);
  for (const truncated of [{ topP: 0.9 }, { topK: 5 }])
    await expect(sample({ ...request, params: { ...request.params, ...truncated } }, idle)).rejects.toThrow(
      /set `sampling.topP` to 1 and `sampling.topK` to 0/,
    );
});

test.each([429, 500, 'rubbish', 'cut', 'short', 'restart'] as const)(
  'a request that meets %s is tried again and gives one group',
  async (fault) => {
    const server = await sglangServer();
    const { sample } = await opened([server]);
    server.state.faults.push(fault);
    expect((await sample(request, idle)).groups[0]).toHaveLength(2);
    expect(server.state.faults).toEqual([]);
    expect([...server.state.adapters]).toEqual(['quorum-v0-0-weight']);
  },
);

test('a server that hangs costs its timeout, and another one answers', async () => {
  const [slow, good] = [await sglangServer(), await sglangServer()];
  const { sample } = await opened([slow, good], { timeoutSeconds: 0.5, maxBackoffMilliseconds: 60_000 });
  slow.state.faults.push('hang');
  expect((await sample(request, idle)).groups[0]).toHaveLength(2);
  expect([slow.state.answered, good.state.answered]).toEqual([0, 1]);
});

test('an abort ends a request that hangs', async () => {
  const server = await sglangServer();
  const { sample } = await opened([server]);
  server.state.faults.push('hang');
  const end = new AbortController();
  const sampling = sample(request, end.signal);
  await vi.waitFor(() => expect(server.state.faults).toEqual([]));
  end.abort(new Error('enough'));
  await expect(sampling).rejects.toThrow('enough');
});

test.each(['adapter', 'model'] as const)('a server that restarted unseen gets its version again (%s)', async (kind) => {
  const server = await sglangServer();
  const { sample } = await opened([server], {}, kind);
  server.restart();
  expect((await sample(request, idle)).groups[0]).toHaveLength(2);
  const [path, times] = kind === 'adapter' ? ['/load_lora_adapter', 2] : ['/update_weights_from_disk', 2];
  expect(server.bodies(path)).toHaveLength(times);
});

test('two adapters are served at once; those that no request names are unloaded and deleted', async () => {
  const server = await sglangServer();
  const { sample, context } = await opened([server]);
  await Promise.all([1, 2].map((version) => sample({ ...request, version }, idle)));
  for (const version of [3, 4]) await sample({ ...request, version }, idle);
  expect([...server.state.adapters]).toEqual(['quorum-v3-3-weight', 'quorum-v4-4-weight']);
  expect(readdirSync(join(context.folder, 'versions')).toSorted()).toEqual([...server.state.adapters]);
});

test('a whole model is written once and read by every server; each of its versions has pictures of its own', async () => {
  const servers = [await sglangServer(), await sglangServer()];
  const { sample, saved, context } = await opened(servers, { serverVersionFolder: '/elsewhere' }, 'model');
  const questions = Array.from({ length: 4 }, (_, i) => ({ ...question, id: `q${i}` }));
  for (const version of [1, 2]) await sample({ ...request, questions, version }, idle);
  const whole = join(context.folder, 'versions/whole');
  expect(saved.slice(1)).toEqual([whole, whole, whole]);
  for (const server of servers) {
    expect(server.bodies('/update_weights_from_disk')).toEqual(
      [0, 1, 2].map((version) => ({
        model_path: '/elsewhere/whole',
        weight_version: `${version}-weights-of-model`,
      })),
    );
    const sampled = server.bodies('/generate').filter((body) => !('top_logprobs_num' in body));
    expect(new Set(sampled.map((body) => String(body['mm_hashes']))).size).toBe(2);
    expect(sampled.every((body) => !('lora_path' in body))).toBe(true);
  }
});

test('a server reads weights only once it no longer computes requests that were cancelled', async () => {
  const server = await sglangServer();
  const { sample } = await opened([server], {}, 'model');
  server.state.received.splice(0);
  server.state.busyTimes = 3;
  await sample({ ...request, version: 1 }, idle);
  expect(server.state.received.map(({ path }) => path)).toEqual([
    ...Array<string>(4).fill('/flush_cache'),
    '/update_weights_from_disk',
    '/generate',
  ]);
});

test.each([
  {
    name: 'another model',
    settings: {},
    options: { model: 'other' },
    kind: 'adapter',
    words: /serves mini, not "other": start it with --served-model-name other/,
  },
  {
    name: 'log-probabilities before the temperature',
    settings: { logprobs: 'original' },
    options: {},
    kind: 'adapter',
    words: /without SGLANG_RETURN_ORIGINAL_LOGPROB/,
  },
  {
    name: 'equal seeds',
    settings: { isDeterministic: true },
    options: {},
    kind: 'adapter',
    words: /without --enable-deterministic-inference/,
  },
  {
    name: 'no adapters',
    settings: { hasAdapters: false },
    options: {},
    kind: 'adapter',
    words: /LoRA is not enabled.*--enable-lora --max-lora-rank/,
  },
  {
    name: 'a tower without adapters',
    settings: {},
    options: {},
    kind: 'tower',
    words: /set `learner.adapter.vision` to false/,
  },
  {
    name: 'no sight of the versions',
    settings: { sees: false },
    options: {},
    kind: 'model',
    words: /The server must be able to read .*versions\/whole/,
  },
] as const)(
  'a server with $name is refused at the start, with what to do',
  async ({ settings, options, kind, words }) => {
    const opening = opened([await sglangServer(settings)], options, kind);
    await expect(opening).rejects.toThrow(words);
    await expect(opening).rejects.toBeInstanceOf(InputError);
  },
);

test('a context that is too short for prompt and response is told with the length to pass', async () => {
  const { sample } = await opened([await sglangServer({ maxTokens: 50 })]);
  await expect(sample(request, idle)).rejects.toThrow('start it with --context-length 66 or more');
});
