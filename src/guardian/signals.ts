/**
 * What shows, without any label, how the policy does: numbers of one learner step, of the groups judged since the step
 * before, and now and then of a probe (probe.ts). What they mean for the run is rules.ts.
 */
import { mean } from '../lib/mean.ts';
import type { JudgedGroup, StepMetrics } from '../protocol/messages.ts';
import { NO_ANSWER } from '../learn/vote.ts';

/** In words, as reasons and the documentation name them. */
export const SIGNALS = {
  voteShare: 'vote share',
  concentration: 'share of all answers that is the same one answer',
  unanswered: 'share of responses without an answer',
  spread: 'different answers to one question',
  shareRate: 'change of the vote share over the last steps',
  responseTokens: 'response length',
  entropy: 'entropy',
  kl: 'KL to the base',
  clipFraction: 'clip fraction',
  agreement: 'agreement with the last trusted version',
  sureOf: 'canaries that the last trusted version was sure of',
  erosion: 'loss of agreement, added up over probes,',
  origin: 'agreement with the base',
  baseSureOf: 'canaries that the base was sure of',
  consistency: 'answers that a harmless change of the picture leaves as they are',
  canaryAccuracy: 'accuracy on labelled canaries',
} as const;

export type Signal = keyof typeof SIGNALS;

/** Those that are known; a signal that is not finite is itself a symptom. */
export type Signals = Readonly<Partial<Record<Signal, number>>>;

/** What of a judged group counts. */
export type Judged = Pick<JudgedGroup, 'verdict'> & {
  readonly group: { readonly samples: readonly { readonly tokens: readonly number[] }[] };
};

/** Of a refused question, which has no samples, nothing is known. Empty where no group was judged. */
export function groupSignals(groups: readonly Judged[]): Signals {
  const judged = groups.filter(({ group }) => group.samples.length > 0);
  if (judged.length === 0) return {};
  const answers = judged.flatMap(({ verdict }) => verdict.answers);
  const lengths = judged.flatMap(({ group }) => group.samples.map(({ tokens }) => tokens.length));
  return {
    voteShare: mean(judged.map(({ verdict }) => verdict.share)),
    concentration: concentration(judged.map(({ verdict }) => verdict.answers)),
    unanswered: answers.filter((answer) => answer === null).length / answers.length,
    spread: mean(judged.map(({ verdict }) => spread(verdict.classes))),
    responseTokens: mean(lengths),
  };
}

/**
 * How far the answers to one question differ, in place of pass@k: 0 where all that answer say the same, 1 where each
 * says something else.
 */
function spread(classes: readonly number[]): number {
  const different = new Set(classes.filter((own) => own !== NO_ANSWER)).size;
  return classes.length < 2 ? 0 : Math.max(0, different - 1) / (classes.length - 1);
}

/**
 * The largest share that one answer has of the answers given to all the questions, each question counting alike.
 * Answers are compared as they are written: one that takes over is written in one way. 0 where nothing was answered.
 */
export function concentration(groups: readonly (readonly (string | null)[])[]): number {
  const weights = new Map<string, number>();
  let answered = 0;
  for (const answers of groups) {
    const given = answers.filter((answer) => answer !== null);
    if (given.length > 0) answered += 1;
    for (const answer of given) weights.set(answer, (weights.get(answer) ?? 0) + 1 / given.length);
  }
  return answered === 0 ? 0 : Math.max(...weights.values()) / answered;
}

export function stepSignals(metrics: StepMetrics | null): Signals {
  if (metrics === null) return {};
  const { kl, entropy, clipFraction } = metrics;
  return { kl, entropy, clipFraction };
}

/** Names of what is not a number any more in a step. */
export function notFinite(metrics: StepMetrics | null): readonly string[] {
  return Object.entries(metrics ?? {}).flatMap(([name, value]) => (Number.isFinite(value) ? [] : [name]));
}
