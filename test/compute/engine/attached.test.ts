import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
} from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Engine, EngineName } from '../../../src/compute/engine/engine.ts';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import { readSafetensors } from '../../../src/compute/hf/safetensors.ts';
import { writeCheckpoint } from '../../../src/compute/hf/shards.ts';
import type { StoredTypes } from '../../../src/compute/hf/safetensors.ts';
import type { Model } from '../../../src/compute/models/family.ts';
import { cacheFolder } from '../../../src/lib/cache-folder.ts';
import { loadArchitecture } from '../../../src/compute/models/folder.ts';
import { loadParams, locateParams } from '../../../src/compute/models/weights.ts';
import { forwardProgram, planForward } from '../../../src/compute/programs/forward.ts';
import { InputError } from '../../../src/protocol/errors.ts';
import type { HostTensor, TensorMap } from '../../../src/protocol/tensor.ts';
import { fixtureFolder, loadFixture } from '../programs/fixture.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const ADAPTED = fixtureFolder('adapter');
const { model, prompts, padding, length } = await loadFixture('window');
const plan = planForward(model, prompts, { length, padding });

let cache: string;
const outer = process.env['XDG_CACHE_HOME'];
beforeEach(() => {
  process.env['XDG_CACHE_HOME'] = temporaryFolder();
  cache = cacheFolder();
});
afterEach(() => {
  process.env['XDG_CACHE_HOME'] = outer;
});

async function logits(engine: Engine, of: Model, weights: TensorMap = {}): Promise<HostTensor['data']> {
  const program = await engine.compile(forwardProgram(of, plan.shape));
  return ((await program.run({ ...weights, ...plan.feeds }))['logits'] as HostTensor).data;
}

/** Logits by weights that are fed, and by weights that are attached. */
async function both(folder: string, name: EngineName = 'cpu'): Promise<HostTensor['data'][]> {
  await using fed = await createEngine(name, { threads: 1 });
  await using attached = await createEngine(name, { threads: 1 });
  await attached.attach(await locateParams(folder, model));
  return [await logits(fed, model, await loadParams(folder, model)), await logits(attached, model)];
}

/** The fixture's model with its weights written anew. */
async function folderWith(types: StoredTypes, shardBytes?: number): Promise<string> {
  const folder = join(temporaryFolder(), 'model');
  await cp(fixtureFolder('window'), folder, { recursive: true });
  await writeCheckpoint(folder, await readSafetensors(join(folder, 'model.safetensors')), types, shardBytes);
  if (shardBytes !== undefined) renameSync(join(folder, 'model.safetensors'), join(folder, 'unused'));
  return folder;
}

const cached = (): readonly string[] => readdirSync(join(cache, 'weights'));

describe('attached weights', () => {
  it.each(['cpu', 'reference'] as const)('give on %s the very numbers that fed weights give', async (name) => {
    const [fed, attached] = await both(fixtureFolder('window'), name);
    expect(attached).toEqual(fed);
    expect(existsSync(cache)).toBe(false);
  });

  it.each(['BF16', 'F16'] as const)('of %s are converted once, and give the very numbers', async (type) => {
    const folder = await folderWith(type);
    const [fed, attached] = await both(folder);
    expect(attached).toEqual(fed);
    const made = cached();
    expect(made).toHaveLength(1);
    const { ino } = statSync(join(cache, 'weights', made[0]!));
    expect((await both(folder))[1]).toEqual(fed);
    expect(cached()).toEqual(made);
    expect(statSync(join(cache, 'weights', made[0]!)).ino).toBe(ino);
  });

  it('are converted by one of several that ask at the same time', async () => {
    const folder = await folderWith('BF16');
    const results = await Promise.all([both(folder), both(folder), both(folder)]);
    for (const [fed, attached] of results) expect(attached).toEqual(fed);
    expect(cached()).toHaveLength(1);
  });

  it('of several types in several shards give the very numbers', async () => {
    const names = Object.keys(model.parameters);
    const types = Object.fromEntries(names.map((name, i) => [name, (['F32', 'BF16', 'F16'] as const)[i % 3]!]));
    const folder = await folderWith(types, 20_000);
    expect(readdirSync(folder).filter((name) => name.startsWith('model-')).length).toBeGreaterThan(2);
    const [fed, attached] = await both(folder);
    expect(attached).toEqual(fed);
  });

  it('behind the symbolic links of a hub cache give the very numbers', async () => {
    const source = await folderWith('F32', 20_000);
    const root = temporaryFolder();
    const snapshot = join(root, 'snapshots', 'main');
    mkdirSync(snapshot, { recursive: true });
    readdirSync(source).forEach((name, i) => {
      // Two folders of blobs, as where the hub's cache is shared.
      const blobs = join(root, `blobs-${i % 2}`);
      mkdirSync(blobs, { recursive: true });
      renameSync(join(source, name), join(blobs, `${i}`));
      symlinkSync(join('..', '..', `blobs-${i % 2}`, `${i}`), join(snapshot, name));
    });
    const [fed, attached] = await both(snapshot);
    expect(attached).toEqual(fed);
  });

  it('with an adapter worked in give the very numbers', async () => {
    expect((await loadArchitecture(ADAPTED)).parameters).toEqual(model.parameters);
    const [fed, attached] = await both(ADAPTED);
    expect(attached).toEqual(fed);
    expect(cached()).toHaveLength(1);
  });

  it('are no inputs of a program; other inputs are still checked', async () => {
    await using engine = await createEngine('cpu', { threads: 1 });
    await engine.attach(await locateParams(fixtureFolder('window'), model));
    const program = await engine.compile(forwardProgram(model, plan.shape));
    expect(Object.keys(program.inputs).toSorted()).toEqual(Object.keys(plan.feeds).toSorted());
    await expect(program.run({})).rejects.toThrow(/input "ids" is missing/);
    const [name] = Object.keys(model.parameters);
    await expect(program.run({ ...plan.feeds, [name!]: plan.feeds['ids']! })).rejects.toThrow(`has no input "${name}"`);
  });

  it('are refused where a file ends early, with its name and the tensor', async () => {
    const folder = await folderWith('F32');
    const file = join(folder, 'model.safetensors');
    truncateSync(file, statSync(file).size - 1);
    await expect(locateParams(folder, model)).rejects.toThrow(
      /model\.safetensors: truncated: tensor "[\w.]+" ends at byte \d+, the file has \d+/,
    );
    await expect(locateParams(folder, model)).rejects.toBeInstanceOf(InputError);
  });

  it('are converted by another where one was left behind half made', async () => {
    const folder = await folderWith('BF16');
    const [fed] = await both(folder);
    const file = join(cache, 'weights', cached()[0]!);
    renameSync(file, `${file}.partial`);
    truncateSync(`${file}.partial`, 100);
    utimesSync(`${file}.partial`, 1, 1);
    expect((await both(folder))[1]).toEqual(fed);
  });
});
