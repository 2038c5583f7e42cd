/**
 * Gradients of a chain of segments that is never on one tape. The forward pass keeps the rows between segments; a
 * segment runs once more, from its own rows, when the gradient arrives at it. A compiled program merges the second run
 * with the first, so that nothing is computed twice, unless the segment is kept apart: then only its rows live on in
 * between, which saves memory and costs a forward pass.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Segment } from '../programs/policy-forward.ts';
import type { Tensors } from './optimizer.ts';

export class Backward {
  readonly #weights: Tensors;
  readonly #sums = new Map<string, Tensor>();
  /** The gradients that were worked out last: the next segment that is kept apart waits for them. */
  #last: readonly Tensor[];

  /** @param first the gradients that the chain begins with */
  constructor(weights: Tensors, first: readonly Tensor[]) {
    this.#weights = weights;
    this.#last = first;
  }

  /** From dy, the gradient to `segment(rows)`, to the gradient to `rows`. Gradients to weights are added up. */
  through(segment: Segment, rows: Tensor, dy: Tensor, isApart: boolean): Tensor {
    return this.#back(segment, isApart ? after(rows, this.#last) : rows, dy)!;
  }

  /** The same for what begins the chain: it has no rows. */
  start(first: () => Tensor, dy: Tensor): void {
    this.#back(first, undefined, dy);
  }

  /** By name; weights that the chain does not reach get zeros. */
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
 * The same rows bit for bit, but not before `done` are there; NaN where these begin with one. Nothing computed from
 * them is merged with what was computed from `rows`, by the tracer or by ONNX Runtime.
 */
function after(rows: Tensor, done: readonly Tensor[]): Tensor {
  const firsts = done.map((tensor) => tf.slice(tf.reshape(tensor, [-1]), [0], [1]));
  const sum = tf.sum(firsts.length === 1 ? firsts[0]! : tf.concat(firsts));
  return tf.where(tf.isNaN(sum), sum, rows);
}
