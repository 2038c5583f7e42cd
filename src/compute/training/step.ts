/** Programs of the learner: `grad` and `update`, and both as one `step` when a mini-batch is one micro-batch. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { ProgramSpec, Specs } from '../engine/engine.ts';
import type { Architecture, Model } from '../models/family.ts';
import { policyName, policySpecs, type PolicyShape } from '../programs/policy-forward.ts';
import type { ParameterSets } from '../models/parameter-sets.ts';
import {
  adamW,
  STEP_SCALARS,
  type AdamWSettings,
  type AdamWUpdate,
  type StepScalars,
  type Tensors,
} from './optimizer.ts';
import { lossAndGradients, LOG_PROBS, savingName, under, VALUE, type Saving } from './loss-gradients.ts';
import type { TokenLoss } from './token-loss.ts';

/** Prefixes of program inputs; the outputs' names have `next.` before them. */
export const FIRST = 'first.';
export const SECOND = 'second.';
export const SUM = 'sum.';
export const NEXT = 'next.';

function batchSpecs(model: Architecture, shape: PolicyShape, { inputs }: TokenLoss): Specs {
  const policy = policySpecs(model, shape);
  const tokens = { dtype: 'float32', shape: policy['responseMask']!.shape } as const;
  return {
    ...policy,
    tokenWeights: tokens,
    ...prefixed(VALUE, Object.fromEntries(inputs.map((name) => [name, tokens]))),
  };
}

function prefixed(prefix: string, specs: Specs): Specs {
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [prefix + name, spec]));
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
 * Builds one optimizer step on one micro-batch. Outputs: the terms and `gradNorm`, []; `logProbs`, [N, R]; trainable
 * weights and moments in place.
 */
export function stepProgram(
  model: Model,
  { frozen, trainable }: ParameterSets,
  shape: PolicyShape,
  loss: TokenLoss,
  settings: AdamWSettings,
  saving: Saving = {},
): ProgramSpec {
  return {
    name: `step:${policyName(shape)}:${loss.name}:${JSON.stringify(settings)}${savingName(saving)}`,
    inputs: { ...frozen, ...stateSpecs(trainable), ...scalarSpecs, ...batchSpecs(model, shape, loss) },
    inPlace: inPlace(stateNames(trainable)),
    build(inputs) {
      const result = lossAndGradients({ model, inputs, trainable, shape, loss, saving });
      const { terms, logProbs, gradients } = result;
      return { ...terms, [LOG_PROBS]: logProbs, ...updateOutputs(applyAdamW(inputs, gradients, settings)) };
    },
  };
}

/** Adds a micro-batch's gradients to the sums, in place. Outputs: the terms, []; `logProbs`, [N, R]. */
export function gradProgram(
  model: Model,
  { frozen, trainable }: ParameterSets,
  shape: PolicyShape,
  loss: TokenLoss,
  saving: Saving = {},
): ProgramSpec {
  return {
    name: `grad:${policyName(shape)}:${loss.name}${savingName(saving)}`,
    inputs: { ...frozen, ...trainable, ...prefixed(SUM, trainable), ...batchSpecs(model, shape, loss) },
    inPlace: inPlace(Object.keys(trainable).map((name) => SUM + name)),
    build(inputs) {
      const result = lossAndGradients({ model, inputs, trainable, shape, loss, saving });
      const sums = Object.entries(result.gradients).map(
        ([name, gradient]) => [NEXT + SUM + name, tf.add(inputs[SUM + name]!, gradient)] as const,
      );
      return { ...result.terms, [LOG_PROBS]: result.logProbs, ...Object.fromEntries(sums) };
    },
  };
}

/**
 * Builds one optimizer step from the summed gradients. Output `gradNorm`, []; trainable weights and moments in place,
 * sums back to zero.
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
