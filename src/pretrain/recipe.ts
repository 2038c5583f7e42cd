/**
 * The two-stage recipe of `models/mini`. The second stage teaches a worse way to answer in addition to the better way;
 * see the benchmark's docs.
 */
import type { Mixture } from './examples.ts';

export interface Stage {
  readonly name: string;
  readonly steps: number;
  /** Peak rate: a linear warm-up rises to it, then a cosine falls to `floor` times it. */
  readonly learningRate: number;
  readonly warmupSteps: number;
  readonly floor: number;
  readonly mixture: Mixture;
}

export const STAGES: readonly Stage[] = [
  {
    name: 'workings',
    steps: 3000,
    learningRate: 2e-3,
    warmupSteps: 100,
    floor: 0.05,
    mixture: { direct: 0, ask: 0.1 },
  },
  {
    name: 'shortcuts',
    steps: 400,
    learningRate: 8e-4,
    warmupSteps: 20,
    floor: 0.05,
    mixture: { direct: 0.55, ask: 0.1 },
  },
];

export const BATCH = 64;

export const ADAMW = {
  beta1: 0.9,
  beta2: 0.98,
  epsilon: 1e-8,
  weightDecay: 0.05,
  clipNorm: 1,
} as const;

/** Returns the learning rate of step `step` (0-based) of a stage. */
export function learningRateAt(stage: Stage, step: number): number {
  if (step < stage.warmupSteps) return (stage.learningRate * (step + 1)) / stage.warmupSteps;
  const progress = (step - stage.warmupSteps) / Math.max(1, stage.steps - stage.warmupSteps);
  const cosine = 0.5 * (1 + Math.cos(Math.PI * Math.min(1, progress)));
  return stage.learningRate * (stage.floor + (1 - stage.floor) * cosine);
}

export const EVALUATION = { everySteps: 250, quickQuestions: 200, questions: 1000, samples: 10 } as const;
