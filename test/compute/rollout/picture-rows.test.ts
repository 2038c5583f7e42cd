import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, test } from 'vitest';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import type { ProgramSpec } from '../../../src/compute/engine/engine.ts';
import { atTask, stage, stageWords, taskFlags } from '../../../src/compute/engine/native.ts';
import type { Grid, Model, PatchedImage } from '../../../src/compute/models/family.ts';
import { parseConfig } from '../../../src/compute/models/qwen2_5_vl/config.ts';
import { planTower } from '../../../src/compute/models/qwen2_5_vl/tower-plan.ts';
import { forwardProgram, planForward } from '../../../src/compute/programs/forward.ts';
import { embedImages, withoutTower } from '../../../src/compute/rollout/picture-rows.ts';
import { RowCache } from '../../../src/compute/rollout/row-cache.ts';
import { Random } from '../../../src/data/rng.ts';
import { CancelledError } from '../../../src/protocol/errors.ts';
import type { HostTensor, TensorMap } from '../../../src/protocol/tensor.ts';
import { CASES, loadFixture, maxDifference } from '../programs/fixture.ts';

const engine = await createEngine('cpu', { threads: 1 });
afterAll(() => engine[Symbol.asyncDispose]());

const inMemory = () => new RowCache({ memoryBytes: 1e8, diskBytes: 0 });
const towerRows = (model: Model, params: TensorMap, images: readonly PatchedImage[], cache = inMemory()) =>
  embedImages({ running: { engine, model, weights: params }, cache, identity: 'base' }, images);

/** The tower as it stands inside of programs. */
function inGraph(model: Model, images: readonly PatchedImage[]) {
  const { shape, feeds } = model.vision!.plan(images);
  const spec: ProgramSpec = {
    name: `images:${shape.name}`,
    inputs: { ...model.parameters, ...shape.inputs },
    build: (inputs) => ({ rows: tf.clone(model.images!(inputs, inputs, shape)) }),
  };
  return { spec, feeds };
}

async function run(spec: ProgramSpec, feeds: Readonly<Record<string, HostTensor>>): Promise<HostTensor[]> {
  return Object.values(await (await engine.compile(spec)).run(feeds)) as HostTensor[];
}

function randomImage(model: Model, grid: Grid, random: Random): PatchedImage {
  const width = model.parameters['visual.patch_embed.proj.weight']!.shape.slice(1).reduce((a, b) => a * b, 1);
  const patches = Float32Array.from({ length: grid[0] * grid[1] * grid[2] * width }, () => 2 * random.float() - 1);
  return { grid, patches };
}

describe.each(CASES)('fixture %s', (name) => {
  test('rows of the tower by itself are those of transformers', async () => {
    const { model, params, prompts, expected } = await loadFixture(name);
    const images = await towerRows(model, params, prompts.flatMap((prompt) => prompt.images) as PatchedImage[]);
    const rows = images.flatMap((image) => [...image.rows]);
    expect(maxDifference(rows, expected.imageEmbeds.data, 1)).toBeLessThan(2e-5);
  });

  test('a program that takes the rows, and no weight of the tower, has the same logits', async () => {
    const { model, params, prompts, padding, mask, length } = await loadFixture(name);
    const whole = planForward(model, prompts, { length, padding });
    const [wanted] = await run(forwardProgram(model, whole.shape), { ...params, ...whole.feeds });
    const embedded = await Promise.all(
      prompts.map(async (prompt) => ({
        ...prompt,
        images: await towerRows(model, params, prompt.images as PatchedImage[]),
      })),
    );
    const text = { ...model, parameters: withoutTower(model.vision!, model.parameters) };
    const plan = planForward(text, embedded, { length, padding });
    const [logits] = await run(forwardProgram(text, plan.shape), {
      ...withoutTower(model.vision!, params),
      ...plan.feeds,
    });
    const keep = (row: number): boolean => mask[row] === 1;
    expect(maxDifference(logits!.data, wanted!.data, model.dimensions.vocabSize, keep)).toBeLessThan(1e-5);
  });
});

test('pictures of all sizes have the rows that the tower in the program gives them, by a few programs', async () => {
  const random = new Random(19, 'grids');
  const shapes = new Set<string>();
  for (const name of ['window', 'merge3']) {
    const { model, params } = await loadFixture(name);
    const merge = name === 'merge3' ? 3 : 2;
    for (let i = 0; i < 12; i++) {
      const side = () => merge * (1 + Math.floor(9 * random.float()));
      const image = randomImage(model, [1, side(), side()], random);
      for (const { shape } of model.vision!.tower.plan(image)) shapes.add(`${name}:${shape.name}`);
      const [embedded] = await towerRows(model, params, [image]);
      const { spec, feeds } = inGraph(model, [image]);
      const [wanted] = await run(spec, { ...params, ...feeds });
      expect(maxDifference(embedded!.rows, wanted!.data, 1), `${name} ${image.grid.join(' x ')}`).toBeLessThan(1e-5);
    }
  }
  expect(shapes.size).toBeLessThan(12);
});

test('a picture passes through the tower once, also for another thread', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rows-'));
  const { model, params, prompts } = await loadFixture('window');
  const image = prompts[0]!.images[0] as PatchedImage;
  const onDisk = () => new RowCache({ folder, memoryBytes: 1e6, diskBytes: 1e6 });
  const [made] = await towerRows(model, params, [image], onDisk());
  // Without weights nothing can be made.
  const [read] = await towerRows(model, {}, [image], onDisk());
  expect(read!.rows).toEqual(made!.rows);

  const [file] = await readdir(folder);
  const bytes = await readFile(join(folder, file!));
  bytes[40]! ^= 1;
  await writeFile(join(folder, file!), bytes);
  await expect(towerRows(model, {}, [image], onDisk())).rejects.toThrow('missing');
  expect(await readdir(folder)).toEqual([]);
});

test('both stores are bounded', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rows-'));
  const cache = new RowCache({ folder, memoryBytes: 4_000, diskBytes: 32_000 });
  for (let i = 0; i < 100; i++) await cache.set(`key${i}`, new Float32Array(250).fill(i));
  expect((await readdir(folder)).length).toBeLessThanOrEqual(32);
  expect((await cache.get('key99'))![0]).toBe(99);
  expect(await cache.get('key0')).toBeUndefined();
});

/** The model with a tower whose blocks are a program each, as those of a large picture are. */
function inStages(model: Model): Model {
  const { vision } = parseConfig(model.raw, 'config.json');
  const plan = (image: PatchedImage) => planTower(vision, image, 1);
  return { ...model, vision: { ...model.vision!, tower: { ...model.vision!.tower, plan } } };
}

test('a tower that is cut into several programs gives the same rows', async () => {
  const { model, params, prompts } = await loadFixture('window');
  const cut = inStages(model);
  const images = prompts.flatMap((prompt) => prompt.images) as PatchedImage[];
  for (const { shape } of cut.vision!.tower.plan(images[0]!)) {
    expect(shape.stages.length).toBeGreaterThan(1);
    const weights = shape.stages.flatMap((stage) => Object.keys(stage.parameters));
    expect(new Set(weights).size).toBe(weights.length);
  }
  const [wanted, rows] = [await towerRows(model, params, images), await towerRows(cut, params, images)];
  rows.forEach((image, i) => expect(maxDifference(image.rows, wanted[i]!.rows, 1)).toBeLessThan(1e-6));
});

test('it stops between the programs of a picture', async () => {
  const { model, params, prompts } = await loadFixture('window');
  const cut = inStages(model);
  const image = prompts[0]!.images[0] as PatchedImage;
  const stages = cut.vision!.tower.plan(image).flatMap(({ shape }) => shape.stages).length;
  for (const after of [0, 1, stages - 1]) {
    let begun = 0;
    const source = { running: { engine, model: cut, weights: params }, cache: inMemory(), identity: 'base' };
    const cancelled = (): boolean => begun++ === after;
    await expect(embedImages({ ...source, cancelled }, [image])).rejects.toThrow(CancelledError);
    expect(begun).toBe(after + 1);
  }
});

test('it says which program of a picture runs', async () => {
  const { model, params, prompts } = await loadFixture('window');
  const cut = inStages(model);
  const image = prompts[0]!.images[0] as PatchedImage;
  const stages = cut.vision!.tower.plan(image).flatMap(({ shape }) => shape.stages).length;
  const [flags, told] = [taskFlags(), [] as (string | undefined)[]];
  atTask(flags);
  stage('pictures of question', 2, 3);
  const source = { running: { engine, model: cut, weights: params }, cache: inMemory(), identity: 'base' };
  await embedImages({ ...source, cancelled: () => told.push(stageWords(flags)) < 0 }, [image]);
  const parts = Array.from({ length: stages - 1 }, (_, i) => `pictures of question 2 of 3, part ${i + 1} of ${stages}`);
  expect(told).toEqual(['pictures of question 2 of 3', ...parts]);
});
