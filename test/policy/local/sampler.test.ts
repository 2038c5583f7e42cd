import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configSchema, type Config, type ConfigInput } from '../../../src/config/schema.ts';
import { openFigures, TRAIN_POOL } from '../../../src/data/figures/dataset.ts';
import { encodeSafetensors } from '../../../src/compute/hf/safetensors.ts';
import { shared } from '../../../src/compute/threads/versions.ts';
import { WeightsReader } from '../../../src/policy/local/weights.ts';
import type { WeightsRef } from '../../../src/protocol/ports.ts';
import { f32 } from '../../../src/protocol/tensor.ts';
import { groupsAPass, openForSampling, passLimit } from '../../../src/policy/local/open.ts';
import { CancelledError } from '../../../src/protocol/errors.ts';
import { openLocal } from '../../support/local-policy.ts';
import { temporaryFolder, writeTinyFolder, type TemporaryFolder } from '../../support/tiny-folder.ts';

let folder: TemporaryFolder;
let config: Config;
beforeAll(async () => {
  folder = await temporaryFolder();
  const model = join(folder.path, 'base');
  await writeTinyFolder(model, 1);
  config = configSchema.parse({ model, workers: { rolloutWorkers: 2 } });
});
afterAll(() => folder[Symbol.asyncDispose]());

const { dataset } = openFigures(TRAIN_POOL);
const params = { samples: 3, temperature: 1, topP: 1, topK: 0, maxNewTokens: 8 };
const request = { questions: [dataset.question(0), dataset.question(7)], params, seed: 5, version: 0, reference: true };

test('answers as the loop would with version 0, from the samplers alone', async () => {
  const started: unknown[] = [];
  const count = (thread: unknown): void => void started.push(thread);
  process.on('worker', count);
  await using alone = await openForSampling(config);
  const { groups } = await alone.sample(request);
  process.off('worker', count);
  expect(started).toHaveLength(2);
  await using policy = await openLocal(config);
  expect((await policy.sampler.sample(request)).groups).toEqual(groups);
  await expect(alone.sample({ ...request, version: 1 })).rejects.toThrow(
    'version 1 was asked for, but only the base, version 0, is loaded',
  );
});

test('counts the pictures that it scales down to pictures.maxTokens', async () => {
  await using plain = await openForSampling(config);
  expect((await plain.sample(request)).scaledPictures).toBe(0);
  await using bounded = await openForSampling({ ...config, pictures: { ...config.pictures, maxTokens: 1 } });
  expect((await bounded.sample(request)).scaledPictures).toBe(2);
});

test('leaves the run folder of a run that has not begun alone, with an adapter too', async () => {
  const runFolder = join(folder.path, 'no-run');
  const adapter = { type: 'lora' as const };
  const adapted = configSchema.parse({ ...config, runFolder, learner: { adapter } });
  await using alone = await openForSampling(adapted);
  await alone.sample(request);
  expect(existsSync(runFolder)).toBe(false);
});

test('opening can be cancelled', async () => {
  const end = new AbortController();
  const opening = openForSampling(config, undefined, end.signal);
  end.abort();
  await expect(opening).rejects.toBeInstanceOf(CancelledError);
  await expect(openForSampling(config, undefined, end.signal)).rejects.toBeInstanceOf(CancelledError);
});

test('a model that cannot be loaded is named', async () => {
  await expect(openForSampling({ ...config, model: '/no/such/model' })).rejects.toMatchObject({
    name: 'InputError',
    message: expect.stringContaining('/no/such/model'),
  });
});

test('weights of a learner elsewhere are read once, the newest three versions are kept, and what could not be read is read again', async () => {
  const reader = new WeightsReader();
  const reads: string[] = [];
  let isDown = false;
  const ref = (id: string): WeightsRef => {
    const bytes = Buffer.concat(encodeSafetensors({ w: f32([2], [1, id.length]) }));
    const read = async (): Promise<Uint8Array> => {
      reads.push(id);
      if (isDown) throw new Error('the server is down');
      return bytes;
    };
    return { version: id.length, id, size: bytes.length, read };
  };
  const tensors = await reader.read(ref('a'));
  expect(shared(tensors)).toEqual({ w: f32([2], [1, 1]) });
  expect(await reader.read(ref('a'))).toBe(tensors);
  for (const id of ['aa', 'aaa', 'a', 'aaaa', 'a', 'aa']) await reader.read(ref(id));
  expect(reads).toEqual(['a', 'aa', 'aaa', 'aaaa', 'aa']);
  isDown = true;
  await expect(reader.read(ref('b'))).rejects.toThrow('the server is down');
  isDown = false;
  await reader.read(ref('b'));
  expect(reads.slice(5)).toEqual(['b', 'b']);
});

test('a pass holds fewer groups where responses are long: each of their tokens takes a row of logits', () => {
  const size = (input: ConfigInput) => groupsAPass(configSchema.parse(input));
  expect([28, 200, 400, 2_048].map((maxNewTokens) => size({ sampling: { maxNewTokens } }))).toEqual([4, 4, 2, 1]);
  expect(size({ loop: { batchGroups: 4 } })).toBe(2); // a minibatch has no more
  const pass = (passTokens: unknown) => passLimit(configSchema.parse({ learner: { passTokens } }));
  expect([pass('auto'), pass(2_000)]).toEqual([{ groups: 4 }, { tokens: 2_000 }]);
  expect(() => pass('all')).toThrow();
});
