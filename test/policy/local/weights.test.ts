import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadAdapter } from '../../../src/compute/models/adapter-folder.ts';
import { adapterSettings, makeAdapter } from '../../../src/compute/models/adapters.ts';
import { loadModelFolder } from '../../../src/compute/models/folder.ts';
import { share } from '../../../src/compute/threads/versions.ts';
import { SharedWeights, type WeightsBase } from '../../../src/policy/local/weights.ts';
import { InputError } from '../../../src/protocol/errors.ts';
import type { TensorMap } from '../../../src/protocol/tensor.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const MINI = 'models/mini';

const version = (tensors: TensorMap, base: Omit<WeightsBase, 'folder'> = {}, isKept = () => true) =>
  new SharedWeights(3, share(tensors), { folder: MINI, ...base }, isKept);

test('a version of the whole model is a model folder with its weights', async () => {
  const { params, files } = await loadModelFolder(MINI);
  const changed = Object.fromEntries(
    Object.entries(params).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.map((value) => 2 * value) }]),
  );
  const folder = join(temporaryFolder(), 'served');
  expect(await version(changed).save(folder)).toBe('model');
  const saved = await loadModelFolder(folder);
  expect(saved.files).toEqual(files);
  for (const [name, { data }] of Object.entries(saved.params)) expect(data).toEqual(changed[name]!.data);
  // The next version takes its place.
  expect(await version(params).save(folder)).toBe('model');
  expect((await loadModelFolder(folder)).params).toEqual(params);
});

test("a version of an adapter is PEFT's folder", async () => {
  const { model } = await loadModelFolder(MINI);
  const settings = adapterSettings.parse({ type: 'lora', rank: 2 }) as NonNullable<WeightsBase['adapter']>;
  const adapter = makeAdapter(model, settings);
  const tensors = adapter.initial(() => () => 0.25);
  const folder = join(temporaryFolder(), 'v3');
  expect(await version(tensors, { adapter: settings }).save(folder)).toBe('adapter');
  expect(await loadAdapter(folder, model, adapter)).toEqual(tensors);
});

test("neither the base's folder is overwritten nor a version that is gone written", async () => {
  await expect(version({}).save(MINI)).rejects.toBeInstanceOf(InputError);
  await expect(version({}, {}, () => false).save(join(temporaryFolder(), 'x'))).rejects.toBeInstanceOf(RangeError);
});
