/** Kernels that move elements and compute none. */
import * as tf from '@tensorflow/tfjs-core';
import { sizeOf, type DType } from '../../../protocol/tensor.ts';
import type { Graph, Value } from '../graph.ts';
import { axesOf, emit, type Call, type Emitter } from '../register.ts';

/** A one-element value stays a lazy broadcast under any reshaping. */
function reshaped({ inputs, backend, graph }: Call, key: string, shape: readonly number[]): tf.TensorInfo {
  const x = backend.value(inputs[key]!);
  if (x.shape.length === 0) return backend.tensor(x, x.dtype as DType, shape);
  return backend.tensor(graph.reshape(backend.dense(inputs[key]!), shape), x.dtype as DType, shape);
}

/** Fills in the one -1 that TF.js allows. */
function resolve(shape: readonly number[], size: number): number[] {
  const known = shape.reduce((product, dim) => (dim === -1 ? product : product * dim), 1);
  return shape.map((dim) => (dim === -1 ? size / known : dim));
}

emit(tf.Reshape, (call) =>
  reshaped(call, 'x', resolve(call.attrs['shape'] as number[], sizeOf(call.inputs['x']!.shape))),
);

emit(tf.ExpandDims, (call) => {
  const { shape } = call.inputs['input']!;
  const dim = call.attrs['dim'] as number;
  const at = dim < 0 ? shape.length + dim + 1 : dim;
  return reshaped(call, 'input', [...shape.slice(0, at), 1, ...shape.slice(at)]);
});

emit(tf.Transpose, ({ inputs, attrs, backend, graph }) => {
  const perm = attrs['perm'] as number[];
  const source = inputs['x']!.shape;
  const shape = perm.map((axis) => source[axis]!);
  const x = backend.value(inputs['x']!);
  const dtype = x.dtype as DType;
  if (x.shape.length === 0) return backend.tensor(x, dtype, shape);
  const dense = backend.dense(inputs['x']!);
  // Moving dims of 1 only is a reshape.
  const moved = perm.filter((axis) => source[axis] !== 1);
  if (moved.every((axis, i) => i === 0 || axis > moved[i - 1]!))
    return backend.tensor(graph.reshape(dense, shape), dtype);
  return backend.tensor(graph.node('Transpose', [dense], { dtype, shape }, { perm }), dtype);
});

function concat({ inputs, backend, graph }: Call, axis: number): tf.TensorInfo {
  const parts = Object.values(inputs).filter((info) => sizeOf(info.shape) > 0);
  const infos = parts.length > 0 ? parts : Object.values(inputs).slice(0, 1);
  const shape = [...infos[0]!.shape];
  shape[axis] = infos.reduce((sum, info) => sum + info.shape[axis]!, 0);
  const values = infos.map((info) => backend.dense(info));
  const dtype = values[0]!.dtype as DType;
  return backend.tensor(
    values.length === 1 ? values[0]! : graph.node('Concat', values, { dtype, shape }, { axis }),
    dtype,
  );
}
emit(tf.Concat, (call) => concat(call, axesOf(call.attrs['axis'], Object.values(call.inputs)[0]!.shape.length)[0]!));

emit(tf.Pack, (call) => {
  const { backend, graph } = call;
  const rank = Object.values(call.inputs)[0]!.shape.length;
  const axis = axesOf(call.attrs['axis'], rank + 1)[0]!;
  const inputs = Object.fromEntries(
    Object.entries(call.inputs).map(([key, info]) => {
      const shape = [...info.shape.slice(0, axis), 1, ...info.shape.slice(axis)];
      return [key, backend.tensor(graph.reshape(backend.dense(info), shape), info.dtype as DType)];
    }),
  );
  return concat({ ...call, inputs }, axis);
});

/** `x[begin : begin + size]` along the axes where that is less than everything. */
export function slice(
  graph: Graph,
  x: Value,
  begin: readonly number[],
  size: readonly number[],
  steps?: readonly number[],
): Value {
  const axes = size.flatMap((length, axis) => (length === x.shape[axis] && (steps?.[axis] ?? 1) === 1 ? [] : [axis]));
  if (axes.length === 0) return x;
  const pick = (values: readonly number[]): Value => graph.ints(axes.map((axis) => values[axis]!));
  const ends = size.map((length, axis) => {
    const step = steps?.[axis] ?? 1;
    const end = begin[axis]! + length * step;
    return end < 0 ? -(2 ** 31) : end;
  });
  const inputs = [x, pick(begin), pick(ends), graph.ints(axes)];
  return graph.node('Slice', steps ? [...inputs, pick(steps)] : inputs, { dtype: x.dtype, shape: size });
}

emit(tf.Slice, ({ inputs, attrs, backend, graph }) => {
  const x = backend.dense(inputs['x']!);
  const rank = x.shape.length;
  const [begin, size] = tf.slice_util.parseSliceParams(
    inputs['x'] as tf.Tensor,
    attrs['begin'] as number[],
    attrs['size'] as number[],
  );
  if (rank === 0) return backend.tensor(x, x.dtype as DType);
  return backend.tensor(slice(graph, x, begin!, size!), x.dtype as DType);
});

emit(tf.StridedSlice, ({ inputs, attrs, backend, graph }) => {
  const a = attrs as Record<'begin' | 'end' | 'strides', number[]> &
    Record<'beginMask' | 'endMask' | 'ellipsisMask' | 'newAxisMask' | 'shrinkAxisMask', number>;
  const x = backend.dense(inputs['x']!);
  const info = tf.slice_util.sliceInfo(
    [...x.shape],
    a.begin,
    a.end,
    a.strides,
    a.beginMask,
    a.endMask,
    a.ellipsisMask,
    a.newAxisMask,
    a.shrinkAxisMask,
  );
  const lengths = tf.slice_util.computeOutShape(info.begin, info.end, info.strides);
  const part = slice(graph, x, info.begin, lengths, info.strides);
  return backend.tensor(graph.reshape(part, info.finalShape), x.dtype as DType);
});

emit(tf.SplitV, ({ inputs, attrs, backend, graph }) => {
  const x = backend.dense(inputs['x']!);
  const axis = axesOf(attrs['axis'], x.shape.length)[0]!;
  const sizes = tf.backend_util.prepareSplitSize(inputs['x'] as tf.Tensor, attrs['numOrSizeSplits'] as number[], axis);
  const outputs = sizes.map((size) => ({ dtype: x.dtype, shape: x.shape.map((dim, i) => (i === axis ? size : dim)) }));
  if (sizes.length === 1) return [backend.tensor(x, x.dtype as DType)];
  return graph
    .append({ op: 'Split', inputs: [x, graph.ints(sizes)], outputs, attrs: { axis } })
    .map((value) => backend.tensor(value, x.dtype as DType));
});

emit(tf.Unpack, ({ inputs, attrs, backend, graph }) => {
  const x = backend.dense(inputs['value']!);
  const axis = axesOf(attrs['axis'], x.shape.length)[0]!;
  const count = x.shape[axis]!;
  const part = { dtype: x.dtype, shape: x.shape.map((dim, i) => (i === axis ? 1 : dim)) };
  const rest = x.shape.filter((_, i) => i !== axis);
  const parts =
    count === 1
      ? [x]
      : graph.append({
          op: 'Split',
          inputs: [x, graph.ints(Array.from({ length: count }, () => 1))],
          outputs: Array.from({ length: count }, () => part),
          attrs: { axis },
        });
  return parts.map((value) => backend.tensor(graph.reshape(value, rest), x.dtype as DType));
});

emit(tf.PadV2, ({ inputs, attrs, backend, graph }) => {
  const x = backend.dense(inputs['x']!);
  const paddings = attrs['paddings'] as [number, number][];
  const dtype = x.dtype as DType;
  if (paddings.every(([before, after]) => before === 0 && after === 0)) return backend.tensor(x, dtype);
  const pads = [...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)];
  const shape = x.shape.map((dim, i) => paddings[i]![0] + dim + paddings[i]![1]);
  const fill = graph.scalar(dtype, (attrs['constantValue'] as number | undefined) ?? 0);
  return backend.tensor(graph.node('Pad', [x, graph.ints(pads), fill], { dtype, shape }), dtype);
});

emit(tf.Reverse, ({ inputs, attrs, backend, graph }) => {
  const x = backend.dense(inputs['x']!);
  const axes = axesOf(attrs['dims'], x.shape.length);
  const steps = x.shape.map((_, i) => (axes.includes(i) ? -1 : 1));
  const begin = x.shape.map((dim, i) => (axes.includes(i) ? dim - 1 : 0));
  return backend.tensor(slice(graph, x, begin, x.shape, steps), x.dtype as DType);
});

const gather: Emitter = ({ inputs, attrs, backend, graph }) => {
  const x = backend.dense(inputs['x']!);
  const indices = graph.cast(backend.dense(inputs['indices']!), 'int32');
  const axis = axesOf(attrs['axis'], x.shape.length)[0]!;
  if (attrs['batchDims'])
    throw new RangeError('GatherV2 with batchDims is not supported: use an index into the flattened tensor');
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  return backend.tensor(graph.node('Gather', [x, indices], { dtype: x.dtype, shape }, { axis }), x.dtype as DType);
};
emit(tf.GatherV2, gather);

/**
 * An index outside of the depth has no hot place. ONNX would count a negative one from the end, so it is moved past it.
 */
emit(tf.OneHot, ({ inputs, attrs, backend, graph }) => {
  const { depth, onValue, offValue } = attrs as { depth: number; onValue: number; offValue: number };
  const dtype = (attrs['dtype'] as DType | undefined) ?? 'int32';
  const given = backend.dense(inputs['indices']!);
  const negative = graph.node('Less', [given, graph.scalar('int32', 0)], { dtype: 'bool', shape: given.shape });
  const indices = graph.node('Where', [negative, graph.scalar('int32', depth), given], given);
  const values = graph.constant('float32', [2], Float32Array.of(offValue, onValue));
  const shape = [...given.shape, depth];
  // ORT's CPU provider has OneHot for int64 indices only.
  const hot = graph.node(
    'OneHot',
    [graph.cast(indices, 'int64'), graph.ints([depth]), values],
    { dtype: 'float32', shape },
    { axis: -1 },
  );
  return backend.tensor(graph.cast(hot, dtype), dtype);
});

/**
 * By one-hot matmul: ScatterND with reduction=add races where indices repeat. Negative ids are dropped, as in TF.js.
 */
emit(tf.UnsortedSegmentSum, ({ inputs, attrs, backend, graph }) => {
  const x = backend.dense(inputs['x']!);
  const ids = backend.dense(inputs['segmentIds']!);
  const segments = attrs['numSegments'] as number;
  const rows = sizeOf(ids.shape);
  const columns = sizeOf(x.shape) / Math.max(rows, 1);
  const range = graph.constant(
    'int32',
    [segments, 1],
    Int32Array.from({ length: segments }, (_, i) => i),
  );
  const match = graph.node('Equal', [range, graph.reshape(graph.cast(ids, 'int32'), [1, rows])], {
    dtype: 'bool',
    shape: [segments, rows],
  });
  const matrix = graph.reshape(graph.cast(x, 'float32'), [rows, columns]);
  const sums = graph.node('MatMul', [graph.cast(match, 'float32'), matrix], {
    dtype: 'float32',
    shape: [segments, columns],
  });
  const shape = [segments, ...x.shape.slice(ids.shape.length)];
  return backend.tensor(graph.cast(graph.reshape(sums, shape), x.dtype), x.dtype as DType);
});
