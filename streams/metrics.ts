/**
 * The metrics that are stored, by learner step (a step's number is that of the version it made). Their names stay as
 * they are: charts and stored runs know them. Written by record.ts and guardian.ts; a test holds the names to what a
 * run stores.
 */
import type { LabelFree } from '../src/protocol/messages.ts';
import type { WritingFigures } from '../src/protocol/status.ts';
import { SIGNALS, type Signal } from '../src/guardian/signals.ts';

/**
 * With each evaluation, at the step that made the version: what held-out questions with an answer in the data show. All
 * in [0, 1].
 */
const MEASURED = {
  greedy: 'accuracy of greedy answers to held-out questions',
  pass1: 'accuracy of sampled answers, in full evaluations',
  majK: 'accuracy of the majority of k sampled answers, in full evaluations',
  passK: 'share of questions that one of k sampled answers gets right, in full evaluations',
};

/** With each evaluation, where a held-out question has no label (docs/without-labels.md). Names of `LabelFree`. */
export const UNLABELLED = {
  asBase: 'share of held-out questions answered as by the base, in [0, 1]',
  asTrusted: 'share of held-out questions answered as by the last trusted version, in [0, 1]',
  answered: 'share of greedy responses to held-out questions that hold an answer, in [0, 1]',
  voteShare: 'mean vote share of sampled responses to held-out questions, in [0, 1]',
  entropy: 'entropy of those responses, in nats a token',
  responseTokens: 'mean length of those responses, in tokens',
} as const satisfies Partial<Record<keyof LabelFree, string>>;

const HELD_OUT = 'heldOut.';

/** With each evaluation, where held-out questions have levels: prefix of the accuracy on one level. */
export const LEVEL = 'level.';

/** With each step that learns from written questions (`synthesis.reward`): names of `WritingFigures`. */
const WRITTEN: Readonly<Record<keyof WritingFigures, string>> = {
  reward: 'mean reward of the questions written for the step, in [0, 1]',
  usable: 'share of these questions that could be asked, in [0, 1]',
  agreement: 'mean vote share on those that could be asked, in [0, 1]',
  split: 'share of these questions whose votes the loop would learn from, in [0, 1]',
  novelty: 'mean share of the other questions about the same pictures that are not alike, in [0, 1]',
  kinds: 'exponential of the entropy of the kinds of the usable ones',
};

export const WRITING = 'synthesis.';

/** With each step. */
const STEPPED = {
  voteShare: 'mean vote share of the groups judged lately, in [0, 1]',
  votesLost: 'share of the answers judged lately that lost their vote to a check, in [0, 1]',
  winnersLost: 'the same among the answers that would win without the checks',
  reward: 'mean reward of the samples judged lately',
  responseTokens: 'mean length of the responses judged lately, in tokens',
  entropy: 'mean entropy of the tokens of the step, in nats',
  kl: 'k3 estimate of the KL divergence from the base',
  loss: 'loss of the step',
  clipFraction: 'share of the tokens of the step whose importance ratio was clipped, in [0, 1]',
  ratio: 'mean importance ratio of the step',
  gradNorm: 'norm of the gradient before it was clipped',
  learningRate: 'learning rate of the step',
  samplerGap: 'mean distance of the log-probabilities of learner and sampler before the step, in nats',
  samplerGapMax: 'largest of these distances, in nats',
  mismatch:
    'mean distance of the log-probabilities of learner and sampler, in nats, over the tokens with importance correction',
  effectiveSamples: 'effective sample size of the importance weights of these tokens, as a share of them',
  maskedShare: 'share of these tokens that teach nothing, in [0, 1]',
  entropyCoefficient: 'weight of the entropy bonus, where there is one',
  tokens: 'response tokens of the step',
  staleness: 'age of the oldest group of the batch, in versions',
  rolloutTokensPerSecond: 'tokens sampled a second',
  learnerTokensPerSecond: 'response tokens learnt from a second',
  stepsPerMinute: 'learner steps a minute',
  secondsPerStep: 'seconds a learner step',
  overlap: 'share of the learning time in which a sampler worked too, in [0, 1]',
  'memory.rss': 'resident memory of the daemon, in bytes',
};

/**
 * Written by the guardian with each step; a probe's metrics with the step after it. All in [0, 1] except the level and
 * the counts of canaries.
 */
const GUARDED = [
  'concentration',
  'unanswered',
  'spread',
  'consistency',
  'agreement',
  'erosion',
  'origin',
  'sureOf',
  'baseSureOf',
  'canaryAccuracy',
] as const satisfies readonly Signal[];

const GUARDIAN = 'guardian.';

/**
 * Name -> meaning. Left out are the names that only a run knows: `at`, `busy.<actor>` and `level.<level>` (record.ts).
 */
export const METRICS: Readonly<Record<string, string>> = {
  ...MEASURED,
  ...Object.fromEntries(Object.entries(UNLABELLED).map(([name, meaning]) => [`${HELD_OUT}${name}`, meaning])),
  ...STEPPED,
  ...Object.fromEntries(Object.entries(WRITTEN).map(([name, meaning]) => [`${WRITING}${name}`, meaning])),
  [`${GUARDIAN}level`]: '0 healthy, 1 watch, 2 act',
  ...Object.fromEntries(GUARDED.map((name) => [`${GUARDIAN}${name}`, SIGNALS[name].replace(/,$/, '')])),
};

/** Whether evaluations measure it, not steps. */
export function isEvaluated(metric: string): boolean {
  return isOfAnswers(metric) || isWithoutLabels(metric);
}

/** Whether it is measured on held-out questions with an answer in the data. */
export function isOfAnswers(metric: string): boolean {
  return metric in MEASURED || metric.startsWith(LEVEL);
}

/** Whether it is measured where a held-out question has no answer in the data. */
export function isWithoutLabels(metric: string): boolean {
  return metric.startsWith(HELD_OUT);
}
