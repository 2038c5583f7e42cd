/**
 * At least one case for every kernel of the symbolic backend. A case draws examples; `gradient` says what is checked
 * besides the forward.
 */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import type { HostTensor } from '../../../src/protocol/tensor.ts';
import { shapes, type Example, type Inputs } from './support.ts';
import { bools, integers, positive, spread } from './support-values.ts';

export interface Case {
  readonly kernel: string;
  readonly title: string;
  readonly draw: fc.Arbitrary<Example>;
  /**
   * 'numeric': against finite differences; 'zero': piecewise constant; 'none': integer output or not differentiable.
   */
  readonly gradient: 'numeric' | 'zero' | 'none';
}

type Make = (shape: readonly number[], seed: number) => HostTensor;
type Gradient = Case['gradient'];

export const CASES: Case[] = [];

function add(kernel: string, gradient: Gradient, draw: fc.Arbitrary<Example>, title = ''): void {
  CASES.push({ kernel, gradient, draw, title: title ? `${kernel} (${title})` : kernel });
}

const seeds = fc.nat(1000);

/** One input x of any small shape. */
function unary(
  kernel: string,
  build: (x: tf.Tensor, shape: number[]) => tf.Tensor | tf.Tensor[],
  options: { make?: Make; gradient?: Gradient; minRank?: number; title?: string } = {},
): void {
  const { make = spread, gradient = 'numeric', minRank = 0, title } = options;
  const draw = fc
    .tuple(shapes(minRank), seeds)
    .map(([shape, seed]) => ({ feeds: { x: make(shape, seed) }, build: ({ x }: Inputs) => build(x!, shape) }));
  add(kernel, gradient, draw, title);
}

/** Two shapes that broadcast together: each side keeps a dim, has 1 there, or ends before it. */
const pairs = fc
  .tuple(
    shapes(0, 4),
    fc.array(fc.constantFrom('keep', 'a', 'b'), { minLength: 4, maxLength: 4 }),
    fc.nat(4),
    fc.boolean(),
  )
  .map(([shape, flat, drop, left]) => {
    const side = (name: string, cut: boolean) =>
      shape.map((dim, i) => (flat[i] === name ? 1 : dim)).slice(cut ? Math.min(drop, shape.length) : 0);
    return [side('a', left), side('b', !left)] as const;
  });

function binary(
  kernel: string,
  build: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  options: { make?: Make; makeB?: Make; gradient?: Gradient; title?: string } = {},
): void {
  const { make = spread, makeB = make, gradient = 'numeric', title } = options;
  const draw = fc.tuple(pairs, seeds).map(([[a, b], seed]) => ({
    feeds: { a: make(a, seed), b: makeB(b, seed + 500) },
    build: ({ a: x, b: y }: Inputs) => build(x!, y!),
  }));
  add(kernel, gradient, draw, title);
}

const int =
  (min: number, max: number): Make =>
  (shape, seed) =>
    integers(shape, seed, min, max);
/** b off a's grid, so that no two values tie. */
const shifted: Make = (shape, seed) => {
  const tensor = spread(shape, seed);
  return { ...tensor, data: Float32Array.from(tensor.data, (value) => value + 0.0311) };
};

for (const [kernel, op] of [
  [tf.Neg, tf.neg],
  [tf.Exp, tf.exp],
  [tf.Expm1, tf.expm1],
  [tf.Square, tf.square],
  [tf.Sigmoid, tf.sigmoid],
  [tf.Tanh, tf.tanh],
  [tf.Relu, tf.relu],
  [tf.Abs, tf.abs],
  [tf.Erf, tf.erf],
  [tf.Sin, tf.sin],
  [tf.Cos, tf.cos],
] as const) {
  unary(kernel, (x) => op(x));
}
for (const [kernel, op] of [
  [tf.Log, tf.log],
  [tf.Log1p, tf.log1p],
  [tf.Sqrt, tf.sqrt],
  [tf.Rsqrt, tf.rsqrt],
] as const) {
  unary(kernel, (x) => op(x), { make: positive });
}
for (const [kernel, op] of [
  [tf.Sign, tf.sign],
  [tf.Floor, tf.floor],
  [tf.Round, tf.round],
  [tf.Step, tf.step],
] as const) {
  unary(kernel, (x) => op(x), { gradient: 'zero' });
}
unary(tf.Round, (x) => tf.round(tf.mul(x, 0.5)), {
  make: (shape, seed) => integers(shape, seed, -9, 9, 'float32'),
  gradient: 'none',
  title: 'halves to even',
});
unary(tf.Log1p, (x) => tf.log1p(tf.mul(x, 1e-5)), { gradient: 'none', title: 'near 0' });
unary(tf.Expm1, (x) => tf.expm1(tf.mul(x, 30)), { gradient: 'none', title: 'far from 0' });
unary(tf.Neg, (x) => tf.neg(x), { make: int(-9, 9), gradient: 'none', title: 'int32' });
unary(tf.Abs, (x) => tf.abs(x), { make: int(-9, 9), gradient: 'none', title: 'int32' });
unary(tf.Square, (x) => tf.square(x), { make: int(-9, 9), gradient: 'none', title: 'int32' });
unary(tf.Round, (x) => tf.round(x), { make: int(-9, 9), gradient: 'none', title: 'int32' });
unary(tf.IsNan, (x) => tf.isNaN(tf.sqrt(x)), { gradient: 'none' });
unary(tf.LogicalNot, (x) => tf.logicalNot(x), { make: bools, gradient: 'none' });
unary(tf.ClipByValue, (x) => tf.clipByValue(x, -0.457, 0.777));
unary(tf.ClipByValue, (x) => tf.clipByValue(x, -2, 3), { make: int(-9, 9), gradient: 'none', title: 'int32' });
unary(tf.Identity, (x) => tf.add(tf.clone(x), x));
unary(tf.ZerosLike, (x) => tf.add(x, tf.zerosLike(x)));
unary(tf.OnesLike, (x) => tf.mul(x, tf.onesLike(x)));
unary(tf.Fill, (x, shape) => tf.add(x, tf.fill(shape, 2.5)));
unary(tf.Fill, (_, shape) => [tf.fill(shape, 3, 'int32'), tf.cast(tf.fill(shape, 1, 'bool'), 'bool')], {
  gradient: 'none',
  title: 'int32 and bool',
});
for (const dtype of ['float32', 'int32', 'bool'] as const) {
  unary(tf.Cast, (x) => tf.cast(x, dtype), {
    gradient: dtype === 'float32' ? 'numeric' : 'none',
    title: `float32 to ${dtype}`,
  });
  unary(tf.Cast, (x) => tf.cast(x, dtype), { make: int(-2, 2), gradient: 'none', title: `int32 to ${dtype}` });
  unary(tf.Cast, (x) => tf.cast(x, dtype), { make: bools, gradient: 'none', title: `bool to ${dtype}` });
}
const range = (name: string, start: number, stop: number, step: number, dtype: 'float32' | 'int32') =>
  add(
    tf.Range,
    'none',
    fc.constant({ feeds: { x: spread([1], 1) }, build: () => tf.range(start, stop, step, dtype) }),
    name,
  );
range('int32', 0, 5, 1, 'int32');
range('down', 3, -2, -2, 'float32');

binary(tf.Add, (a, b) => tf.add(a, b));
binary(tf.Sub, (a, b) => tf.sub(a, b));
binary(tf.Multiply, (a, b) => tf.mul(a, b));
binary(tf.RealDiv, (a, b) => tf.div(a, b), { makeB: positive });
binary(tf.SquaredDifference, (a, b) => tf.squaredDifference(a, b));
binary(tf.Maximum, (a, b) => tf.maximum(a, b), { makeB: shifted });
binary(tf.Minimum, (a, b) => tf.minimum(a, b), { makeB: shifted });
binary(tf.Pow, (a, b) => tf.pow(a, b), { make: positive, makeB: spread });
for (const [kernel, op] of [
  [tf.Add, tf.add],
  [tf.Sub, tf.sub],
  [tf.Multiply, tf.mul],
  [tf.Maximum, tf.maximum],
  [tf.Minimum, tf.minimum],
] as const) {
  binary(kernel, (a, b) => op(a, b), { make: int(-9, 9), gradient: 'none', title: 'int32' });
}
binary(tf.FloorDiv, (a, b) => tf.floorDiv(a, b), { make: int(-9, 9), makeB: int(1, 4), gradient: 'none' });
for (const [kernel, op] of [
  [tf.Equal, tf.equal],
  [tf.NotEqual, tf.notEqual],
  [tf.Less, tf.less],
  [tf.LessEqual, tf.lessEqual],
  [tf.Greater, tf.greater],
  [tf.GreaterEqual, tf.greaterEqual],
] as const) {
  binary(kernel, (a, b) => op(a, b), { gradient: 'none' });
  binary(kernel, (a, b) => op(a, b), { make: int(-2, 2), gradient: 'none', title: 'int32' });
  binary(kernel, (a, b) => tf.where(op(a, b), a, tf.mul(b, 2)), { makeB: shifted, title: 'on the path of where' });
}
for (const [kernel, op] of [
  [tf.LogicalAnd, tf.logicalAnd],
  [tf.LogicalOr, tf.logicalOr],
] as const) {
  binary(kernel, (a, b) => op(a, b), { make: bools, gradient: 'none' });
}

const selecting = (condition: (shape: number[]) => number[], make: Make = spread) =>
  fc.tuple(shapes(1), seeds).map(([shape, seed]) => ({
    feeds: { c: bools(condition(shape), seed), t: make(shape, seed), e: make(shape, seed + 1) },
    build: ({ c, t, e }: Inputs) => tf.where(c!, t!, e!),
  }));
add(
  tf.Select,
  'numeric',
  selecting((shape) => shape),
);
add(
  tf.Select,
  'numeric',
  selecting((shape) => shape.map((dim, i) => (i === 0 ? 1 : dim))),
  'broadcast condition',
);
add(
  tf.Select,
  'none',
  selecting((shape) => shape, int(-9, 9)),
  'int32',
);

/** A shape, one of its axes (negative ones too) and a seed. */
export const axisExamples = (minRank = 1) =>
  fc.tuple(shapes(minRank), fc.nat(3), fc.boolean(), seeds).map(([shape, at, negative, seed]) => {
    const axis = at % Math.max(shape.length, 1);
    return { shape, axis, given: negative ? axis - shape.length : axis, seed };
  });

export { add, int, pairs, seeds, unary };
