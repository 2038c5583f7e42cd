/** Gradients of element-by-element kernels and softmax. */
import * as tf from '@tensorflow/tfjs-core';
import { define, float, unbroadcast, zeros, type T } from './registry.ts';

function unary(kernel: string, save: 'x' | 'y' | '', derivative: (dy: T, saved: T) => T): void {
  define(kernel, save === 'x' ? { inputs: ['x'] } : save === 'y' ? { outputs: [true] } : {}, (dy, [saved]) => ({
    x: () => derivative(dy, saved!),
  }));
}

unary(tf.Neg, '', (dy) => tf.neg(dy));
unary(tf.Exp, 'y', (dy, y) => tf.mul(dy, y));
unary(tf.Expm1, 'x', (dy, x) => tf.mul(dy, tf.exp(x)));
unary(tf.Log, 'x', (dy, x) => tf.div(dy, x));
unary(tf.Log1p, 'x', (dy, x) => tf.div(dy, tf.add(x, 1)));
unary(tf.Sqrt, 'y', (dy, y) => tf.div(tf.mul(dy, 0.5), y));
unary(tf.Rsqrt, 'y', (dy, y) => tf.mul(tf.mul(dy, -0.5), tf.mul(y, tf.square(y))));
unary(tf.Square, 'x', (dy, x) => tf.mul(dy, tf.mul(float(x), 2)));
unary(tf.Sigmoid, 'y', (dy, y) => tf.mul(dy, tf.mul(y, tf.sub(1, y))));
unary(tf.Tanh, 'y', (dy, y) => tf.mul(dy, tf.sub(1, tf.square(y))));
unary(tf.Relu, 'x', (dy, x) => tf.mul(dy, tf.step(x)));
unary(tf.Abs, 'x', (dy, x) => tf.mul(dy, tf.sign(float(x))));
unary(tf.Erf, 'x', (dy, x) => tf.mul(dy, tf.mul(tf.exp(tf.neg(tf.square(x))), 2 / Math.sqrt(Math.PI))));
unary(tf.Sin, 'x', (dy, x) => tf.mul(dy, tf.cos(float(x))));
unary(tf.Cos, 'x', (dy, x) => tf.mul(dy, tf.neg(tf.sin(float(x)))));
unary(tf.Identity, '', float);
unary(tf.Cast, '', float);

// Piecewise constant: without these, backpropagation through `where(greater(x, 0), x, 0)` fails on the condition's
// path.
for (const kernel of [
  tf.Floor,
  tf.Round,
  tf.Sign,
  tf.Step,
  tf.IsNan,
  tf.LogicalNot,
  tf.ArgMax,
  tf.ZerosLike,
  tf.OnesLike,
])
  unary(kernel, 'x', (_, x) => zeros(x));
for (const kernel of [
  tf.Equal,
  tf.NotEqual,
  tf.Less,
  tf.LessEqual,
  tf.Greater,
  tf.GreaterEqual,
  tf.LogicalAnd,
  tf.LogicalOr,
]) {
  define(kernel, { inputs: ['a', 'b'] }, (_, [a, b]) => ({ a: () => zeros(a!), b: () => zeros(b!) }));
}

function binary(kernel: string, left: (dy: T, a: T, b: T) => T, right: (dy: T, a: T, b: T) => T): void {
  define(kernel, { inputs: ['a', 'b'] }, (dy, [a, b]) => ({
    a: () => unbroadcast(left(dy, a!, b!), a!.shape),
    b: () => unbroadcast(right(dy, a!, b!), b!.shape),
  }));
}

binary(
  tf.Add,
  (dy) => dy,
  (dy) => dy,
);
binary(
  tf.Sub,
  (dy) => dy,
  (dy) => tf.neg(dy),
);
binary(
  tf.Multiply,
  (dy, _, b) => tf.mul(dy, float(b)),
  (dy, a) => tf.mul(dy, float(a)),
);
binary(
  tf.RealDiv,
  (dy, _, b) => tf.div(dy, float(b)),
  (dy, a, b) => tf.neg(tf.div(tf.mul(dy, float(a)), tf.square(float(b)))),
);
binary(
  tf.SquaredDifference,
  (dy, a, b) => tf.mul(dy, tf.mul(tf.sub(a, b), 2)),
  (dy, a, b) => tf.mul(dy, tf.mul(tf.sub(b, a), 2)),
);
// A tie passes the gradient to the first operand, as in TF.js.
binary(
  tf.Maximum,
  (dy, a, b) => tf.mul(dy, float(tf.greaterEqual(a, b))),
  (dy, a, b) => tf.mul(dy, float(tf.less(a, b))),
);
binary(
  tf.Minimum,
  (dy, a, b) => tf.mul(dy, float(tf.lessEqual(a, b))),
  (dy, a, b) => tf.mul(dy, float(tf.greater(a, b))),
);

define(tf.Pow, { inputs: ['a', 'b'], outputs: [true] }, (dy, [a, b, y]) => ({
  a: () => unbroadcast(tf.mul(dy, tf.mul(float(b!), tf.pow(float(a!), tf.sub(float(b!), 1)))), a!.shape),
  b: () =>
    unbroadcast(
      tf.mul(
        dy,
        tf.mul(y!, tf.where(tf.greater(a!, 0), tf.log(tf.maximum(float(a!), 1e-38)), tf.zerosLike(float(a!)))),
      ),
      b!.shape,
    ),
}));

define(tf.ClipByValue, { inputs: ['x'] }, (dy, [x], attrs) => {
  const { clipValueMin, clipValueMax } = attrs as { clipValueMin: number; clipValueMax: number };
  return {
    x: () => tf.mul(dy, float(tf.logicalAnd(tf.greaterEqual(x!, clipValueMin), tf.lessEqual(x!, clipValueMax)))),
  };
});

define(tf.Select, { inputs: ['condition'] }, (dy, [condition]) => {
  const mask =
    condition!.rank === 1 && dy.rank > 1
      ? tf.reshape(condition!, [-1, ...Array.from<number>({ length: dy.rank - 1 }).fill(1)])
      : condition!;
  const on = tf.cast(mask, 'float32');
  return { condition: () => zeros(condition!), t: () => tf.mul(dy, on), e: () => tf.mul(dy, tf.sub(1, on)) };
});

define(tf.Softmax, { outputs: [true] }, (dy, [y], attrs) => ({
  logits: () => {
    const product = tf.mul(dy, y!);
    return tf.sub(product, tf.mul(tf.sum(product, attrs['dim'] as number, true), y!));
  },
}));
