/**
 * An objective of the learner: it defines what the policy learns from a batch of judged groups. A new objective takes
 * a file next to this file and its line in `all.ts`; the configuration, its documentation, the learner and `quorum
 * experiment` read that list. An objective does not import TensorFlow.js: its loss receives the library as a
 * parameter.
 */
import type { z } from 'zod';
import type { JudgedGroup, StepMetrics } from '../../protocol/messages.ts';
import type { EncodedPrompt } from '../models/family.ts';
import type { TokenLoss } from '../training/token-loss.ts';
import type { TrainGroup } from '../training/trainer.ts';
import type { LearnSettings } from './settings.ts';
import type { Clip } from './terms.ts';

/** A judged group and its encoded prompt. */
export interface Encoded {
  readonly judged: JudgedGroup;
  readonly prompt: EncodedPrompt;
}

/** A prompt and the tokens of its responses. */
export interface Scorable {
  readonly prompt: EncodedPrompt;
  readonly responses: readonly (readonly number[])[];
}

/** Returns log pi of every token, `[group][response][token]`, under the distribution at `temperature`. */
export type Score = (groups: readonly Scorable[], temperature: number) => Promise<number[][][]>;

/** Returns the text of tokens, without special ones. */
export type Decode = (tokens: readonly number[]) => string;

/** The inputs with which an objective prepares a step. */
export interface Step<Own extends { readonly type: string }> {
  readonly settings: LearnSettings<Own>;
  /** The version that the step starts from. */
  readonly parent: number;
  /** Scores under the current weights of the policy. */
  readonly policy: Score;
  /** Scores under the frozen base. */
  readonly base: Score;
  readonly decode: Decode;
}

export interface Prepared {
  /** The learner drops groups without tokens and splits the rest into mini-batches. */
  readonly groups: readonly TrainGroup[];
  readonly metrics?: Partial<StepMetrics>;
}

export interface Revised {
  readonly groups: readonly TrainGroup[];
  /** Replaces the program's loss in the metrics, when that differs from the objective's own value. */
  readonly loss?: number;
}

/** Schema of `learner.objective`, `type` included. */
export type OwnSchema = z.ZodObject<{ readonly type: z.ZodLiteral<string> }>;

export interface Objective<Schema extends OwnSchema = OwnSchema> {
  /** Value of `learner.objective.type`. */
  readonly name: string;
  /** A description for the documentation; it continues a sentence that begins with `name`. */
  readonly summary: string;
  readonly settings: Schema;
  /** Bounds of the importance ratio; absent where the loss has none. */
  clip?(settings: LearnSettings<z.output<Schema>>): Clip;
  /** Whether the objective can replace `grpo`; if so, `quorum experiment` compares the two. */
  readonly followsAdvantages?: boolean;
  /** Returns the loss over tensors, with the values per token that it needs. */
  loss(settings: LearnSettings<z.output<Schema>>): TokenLoss;
  /** Computes everything in plain numbers before the first update of a step. */
  prepare(encoded: readonly Encoded[], step: Step<z.output<Schema>>): Promise<Prepared> | Prepared;
  /** Does the same before each update, for values that depend on the current weights. */
  revise?(groups: readonly TrainGroup[], step: Step<z.output<Schema>>): Promise<Revised> | Revised;
}

/** Infers the types of an objective's settings from its schema. */
export function defineObjective<Schema extends OwnSchema>(objective: Objective<Schema>): Objective<Schema> {
  return objective;
}
