/**
 * AdamW (Loshchilov and Hutter 2019) as a stateless pair: `init` gives the moments of step 0, `update` builds one step
 * over tensors for a training program. Values that change from step to step are scalar inputs, so one program serves
 * all steps.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { f32, type TensorMap } from '../../protocol/tensor.ts';
import type { Specs } from '../engine/engine.ts';

/** Static settings; they are part of a program's name. */
export interface AdamWSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled; tensors with fewer than two dimensions (norms, biases) do not decay. */
  readonly weightDecay: number;
  /** Largest global norm of the gradient. */
  readonly clipNorm: number;
}

export interface Moments {
  readonly first: TensorMap;
  readonly second: TensorMap;
}

/** The inputs of one step, each a scalar of shape []. */
export const STEP_SCALARS = ['learningRate', 'firstCorrection', 'secondCorrection'] as const;

export type StepScalars = Readonly<Record<(typeof STEP_SCALARS)[number], number>>;

export type Tensors = Readonly<Record<string, Tensor>>;

export interface AdamWUpdate {
  readonly weights: Tensors;
  readonly first: Tensors;
  readonly second: Tensors;
  /** Global norm before clipping. */
  readonly gradNorm: Scalar;
}

function init(specs: Specs): Moments {
  const zeros = (): TensorMap =>
    Object.fromEntries(Object.entries(specs).map(([name, { shape }]) => [name, f32(shape)]));
  return { first: zeros(), second: zeros() };
}

/** Scalars of update number `step`, counted from 1. */
function scalars(step: number, learningRate: number, settings: AdamWSettings): StepScalars {
  return {
    learningRate,
    firstCorrection: 1 / (1 - settings.beta1 ** step),
    secondCorrection: 1 / (1 - settings.beta2 ** step),
  };
}

/** Updates the weights named by the keys of `gradients`. */
function update(
  weights: Tensors,
  gradients: Tensors,
  moments: { readonly first: Tensors; readonly second: Tensors },
  step: Readonly<Record<keyof StepScalars, Tensor>>,
  settings: AdamWSettings,
): AdamWUpdate {
  const gradNorm = globalNorm(Object.values(gradients));
  const scale = tf.minimum(tf.div(settings.clipNorm, tf.add(gradNorm, 1e-6)), 1);
  const next = {
    weights: {} as Record<string, Tensor>,
    first: {} as Record<string, Tensor>,
    second: {} as Record<string, Tensor>,
  };
  for (const [name, raw] of Object.entries(gradients)) {
    const weight = weights[name]!;
    const gradient = tf.mul(raw, scale);
    const first = tf.add(tf.mul(moments.first[name]!, settings.beta1), tf.mul(gradient, 1 - settings.beta1));
    const second = tf.add(
      tf.mul(moments.second[name]!, settings.beta2),
      tf.mul(tf.square(gradient), 1 - settings.beta2),
    );
    const root = tf.add(tf.sqrt(tf.mul(second, step.secondCorrection)), settings.epsilon);
    const move = tf.mul(tf.div(first, root), tf.mul(step.learningRate, step.firstCorrection));
    const decays = weight.rank > 1 && settings.weightDecay > 0;
    const kept = decays ? tf.mul(weight, tf.sub(1, tf.mul(step.learningRate, settings.weightDecay))) : weight;
    next.weights[name] = tf.sub(kept, move);
    next.first[name] = first;
    next.second[name] = second;
  }
  return { ...next, gradNorm };
}

function globalNorm(gradients: readonly Tensor[]): Scalar {
  const squares = gradients.map((gradient) => tf.reshape(tf.sum(tf.square(gradient)), [1]));
  return tf.sqrt(tf.sum(squares.length === 1 ? squares[0]! : tf.concat(squares, 0)));
}

export const adamW = { init, scalars, update };
