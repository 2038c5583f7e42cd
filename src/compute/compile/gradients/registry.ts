/** Keeps gradients until they are registered with TF.js, and holds helpers that several of them share. */
import * as tf from '@tensorflow/tfjs-core';

export type T = tf.Tensor;
type Attrs = Readonly<Record<string, unknown>>;
type Grads = Record<string, () => T>;

interface Save {
  readonly inputs?: readonly string[];
  readonly outputs?: readonly boolean[];
}

/** Registration is repeatable: tfjs-node, if loaded, brings TF.js's own gradients, and ours must win. */
const registrations: (() => void)[] = [];

export function registerGradients(): void {
  for (const register of registrations) register();
}

export function define(
  kernelName: string,
  save: Save,
  gradFunc: (dy: T, saved: T[], attrs: Attrs) => Grads,
  saveAllInputs = false,
): void {
  registrations.push(() =>
    tf.registerGradient({
      kernelName,
      inputsToSave: [...(save.inputs ?? [])],
      outputsToSave: [...(save.outputs ?? [])],
      saveAllInputs,
      gradFunc: (dy, saved, attrs) => gradFunc(dy as T, saved, attrs),
    }),
  );
}

/** Sums a gradient over the axes that its operand was broadcast along. */
export function unbroadcast(dy: T, shape: readonly number[]): T {
  const axes = tf.broadcast_util.getReductionAxes([...shape], dy.shape);
  const summed = axes.length > 0 ? tf.sum(dy, axes) : dy;
  return tf.util.arraysEqual(summed.shape, [...shape]) ? summed : tf.reshape(summed, [...shape]);
}

export const zeros = (x: T): T => tf.fill(x.shape, 0);
export const float = (x: T): T => tf.cast(x, 'float32');
