/**
 * A small transformer's training step, as a program: token embedding, blocks of causal attention and SwiGLU, tied head,
 * every gradient.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ProgramSpec } from '../../../src/compute/engine/engine.ts';
import { embed, rmsNorm, rope, swiglu, tokenLogProb } from '../../../src/compute/compile/operators.ts';
import { f32, i32, type HostTensor } from '../../../src/protocol/tensor.ts';

export interface BlockSize {
  readonly batch: number;
  readonly length: number;
  readonly layers: number;
  readonly heads: number;
  readonly headDim: number;
  readonly hidden: number;
  readonly vocabulary: number;
}

export const TINY: BlockSize = { batch: 2, length: 5, layers: 2, heads: 2, headDim: 4, hidden: 12, vocabulary: 11 };

function weightShapes({ layers, heads, headDim, hidden, vocabulary }: BlockSize): Record<string, number[]> {
  const width = heads * headDim;
  const shapes: Record<string, number[]> = { embed: [vocabulary, width], norm: [width] };
  for (let i = 0; i < layers; i++) {
    Object.assign(shapes, {
      [`${i}.norm1`]: [width],
      [`${i}.norm2`]: [width],
      [`${i}.gate`]: [hidden, width],
      [`${i}.up`]: [hidden, width],
    });
    Object.assign(shapes, {
      [`${i}.down`]: [width, hidden],
      [`${i}.q`]: [width, width],
      [`${i}.k`]: [width, width],
      [`${i}.v`]: [width, width],
      [`${i}.o`]: [width, width],
    });
  }
  return shapes;
}

export function blockFeeds(size: BlockSize): Record<string, HostTensor> {
  let state = 12345;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const rows = size.batch * size.length;
  const feeds: Record<string, HostTensor> = {};
  for (const [name, shape] of Object.entries(weightShapes(size))) {
    const length = shape.reduce((a, b) => a * b, 1);
    feeds[name] = f32(
      shape,
      Float32Array.from({ length }, () => (shape.length === 1 ? 1 + 0.2 * next() : next() / Math.sqrt(shape[1]!))),
    );
  }
  const angles = Float32Array.from(
    { length: rows * (size.headDim / 2) },
    (_, i) => (Math.floor(i / (size.headDim / 2)) % size.length) / (1 + (i % (size.headDim / 2))),
  );
  feeds['cos'] = f32([rows, size.headDim / 2], angles.map(Math.cos));
  feeds['sin'] = f32([rows, size.headDim / 2], angles.map(Math.sin));
  feeds['ids'] = i32(
    [rows],
    Int32Array.from({ length: rows }, () => Math.floor((next() + 0.5) * size.vocabulary)),
  );
  return feeds;
}

function attention(
  x: tf.Tensor2D,
  layer: number,
  weights: Record<string, tf.Tensor2D>,
  inputs: Record<string, tf.Tensor>,
  { batch, length, heads, headDim }: BlockSize,
): tf.Tensor2D {
  const project = (name: string): tf.Tensor3D =>
    tf.reshape(tf.matMul(x, weights[`${layer}.${name}`]!, false, true), [batch * length, heads, headDim]);
  const turn = (rows: tf.Tensor3D): tf.Tensor3D =>
    rope(rows, inputs['cos'] as tf.Tensor2D, inputs['sin'] as tf.Tensor2D);
  const split = (rows: tf.Tensor3D): tf.Tensor =>
    tf.transpose(tf.reshape(rows, [batch, length, heads, headDim]), [0, 2, 1, 3]);
  const [q, k, v] = [split(turn(project('q'))), split(turn(project('k'))), split(project('v'))];
  const causal = tf.tensor2d(
    Float32Array.from({ length: length * length }, (_, i) => (i % length > Math.floor(i / length) ? -1e30 : 0)),
    [length, length],
  );
  const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), headDim ** -0.5), causal);
  const mixed = tf.reshape(tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]), [
    batch * length,
    heads * headDim,
  ]);
  return tf.matMul(mixed, weights[`${layer}.o`]!, false, true);
}

/**
 * Loss: the mean negative log-probability of the next token; outputs `loss` and one gradient a weight, by the weight's
 * name with `d_`.
 */
export function blockProgram(size: BlockSize): ProgramSpec {
  const feeds = blockFeeds(size);
  const names = Object.keys(weightShapes(size));
  const loss = (inputs: Record<string, tf.Tensor>, ...values: tf.Tensor[]): tf.Scalar => {
    const weights = Object.fromEntries(names.map((name, i) => [name, values[i] as tf.Tensor2D]));
    const norm = (rows: tf.Tensor, name: string): tf.Tensor2D =>
      rmsNorm(rows as tf.Tensor2D, weights[name] as unknown as tf.Tensor1D, 1e-6);
    const ids = inputs['ids'] as tf.Tensor1D;
    let x: tf.Tensor2D = embed(weights['embed']!, ids);
    for (let i = 0; i < size.layers; i++) {
      x = tf.add(x, attention(norm(x, `${i}.norm1`), i, weights, inputs, size));
      const h = norm(x, `${i}.norm2`);
      const gated = swiglu(
        tf.matMul(h, weights[`${i}.gate`]!, false, true),
        tf.matMul(h, weights[`${i}.up`]!, false, true),
      );
      x = tf.add(x, tf.matMul(gated, weights[`${i}.down`]!, false, true));
    }
    const logits = tf.matMul<tf.Tensor2D>(norm(x, 'norm'), weights['embed']!, false, true);
    const targets = tf.reshape(tf.concat([tf.slice(ids, [1], [ids.shape[0] - 1]), tf.slice(ids, [0], [1])]), [-1]);
    return tf.neg(tf.mean(tokenLogProb(logits, targets as tf.Tensor1D).logProb));
  };
  return {
    name: `block ${JSON.stringify(size)}`,
    inputs: Object.fromEntries(Object.entries(feeds).map(([name, { dtype, shape }]) => [name, { dtype, shape }])),
    build: (inputs) => {
      const { value, grads } = tf.valueAndGrads((...values: tf.Tensor[]) => loss(inputs, ...values))(
        names.map((name) => inputs[name]!),
      );
      return { loss: value, ...Object.fromEntries(names.map((name, i) => [`d_${name}`, grads[i]!])) };
    },
  };
}
