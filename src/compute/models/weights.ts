/** Reads or locates a model's weights in its folder, with adapters merged, and checks them against config.json. */
import { InputError } from '../../protocol/errors.ts';
import type { HostTensor, TensorMap } from '../../protocol/tensor.ts';
import { stampOf } from '../hf/base-identity.ts';
import type { StoredType } from '../hf/half.ts';
import { locateCheckpoint, readCheckpoint, weightFiles } from '../hf/shards.ts';
import { readStored, type StoredTensor, type StoredWeights } from '../hf/stored.ts';
import { cached, type WeightSource } from '../hf/weight-cache.ts';
import { adapterFiles, readAdapterTensors } from './adapter-folder.ts';
import { withoutAdapters, type Adapted } from './adapted.ts';
import type { Architecture } from './family.ts';

/** Reads the weights under their hub names. @throws InputError naming a missing, unexpected or misshapen tensor. */
export async function loadParams(folder: string, model: Architecture): Promise<TensorMap> {
  const { base, adapters } = await withoutAdapters(folder);
  let params = ownParams(base, model, await readCheckpoint(base));
  for (const adapted of adapters)
    params = mergedWith(adapted, base, params, await readAdapterTensors(adapted.folder, model, adapted.adapter.parts));
  return params;
}

/**
 * Locates the weights under their hub names; weights that adapters change are written to the cache. @throws InputError
 * as `loadParams` does, and for a truncated file.
 */
export async function locateParams(folder: string, model: Architecture): Promise<StoredWeights> {
  const { base, adapters } = await withoutAdapters(folder);
  const stored = ownParams(base, model, await locateCheckpoint(base));
  if (adapters.length === 0) return stored;
  const sources = await mergedSources(stored, model, adapters, base);
  const files = [...(await weightFiles(base)), ...adapters.flatMap(({ folder: from }) => adapterFiles(from))];
  return { ...stored, ...(await cached([await stampOf(files), Object.keys(sources)], sources, 'F32')) };
}

/** Returns the stored type of each weight. @throws InputError as `loadParams`. */
export async function storedTypes(folder: string, model: Architecture): Promise<Readonly<Record<string, StoredType>>> {
  const { base } = await withoutAdapters(folder);
  const stored = ownParams(base, model, await locateCheckpoint(base));
  return Object.fromEntries(Object.entries(stored).map(([name, { dtype }]) => [name, dtype]));
}

/** Selects the model's own among the stored tensors, under the model's names. */
function ownParams<T extends HostTensor | StoredTensor>(
  folder: string,
  model: Architecture,
  stored: Readonly<Record<string, T>>,
): Readonly<Record<string, T>> {
  const found = new Map(Object.entries(renamed(model, stored)));
  const params: Record<string, T> = {};
  for (const [name, { shape }] of Object.entries(model.parameters)) {
    const tensor = found.get(name);
    if (!tensor)
      throw new InputError(`${folder}: tensor "${name}" is missing; config.json asks for shape [${shape.join(', ')}]`);
    if (tensor.shape.join() !== shape.join()) {
      throw new InputError(
        `${folder}: tensor "${name}" has shape [${tensor.shape.join(', ')}]; config.json asks for [${shape.join(', ')}]`,
      );
    }
    params[name] = tensor;
    found.delete(name);
  }
  if (found.size > 0)
    throw new InputError(
      `${folder}: tensor "${[...found.keys()][0]!}" is not part of the model that config.json describes`,
    );
  return params;
}

/** Returns the values under the model's own names, without tensors that the model does not use. */
function renamed<T>(model: Architecture, stored: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(stored).flatMap(([name, value]) => {
      const own = model.parameterName(name);
      return own === undefined ? [] : [[own, value] as const];
    }),
  );
}

/** The weights with the adapter worked in. @throws InputError that names both folders, when they do not belong together. */
function mergedWith({ folder, adapter }: Adapted, base: string, weights: TensorMap, tensors: TensorMap): TensorMap {
  try {
    return adapter.merged(weights, tensors);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(
      `${folder}: does not fit the base ${base}: ${error.message}: name the base that it was trained on in base_model_name_or_path of adapter_config.json`,
      { cause: error },
    );
  }
}

/** Lists sources of the weights that adapters change. Each weight is read and merged only when its source is iterated. */
async function mergedSources(
  stored: StoredWeights,
  model: Architecture,
  adapters: readonly Adapted[],
  base: string,
): Promise<Readonly<Record<string, WeightSource>>> {
  const steps = await Promise.all(
    adapters.map(async (adapted) => ({
      adapted,
      tensors: Object.entries(await readAdapterTensors(adapted.folder, model, adapted.adapter.parts)),
    })),
  );
  const changed = Object.entries(stored).flatMap(([name, tensor]): [string, WeightSource][] => {
    const layer = name.slice(0, -'weight'.length);
    const updates = steps.map(({ adapted, tensors }) => ({
      adapted,
      tensors: Object.fromEntries(tensors.filter(([each]) => name.endsWith('.weight') && each.startsWith(layer))),
    }));
    if (updates.every(({ tensors }) => Object.keys(tensors).length === 0)) return [];
    const values = async function* (): AsyncGenerator<Float32Array> {
      let weights: TensorMap = { [name]: await readStored(tensor) };
      for (const { adapted, tensors } of updates) weights = mergedWith(adapted, base, weights, tensors);
      yield weights[name]!.data as Float32Array;
    };
    return [[name, { shape: tensor.shape, values }]];
  });
  return Object.fromEntries(changed);
}
