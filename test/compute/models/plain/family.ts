/**
 * A second family, for tests: a text decoder with learned positions, heads of a size of their own, no bias, and no
 * pictures.
 */
import { z } from 'zod';
import type { Architecture, ModelFamily } from '../../../../src/compute/models/family.ts';
import { typedConfig } from '../../../../src/compute/models/typed-config.ts';
import { InputError } from '../../../../src/protocol/errors.ts';
import { i32 } from '../../../../src/protocol/tensor.ts';

const count = z.int().positive();
const schema = z.looseObject({
  layers: count,
  width: count,
  heads: count,
  head_size: count,
  vocab_size: count,
  context: count,
});

export const plain: ModelFamily = {
  modelType: 'plain',
  parse(raw, file): Architecture {
    const parsed = schema.safeParse(raw);
    if (!parsed.success) throw new InputError(`${file}: ${z.prettifyError(parsed.error)}`);
    const { layers, width, heads, head_size: headDim, vocab_size: vocabSize, context: maxPositions } = parsed.data;
    const matrix = (...shape: number[]) => ({ dtype: 'float32', shape }) as const;
    const block = (name: string) => ({
      [`${name}.norm.weight`]: matrix(width),
      [`${name}.qkv.weight`]: matrix(3 * heads * headDim, width),
      [`${name}.out.weight`]: matrix(width, heads * headDim),
      [`${name}.up.weight`]: matrix(2 * width, width),
      [`${name}.down.weight`]: matrix(width, 2 * width),
    });
    return {
      modelType: 'plain',
      dimensions: { layers, hiddenSize: width, heads, kvHeads: heads, headDim, vocabSize, maxPositions },
      parameters: Object.assign(
        {
          'tokens.weight': matrix(vocabSize, width),
          'places.weight': matrix(maxPositions, width),
          'head.weight': matrix(vocabSize, width),
        },
        ...Array.from({ length: layers }, (_, layer) => block(`layers.${layer}`)),
      ),
      parameterName: (stored) => stored,
      positions: {
        axes: 1,
        of: (ids) => ({ ids: Int32Array.from(ids, (_, i) => i), next: ids.length }),
        specs: (rows) => ({ places: { dtype: 'int32', shape: [rows] } }),
        feeds: (positions) => ({ places: i32([positions.length], Int32Array.from(positions)) }),
      },
      raw,
      save: (dtype) => typedConfig(raw, dtype),
      network: async () => (await import('./network.ts')).network(heads, headDim),
    };
  },
};
