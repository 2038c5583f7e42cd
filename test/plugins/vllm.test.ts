import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { modelText } from '../../src/compute/rollout/model-text.ts';
import { InputError, openPort, type Question, type SampleRequest, type WeightsRef } from '../../src/index.ts';
import vllm from '../../src/plugins/vllm.ts';
import { writeSafetensors } from '../../src/compute/hf/safetensors.ts';
import { reload } from '../../src/plugins/vllm/reload.ts';
import { Server } from '../../src/plugins/servers/servers.ts';
import { f32, type TensorMap } from '../../src/protocol/tensor.ts';
import { idle, pluginContext } from '../support/plugin-context.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { recorded, vllmServer, type VllmServer } from '../support/vllm-server.ts';

const chat = recorded('chat');
const [{ content }] = chat.request.messages as [{ content: { image_url?: { url: string }; text?: string }[] }];
const place = mkdtempSync(join(tmpdir(), 'quorum-vllm-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));
const picture = join(place, 'picture.png');
writeFileSync(picture, Buffer.from(content[0]!.image_url!.url.replace(/^data:image\/png;base64,/, ''), 'base64'));

/** The question that was recorded. */
const question: Question = {
  id: 'q0',
  text: content[1]!.text!,
  pictures: [{ type: 'file', path: picture }],
  origin: 'dataset',
};
const request: SampleRequest = {
  questions: [question],
  params: { samples: 2, temperature: 1, topP: 1, topK: 0, maxNewTokens: 28 },
  seed: 1,
  version: 0,
};

type Kind = 'adapter' | 'tower' | 'model' | 'shards';

/** The parts of a version that the plug-in reads; its embeddings are its number. */
async function write(folder: string, kind: Kind, version: number): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const put = (name: string, tensors: TensorMap) => writeSafetensors(join(folder, name), tensors);
  const json = (name: string, fields: object) => writeFileSync(join(folder, name), JSON.stringify(fields));
  const embeddings = { 'model.embed_tokens.weight': f32([2, 1], [version, version]) };
  if (kind === 'adapter' || kind === 'tower') {
    json('adapter_config.json', { r: 1 });
    const layers = ['layers.0.mlp.up_proj', ...(kind === 'tower' ? ['visual.blocks.0.mlp.up_proj'] : [])];
    const parts = layers.map((layer) => [`base_model.model.model.${layer}.lora_B.weight`, f32([2, 1], [0, 0])]);
    await put('adapter_model.safetensors', Object.fromEntries(parts) as TensorMap);
  } else if (kind === 'model') {
    await put('model.safetensors', { ...embeddings, 'model.norm.weight': f32([1], [1]) });
  } else {
    await put('one.safetensors', { 'model.norm.weight': f32([1], [1]) });
    await put('two.safetensors', embeddings);
    const weights = { 'model.norm.weight': 'one.safetensors', 'model.embed_tokens.weight': 'two.safetensors' };
    json('model.safetensors.index.json', { metadata: { total_size: 12 }, weight_map: weights });
  }
}

function ref(version: number, kind: Kind, saved: string[]): WeightsRef {
  return {
    version,
    id: `${version}-weights-of-${kind}`,
    size: 0,
    read: () => Promise.reject(new Error('not read')),
    async save(folder) {
      saved.push(folder);
      await write(folder, kind, version);
      return kind === 'model' || kind === 'shards' ? 'model' : 'adapter';
    },
  };
}

/** @param folder of the run: the samplers of one run have the same one */
async function opened(servers: readonly VllmServer[], options: object = {}, kind: Kind = 'adapter', folder?: string) {
  const saved: string[] = [];
  const parts = { questions: [question], next: () => Promise.reject(new Error('not asked')) };
  const context = {
    ...pluginContext<'sample'>({ ...parts, ...(folder !== undefined && { folder }) }),
    ...modelText({ folder: 'models/mini', template: '{question}' }),
    weights: async (version: number) => ref(version, kind, saved),
  };
  const sample = await openPort(vllm, 'sample', context, {
    urls: servers.map(({ url }) => url),
    model: 'mini',
    backoffMilliseconds: 1,
    maxBackoffMilliseconds: 2,
    ...options,
  });
  return { sample, context, saved };
}

const paths = ({ received }: VllmServer, path: string) =>
  received.filter((one) => one.path === path).map(({ body }) => body);

test('samples are the token ids and log-probabilities that vLLM drew, for the prompt that the learner encodes', async () => {
  const server = await vllmServer();
  const { sample, saved } = await opened([server]);
  const reply = await sample(request, idle);
  const answer = chat.response as {
    choices: { token_ids: number[]; message: { content: string }; logprobs: { content: { logprob: number }[] } }[];
  };
  expect(reply.groups[0]).toHaveLength(2);
  reply.groups[0]!.forEach(({ tokens, logprobs, text, finish }, i) => {
    const { token_ids, message, logprobs: given } = answer.choices[i]!;
    expect([tokens, text, finish]).toEqual([token_ids, message.content, 'stop']);
    expect(logprobs).toEqual(given.content.map(({ logprob }) => logprob));
  });
  expect([reply.promptTokens, reply.newTokens]).toEqual([38, 16]);
  const body = paths(server, '/v1/chat/completions').at(-1)!;
  expect(body).toMatchObject({ n: 2, temperature: 1, max_tokens: 28, return_token_ids: true, logprobs: true });
  expect(body['model']).toBe('quorum-v0-0-weight');
  expect(saved).toHaveLength(1);
  // The same request draws with the same seed, another version with another one.
  await sample(request, idle);
  await sample({ ...request, version: 1 }, idle);
  const seeds = paths(server, '/v1/chat/completions')
    .slice(-3)
    .map(({ seed }) => seed);
  expect(seeds[0]).toBe(seeds[1]);
  expect(seeds[2]).not.toBe(seeds[0]);
});

test('of greedy samples, which are the same, one is asked for', async () => {
  const server = await vllmServer();
  const { sample } = await opened([server]);
  const { groups } = await sample({ ...request, params: { ...request.params, samples: 3, temperature: 0 } }, idle);
  expect(groups[0]).toHaveLength(3);
  expect(new Set(groups[0]).size).toBe(1);
  expect(paths(server, '/v1/chat/completions').at(-1)).toMatchObject({ n: 1, temperature: 0 });
});

test.each([429, 500, 'rubbish', 'cut', 'short'] as const)(
  'a request that meets %s is tried again and gives one group',
  async (fault) => {
    const server = await vllmServer();
    const { sample } = await opened([server]);
    server.faults.push(fault, fault);
    const { groups } = await sample(request, idle);
    expect(groups[0]).toHaveLength(2);
    expect(server.faults).toEqual([]);
  },
);

test('a server that hangs costs its timeout, and another one answers', async () => {
  const [slow, good] = [await vllmServer(), await vllmServer()];
  const { sample } = await opened([slow, good], {
    timeoutSeconds: 0.5,
    maxBackoffMilliseconds: 60_000,
    backoffMilliseconds: 60_000,
  });
  slow.faults.push('hang');
  expect((await sample(request, idle)).groups[0]).toHaveLength(2);
  expect([slow.answered(), good.answered()]).toEqual([0, 1]);
});

test('a server that restarts gets its version again', async () => {
  const server = await vllmServer();
  const { sample } = await opened([server]);
  server.faults.push('restart');
  await sample(request, idle);
  expect(paths(server, '/v1/load_lora_adapter').map((body) => body['lora_name'])).toEqual(
    Array(2).fill('quorum-v0-0-weight'),
  );
  server.adapters.clear(); // a restart that no request was cut by: the server says that it does not have the adapter
  expect((await sample(request, idle)).groups[0]).toHaveLength(2);
});

test('when all attempts fail, the error names the server and its last words', async () => {
  const server = await vllmServer();
  const { sample } = await opened([server], { attempts: 3 });
  server.faults.push(500, 500, 500);
  await expect(sample(request, idle)).rejects.toThrow(
    /127\.0\.0\.1:\d+\/v1\/chat\/completions answered 500: .*\(3 attempts\)/,
  );
});

test('an abort ends a request that hangs', async () => {
  const server = await vllmServer();
  const { sample } = await opened([server]);
  server.faults.push('hang');
  const end = new AbortController();
  const sampling = sample(request, end.signal);
  await vi.waitFor(() => expect(server.faults).toEqual([]));
  end.abort(new Error('enough'));
  await expect(sampling).rejects.toThrow('enough');
});

test('a request that is cancelled while it waits does not take the turn of the next one', async () => {
  const { url, faults, answered } = await vllmServer();
  const options = {
    maxInHand: 1,
    timeoutSeconds: 60,
    attempts: 1,
    backoffMilliseconds: 1,
    maxBackoffMilliseconds: 1,
    kind: 'vLLM',
  };
  const server = new Server(url, { ...options, headers: {} });
  const body = { ...chat.request, temperature: 1 };
  const ask = (signal: AbortSignal) =>
    server.call({ method: 'POST', path: '/v1/chat/completions', body, schema: z.unknown() }, signal);
  faults.push('hang');
  const ends = [new AbortController(), new AbortController()] as const;
  const answers = Promise.allSettled([ask(ends[0].signal), ask(ends[1].signal), ask(idle)]);
  await vi.waitFor(() => expect(faults).toEqual([]));
  ends[1].abort(new Error('no longer'));
  ends[0].abort(new Error('enough'));
  expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  expect(answered()).toBe(1);
});

test('many questions that wait for a server are no leak to Node', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  const { sample } = await opened([await vllmServer()], { maxInHand: 1 });
  const questions = Array.from({ length: 20 }, (_, i) => ({ ...question, id: `q${i}` }));
  expect((await sample({ ...request, questions }, idle)).groups).toHaveLength(20);
  expect(warnings).toEqual([]);
});

test('requests are spread over servers, and no server has more in hand than it may', async () => {
  const servers = [await vllmServer(), await vllmServer(), await vllmServer()];
  const { sample } = await opened(servers, { maxInHand: 1 });
  const questions = Array.from({ length: 12 }, (_, i) => ({ ...question, id: `q${i}` }));
  const { groups } = await sample({ ...request, questions }, idle);
  expect(groups).toHaveLength(12);
  const counts = servers.map((server) => server.answered());
  expect(counts.reduce((a, b) => a + b)).toBe(12);
  expect(Math.min(...counts)).toBeGreaterThan(1);
});

test('two versions are served at once; those that no request names are unloaded and deleted', async () => {
  const server = await vllmServer();
  const { sample, context } = await opened([server]);
  await Promise.all([1, 2].map((version) => sample({ ...request, version }, idle)));
  for (const version of [3, 4]) await sample({ ...request, version }, idle);
  expect([...server.adapters.keys()]).toEqual(['quorum-v3-3-weight', 'quorum-v4-4-weight']);
  expect(readdirSync(join(context.folder, 'adapters')).toSorted()).toEqual([...server.adapters.keys()]);
});

test('a whole model is written once a version and reloaded by every server, when it has no request in hand', async () => {
  const servers = [await vllmServer(), await vllmServer()];
  const modelFolder = join(temporaryFolder(), 'served');
  const { sample, saved, context } = await opened(servers, { modelFolder }, 'model');
  const questions = Array.from({ length: 4 }, (_, i) => ({ ...question, id: `q${i}` }));
  await Promise.all([1, 1].map((version) => sample({ ...request, questions, version }, idle)));
  await sample({ ...request, questions, version: 2 }, idle);
  for (const server of servers) {
    const reloads = paths(server, '/collective_rpc');
    expect(reloads).toHaveLength(3); // versions 0, 1 and 2
    expect(reloads[0]).toEqual({ method: 'reload_weights' });
    expect(paths(server, '/reset_encoder_cache')).toHaveLength(3);
    expect(paths(server, '/v1/chat/completions').at(-1)!['model']).toBe('mini');
  }
  expect(saved.slice(1)).toEqual([modelFolder, modelFolder, modelFolder]);
  // An older version that is asked for again takes its turn.
  const groups = await Promise.all([1, 2, 1].map((version) => sample({ ...request, questions, version }, idle)));
  expect(groups.map((reply) => reply.groups.length)).toEqual([4, 4, 4]);
  expect(existsSync(join(context.folder, 'adapters', 'quorum-v0-0-weight'))).toBe(false);
});

test.each(['model', 'shards'] as const)(
  'a reloaded version has its own output head, also on a server that packs it (weights in %s)',
  async (kind) => {
    const modelFolder = join(temporaryFolder(), 'served');
    const server = await vllmServer({ modelFolder });
    const { sample } = await opened([server], { modelFolder }, kind);
    expect(server.computes).toEqual({ embeddings: [0, 0], head: [0, 0] });
    await sample({ ...request, version: 1 }, idle);
    expect(server.computes).toEqual({ embeddings: [1, 1], head: [1, 1] });
  },
);

test('a server reloads only once it no longer computes requests that were cancelled', async () => {
  const server = await vllmServer();
  const { sample } = await opened([server], { modelFolder: join(temporaryFolder(), 'served') }, 'model');
  server.received.splice(0);
  server.busy.times = 3;
  await sample({ ...request, version: 1 }, idle);
  const reloading = server.received.map(({ path }) => path).filter((path) => /reset|rpc/.test(path));
  expect(reloading).toEqual([
    ...Array<string>(4).fill('/reset_prefix_cache'),
    '/collective_rpc',
    '/reset_prefix_cache',
    '/reset_encoder_cache',
  ]);
  server.busy.times = Infinity;
  const options = {
    maxInHand: 1,
    timeoutSeconds: 60,
    attempts: 1,
    backoffMilliseconds: 1,
    maxBackoffMilliseconds: 1,
    kind: 'vLLM',
  };
  await expect(reload(new Server(server.url, { ...options, headers: {} }), 0, idle)).rejects.toThrow(
    /still computes requests after 0 s, and cannot reload weights meanwhile/,
  );
});

test('after a reload that was cancelled the server gets the version before it again', async () => {
  const modelFolder = join(temporaryFolder(), 'served');
  const server = await vllmServer({ modelFolder });
  const { sample } = await opened([server], { modelFolder }, 'model');
  const end = new AbortController();
  server.hooks.reloaded = () => {
    server.busy.times = Infinity;
    end.abort(new Error('enough'));
  };
  await expect(sample({ ...request, version: 1 }, end.signal)).rejects.toThrow('enough');
  expect(server.computes.embeddings).toEqual([1, 1]);
  server.busy.times = 0;
  delete server.hooks.reloaded;
  await sample({ ...request, version: 0 }, idle);
  expect(server.computes.embeddings).toEqual([0, 0]);
});

test('the samplers of a run share its servers: each version is written, loaded and unloaded once', async () => {
  const server = await vllmServer();
  const folder = temporaryFolder();
  const lanes = await Promise.all([1, 2, 3].map(() => opened([server], {}, 'adapter', folder)));
  expect(paths(server, '/tokenize')).toHaveLength(1);
  for (const version of [1, 2, 3, 4])
    await Promise.all(lanes.map(({ sample }) => sample({ ...request, version }, idle)));
  expect(lanes.flatMap(({ saved }) => saved)).toHaveLength(5); // versions 0 to 4
  expect(paths(server, '/v1/load_lora_adapter')).toHaveLength(5);
  expect(paths(server, '/v1/unload_lora_adapter')).toHaveLength(3);
  // A sampler that restarts joins the others; without any, the servers are checked again.
  lanes[0]!.context.end();
  await opened([server], {}, 'adapter', folder);
  expect(paths(server, '/tokenize')).toHaveLength(1);
  expect((await lanes[1]!.sample(request, idle)).groups).toHaveLength(1);
});

test('the samplers of a run that trains the whole model take turns with its versions', async () => {
  const modelFolder = join(temporaryFolder(), 'served');
  const server = await vllmServer({ modelFolder });
  const folder = temporaryFolder();
  const lanes = await Promise.all([1, 2].map(() => opened([server], { modelFolder }, 'model', folder)));
  await Promise.all(lanes.map(({ sample }) => sample({ ...request, version: 1 }, idle)));
  expect(paths(server, '/collective_rpc')).toHaveLength(2);
  for (const { context } of lanes) context.end();
  await opened([server], { modelFolder }, 'model', folder);
  expect(paths(server, '/tokenize')).toHaveLength(2);
});

test('an opening that fails is tried again by the next sampler', async () => {
  const server = await vllmServer({ hasAdapters: false });
  const good = await vllmServer();
  const folder = temporaryFolder();
  const both = await Promise.allSettled([1, 2].map(() => opened([server], {}, 'adapter', folder)));
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(paths(server, '/tokenize')).toHaveLength(1);
  await expect(opened([server], {}, 'adapter', folder)).rejects.toThrow(/--enable-lora/);
  expect(paths(server, '/tokenize')).toHaveLength(2);
  await opened([good], {}, 'adapter', folder);
});

test('a server that leaves out what an adapter changes in the vision tower is refused', async () => {
  await expect(opened([await vllmServer()], {}, 'tower')).rejects.toThrow(
    /start it with --enable-tower-connector-lora/,
  );
  const server = await vllmServer({ adaptsTower: true });
  const { sample, context } = await opened([server], {}, 'tower');
  await sample({ ...request, version: 1 }, idle);
  expect(paths(server, '/v1/load_lora_adapter').map((body) => body['lora_name'])).toEqual([
    'quorum-v0-0-weight',
    'quorum-v0-0-weight-other-tower',
    'quorum-v1-1-weight',
  ]);
  expect([...server.adapters.keys()]).toEqual(['quorum-v0-0-weight', 'quorum-v1-1-weight']);
  expect(readdirSync(join(context.folder, 'adapters'))).toEqual([...server.adapters.keys()]);
});

test.each([
  {
    name: 'another model',
    settings: {},
    options: { model: 'other' },
    words: /serves mini, not "other": start it with --served-model-name other/,
  },
  {
    name: 'raw log-probabilities',
    settings: { logprobs: 'raw' },
    options: {},
    words: /--logprobs-mode processed_logprobs/,
  },
  { name: 'no adapters', settings: { hasAdapters: false }, options: {}, words: /--enable-lora --max-lora-rank/ },
] as const)(
  'a server with $name is refused at the start, with what to pass to it',
  async ({ settings, options, words }) => {
    const server = await vllmServer(settings);
    const opening = opened([server], options);
    await expect(opening).rejects.toThrow(words);
    await expect(opening).rejects.toBeInstanceOf(InputError);
  },
);

test('a run that trains the whole model is told which folder and which server it needs', async () => {
  const server = await vllmServer({ hasReload: false });
  await expect(opened([server], {}, 'model')).rejects.toThrow(
    /name in `modelFolder` the folder that the server serves/,
  );
  const modelFolder = join(temporaryFolder(), 'served');
  await expect(opened([server], { modelFolder }, 'model')).rejects.toThrow(/VLLM_SERVER_DEV_MODE=1/);
});

test('a server that makes another prompt of a question is refused', async () => {
  const server = await vllmServer();
  const { sample } = await opened([server]);
  const other = { ...question, text: 'How small is the rectangle?' };
  await expect(sample({ ...request, questions: [other] }, idle)).rejects.toThrow(
    /makes 38 tokens of question q0, the learner \d+, and they differ from token \d+/,
  );
});

test('a context that is too short for prompt and response is told with the length to pass', async () => {
  const server = await vllmServer({ maxTokens: 50 });
  const { sample } = await opened([server]);
  await expect(sample(request, idle)).rejects.toThrow('start it with --max-model-len 66 or more');
});

test('the key comes from the environment, and a user in the address appears in no message', async () => {
  const server = await vllmServer();
  vi.stubEnv('SERVER_KEY', 'sesame');
  await opened([server], { keyVariable: 'SERVER_KEY' });
  expect(new Set(server.received.map(({ key }) => key))).toEqual(new Set(['Bearer sesame']));
  const urls = server.url.replace('//', '//me:p%40ss@');
  const refused = opened([server], { urls, model: 'other' });
  await expect(refused).rejects.toThrow(/serves mini/);
  await expect(refused).rejects.not.toThrow(/p@ss|p%40ss/);
  vi.stubEnv('SERVER_KEY', '');
  await expect(opened([server], { keyVariable: 'SERVER_KEY' })).rejects.toThrow('SERVER_KEY, which is not set');
  vi.unstubAllEnvs();
});
