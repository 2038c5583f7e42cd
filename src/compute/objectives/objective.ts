/**
 * An objective of the learner: what a batch of judged groups teaches. To add one, write a file next to this one and name
 * it in `all.ts`: the configuration, its documentation, the learner and `quorum experiment` read it from there. An
 * objective loads no tensors: TensorFlow.js reaches its loss as a parameter.
 */
import type { z } from 'zod';
import type { JudgedGroup, StepMetrics } from '../../protocol/messages.ts';
import type { EncodedPrompt } from '../models/family.ts';
import type { TokenLoss } from '../training/token-loss.ts';
import type { TrainGroup } from '../training/trainer.ts';
import type { LearnSettings } from './settings.ts';

/** A judged group and its prompt as the model sees it. */
export interface Encoded {
  readonly judged: JudgedGroup;
  readonly prompt: EncodedPrompt;
}

/** A prompt and the tokens of its responses. */
export interface Scorable {
  readonly prompt: EncodedPrompt;
  readonly responses: readonly (readonly number[])[];
}

/** log pi of every token, `[group][response][token]`, under the distribution at `temperature`. */
export type Score = (groups: readonly Scorable[], temperature: number) => Promise<number[][][]>;

/** What an objective prepares a step with. */
export interface Step<Own extends { readonly type: string }> {
  readonly settings: LearnSettings<Own>;
  /** The version that the step starts from. */
  readonly parent: number;
  /** Under the weights that are being learnt, as they are now. */
  readonly policy: Score;
  /** Under the frozen base. */
  readonly base: Score;
}

export interface Prepared {
  /** Groups without a token are left out, and the rest is cut into mini-batches. */
  readonly groups: readonly TrainGroup[];
  readonly metrics?: Partial<StepMetrics>;
}

export interface Revised {
  readonly groups: readonly TrainGroup[];
  /** Takes the place of the program's, where that is not the objective's own value. */
  readonly loss?: number;
}

/** Of `learner.objective`, `type` included. */
export type OwnSchema = z.ZodObject<{ readonly type: z.ZodLiteral<string> }>;

export interface Objective<Schema extends OwnSchema = OwnSchema> {
  /** Value of `learner.objective.type`. */
  readonly name: string;
  /** What it does, for the documentation: continues "`name` ...". */
  readonly summary: string;
  readonly settings: Schema;
  /** Whether it could stand in the place of `grpo`: `quorum experiment` then compares it with it. */
  readonly followsAdvantages?: boolean;
  /** The loss over tensors, and the values per token that it needs. */
  loss(settings: LearnSettings<z.output<Schema>>): TokenLoss;
  /** All that is plain numbers, worked out before the first update of a step. */
  prepare(encoded: readonly Encoded[], step: Step<z.output<Schema>>): Promise<Prepared> | Prepared;
  /** The same before each update, where it depends on the weights as they are then. */
  revise?(groups: readonly TrainGroup[], step: Step<z.output<Schema>>): Promise<Revised> | Revised;
}

/** Gives an objective the types of its settings. */
export function defineObjective<Schema extends OwnSchema>(objective: Objective<Schema>): Objective<Schema> {
  return objective;
}
