/** The network of the tests' own family. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { embed } from '../../../../src/compute/compile/operators.ts';
import type { Network } from '../../../../src/compute/models/family.ts';
import { linear, norm, pick } from '../../../../src/compute/models/tensors.ts';

const EPS = 1e-6;

export function network(heads: number, headDim: number): Network {
  return {
    embed(weights, inputs, ids) {
      const tokens = embed(pick(weights, 'tokens.weight') as Tensor2D, ids as Tensor1D);
      return tf.add(tokens, embed(pick(weights, 'places.weight') as Tensor2D, pick(inputs, 'places') as Tensor1D));
    },
    block(weights, _inputs, layer, rows, attention) {
      const name = `layers.${layer}`;
      const normed = norm(weights, `${name}.norm.weight`, rows, EPS);
      const width = heads * headDim;
      const [q, k, v] = tf.split(linear(weights, `${name}.qkv`, normed), [width, width, width], 1) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      const mixed = attention(tf.mul(q, headDim ** -0.5), k, v, layer);
      const inner = tf.tanh(linear(weights, `${name}.up`, normed));
      return tf.add(rows, tf.add(linear(weights, `${name}.out`, mixed), linear(weights, `${name}.down`, inner)));
    },
    norm: (_weights, rows) => rows,
    head: (weights, rows) => linear(weights, 'head', rows),
  };
}
