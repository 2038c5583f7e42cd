/**
 * Kernels of our own (see ../../kernels.ts) that ONNX Runtime has an operator for. On TF.js's backends they are
 * composed instead.
 */
import { FUSED } from '../fused-names.ts';
import type { Attribute } from '../graph.ts';
import { emitAll } from '../register.ts';
import { reduce } from './reduce.ts';

const MICROSOFT = 'com.microsoft';

emitAll({
  [FUSED.rmsNorm]: ({ inputs, attrs, backend, graph }) => {
    const x = backend.dense(inputs['x']!);
    const settings = { axis: -1, epsilon: { float: attrs['epsilon'] as number } };
    return backend.tensor(
      graph.node('SimplifiedLayerNormalization', [x, backend.dense(inputs['weight']!)], x, settings),
      'float32',
    );
  },

  /** Sum of squares over the last axis, kept. */
  [FUSED.sumSquares]: ({ inputs, backend, graph }) =>
    backend.tensor(
      reduce(graph, 'ReduceSumSquare', backend.dense(inputs['x']!), [inputs['x']!.shape.length - 1], true),
      'float32',
    ),

  [FUSED.silu]: ({ inputs, backend, graph }) => {
    const x = backend.dense(inputs['x']!);
    return backend.tensor(graph.node('QuickGelu', [x], x, { alpha: { float: 1 } }, MICROSOFT), 'float32');
  },

  /** x [M, H, hd] as one sequence of M positions, with row m of the caches for position m. */
  [FUSED.rope]: ({ inputs, backend, graph }) => {
    const [rows, heads, size] = inputs['x']!.shape as [number, number, number];
    const x = graph.reshape(backend.dense(inputs['x']!), [1, rows, heads * size]);
    const positions = graph.constant(
      'int64',
      [1, rows],
      BigInt64Array.from({ length: rows }, (_, i) => BigInt(i)),
    );
    const caches = [backend.dense(inputs['cos']!), backend.dense(inputs['sin']!)];
    const attrs = { interleaved: 0, num_heads: heads };
    const y = graph.node('RotaryEmbedding', [x, positions, ...caches], x, attrs, MICROSOFT);
    return backend.tensor(graph.reshape(y, [rows, heads, size]), 'float32');
  },

  [FUSED.chosen]: ({ inputs, backend, graph }) => {
    const x = backend.dense(inputs['x']!);
    const index = graph.reshape(graph.cast(backend.dense(inputs['ids']!), 'int32'), [x.shape[0]!, 1]);
    const type = { dtype: x.dtype, shape: index.shape };
    return backend.tensor(graph.node('GatherElements', [x, index], type, { axis: 1 }), 'float32');
  },

  [FUSED.withChosen]: ({ inputs, backend, graph }) => {
    const x = backend.dense(inputs['x']!);
    const index = graph.reshape(graph.cast(backend.dense(inputs['ids']!), 'int32'), [x.shape[0]!, 1]);
    const values = graph.expand(backend.value(inputs['values']!), index.shape);
    return backend.tensor(graph.node('ScatterElements', [x, index, values], x, { axis: 1 }), 'float32');
  },

  [FUSED.groupQueryAttention]: ({ inputs, attrs, backend, graph }) => {
    const value = (key: string) => backend.dense(inputs[key]!);
    const query = value('q');
    const past = [value('pastKey'), value('pastValue')];
    const settings: Record<string, Attribute> = {
      num_heads: attrs['numHeads'] as number,
      kv_num_heads: attrs['kvHeads'] as number,
      scale: { float: attrs['scale'] as number },
    };
    const outputs = graph.append({
      op: 'GroupQueryAttention',
      domain: MICROSOFT,
      inputs: [query, value('k'), value('v'), ...past, value('seqlensK'), graph.reshape(value('totalLength'), [])],
      outputs: [query, ...past],
      attrs: settings,
    });
    return outputs.map((output) => backend.tensor(output, 'float32'));
  },
});
