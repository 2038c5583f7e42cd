import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import { CASES } from './cases.ts';
import './cases-fused.ts';
import './cases-shape.ts';
import { expectClose, expectGradient, forward, gradient, run } from './support.ts';

const cpu = await createEngine('cpu', { threads: 1 });
const reference = await createEngine('reference', { threads: 1 });
afterAll(() => cpu[Symbol.asyncDispose]());

const OPTIONS = { seed: 7, numRuns: 6, endOnFailure: true };

describe('every kernel of the symbolic backend agrees with the reference', () => {
  test('has a case', () => {
    const kernels = tf.getKernelsForBackend('symbolic').map((kernel) => kernel.kernelName);
    expect(kernels.length).toBeGreaterThan(60);
    const covered = new Set(CASES.map((each) => each.kernel));
    expect(kernels.filter((kernel) => !covered.has(kernel))).toEqual([]);
  });

  test.each(CASES)('$title', async ({ kernel, draw, gradient: check }) => {
    const emitter = vi.spyOn(tf.getKernel(kernel, 'symbolic'), 'kernelFunc');
    await fc.assert(
      fc.asyncProperty(draw, async (example) => {
        const spec = forward(example);
        expectClose(await run(cpu, spec, example.feeds), await run(reference, spec, example.feeds), 1e-5);
        if (check === 'none') return;
        const backward = gradient(example);
        const gradients = await run(cpu, backward, example.feeds);
        expectClose(gradients, await run(reference, backward, example.feeds), 2e-5);
        if (check === 'numeric') await expectGradient(cpu, example);
        else expect([...gradients['d_x']!.data].every((value) => value === 0)).toBe(true);
      }),
      OPTIONS,
    );
    expect(emitter).toHaveBeenCalled();
    emitter.mockRestore();
  });
});
