import { describe, expect, it } from 'vitest';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import type { EngineName } from '../../../src/compute/engine/engine.ts';
import { adamW, STEP_SCALARS, type AdamWSettings } from '../../../src/compute/training/optimizer.ts';
import { learningRateAt } from '../../../src/compute/training/schedule.ts';
import { Random } from '../../../src/data/rng.ts';
import { f32, type HostTensor } from '../../../src/protocol/tensor.ts';

const settings: AdamWSettings = { beta1: 0.9, beta2: 0.98, epsilon: 1e-8, weightDecay: 0.1, clipNorm: 1 };
const specs = { matrix: { dtype: 'float32', shape: [2, 3] }, vector: { dtype: 'float32', shape: [4] } } as const;

/** AdamW in plain doubles, as in Loshchilov and Hutter (2019), algorithm 2. */
function plain(
  weights: Record<string, number[]>,
  gradients: readonly Record<string, number[]>[],
  rate: number,
): Record<string, number[]> {
  const names = Object.keys(weights);
  const first = Object.fromEntries(names.map((name) => [name, weights[name]!.map(() => 0)]));
  const second = structuredClone(first);
  const out = structuredClone(weights);
  gradients.forEach((gradient, i) => {
    const norm = Math.sqrt(names.flatMap((name) => gradient[name]!).reduce((sum, g) => sum + g * g, 0));
    const scale = Math.min(1, settings.clipNorm / norm);
    for (const name of names) {
      const decay = name === 'matrix' ? settings.weightDecay : 0;
      out[name]!.forEach((weight, at) => {
        const g = gradient[name]![at]! * scale;
        const m = (first[name]![at] = settings.beta1 * first[name]![at]! + (1 - settings.beta1) * g);
        const v = (second[name]![at] = settings.beta2 * second[name]![at]! + (1 - settings.beta2) * g * g);
        const [mHat, vHat] = [m / (1 - settings.beta1 ** (i + 1)), v / (1 - settings.beta2 ** (i + 1))];
        out[name]![at] = weight - rate * (mHat / (Math.sqrt(vHat) + settings.epsilon) + decay * weight);
      });
    }
  });
  return out;
}

function draw(random: Random, scale: number): Record<string, number[]> {
  return {
    matrix: Array.from({ length: 6 }, () => scale * random.normal()),
    vector: Array.from({ length: 4 }, () => scale * random.normal()),
  };
}

async function run(
  name: EngineName,
  weights: Record<string, number[]>,
  gradients: readonly Record<string, number[]>[],
  rate: number,
) {
  await using engine = await createEngine(name, { threads: 1 });
  const state = ['', 'first.', 'second.'].flatMap((prefix) =>
    Object.entries(specs).map(([key, spec]) => [prefix + key, spec] as const),
  );
  const program = await engine.compile({
    name: 'adamw',
    inputs: {
      ...Object.fromEntries(state),
      ...Object.fromEntries(Object.entries(specs).map(([key, spec]) => [`gradient.${key}`, spec])),
      ...Object.fromEntries(STEP_SCALARS.map((scalar) => [scalar, { dtype: 'float32', shape: [] }])),
    },
    build(inputs) {
      const part = (prefix: string) => ({ matrix: inputs[`${prefix}matrix`]!, vector: inputs[`${prefix}vector`]! });
      const scalars = {
        learningRate: inputs['learningRate']!,
        firstCorrection: inputs['firstCorrection']!,
        secondCorrection: inputs['secondCorrection']!,
      };
      const next = adamW.update(
        part(''),
        part('gradient.'),
        { first: part('first.'), second: part('second.') },
        scalars,
        settings,
      );
      const renamed = (prefix: string, tensors: typeof next.weights) =>
        Object.fromEntries(Object.entries(tensors).map(([key, tensor]) => [`next.${prefix}${key}`, tensor]));
      return {
        ...renamed('', next.weights),
        ...renamed('first.', next.first),
        ...renamed('second.', next.second),
        gradNorm: next.gradNorm,
      };
    },
  });
  const moments = adamW.init(specs);
  let fed: Record<string, HostTensor> = {
    ...Object.fromEntries(Object.entries(specs).map(([key, { shape }]) => [key, f32(shape, weights[key])])),
    ...Object.fromEntries(Object.entries(moments.first).map(([key, tensor]) => [`first.${key}`, tensor])),
    ...Object.fromEntries(Object.entries(moments.second).map(([key, tensor]) => [`second.${key}`, tensor])),
  };
  const norms: number[] = [];
  for (const [i, gradient] of gradients.entries()) {
    const scalars = Object.entries(adamW.scalars(i + 1, rate, settings)).map(
      ([key, value]) => [key, f32([], [value])] as const,
    );
    const given = Object.entries(specs).map(
      ([key, { shape }]) => [`gradient.${key}`, f32(shape, gradient[key])] as const,
    );
    const outputs = (await program.run({ ...fed, ...Object.fromEntries([...scalars, ...given]) })) as Record<
      string,
      HostTensor
    >;
    norms.push(outputs['gradNorm']!.data[0]!);
    fed = Object.fromEntries(state.map(([key]) => [key, outputs[`next.${key}`]!]));
  }
  return { weights: { matrix: [...fed['matrix']!.data], vector: [...fed['vector']!.data] }, norms };
}

describe('adamW', () => {
  it.each(['reference', 'cpu'] as const)(
    'follows the algorithm over ten steps, with large and small gradients, on %s',
    async (name) => {
      const random = new Random(4, 'adamw');
      const weights = draw(random, 1);
      const gradients = Array.from({ length: 10 }, (_, i) => draw(random, i % 2 === 0 ? 5 : 0.05));
      const result = await run(name, weights, gradients, 0.03);
      const expected = plain(weights, gradients, 0.03);
      expected['matrix']!.forEach((value, at) => expect(result.weights.matrix[at]).toBeCloseTo(value, 4));
      expected['vector']!.forEach((value, at) => expect(result.weights.vector[at]).toBeCloseTo(value, 4));
      result.norms.forEach((norm, i) =>
        expect(norm).toBeCloseTo(Math.hypot(...Object.values(gradients[i]!).flat()), 3),
      );
    },
  );

  it('decays matrices and leaves vectors alone where there is no gradient', async () => {
    const weights = { matrix: [1, 2, 3, 4, 5, 6], vector: [1, 2, 3, 4] };
    const zero = { matrix: [0, 0, 0, 0, 0, 0], vector: [0, 0, 0, 0] };
    const result = await run('cpu', weights, [zero], 0.5);
    weights.matrix.forEach((value, at) => expect(result.weights.matrix[at]).toBeCloseTo(value * (1 - 0.5 * 0.1), 5));
    expect(result.weights.vector).toEqual(weights.vector);
  });
});

describe('learningRateAt', () => {
  const rates = (steps: readonly number[], settings: Parameters<typeof learningRateAt>[1]): number[] =>
    steps.map((step) => learningRateAt(step, settings));

  it('warms up linearly, then stays', () => {
    expect(rates([0, 1, 3, 4, 900], { learningRate: 8, warmupSteps: 4, schedule: { type: 'constant' } })).toEqual([
      2, 4, 8, 8, 8,
    ]);
  });

  it('falls linearly or by a half cosine to its floor and stays there', () => {
    const linear = rates([0, 5, 10, 99], {
      learningRate: 1,
      warmupSteps: 0,
      schedule: { type: 'linear', totalSteps: 10, floorShare: 0.2 },
    });
    linear.forEach((rate, i) => expect(rate).toBeCloseTo([1, 0.6, 0.2, 0.2][i]!, 12));
    const cosine = rates([2, 7, 12, 99], {
      learningRate: 1,
      warmupSteps: 2,
      schedule: { type: 'cosine', totalSteps: 12, floorShare: 0.1 },
    });
    cosine.forEach((rate, i) => expect(rate).toBeCloseTo([1, 0.55, 0.1, 0.1][i]!, 12));
  });
});
