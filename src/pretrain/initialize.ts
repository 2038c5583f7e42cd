/** Initial weights of pretraining: norms 1, biases 0, matrices normal. */
import { Random } from '../data/rng.ts';
import { f32, sizeOf, type HostTensor, type TensorMap } from '../protocol/tensor.ts';
import type { Specs } from '../compute/engine/engine.ts';

/** Standard deviation of the embedding, which is also the output projection. */
const EMBEDDING_STD = 0.02;

/** A matrix [out, in] starts at variance 1 / (3 in), as PyTorch's linear layers do; each tensor has its own stream. */
export function initialWeights(specs: Specs, seed: number): TensorMap {
  const entries = Object.entries(specs).map(([name, { shape }]): [string, HostTensor] => {
    if (shape.length === 1)
      return [name, f32(shape, new Float32Array(sizeOf(shape)).fill(name.endsWith('.bias') ? 0 : 1))];
    const fanIn = sizeOf(shape.slice(1));
    return [
      name,
      normal(
        shape,
        name.includes('embed_tokens') ? EMBEDDING_STD : Math.sqrt(1 / (3 * fanIn)),
        new Random(seed, 'weights', name),
      ),
    ];
  });
  return Object.fromEntries(entries);
}

function normal(shape: readonly number[], std: number, random: Random): HostTensor {
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = std * random.normal();
  return f32(shape, data);
}
