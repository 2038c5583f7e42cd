import { describe, expect, it } from 'vitest';
import type { ThreadMemory } from '../../../src/compute/memory/estimate.ts';
import { deviceMemory, hostMemory, totalOf } from '../../../src/compute/memory/places.ts';
import { makeAdapter } from '../../../src/compute/models/adapters.ts';
import { withAdapter } from '../../../src/compute/models/parameter-sets.ts';
import type { ProgramSpec, Specs } from '../../../src/compute/engine/engine.ts';
import { scoreProgram } from '../../../src/compute/training/score.ts';
import { gradProgram, updateProgram } from '../../../src/compute/training/step.ts';
import { CROSS_ENTROPY } from '../../../src/compute/training/token-loss.ts';
import { sizeOf } from '../../../src/protocol/tensor.ts';
import { tinyModel } from '../../support/tiny-model.ts';

const [T, F] = [1_000, 1_000_000];
const memory: ThreadMemory = {
  frozen: F,
  trainable: T,
  activations: 80,
  pictures: 40,
  update: 4_000,
  cache: 20,
  sampling: 60,
};
const none = { learners: 0, samplers: 0 };
const one = { learners: 1, samplers: 1 };

describe('a GPU', () => {
  const adapter = makeAdapter(tinyModel, { type: 'lora', rank: 2, alpha: 4, targets: ['q_proj'], vision: false });
  const { trainable } = adapter;
  const adapted = withAdapter(tinyModel, adapter);
  const shape = { prompts: 1, samples: 2, promptLength: 8, responseLength: 8 };
  const bytes = (specs: Specs): number => Object.values(specs).reduce((sum, spec) => sum + 4 * sizeOf(spec.shape), 0);
  /** Bytes of the trainable set, moments and sums that a program is fed. */
  const fed = ({ inputs }: ProgramSpec): number =>
    bytes(
      Object.fromEntries(
        Object.entries(inputs).filter(([name]) => name.replace(/^(first|second|sum)\./, '') in trainable),
      ),
    );

  it('has the copies of the state that its programs are fed, and what the optimizer makes', () => {
    const optimizer = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1, clipNorm: 1 };
    const sets = { frozen: tinyModel.parameters, trainable };
    const [pass, update] = [gradProgram(adapted, sets, shape, CROSS_ENTROPY), updateProgram(trainable, optimizer)];
    const counted = deviceMemory({ ...memory, trainable: bytes(trainable), update: 0 }, { learners: 1, samplers: 0 });
    expect([counted.trainable, counted.moments]).toEqual([fed(pass), fed(update)]);
    const sampled = deviceMemory({ ...memory, trainable: bytes(trainable) }, { learners: 0, samplers: 1 });
    expect([sampled.trainable, sampled.moments]).toEqual([fed(scoreProgram(adapted, shape, 1)), 0]);
    expect(deviceMemory(memory, { learners: 1, samplers: 0 }).moments).toBe(4 * T + 4_000);
  });

  it('holds the frozen weights once a thread, and programs of the roles that it has', () => {
    expect(deviceMemory(memory, { learners: 1, samplers: 2 }).frozen).toBe(3 * F);
    const { activations, pictures, cache, sampling } = deviceMemory(memory, { learners: 0, samplers: 2 });
    expect([activations, pictures, cache, sampling]).toEqual([0, 0, 40, 120]);
  });
});

describe('the host', () => {
  it('maps frozen weights where a thread computes there', () => {
    const { parts, mapped } = hostMemory(memory, one, one);
    expect([parts.frozen, mapped, hostMemory(memory, one, none).mapped]).toEqual([0, F, 0]);
  });

  it('keeps weights, moments and versions of threads on GPUs too, but not their programs', () => {
    const [gpus, cpu] = [hostMemory(memory, one, none).parts, hostMemory(memory, one, one).parts];
    expect({ ...cpu, activations: 0, pictures: 0, cache: 0, sampling: 0 }).toEqual(gpus);
    expect(totalOf(cpu) - totalOf(gpus)).toBe(1.25 * (80 + 40 + 60) + 20);
  });

  it('has weights and moments of each learner thread, and what several exchange', () => {
    const several = { learners: 2, samplers: 1 };
    const [a, b] = [hostMemory(memory, one, one).parts, hostMemory(memory, several, several).parts];
    expect([a.trainable, a.moments, b.trainable, b.moments]).toEqual([3 * T, 4 * T, 8 * T, 8 * T]);
    expect([b.versions, b.activations]).toEqual([a.versions, 2 * a.activations]);
  });
});
