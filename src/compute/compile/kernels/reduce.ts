/** Reductions, softmax and sorting. */
import * as tf from '@tensorflow/tfjs-core';
import type { DType } from '../../../protocol/tensor.ts';
import type { Graph, Value } from '../graph.ts';
import { axesOf, emit, type Emitter } from '../register.ts';

export function reduce(graph: Graph, op: string, x: Value, axes: readonly number[], keepDims: boolean): Value {
  if (axes.length === 0) return x;
  const shape = keepDims
    ? x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim))
    : x.shape.filter((_, i) => !axes.includes(i));
  return graph.node(op, [x, graph.ints(axes)], { dtype: x.dtype, shape }, { keepdims: keepDims ? 1 : 0 });
}

/** TF.js's Max names its axes differently from the others. */
function reduction(op: string, result: (x: DType) => DType, axesKey = 'axis'): Emitter {
  return ({ inputs, attrs, backend, graph }) => {
    const dtype = result(inputs['x']!.dtype as DType);
    const x = graph.cast(backend.dense(inputs['x']!), dtype);
    const value = reduce(graph, op, x, axesOf(attrs[axesKey], x.shape.length), Boolean(attrs['keepDims']));
    return backend.tensor(value, dtype);
  };
}
const keep = (dtype: DType): DType => dtype;
const summable = (dtype: DType): DType => (dtype === 'bool' ? 'int32' : dtype);
emit(tf.Sum, reduction('ReduceSum', summable));
emit(tf.Prod, reduction('ReduceProd', summable));
emit(tf.Min, reduction('ReduceMin', keep));
emit(tf.Max, reduction('ReduceMax', keep, 'reductionIndices'));
emit(
  tf.Mean,
  reduction('ReduceMean', () => 'float32'),
);

/** Any and All, through int32: ONNX reduces no bools. */
function boolean(op: string): Emitter {
  return ({ inputs, attrs, backend, graph }) => {
    const x = graph.cast(backend.dense(inputs['x']!), 'int32');
    const value = reduce(graph, op, x, axesOf(attrs['axis'], x.shape.length), Boolean(attrs['keepDims']));
    return backend.tensor(graph.cast(value, 'bool'), 'bool');
  };
}
emit(tf.Any, boolean('ReduceMax'));
emit(tf.All, boolean('ReduceMin'));

function position(op: string): Emitter {
  return ({ inputs, attrs, backend, graph }) => {
    const x = backend.dense(inputs['x']!);
    const axis = axesOf(attrs['axis'], x.shape.length)[0]!;
    const shape = x.shape.filter((_, i) => i !== axis);
    return backend.tensor(
      graph.cast(graph.node(op, [x], { dtype: 'int64', shape }, { axis, keepdims: 0 }), 'int32'),
      'int32',
    );
  };
}
emit(tf.ArgMax, position('ArgMax'));
emit(tf.ArgMin, position('ArgMin'));

function normalized(op: string, key: string): Emitter {
  return ({ inputs, attrs, backend, graph }) => {
    const x = graph.cast(backend.dense(inputs['logits']!), 'float32');
    const axis = axesOf(attrs[key] ?? -1, x.shape.length)[0]!;
    return backend.tensor(graph.node(op, [x], x, { axis }), 'float32');
  };
}
emit(tf.Softmax, normalized('Softmax', 'dim'));
emit(tf.LogSoftmax, normalized('LogSoftmax', 'axis'));

emit(tf.Cumsum, ({ inputs, attrs, backend, graph }) => {
  const x = backend.dense(inputs['x']!);
  const axis = axesOf(attrs['axis'], x.shape.length)[0]!;
  const flags = { exclusive: attrs['exclusive'] ? 1 : 0, reverse: attrs['reverse'] ? 1 : 0 };
  return backend.tensor(graph.node('CumSum', [x, graph.scalar('int32', axis)], x, flags), x.dtype as DType);
});

emit(tf.TopK, ({ inputs, attrs, backend, graph }) => {
  const x = backend.dense(inputs['x']!);
  const k = attrs['k'] as number;
  const shape = [...x.shape.slice(0, -1), k];
  const [values, indices] = graph.append({
    op: 'TopK',
    inputs: [x, graph.ints([k])],
    outputs: [
      { dtype: x.dtype, shape },
      { dtype: 'int64', shape },
    ],
    attrs: { axis: -1, largest: 1, sorted: 1 },
  });
  return [backend.tensor(values!, x.dtype as DType), backend.tensor(graph.cast(indices!, 'int32'), 'int32')];
});
