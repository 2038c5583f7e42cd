/** Programs of the learner: `grad` and `update`, and both as one `step` when a mini-batch is one micro-batch. */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { ProgramSpec, Specs } from '../engine/engine.ts';
import type { Architecture, Model } from '../models/family.ts';
import { tokenLogProb } from '../compile/operators.ts';
import { policyForward, policyName, policySpecs, type PolicyShape } from '../programs/policy-forward.ts';
import type { ParameterSets } from '../models/parameter-sets.ts';
import {
  adamW,
  STEP_SCALARS,
  type AdamWSettings,
  type AdamWUpdate,
  type StepScalars,
  type Tensors,
} from './optimizer.ts';
import type { LossTerms, TokenLoss } from './token-loss.ts';

/** Prefixes of program inputs; outputs have `next.` before them. */
export const FIRST = 'first.';
export const SECOND = 'second.';
export const SUM = 'sum.';
export const NEXT = 'next.';
/** Of the values that a loss asks for. */
export const VALUE = 'value.';

function batchSpecs(model: Architecture, shape: PolicyShape, { inputs }: TokenLoss): Specs {
  const policy = policySpecs(model, shape);
  const tokens = { dtype: 'float32', shape: policy['responseMask']!.shape } as const;
  return {
    ...policy,
    tokenWeights: tokens,
    ...prefixed(VALUE, Object.fromEntries(inputs.map((name) => [name, tokens]))),
  };
}

/**
 * The response tokens as one list. Made outside of what gradients are taken of: the tape drops what it did not save.
 */
export function targetIds(inputs: Tensors): Tensor1D {
  return tf.reshape(inputs['responseIds']!, [-1]);
}

/** log pi and entropy of the response tokens, [N, R], at the sampler's temperature. */
export function responseLogProbs(
  model: Model,
  inputs: Tensors,
  targets: Tensor1D,
  shape: PolicyShape,
  temperature: number,
) {
  const logits = policyForward(model, inputs, inputs, shape) as Tensor2D;
  const { logProb, entropy } = tokenLogProb(temperature === 1 ? logits : tf.div(logits, temperature), targets);
  const grid = [shape.prompts * shape.samples, shape.responseLength];
  return { logProbs: tf.reshape(logProb, grid), entropy: tf.reshape(entropy, grid) };
}

/**
 * Gradients of the loss by name of the trainable weight; weights that the batch does not reach (no picture in it) get
 * zeros.
 */
function lossAndGradients(
  model: Model,
  inputs: Tensors,
  trainable: Specs,
  shape: PolicyShape,
  loss: TokenLoss,
): { terms: LossTerms; gradients: Tensors } {
  const names = Object.keys(trainable);
  const weights = names.map((name) => inputs[name]!);
  const targets = targetIds(inputs);
  let kept: Record<string, Scalar> = {};
  const forward = (): Scalar => {
    const { logProbs, entropy } = responseLogProbs(model, inputs, targets, shape, loss.temperature);
    const given = { weights: inputs['tokenWeights']!, mask: inputs['responseMask']!, values: under(VALUE, inputs) };
    const { loss: total, ...metrics } = loss.build(tf, { logProbs, entropy, ...given });
    kept = Object.fromEntries(Object.entries(metrics).map(([name, metric]) => [name, tf.keep(metric)]));
    return total;
  };
  const { value, grads } = tf.engine().gradients(forward, weights, undefined, true);
  const metrics = Object.fromEntries(Object.entries(kept).map(([name, metric]) => [name, tf.clone(metric)]));
  Object.values(kept).forEach((metric) => metric.dispose());
  const gradients = Object.fromEntries(
    names.map((name, at) => [name, (grads[at] as Tensor | null) ?? tf.zerosLike(weights[at]!)]),
  );
  return { terms: { loss: value, ...metrics } as LossTerms, gradients };
}

function prefixed(prefix: string, specs: Specs): Specs {
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [prefix + name, spec]));
}

function under(prefix: string, tensors: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
}

const scalarSpecs: Specs = Object.fromEntries(STEP_SCALARS.map((name) => [name, { dtype: 'float32', shape: [] }]));

function applyAdamW(inputs: Tensors, gradients: Tensors, settings: AdamWSettings): AdamWUpdate {
  const scalars = inputs as Readonly<Record<keyof StepScalars, Tensor>>;
  return adamW.update(
    inputs,
    gradients,
    { first: under(FIRST, inputs), second: under(SECOND, inputs) },
    scalars,
    settings,
  );
}

function updateOutputs({ weights, first, second, gradNorm }: AdamWUpdate): Record<string, Tensor> {
  const outputs: Record<string, Tensor> = { gradNorm };
  for (const name of Object.keys(weights)) {
    outputs[NEXT + name] = weights[name]!;
    outputs[NEXT + FIRST + name] = first[name]!;
    outputs[NEXT + SECOND + name] = second[name]!;
  }
  return outputs;
}

function inPlace(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [NEXT + name, name]));
}

const stateNames = (trainable: Specs): string[] =>
  Object.keys(trainable).flatMap((name) => [name, FIRST + name, SECOND + name]);

function stateSpecs(trainable: Specs): Specs {
  return { ...trainable, ...prefixed(FIRST, trainable), ...prefixed(SECOND, trainable) };
}

/**
 * One optimizer step on one micro-batch. Outputs: the terms and `gradNorm`, []; trainable weights and moments in place.
 */
export function stepProgram(
  model: Model,
  { frozen, trainable }: ParameterSets,
  shape: PolicyShape,
  loss: TokenLoss,
  settings: AdamWSettings,
): ProgramSpec {
  return {
    name: `step:${policyName(shape)}:${loss.name}:${JSON.stringify(settings)}`,
    inputs: { ...frozen, ...stateSpecs(trainable), ...scalarSpecs, ...batchSpecs(model, shape, loss) },
    inPlace: inPlace(stateNames(trainable)),
    build(inputs) {
      const result = lossAndGradients(model, inputs, trainable, shape, loss);
      return { ...result.terms, ...updateOutputs(applyAdamW(inputs, result.gradients, settings)) };
    },
  };
}

/** Adds a micro-batch's gradients to the sums, in place. Outputs: the terms, []. */
export function gradProgram(
  model: Model,
  { frozen, trainable }: ParameterSets,
  shape: PolicyShape,
  loss: TokenLoss,
): ProgramSpec {
  return {
    name: `grad:${policyName(shape)}:${loss.name}`,
    inputs: { ...frozen, ...trainable, ...prefixed(SUM, trainable), ...batchSpecs(model, shape, loss) },
    inPlace: inPlace(Object.keys(trainable).map((name) => SUM + name)),
    build(inputs) {
      const result = lossAndGradients(model, inputs, trainable, shape, loss);
      const sums = Object.entries(result.gradients).map(
        ([name, gradient]) => [NEXT + SUM + name, tf.add(inputs[SUM + name]!, gradient)] as const,
      );
      return { ...result.terms, ...Object.fromEntries(sums) };
    },
  };
}

/**
 * One optimizer step from the summed gradients. Output `gradNorm`, []; trainable weights and moments in place, sums
 * back to zero.
 */
export function updateProgram(trainable: Specs, settings: AdamWSettings): ProgramSpec {
  const sums = Object.keys(trainable).map((name) => SUM + name);
  return {
    name: `update:${JSON.stringify(settings)}`,
    inputs: { ...stateSpecs(trainable), ...prefixed(SUM, trainable), ...scalarSpecs },
    inPlace: inPlace([...stateNames(trainable), ...sums]),
    build(inputs) {
      const zeros = sums.map((name) => [NEXT + name, tf.zerosLike(inputs[name]!)] as const);
      return { ...updateOutputs(applyAdamW(inputs, under(SUM, inputs), settings)), ...Object.fromEntries(zeros) };
    },
  };
}
