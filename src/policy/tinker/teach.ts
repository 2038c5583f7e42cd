/** One learner step: this process works out the objective's numbers, the server the gradients and the update. */
import type { Encoded, Scorable } from '../../compute/objectives/objective.ts';
import { minibatches } from '../../compute/objectives/learn.ts';
import { objectiveOf } from '../../compute/objectives/registry.ts';
import type { LearnSettings } from '../../compute/objectives/settings.ts';
import { learningRateAt } from '../../compute/training/schedule.ts';
import type { Config } from '../../config/schema.ts';
import { InputError } from '../../protocol/errors.ts';
import type { Batch, StepMetrics } from '../../protocol/messages.ts';
import { learnDatum, scoreDatum, taughtOf, type ServerLoss } from './loss.ts';
import { stepMetrics, type Outcome } from './metrics.ts';
import type { Prompts, ServerPrompt } from './prompts.ts';
import type { Session } from './session.ts';
import { stepped } from './wire.ts';

/** The API's default. The local engine's 1e-8 is as large as the gradients of a server that averages over tokens. */
const EPSILON = 1e-12;

export interface Teacher {
  readonly session: Session;
  readonly prompts: Prompts;
  readonly settings: LearnSettings;
  readonly optimizer: Pick<Config['learner'], 'betas' | 'weightDecay' | 'gradientClipNorm'>;
  readonly loss: ServerLoss;
  /** Of each request. */
  readonly seconds: number;
}

export async function teach(
  teacher: Teacher,
  batch: Batch,
  signal?: AbortSignal,
): Promise<Omit<StepMetrics, 'seconds'>> {
  const { session, prompts, loss, seconds } = teacher;
  const settings: LearnSettings = { ...teacher.settings, ...batch.settings };
  if (settings.temperature !== 1)
    throw new InputError(
      `\`sampling.temperature\` was set to ${settings.temperature} for batch ${batch.id}, and a Tinker server learns at temperature 1: set it back`,
    );
  const objective = objectiveOf(settings.objective);
  const encoded = await Promise.all(
    batch.groups.map(async (judged): Promise<Encoded> => ({
      judged,
      prompt: await prompts.encode(judged.group.question),
    })),
  );
  const decode = (tokens: readonly number[]) => prompts.decode(tokens);
  const step = { settings, parent: batch.parent, decode, ...scores(teacher, signal) };
  const { groups, metrics } = await objective.prepare(encoded, step);
  const taught = groups.filter(({ responses }) => responses.some(({ tokens }) => tokens.length > 0));
  const learningRate = learningRateAt(batch.parent, settings);
  const outcomes: Outcome[] = [];
  for (const part of minibatches(taught, settings.minibatches)) {
    const responses = taughtOf((await objective.revise?.(part, step))?.groups ?? part);
    const data = responses.map((each) => learnDatum(each, settings.klCoefficient));
    const logprobs = await session.forwardBackward(data, loss, seconds, signal);
    outcomes.push({ responses, logprobs, gradNorm: await update(teacher, learningRate, signal) });
  }
  return { ...stepMetrics(batch, outcomes, loss, settings.klCoefficient), ...metrics, learningRate };
}

/** @returns the gradient's norm before the clip; 0 where the server does not say. */
async function update({ session, optimizer, seconds }: Teacher, rate: number, signal?: AbortSignal): Promise<number> {
  const { betas, weightDecay, gradientClipNorm } = optimizer;
  const adam_params = {
    learning_rate: rate,
    beta1: betas[0],
    beta2: betas[1],
    eps: EPSILON,
    weight_decay: weightDecay,
    grad_clip_norm: gradientClipNorm,
  };
  const request = {
    doing: 'updating the weights',
    path: '/optim_step',
    body: { adam_params },
    schema: stepped,
    signal,
  };
  const { metrics } = await session.work(request, seconds);
  return Object.entries(metrics ?? {}).find(([name]) => /grad_?norm/.test(name))?.[1] ?? 0;
}

/** Scores of the objective, at temperature 1. */
function scores({ session, seconds }: Teacher, signal?: AbortSignal) {
  const score = (of: 'policy' | 'base') => async (groups: readonly Scorable[]) => {
    const data = groups.flatMap(({ prompt, responses }) =>
      responses.map((tokens) => scoreDatum(prompt as ServerPrompt, tokens)),
    );
    const logprobs = await session.forward(data, of, seconds, signal);
    return groups.map(({ responses }) => logprobs.splice(0, responses.length));
  };
  return { policy: score('policy'), base: score('base') };
}
