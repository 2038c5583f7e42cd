/** The weights of step 0. */
import { loadArchitecture } from '../compute/models/folder.ts';
import { loadParams } from '../compute/models/weights.ts';
import type { Specs } from '../compute/engine/engine.ts';
import { packagePath } from '../lib/package-path.ts';
import { f32, type HostTensor, type TensorMap } from '../protocol/tensor.ts';
import type { Architecture } from '../compute/models/family.ts';
import { initialWeights } from './initialize.ts';
import type { Recipe } from './recipe.ts';
import { widened } from './widen.ts';
import { vocabulary } from './vocabulary.ts';

const EMBEDDING = 'model.embed_tokens.weight';

/** Random, or those of the model that the recipe starts from; a word that it does not know starts random. */
export async function startWeights({ start, words }: Recipe, specs: Specs, seed: number): Promise<TensorMap> {
  const random = initialWeights(specs, seed);
  if (start === undefined) return random;
  const folder = packagePath(start.folder);
  const taken = await loadParams(folder, await loadArchitecture(folder));
  const embedding = withKnownRows(
    random[EMBEDDING]!,
    vocabulary(words.texts),
    taken[EMBEDDING]!,
    vocabulary(start.texts),
  );
  return { ...taken, [EMBEDDING]: embedding };
}

/** Those of the package's model in `folder`, in a larger shape. */
export async function widenedWeights(folder: string, to: Architecture, seed: number): Promise<TensorMap> {
  const model = await loadArchitecture(packagePath(folder));
  return widened({ model, weights: await loadParams(packagePath(folder), model) }, to, seed);
}

/** [V, D], with the rows of the tokens that both vocabularies have from `known` [W, D]. */
function withKnownRows(
  own: HostTensor,
  ids: Readonly<Record<string, number>>,
  known: HostTensor,
  knownIds: Readonly<Record<string, number>>,
): HostTensor {
  const width = own.shape[1]!;
  const data = Float32Array.from(own.data);
  for (const [token, id] of Object.entries(ids)) {
    const from = knownIds[token];
    if (from !== undefined) data.set(known.data.subarray(from * width, (from + 1) * width), id * width);
  }
  return f32(own.shape, data);
}
