/** What a recipe is: the words, examples and stages that make a model of the mini's shape from nothing. */
import type { LabelledDataset } from '../data/dataset.ts';
import type { FigureKey } from '../data/figures/figure.ts';

/** A labelled example: a figure, a prompt, and the response to imitate. */
export interface Example {
  readonly figure: FigureKey;
  readonly prompt: string;
  readonly response: string;
}

/** The mixture of the examples, as shares in [0, 1]. */
export interface Mixture {
  /** Share of answers that consist of the box alone, without working. */
  readonly direct: number;
  /** Share of examples that request a question; half of them show a seed question. */
  readonly ask: number;
}

export interface Stage {
  readonly name: string;
  readonly steps: number;
  /** Peak rate: a linear warm-up rises to it, then a cosine falls to `floor` times it. */
  readonly learningRate: number;
  readonly warmupSteps: number;
  readonly floor: number;
  readonly mixture: Mixture;
}

export interface Evaluation {
  readonly everySteps: number;
  /** Held-out questions during training. */
  readonly quickQuestions: number;
  /** Held-out questions at the end. */
  readonly questions: number;
  /** Samples of each of them at the end. */
  readonly samples: number;
}

/** The texts that a model's tokenizer knows, and the length of its responses. */
export interface Words {
  /** Prompts and questions; numbers and operators are known anyway. */
  readonly texts: readonly string[];
  readonly maxNewTokens: number;
}

/** Sizes of a gradient's programs, in rows and tokens. Examples of like lengths share a program. */
export interface ProgramSizes {
  /** Examples in a program; the last program of a part may have fewer. Undefined: all of a part. */
  readonly examples?: number;
  /** Ascending; the last one holds every example. */
  readonly promptLengths: readonly number[];
  readonly responseLengths: readonly number[];
}

export interface Recipe {
  readonly words: Words;
  /** The model of the package, of the same shape, whose weights training starts from; default: random weights. */
  readonly start?: { readonly folder: string; readonly texts: Words['texts'] };
  readonly stages: readonly Stage[];
  /** Examples per step. */
  readonly batch: number;
  readonly evaluation: Evaluation;
  readonly sizes: ProgramSizes;
  /** Example number `index`; each example has its own picture, which no other example uses. */
  example(index: number, seed: number, mixture: Mixture): Example;
  /** The questions that no example uses. */
  heldOut(): LabelledDataset;
  /** Of the model card. */
  readonly card: {
    readonly title: string;
    /** What the model is for. */
    readonly about: string;
    /** What the stages leave. */
    readonly result: string;
  };
}

/**
 * Trains all weights of a widened model, which already answers: at a rate at which the new weights take part without
 * undoing the old ones.
 */
export function widenedStage({ stages }: Recipe): Stage {
  const { mixture } = stages.at(-1)!;
  return { name: 'widened', steps: 60, learningRate: 3e-5, warmupSteps: 6, floor: 0.1, mixture };
}

/** Of a widened model, whose answers take longer. */
export const WIDENED_EVALUATION: Evaluation = { everySteps: 1_000, quickQuestions: 200, questions: 200, samples: 10 };

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

/** The stages with `steps` steps in all, in the same proportions; warm-ups stay in proportion too. */
export function shortened(stages: readonly Stage[], steps: number): readonly Stage[] {
  const all = stages.reduce((sum, stage) => sum + stage.steps, 0);
  let end = 0;
  return stages.map((stage) => {
    const from = Math.round((end * steps) / all);
    end += stage.steps;
    const own = Math.round((end * steps) / all) - from;
    return { ...stage, steps: own, warmupSteps: Math.round((stage.warmupSteps * own) / stage.steps) };
  });
}
