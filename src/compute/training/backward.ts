/**
 * Computes gradients of a chain of segments without putting the chain on one tape. The forward pass keeps the rows
 * between segments; a segment runs again, from its own rows, when the gradient reaches it. A compiled program merges
 * the second run with the first, so that nothing is computed twice, unless the segment is kept apart: then only its
 * input rows stay in memory in between, which saves memory and costs a second forward pass.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Segment } from '../programs/policy-forward.ts';
import type { Tensors } from './optimizer.ts';

export class Backward {
  readonly #weights: Tensors;
  readonly #sums = new Map<string, Tensor>();
  /** The last computed gradients; the next segment that is kept apart waits for them. */
  #last: readonly Tensor[];

  /** @param first the gradients at which the chain begins */
  constructor(weights: Tensors, first: readonly Tensor[]) {
    this.#weights = weights;
    this.#last = first;
  }

  /** Turns dy, the gradient of `segment(rows)`, into the gradient of `rows`, and adds up the gradients of weights. */
  through(segment: Segment, rows: Tensor, dy: Tensor, isApart: boolean): Tensor {
    return this.#back(segment, isApart ? after(rows, this.#last) : rows, dy)!;
  }

  /** Does the same for the first segment, which has no input rows. */
  start(first: () => Tensor, dy: Tensor): void {
    this.#back(first, undefined, dy);
  }

  /** Returns gradients by name; weights that the chain does not reach get zeros. */
  gradients(): Tensors {
    return Object.fromEntries(
      Object.entries(this.#weights).map(([name, weight]) => [name, this.#sums.get(name) ?? tf.zerosLike(weight)]),
    );
  }

  #back(segment: Segment, rows: Tensor | undefined, dy: Tensor): Tensor | null {
    const names = Object.keys(this.#weights);
    const weights = Object.values(this.#weights);
    const xs = rows ? [rows, ...weights] : weights;
    const grads = tf.engine().gradients(() => segment(rows!), xs, dy, true).grads as (Tensor | null)[];
    const toRows = rows ? grads.shift()! : null;
    names.forEach((name, i) => {
      const [sum, gradient] = [this.#sums.get(name), grads[i]];
      if (gradient) this.#sums.set(name, sum ? tf.add(sum, gradient) : gradient);
    });
    this.#last = [toRows, ...grads].filter((gradient) => gradient instanceof tf.Tensor);
    return toRows;
  }
}

/**
 * Returns the same rows bit for bit, but only after `done` are computed; NaN if the first value of these is NaN.
 * Neither the tracer nor ONNX Runtime merges computations on the result with computations on `rows`.
 */
function after(rows: Tensor, done: readonly Tensor[]): Tensor {
  const firsts = done.map((tensor) => tf.slice(tf.reshape(tensor, [-1]), [0], [1]));
  const sum = tf.sum(firsts.length === 1 ? firsts[0]! : tf.concat(firsts));
  return tf.where(tf.isNaN(sum), sum, rows);
}
