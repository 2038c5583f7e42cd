/** Cases of our own kernels: the fused operators against their composition on the reference engine. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { FUSED } from '../../../src/compute/compile/fused-names.ts';
import {
  embed,
  groupQueryAttention,
  rmsNorm,
  rope,
  swiglu,
  tokenLogProb,
} from '../../../src/compute/compile/operators.ts';
import { i32 } from '../../../src/protocol/tensor.ts';
import { add, seeds } from './cases.ts';
import { shapes, type Example } from './support.ts';
import { integers, spread } from './support-values.ts';

for (const kernel of [FUSED.rmsNorm, FUSED.sumSquares]) {
  add(
    kernel,
    'numeric',
    fc.tuple(shapes(2, 2, 9), seeds).map(([[m, d], seed]): Example => ({
      feeds: { x: spread([m!, d!], seed), w: spread([d!], seed + 1) },
      build: ({ x, w }) => rmsNorm(x as tf.Tensor2D, w as tf.Tensor1D, 1e-3),
    })),
  );
}
add(
  FUSED.silu,
  'numeric',
  fc.tuple(shapes(2, 2, 9), seeds).map(([shape, seed]): Example => ({
    feeds: { gate: spread(shape, seed), up: spread(shape, seed + 1) },
    build: ({ gate, up }) => swiglu(gate as tf.Tensor2D, up as tf.Tensor2D),
  })),
);
add(
  FUSED.rope,
  'numeric',
  fc
    .tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 5 }), seeds)
    .map(([rows, heads, half, seed]): Example => {
      const angles = spread([rows, half], seed).data as Float32Array;
      return {
        feeds: { x: spread([rows, heads, 2 * half], seed) },
        build: ({ x }) => {
          const turn = tf.tensor2d(angles, [rows, half]);
          return rope(x as tf.Tensor3D, tf.cos(turn), tf.sin(turn));
        },
      };
    }),
);
for (const kernel of [tf.LogSoftmax, FUSED.chosen, FUSED.withChosen]) {
  add(
    kernel,
    'numeric',
    fc.tuple(shapes(2, 2, 7), seeds).map(([[m, v], seed]): Example => ({
      feeds: { logits: spread([m!, v!], seed), ids: integers([m!], seed, 0, v! - 1) },
      build: ({ logits, ids }) => tokenLogProb(logits as tf.Tensor2D, ids as tf.Tensor1D).logProb,
    })),
    'log-probability of a token',
  );
}
add(
  tf.GatherV2,
  'numeric',
  fc.tuple(shapes(2, 2, 7), seeds).map(([[v, d], seed]): Example => ({
    feeds: { table: spread([v!, d!], seed), ids: integers([9], seed, 0, v! - 1) },
    build: ({ table, ids }) => embed(table as tf.Tensor2D, ids as tf.Tensor1D),
  })),
  'embedding',
);
add(
  FUSED.groupQueryAttention,
  'none',
  fc
    .tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom(1, 2),
      fc.constantFrom(1, 2, 4),
      fc.integer({ min: 1, max: 9 }),
      seeds,
    )
    .map(([batch, kvHeads, repeat, length, seed]): Example => {
      const size = 8;
      return {
        feeds: {
          q: spread([batch, 1, kvHeads * repeat * size], seed),
          k: spread([batch, 1, kvHeads * size], seed + 1),
          v: spread([batch, 1, kvHeads * size], seed + 2),
          pastKey: spread([batch, kvHeads, length, size], seed + 3),
          pastValue: spread([batch, kvHeads, length, size], seed + 4),
          seqlensK: integers([batch], seed, 0, length - 1),
          totalLength: i32([], [length]),
        },
        build: (inputs) => {
          const result = groupQueryAttention(inputs as never, { numHeads: kvHeads * repeat, kvHeads, scale: 0.3 });
          // Slots after the new token have no defined content: only an update in place keeps theirs.
          const slots = tf.reshape(tf.range(0, length, 1, 'int32'), [1, 1, length, 1]);
          const used = tf.cast(tf.lessEqual(slots, tf.reshape(inputs['seqlensK']!, [batch, 1, 1, 1])), 'float32');
          return [result.out, tf.mul(result.presentKey, used), tf.mul(result.presentValue, used)];
        },
      };
    }),
);
