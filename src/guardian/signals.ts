/**
 * The guardian's signals, all without labels: numbers of one learner step, of the groups judged since the step before,
 * and at intervals of a probe (probe.ts). rules.ts interprets them.
 */
import { mean } from '../lib/mean.ts';
import type { JudgedGroup, StepMetrics } from '../protocol/messages.ts';
import { NO_ANSWER, voteLosses } from '../learn/vote.ts';

/** Names for reasons and documentation. */
export const SIGNALS = {
  voteShare: 'vote share',
  concentration: 'share of all answers that is the same one answer',
  unanswered: 'share of responses without an answer',
  spread: 'different answers to one question',
  shareRate: 'change of the vote share over the last steps',
  responseTokens: 'response length',
  winnersLost: 'share of agreeing responses that a check denies the vote',
  entropy: 'entropy',
  kl: 'KL to the base',
  clipFraction: 'clip fraction',
  agreement: 'agreement with the last trusted version',
  sureOf: 'canaries that the last trusted version was sure of',
  erosion: 'loss of agreement, added up over probes,',
  recent: 'agreement with a sound version of late',
  recentSureOf: 'canaries that this version was sure of',
  kept: 'share of responses that give what a sound version of late was sure of',
  faded: 'fall of the share of responses that give what a sound version of late was sure of,',
  fading: 'the same fall, added up over probes,',
  origin: 'agreement with the base',
  baseSureOf: 'canaries that the base was sure of',
  consistency: 'answers that a harmless change of the picture leaves as they are',
  canaryAccuracy: 'accuracy on labelled canaries',
  unsound: 'share of agreeing responses to canaries whose work does not hold',
  canaryTokens: 'response length on canaries',
} as const;

export type Signal = keyof typeof SIGNALS;

/** The known signals; a non-finite signal is itself a symptom. */
export type Signals = Readonly<Partial<Record<Signal, number>>>;

/** The fields of a judged group that the signals use. */
export type Judged = Pick<JudgedGroup, 'verdict'> & {
  readonly group: Pick<JudgedGroup['group'], 'checks'> & {
    readonly samples: readonly { readonly tokens: readonly number[] }[];
  };
};

/** A refused question has no samples and does not count. Empty when no group was judged. */
export function groupSignals(groups: readonly Judged[]): Signals {
  const judged = groups.filter(({ group }) => group.samples.length > 0);
  if (judged.length === 0) return {};
  const answers = judged.flatMap(({ verdict }) => verdict.answers);
  const lengths = judged.flatMap(({ group }) => group.samples.map(({ tokens }) => tokens.length));
  return {
    voteShare: mean(judged.map(({ verdict }) => verdict.share)),
    concentration: concentration(judged.map(({ verdict }) => verdict.answers)),
    unanswered: answers.filter((answer) => answer === null).length / answers.length,
    spread: mean(judged.map(({ verdict }) => spread(verdict.lost?.classes ?? verdict.classes))),
    responseTokens: mean(lengths),
    ...winnersLost(judged),
  };
}

/** Empty where no check ran, or no answer was given. */
function winnersLost(judged: readonly Judged[]): Signals {
  const losses = judged.flatMap(({ group, verdict }) => (group.checks === undefined ? [] : [voteLosses(verdict)]));
  const winners = sum(losses.map((each) => each.winners));
  return winners === 0 ? {} : { winnersLost: sum(losses.map((each) => each.winnersLost)) / winners };
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** How far the answers to one question differ, in place of pass@k: 0 when all answers are equal, 1 when all differ. */
function spread(classes: readonly number[]): number {
  const different = new Set(classes.filter((own) => own !== NO_ANSWER)).size;
  return classes.length < 2 ? 0 : Math.max(0, different - 1) / (classes.length - 1);
}

/**
 * The largest share of one answer among the answers to all questions, each question with equal weight. Answers are
 * compared as text: a dominating answer has one spelling. 0 without answers.
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

/** Names of a step's metrics that are no longer finite. */
export function notFinite(metrics: StepMetrics | null): readonly string[] {
  return Object.entries(metrics ?? {}).flatMap(([name, value]) => (Number.isFinite(value) ? [] : [name]));
}
