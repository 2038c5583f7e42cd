/** Cases of the kernels that move, reduce or multiply tensors. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import type { HostTensor } from '../../../src/protocol/tensor.ts';
import { add, axisExamples, int, seeds, unary } from './cases.ts';
import { shapes, type Example, type Inputs } from './support.ts';
import { bools, integers, positive, spread } from './support-values.ts';

type Axis = { shape: number[]; axis: number; given: number; seed: number };
const alongAxis = (
  build: (x: tf.Tensor, axis: Axis) => tf.Tensor | tf.Tensor[],
  make: (shape: readonly number[], seed: number) => HostTensor = spread,
) =>
  axisExamples().map((axis): Example => ({
    feeds: { x: make(axis.shape, axis.seed) },
    build: ({ x }) => build(x!, axis),
  }));

unary(tf.Reshape, (x) => tf.reshape(tf.reshape(tf.square(x), [-1]), [...x.shape, 1]));
unary(tf.Reshape, (x) => tf.reshape(x, [-1]), { make: bools, gradient: 'none', title: 'bool' });
add(
  tf.ExpandDims,
  'numeric',
  alongAxis((x, { given }) => tf.mul(tf.expandDims(x, given), 2)),
);
unary(tf.Transpose, (x) => tf.transpose(tf.square(x)));
add(
  tf.Transpose,
  'numeric',
  fc.tuple(shapes(1), fc.nat(3), seeds).map(([shape, turn, seed]) => {
    const perm = shape.map((_, i) => (i + turn) % shape.length);
    return { feeds: { x: spread(shape, seed) }, build: ({ x }: Inputs) => tf.transpose(x!, perm) };
  }),
  'turned',
);

const several = (join: (parts: tf.Tensor[], axis: number) => tf.Tensor, vary: boolean) =>
  axisExamples().chain(({ shape, axis, seed }) =>
    fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }).map((sizes): Example => {
      const parts = sizes.map(
        (size, i) =>
          [`x${i}`, spread(vary ? shape.map((dim, d) => (d === axis ? size : dim)) : shape, seed + i)] as const,
      );
      return { feeds: Object.fromEntries(parts), build: (inputs) => join(Object.values(inputs), axis) };
    }),
  );
add(
  tf.Concat,
  'numeric',
  several((parts, axis) => tf.concat(parts, axis), true),
);
add(
  tf.Pack,
  'numeric',
  several((parts, axis) => tf.stack(parts, axis), false),
);
add(
  tf.Unpack,
  'numeric',
  alongAxis((x, { given }) => tf.unstack(x, given)),
);
add(
  tf.SplitV,
  'numeric',
  alongAxis((x, { shape, axis, given }) => tf.split(x, shape[axis]! > 1 ? [1, shape[axis]! - 1] : [1], given)),
);

const windows = fc.tuple(shapes(1), seeds).map(([shape, seed]) => {
  const begin = shape.map((dim, i) => (seed >> i) % dim);
  return { shape, seed, begin, size: shape.map((dim, i) => 1 + ((seed >> (i + 3)) % (dim - begin[i]!))) };
});
add(
  tf.Slice,
  'numeric',
  windows.map(({ shape, seed, begin, size }) => ({
    feeds: { x: spread(shape, seed) },
    build: ({ x }: Inputs) => tf.slice(x!, begin, size),
  })),
);
add(
  tf.StridedSlice,
  'none',
  windows.map(({ shape, seed }) => {
    const backwards = seed % 2 === 1;
    const [begin, end] = backwards
      ? [shape.map((dim) => dim - 1), shape.map((dim) => -dim - 1)]
      : [shape.map(() => 0), shape];
    const strides = shape.map((_, i) => ((seed >> i) % 2 === 0 ? 1 : 2) * (backwards ? -1 : 1));
    return {
      feeds: { x: spread(shape, seed) },
      build: ({ x }: Inputs) => tf.stridedSlice(x!, begin, [...end], strides),
    };
  }),
);
unary(
  tf.Tile,
  (x) =>
    tf.tile(
      x,
      x.shape.map((_, i) => 1 + (i % 3)),
    ),
  { minRank: 1 },
);
unary(tf.Tile, (x, shape) => tf.mul(tf.broadcastTo(tf.sum(x, -1, true), shape), x), {
  minRank: 1,
  title: 'broadcastTo',
});
unary(
  tf.PadV2,
  (x, shape) =>
    tf.pad(
      x,
      shape.map((_, i): [number, number] => [i % 2, (i + 1) % 3]),
      1.5,
    ),
  { minRank: 1 },
);
add(
  tf.Reverse,
  'numeric',
  alongAxis((x, { given }) => tf.reverse(x, given)),
);

const gathering = axisExamples().chain(({ shape, axis, given, seed }) =>
  shapes(1, 2, 4).map((rows): Example => ({
    feeds: { x: spread(shape, seed), ids: integers(rows, seed, 0, shape[axis]! - 1) },
    build: ({ x, ids }) => tf.gather(x!, ids as tf.Tensor1D, given),
  })),
);
add(tf.GatherV2, 'numeric', gathering);
add(
  tf.OneHot,
  'none',
  fc.tuple(shapes(1, 3), seeds).map(([shape, seed]) => ({
    feeds: { ids: integers(shape, seed, -1, 5) },
    build: ({ ids }: Inputs) => [tf.oneHot(ids!, 5), tf.oneHot(ids!, 5, 2.5, -1, 'float32')],
  })),
);
add(
  tf.UnsortedSegmentSum,
  'numeric',
  fc.tuple(shapes(1, 3, 5), seeds).map(([shape, seed]) => ({
    feeds: { x: spread(shape, seed), ids: integers([shape[0]!], seed, 0, 3) },
    build: ({ x, ids }: Inputs) => tf.unsortedSegmentSum(x!, ids as tf.Tensor1D, 4),
  })),
);

const reducers = [
  [tf.Sum, tf.sum, spread],
  [tf.Mean, tf.mean, spread],
  [tf.Max, tf.max, spread],
  [tf.Min, tf.min, spread],
  [tf.Prod, tf.prod, positive],
] as const;
for (const [kernel, op, make] of reducers) {
  for (const keepDims of [false, true]) {
    const one = alongAxis((x, { axis }) => op(x, axis, keepDims), make);
    add(kernel, 'numeric', one, keepDims ? 'kept axis' : 'axis');
  }
  if (kernel !== tf.Prod) unary(kernel, (x) => op(x), { make, title: 'all' });
  const first = fc
    .tuple(shapes(3, 4), seeds)
    .map(([shape, seed]) => ({ feeds: { x: make(shape, seed) }, build: ({ x }: Inputs) => op(x!, [0, 2]) }));
  if (kernel !== tf.Prod) add(kernel, 'numeric', first, 'two axes');
}
unary(tf.Sum, (x) => tf.sum(x), { make: int(-9, 9), gradient: 'none', title: 'int32' });
unary(tf.Sum, (x) => tf.sum(x), { make: bools, gradient: 'none', title: 'bool' });
unary(tf.Max, (x) => tf.max(x), { make: int(-9, 9), gradient: 'none', title: 'int32' });
for (const [kernel, op] of [
  [tf.Any, tf.any],
  [tf.All, tf.all],
] as const) {
  add(
    kernel,
    'none',
    alongAxis((x, { axis }) => op(x, axis), bools),
  );
}
for (const [kernel, op] of [
  [tf.ArgMax, tf.argMax],
  [tf.ArgMin, tf.argMin],
] as const) {
  add(
    kernel,
    'none',
    alongAxis((x, { axis }) => op(x, axis)),
  );
}
unary(tf.Softmax, (x) => tf.softmax(x), { minRank: 1 });
for (const exclusive of [false, true]) {
  for (const reverse of [false, true]) {
    add(
      tf.Cumsum,
      'numeric',
      alongAxis((x, { axis }) => tf.cumsum(x, axis, exclusive, reverse)),
      `${exclusive ? 'exclusive' : 'inclusive'}${reverse ? ' reverse' : ''}`,
    );
  }
}
add(
  tf.TopK,
  'none',
  fc.tuple(shapes(1, 3), seeds).map(([shape, seed]) => ({
    feeds: { x: spread(shape, seed) },
    build: ({ x }: Inputs) => {
      const { values, indices } = tf.topk(x!, Math.min(2, shape.at(-1)!));
      return [values, indices];
    },
  })),
);

for (const transposeA of [false, true]) {
  for (const transposeB of [false, true]) {
    const flip = (shape: number[], on: boolean) => (on ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!] : shape);
    const draw = fc.tuple(shapes(3, 3, 5), shapes(0, 2), seeds).map(([[m, k, n], batch, seed]): Example => ({
      feeds: {
        a: spread(flip([...batch, m!, k!], transposeA), seed),
        b: spread(flip([...batch, k!, n!], transposeB), seed + 1),
      },
      build: ({ a, b }) => tf.matMul(a!, b!, transposeA, transposeB),
    }));
    add(tf.BatchMatMul, 'numeric', draw, `${transposeA ? 'a^T' : 'a'} ${transposeB ? 'b^T' : 'b'}`);
  }
}
add(
  tf.BatchMatMul,
  'numeric',
  seeds.map((seed): Example => ({
    feeds: { a: spread([2, 3, 4], seed), b: spread([4, 2], seed + 1) },
    build: ({ a, b }) => tf.matMul(a!, b!),
  })),
  '3-D by 2-D',
);
add(
  tf.BatchMatMul,
  'numeric',
  seeds.map((seed): Example => ({
    feeds: { a: spread([2, 3, 2, 4], seed), b: spread([2, 1, 4, 2], seed + 1) },
    build: ({ a, b }) => tf.matMul(a!, tf.broadcastTo(b!, [2, 3, 4, 2])),
  })),
  'broadcast batch',
);
