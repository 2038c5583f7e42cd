/** What the parity tests share: shapes and values by fast-check, both engines, and a comparison. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Engine, ProgramSpec } from '../../../src/compute/engine/engine.ts';
import type { HostTensor } from '../../../src/protocol/tensor.ts';

export type Inputs = Readonly<Record<string, tf.Tensor>>;

/** One drawn example: what is fed, and the function under test. */
export interface Example {
  readonly feeds: Readonly<Record<string, HostTensor>>;
  readonly build: (inputs: Inputs) => tf.Tensor | tf.Tensor[];
}

export const shapes = (minRank = 0, maxRank = 4, maxDim = 3): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 1, max: maxDim }), { minLength: minRank, maxLength: maxRank });

export const specsOf = (feeds: Example['feeds']): ProgramSpec['inputs'] =>
  Object.fromEntries(Object.entries(feeds).map(([name, { dtype, shape }]) => [name, { dtype, shape }]));

export async function run(
  engine: Engine,
  spec: ProgramSpec,
  feeds: Example['feeds'],
): Promise<Record<string, HostTensor>> {
  const program = await engine.compile(spec);
  const outputs = await program.run(feeds);
  await program.dispose();
  return outputs as Record<string, HostTensor>;
}

let count = 0;

/** Outputs named y0, y1, ... */
export function forward({ feeds, build }: Example): ProgramSpec {
  return {
    name: `forward ${count++}`,
    inputs: specsOf(feeds),
    build: (inputs) => Object.fromEntries([build(inputs)].flat().map((tensor, i) => [`y${i}`, tensor])),
  };
}

/** A fixed weight for every output element, so that the loss depends on each differently. */
function weigh(tensors: readonly tf.Tensor[]): tf.Scalar {
  const terms = tensors
    .filter((tensor) => tensor.dtype === 'float32')
    .map((tensor) =>
      tf.sum(
        tf.mul(
          tensor,
          tf.tensor(
            Float32Array.from({ length: tensor.size }, (_, i) => Math.sin(i * 1.7 + 1)),
            tensor.shape,
          ),
        ),
      ),
    );
  return terms.reduce((a, b) => tf.add(a, b)) as tf.Scalar;
}

/** The weighted sum of the outputs, and its gradient with respect to every float input. */
export function gradient({ feeds, build }: Example): ProgramSpec {
  const names = Object.keys(feeds).filter((name) => feeds[name]!.dtype === 'float32');
  return {
    name: `gradient ${count++}`,
    inputs: specsOf(feeds),
    build: (inputs) => {
      const loss = (...args: tf.Tensor[]) =>
        weigh([build({ ...inputs, ...Object.fromEntries(names.map((name, i) => [name, args[i]!])) })].flat());
      const { value, grads } = tf.valueAndGrads(loss)(names.map((name) => inputs[name]!));
      return { loss: value, ...Object.fromEntries(names.map((name, i) => [`d_${name}`, grads[i]!])) };
    },
  };
}

export function expectClose(
  actual: Record<string, HostTensor>,
  expected: Record<string, HostTensor>,
  tolerance: number,
): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, want] of Object.entries(expected)) {
    const got = actual[name]!;
    expect({ name, dtype: got.dtype, shape: [...got.shape] }).toEqual({
      name,
      dtype: want.dtype,
      shape: [...want.shape],
    });
    if (want.dtype !== 'float32') expect({ name, data: [...got.data] }).toEqual({ name, data: [...want.data] });
    else
      expect(
        distance(got, want),
        `${name}: ${got.data.slice(0, 12).join(' ')} against ${want.data.slice(0, 12).join(' ')}`,
      ).toBeLessThan(tolerance);
  }
}

/**
 * Largest difference relative to the larger of 1 and the largest expected value. NaN and infinities must agree exactly.
 */
function distance(got: HostTensor, want: HostTensor): number {
  let [worst, scale] = [0, 1];
  want.data.forEach((value, i) => {
    if (Object.is(value, got.data[i])) return;
    const difference = Math.abs(value - got.data[i]!);
    worst = Math.max(worst, Number.isNaN(difference) ? Infinity : difference);
    scale = Math.max(scale, Number.isFinite(value) ? Math.abs(value) : 1);
  });
  return worst / scale;
}

/** Central difference of the loss along a direction, one input at a time, against the gradient that the tape gives. */
export async function expectGradient(engine: Engine, example: Example): Promise<void> {
  const spec = gradient(example);
  const program = await engine.compile(spec);
  const loss = async (feeds: Example['feeds']): Promise<number> =>
    Number(((await program.run(feeds))['loss'] as HostTensor).data[0]);
  const exact = (await program.run(example.feeds)) as Record<string, HostTensor>;
  for (const [name, feed] of Object.entries(example.feeds)) {
    if (feed.dtype !== 'float32') continue;
    const direction = Float32Array.from(feed.data, (_, i) => Math.cos(i * 2.3 + 0.4));
    const step = 4e-3;
    const moved = (sign: number) =>
      loss({
        ...example.feeds,
        [name]: { ...feed, data: Float32Array.from(feed.data, (value, i) => value + sign * step * direction[i]!) },
      });
    const numeric = ((await moved(1)) - (await moved(-1))) / (2 * step);
    const analytic = Array.from(exact[`d_${name}`]!.data).reduce((sum, value, i) => sum + value * direction[i]!, 0);
    const scale = 1 + Math.hypot(...exact[`d_${name}`]!.data);
    expect(
      Math.abs(numeric - analytic) / scale,
      `gradient of ${name}: ${numeric} by differences, ${analytic} by the tape`,
    ).toBeLessThan(1e-2);
  }
}
