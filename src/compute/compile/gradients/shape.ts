/** Gradients of kernels that move, reduce or multiply tensors. */
import * as tf from '@tensorflow/tfjs-core';
import { axesOf } from '../register.ts';
import { define, float, unbroadcast, zeros, type T } from './registry.ts';

define(tf.Reshape, { inputs: ['x'] }, (dy, [x]) => ({ x: () => tf.reshape(dy, x!.shape) }));
define(tf.ExpandDims, { inputs: ['input'] }, (dy, [input]) => ({ input: () => tf.reshape(dy, input!.shape) }));

define(tf.Transpose, {}, (dy, _, attrs) => {
  const perm = attrs['perm'] as number[];
  const inverse = perm.map((_axis, i) => perm.indexOf(i));
  return { x: () => tf.transpose(dy, inverse) };
});

define(
  tf.Concat,
  {},
  (dy, inputs, attrs) => {
    const axis = axesOf(attrs['axis'], dy.rank)[0]!;
    const parts = tf.split(
      dy,
      inputs.map((input) => input.shape[axis]!),
      axis,
    );
    return Object.fromEntries(parts.map((part, i) => [i, () => part]));
  },
  true,
);

define(
  tf.Pack,
  {},
  (dy, _, attrs) => Object.fromEntries(tf.unstack(dy, attrs['axis'] as number).map((part, i) => [i, () => part])),
  true,
);
define(tf.Unpack, {}, (dy, _, attrs) => ({ value: () => tf.stack(dy as unknown as T[], attrs['axis'] as number) }));
define(tf.SplitV, {}, (dy, _, attrs) => ({ x: () => tf.concat(dy as unknown as T[], attrs['axis'] as number) }));

define(tf.Slice, { inputs: ['x'] }, (dy, [x], attrs) => {
  const [begin, size] = tf.slice_util.parseSliceParams(x!, attrs['begin'] as number[], attrs['size'] as number[]);
  const paddings = x!.shape.map((dim, i): [number, number] => [begin![i]!, dim - begin![i]! - size![i]!]);
  return { x: () => tf.pad(dy, paddings) };
});

define(tf.PadV2, { inputs: ['x'] }, (dy, [x], attrs) => {
  const begin = (attrs['paddings'] as [number, number][]).map(([before]) => before);
  return { x: () => tf.slice(dy, begin, x!.shape) };
});

define(tf.Reverse, {}, (dy, _, attrs) => ({ x: () => tf.reverse(dy, attrs['dims'] as number[]) }));

/** Splits each axis into (repeat, dim) and sums over the repeats. */
define(tf.Tile, { inputs: ['x'] }, (dy, [x], attrs) => {
  const reps = attrs['reps'] as number[];
  return {
    x: () => {
      const split = x!.shape.flatMap((dim, i) => [reps[i]!, dim]);
      return tf.reshape(
        tf.sum(
          tf.reshape(dy, split),
          reps.map((_, i) => 2 * i),
        ),
        x!.shape,
      );
    },
  };
});

/** tf.oneHot refuses a depth of 1. */
const oneHot = (indices: T, depth: number): T =>
  tf.engine().runKernel(tf.OneHot, { indices }, { depth, onValue: 1, offValue: 0, dtype: 'float32' });

/** Maximum of elements of one-hot rows in memory, if a row has fewer. */
const HOT = 2 ** 26;

/**
 * Sums of `rows` [N, C] by index [N] int32 -> [depth, C]: a one-hot matmul, not scatter, as repeated indices must add up
 * exactly under threads. By chunks of rows if all one-hot rows together are too large.
 */
export function sumsByIndex(indices: T, depth: number, rows: T, most = HOT): T {
  const [count, size] = [rows.shape[0], Math.max(1, Math.floor(most / depth))];
  if (count <= size) return tf.matMul(oneHot(indices, depth), rows, true);
  const parts = Array.from({ length: Math.ceil(count / size) }, (_, i) => {
    const some = Math.min(size, count - i * size);
    return tf.matMul(
      oneHot(tf.slice(indices, [i * size], [some]), depth),
      tf.slice(rows, [i * size, 0], [some, -1]),
      true,
    );
  });
  return parts.reduce((sum, part) => tf.add(sum, part));
}

define(tf.GatherV2, { inputs: ['x', 'indices'] }, (dy, [x, indices], attrs) => {
  const axis = axesOf(attrs['axis'], x!.rank)[0]!;
  return {
    x: () => {
      const count = indices!.size;
      const moved = [
        ...Array.from({ length: indices!.rank }, (_, i) => axis + i),
        ...dy.shape.map((_, i) => i).filter((i) => i < axis || i >= axis + indices!.rank),
      ];
      const rows = tf.reshape(tf.transpose(dy, moved), [count, -1]);
      const sums = sumsByIndex(tf.reshape(tf.cast(indices!, 'int32'), [count]), x!.shape[axis]!, rows);
      const rest = x!.shape.filter((_, i) => i !== axis);
      const back = x!.shape.map((_, i) => (i === axis ? 0 : i < axis ? i + 1 : i));
      return tf.transpose(tf.reshape(sums, [x!.shape[axis]!, ...rest]), back);
    },
    indices: () => zeros(indices!),
  };
});

define(tf.UnsortedSegmentSum, { inputs: ['segmentIds'] }, (dy, [ids]) => ({
  x: () => {
    const flat = tf.cast(tf.reshape(ids!, [-1]), 'int32');
    const rows = tf.gather(dy, tf.maximum(flat, tf.scalar(0, 'int32')));
    const valid = tf.reshape(float(tf.greaterEqual(flat, 0)), [
      -1,
      ...Array.from<number>({ length: dy.rank - 1 }).fill(1),
    ]);
    return tf.reshape(tf.mul(rows, valid), [...ids!.shape, ...dy.shape.slice(1)]);
  },
  segmentIds: () => zeros(ids!),
}));

/** Gives a reduced gradient its axes of 1 back. */
function keptShape(x: T, axis: unknown): number[] {
  const axes = axesOf(axis, x.rank);
  return x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
}
const spread = (dy: T, x: T, axis: unknown): T => tf.broadcastTo(tf.reshape(dy, keptShape(x, axis)), x.shape);

define(tf.Sum, { inputs: ['x'] }, (dy, [x], attrs) => ({ x: () => spread(dy, x!, attrs['axis']) }));
define(tf.Mean, { inputs: ['x'] }, (dy, [x], attrs) => {
  const count = axesOf(attrs['axis'], x!.rank).reduce((product, axis) => product * x!.shape[axis]!, 1);
  return { x: () => spread(tf.div(dy, count), x!, attrs['axis']) };
});

/** Every element equal to the extreme gets the gradient, as in TF.js. */
function extreme(kernel: string, axisKey: string): void {
  define(kernel, { inputs: ['x'], outputs: [true] }, (dy, [x, y], attrs) => {
    const shape = keptShape(x!, attrs[axisKey]);
    return { x: () => tf.mul(tf.reshape(dy, shape), float(tf.equal(x!, tf.reshape(y!, shape)))) };
  });
}
extreme(tf.Max, 'reductionIndices');
extreme(tf.Min, 'axis');

define(tf.Prod, { inputs: ['x'], outputs: [true] }, (dy, [x, y], attrs) => {
  const shape = keptShape(x!, attrs['axis']);
  return { x: () => tf.div(tf.mul(tf.reshape(dy, shape), tf.reshape(y!, shape)), x!) };
});

define(tf.Cumsum, {}, (dy, _, attrs) => {
  const { axis, exclusive, reverse } = attrs as { axis: number; exclusive: boolean; reverse: boolean };
  return { x: () => tf.cumsum(dy, axis, exclusive, !reverse) };
});

define(tf.BatchMatMul, { inputs: ['a', 'b'] }, (dy, [a, b], attrs) => {
  const [transposeA, transposeB] = [Boolean(attrs['transposeA']), Boolean(attrs['transposeB'])];
  return {
    a: () =>
      unbroadcast(transposeA ? tf.matMul(b!, dy, transposeB, true) : tf.matMul(dy, b!, false, !transposeB), a!.shape),
    b: () =>
      unbroadcast(transposeB ? tf.matMul(dy, a!, true, transposeA) : tf.matMul(a!, dy, !transposeA, false), b!.shape),
  };
});
