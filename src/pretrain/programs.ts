/** The two programs of a pretraining step: gradients of part of a batch (one in each worker), and the update from their sum. */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import type { ProgramSpec, Specs } from '../compute/engine.ts';
import type { ModelConfig } from '../compute/hf/config.ts';
import { tokenLogProb } from '../compute/kernels.ts';
import { crossEntropy } from '../compute/loss.ts';
import { policyForward, policyName, policySpecs, type PolicyShape } from '../compute/model/policy-forward.ts';
import { weightSpecs } from '../compute/model/weights.ts';
import { adamW, STEP_SCALARS, type AdamWSettings, type StepScalars } from '../compute/optimizer.ts';

/**
 * Outputs `loss`, the cross-entropy summed over response tokens, and `gradient/NAME` of it for every weight. Sums, not means, so that the
 * parts of a batch add up whatever their token counts.
 */
export function gradientProgram(config: ModelConfig, shape: PolicyShape): ProgramSpec {
  const specs = weightSpecs(config);
  const names = Object.keys(specs);
  return {
    name: `pretrain-gradient/${policyName(shape)}`,
    inputs: { ...specs, ...policySpecs(config, shape) },
    build(inputs) {
      // Outside of the differentiated function, whose own tensors are gone when its gradient is built.
      const ids = tf.reshape(inputs['responseIds'] as Tensor, [-1]) as tf.Tensor1D;
      const mask = tf.reshape(inputs['responseMask'] as Tensor, [-1]);
      const lossOf = (...values: Tensor[]): Scalar => {
        const weights = Object.fromEntries(names.map((name, i) => [name, values[i] as Tensor]));
        const logits = policyForward(weights, inputs, config, shape);
        const { logProb } = tokenLogProb(logits as tf.Tensor2D, ids);
        return crossEntropy(logProb, mask);
      };
      const { value, grads } = tf.valueAndGrads(lossOf)(names.map((name) => inputs[name] as Tensor));
      return { loss: value, ...prefixed('gradient', Object.fromEntries(names.map((name, i) => [name, grads[i] as Tensor]))) };
    },
  };
}

/** Inputs `weight/`, `gradient/`, `first/`, `second/NAME` and the step's scalars; outputs `next/weight/` and so on, and `gradNorm`. */
export function updateProgram(config: ModelConfig, settings: AdamWSettings): ProgramSpec {
  const specs = weightSpecs(config);
  const kinds = ['weight', 'gradient', 'first', 'second'] as const;
  const scalars: Specs = Object.fromEntries(STEP_SCALARS.map((name) => [name, { dtype: 'float32', shape: [] }]));
  return {
    name: `pretrain-update/${JSON.stringify(settings)}`,
    inputs: { ...Object.assign({}, ...kinds.map((kind) => prefixed(kind, specs))), ...scalars },
    build(inputs) {
      const part = (kind: (typeof kinds)[number]): Record<string, Tensor> =>
        Object.fromEntries(Object.keys(specs).map((name) => [name, inputs[`${kind}/${name}`] as Tensor]));
      const moments = { first: part('first'), second: part('second') };
      const step = inputs as Readonly<Record<keyof StepScalars, Tensor>>;
      const next = adamW.update(part('weight'), part('gradient'), moments, step, settings);
      return {
        gradNorm: next.gradNorm,
        ...prefixed('next/weight', next.weights),
        ...prefixed('next/first', next.first),
        ...prefixed('next/second', next.second),
      };
    },
  };
}

/** Keys with `prefix/` before them. */
export function prefixed<T>(prefix: string, record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [`${prefix}/${name}`, value]));
}
