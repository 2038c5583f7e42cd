/**
 * The gradient of the shared-prefix program, through window attention, padding and the images' placement, against
 * finite differences.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import type { ProgramSpec } from '../../../src/compute/engine/engine.ts';
import { planPolicy, policyForward, policyName, policySpecs } from '../../../src/compute/programs/policy-forward.ts';
import { f32, type HostTensor } from '../../../src/protocol/tensor.ts';
import { run, type Host } from './engines.ts';
import { CASES, loadFixture } from './fixture.ts';

const RESPONSES = [
  [5, 6, 7],
  [3, 80, 3, 20, 21, 22],
];
const STEP = 2e-3;

describe.each(CASES)('fixture %s', (name) => {
  test.each(['visual.', 'model.'])('the gradient in %s* predicts the change of the loss', async (prefix) => {
    const { model, params, prompts } = await loadFixture(name);
    const plan = planPolicy(
      model,
      prompts,
      prompts.map(() => RESPONSES),
    );
    const names = Object.keys(params);
    const inputs = { ...model.parameters, ...policySpecs(model, plan.shape) };
    const loss = (tensors: Readonly<Record<string, tf.Tensor>>): tf.Scalar => {
      const logits = policyForward(model, tensors, tensors, plan.shape);
      const mask = tf.reshape(tensors['responseMask']!, [-1, 1]);
      // Any smooth function of the logits that is not symmetric in them.
      const ramp = tf.range(0, model.dimensions.vocabSize, 1, 'float32');
      return tf.mean(tf.mul(tf.sin(tf.add(logits, ramp)), mask));
    };
    const gradient: ProgramSpec = {
      name: `gradient:${policyName(plan.shape)}`,
      inputs,
      build: (tensors) => {
        const weights = names.map((key) => tensors[key]!);
        const { grads } = tf.valueAndGrads((...given: tf.Tensor[]) =>
          loss({ ...tensors, ...Object.fromEntries(names.map((key, i) => [key, given[i]!])) }),
        )(weights);
        return Object.fromEntries(names.map((key, i) => [`d:${key}`, grads[i]!]));
      },
    };
    const value: ProgramSpec = {
      name: `loss:${policyName(plan.shape)}`,
      inputs,
      build: (tensors) => ({ loss: loss(tensors) }),
    };

    const grads = await run('cpu', gradient, { ...params, ...plan.feeds });
    const direction = Object.fromEntries(
      names.map((key, i) => [
        key,
        key.startsWith(prefix) ? wave(params[key]!, i) : new Float32Array(params[key]!.data.length),
      ]),
    );
    const at = async (step: number) => {
      const moved: Host = Object.fromEntries(
        names.map((key) => [
          key,
          f32(params[key]!.shape, params[key]!.data.map((w, j) => w + step * direction[key]![j]!) as Float32Array),
        ]),
      );
      return (await run('cpu', value, { ...moved, ...plan.feeds }))['loss']!.data[0]!;
    };
    const slope = ((await at(STEP)) - (await at(-STEP))) / (2 * STEP);
    const predicted = names.reduce((sum, key) => sum + dot(grads[`d:${key}`]!.data, direction[key]!), 0);
    expect(Math.abs(predicted)).toBeGreaterThan(1e-3);
    expect(Math.abs(predicted - slope)).toBeLessThan(0.02 * Math.abs(predicted) + 5e-4);
  });
});

/** A fixed direction of unit-size values, another for every tensor. */
function wave(tensor: HostTensor, seed: number): Float32Array {
  return Float32Array.from(tensor.data, (_, j) => Math.sin(12.9898 * (j + 1) + 78.233 * seed));
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);
}
