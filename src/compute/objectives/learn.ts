/** Runs one learner step: the objective of the settings turns a batch of judged groups into a few optimizer updates. */
import type { Batch, Question, StepMetrics } from '../../protocol/messages.ts';
import type { RunningModel } from '../rollout/decoding.ts';
import { stage } from '../engine/native.ts';
import type { EncodedPrompt } from '../models/family.ts';
import { encodeQuestion, type QuestionEncoder } from '../rollout/prompts.ts';
import { learningRateAt } from '../training/schedule.ts';
import { ALONE, shareOf, type Ranks } from '../training/ranks.ts';
import type { Scorer } from '../training/score.ts';
import type { Sharing } from '../training/sharing.ts';
import type { StepOutcome, Trainer, TrainGroup } from '../training/trainer.ts';
import type { Decode, Encoded, Score } from './objective.ts';
import { openObjective } from './registry.ts';
import type { LearnSettings } from './settings.ts';

/** The models and options that a step uses with any objective. */
export interface Learner {
  readonly trainer: Trainer;
  readonly scorer: Scorer;
  /** The threads that take the step together; default: this one. */
  readonly ranks?: Ranks | undefined;
  /**
   * Shares passes with helpers outside this thread; default: none. @param questionOf a prompt that a question gave.
   * @param temperature of the step's settings
   */
  readonly sharing?:
    | ((questionOf: (prompt: EncodedPrompt) => Question | undefined, temperature: number) => Sharing)
    | undefined;
  readonly encoder: QuestionEncoder;
  /** The weights that the step trains. */
  readonly model: RunningModel;
  /** The frozen base. */
  readonly base: () => Promise<RunningModel>;
}

/** @throws InputError when a question's picture no longer exists. */
export async function learnBatch(learner: Learner, batch: Batch, configured: LearnSettings): Promise<StepMetrics> {
  const started = performance.now();
  const { objective, own } = await openObjective(configured.objective);
  const settings = { ...configured, ...batch.settings, objective: own };
  const prompts = await encodeTogether(
    learner,
    batch.groups.map(({ group }) => group.question),
  );
  const questions = new Map(prompts.map((prompt, i) => [prompt, batch.groups[i]!.group.question]));
  const sharing = learner.sharing?.((prompt) => questions.get(prompt), settings.temperature);
  const encoded = batch.groups.map((judged, i): Encoded => ({ judged, prompt: prompts[i]! }));
  const learningRate = learningRateAt(batch.parent, settings);
  const loss = objective.loss(settings);
  const decode: Decode = (tokens) => learner.encoder.tokenizer.decode(tokens);
  const step = { settings, parent: batch.parent, decode, ...scores(learner) };
  const { groups, metrics } = await objective.prepare(encoded, step);
  const taught = groups.filter(({ responses }) => responses.some(({ tokens }) => tokens.length > 0));
  const outcomes: StepOutcome[] = [];
  const isComparable = settings.temperature > 0 && loss.temperature === settings.temperature;
  for (const part of minibatches(taught, settings.minibatches)) {
    const revised = await objective.revise?.(part, step);
    const revisedPart = revised?.groups ?? part;
    // After the first update the weights are no longer those of a version that samplers have.
    const asked = outcomes.length === 0 && isComparable ? withSampled(batch, revisedPart) : revisedPart;
    const outcome = await learner.trainer.step(asked, { loss, learningRate, ranks: learner.ranks, sharing });
    outcomes.push({ ...outcome, loss: revised?.loss ?? outcome.loss });
  }
  const { samplerGap, samplerGapMax } = outcomes[0] ?? {};
  return {
    ...means(outcomes),
    ...(samplerGap !== undefined && samplerGapMax !== undefined && { samplerGap, samplerGapMax }),
    ...sampledKl(batch, outcomes),
    ...metrics,
    learningRate,
    seconds: (performance.now() - started) / 1000,
  };
}

/**
 * Each thread first encodes its share of the questions, whose pictures pass through the vision tower there, and then the
 * others, whose rows it finds in the files that the threads share.
 */
export async function encodeTogether(
  { encoder, ranks = ALONE }: Pick<Learner, 'encoder' | 'ranks'>,
  questions: readonly Question[],
): Promise<EncodedPrompt[]> {
  const prompts: EncodedPrompt[] = [];
  const encode = async (places: readonly number[]): Promise<void> => {
    for (const [i, at] of places.entries()) {
      if (questions[at]!.pictures.length > 0) stage('pictures of question', i + 1, places.length);
      prompts[at] = await encodeQuestion(encoder, questions[at]!);
      ranks.progress();
    }
  };
  const all = [...questions.keys()];
  const own = shareOf(all, ranks);
  await encode(own);
  if (ranks.count > 1) ranks.gather(null);
  await encode(all.filter((at) => !own.includes(at)));
  return prompts;
}

function scores({ scorer, model, base, ranks }: Learner): { readonly policy: Score; readonly base: Score } {
  return {
    policy: (groups, temperature) => scorer.score(model, groups, temperature, ranks),
    base: async (groups, temperature) => scorer.score(await base(), groups, temperature, ranks),
  };
}

/** Adds the sampler's log-probabilities to the responses that are taught as they were sampled. */
function withSampled(batch: Batch, groups: readonly TrainGroup[]): TrainGroup[] {
  const samples = batch.groups.flatMap(({ group }) => group.samples);
  const logprobsOf = new Map(samples.map(({ tokens, logprobs }) => [tokens, logprobs]));
  return groups.map((group) => ({
    ...group,
    responses: group.responses.map((response) => {
      const sampled = logprobsOf.get(response.tokens);
      return sampled ? { ...response, sampled } : response;
    }),
  }));
}

/** Splits groups into at most `count` runs whose sizes differ by at most one; each run is one optimizer update. */
export function minibatches(groups: readonly TrainGroup[], count: number): TrainGroup[][] {
  const bounds = Array.from({ length: count + 1 }, (_, i) => Math.round((i * groups.length) / count));
  return bounds.slice(1).flatMap((end, i) => (end > bounds[i]! ? [groups.slice(bounds[i], end)] : []));
}

function means(outcomes: readonly StepOutcome[]): Omit<StepMetrics, 'learningRate' | 'seconds'> {
  const tokens = outcomes.reduce((sum, outcome) => sum + outcome.tokens, 0);
  const mean = (name: Exclude<keyof StepOutcome, 'tokens' | 'samplerGap' | 'samplerGapMax'>, absent = 0): number =>
    outcomes.reduce((sum, outcome) => sum + (outcome[name] ?? absent) * outcome.tokens, 0) / Math.max(1, tokens);
  return {
    loss: mean('loss'),
    kl: mean('kl'),
    entropy: mean('entropy'),
    clipFraction: mean('clipFraction'),
    ratio: mean('ratio', 1),
    gradNorm: mean('gradNorm'),
    tokens,
  };
}

/** Reports, for a loss without a KL term, how far the samplers are from the base: k3 over the batch's own tokens. */
function sampledKl(batch: Batch, outcomes: readonly StepOutcome[]): { readonly kl?: number } {
  if (outcomes.some(({ kl }) => kl !== undefined)) return {};
  const samples = batch.groups.flatMap(({ group }) => group.samples);
  const distances = samples.flatMap(({ logprobs, refLogprobs }) =>
    refLogprobs ? logprobs.map((logprob, t) => refLogprobs[t]! - logprob) : [],
  );
  return distances.length === 0
    ? {}
    : { kl: distances.reduce((sum, d) => sum + Math.expm1(d) - d, 0) / distances.length };
}
