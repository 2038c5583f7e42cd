/** Tells the user about labels and about the measurements without them (docs/without-labels.md). */
import type { OpenedData } from '../data/open.ts';
import type { Evaluation, LabelFree } from '../protocol/messages.ts';
import type { LabelCount } from '../protocol/status.ts';

const PAGE = 'docs/without-labels.md';

export function countLabels({ heldOut, labels }: Pick<OpenedData, 'heldOut' | 'labels'>): LabelCount {
  const questions = heldOut.size;
  const labelled = Array.from({ length: questions }, (_, i) => labels.label(heldOut.question(i).id)).filter(
    (label) => label !== undefined,
  ).length;
  return { questions, labelled };
}

/**
 * Lines for the start; empty if every held-out question has a label. @param guarded whether a guardian watches.
 */
export function labelNotes({ questions, labelled }: LabelCount, guarded: boolean): string[] {
  const canaries = guarded ? ", and the guardian's canaries" : '';
  if (questions === 0) {
    return [
      `no question is held out, so accuracy cannot be measured: watch the vote share, the entropy and the response length${canaries} (${PAGE})`,
    ];
  }
  if (labelled === questions) return [];
  if (labelled > 0)
    return [
      `${labelled} of the ${questions} held-out questions have a label: accuracy is measured on those alone (${PAGE})`,
    ];
  return [
    `this data has no labels, so accuracy cannot be measured: watch how many of the answers to the ${questions} held-out questions stay those of the base, ` +
      `their vote share, entropy and response length${canaries} (${PAGE})`,
  ];
}

/** Describes an evaluation in a sentence or two. */
export function evaluationWords({ version, greedy, n, full, labelFree }: Evaluation): string {
  const parts: string[] = [];
  if (greedy !== null && n > 0) {
    const more =
      full === undefined
        ? ''
        : `, pass@1 ${percent(full.pass1)}, maj@${full.k} ${percent(full.majK)}, pass@${full.k} ${percent(full.passK)}`;
    parts.push(`accuracy ${percent(greedy)} on ${n} held-out questions${more}`);
  }
  if (labelFree !== undefined)
    parts.push(`without labels, on ${labelFree.n} held-out questions: ${labelFreeWords(labelFree)}`);
  return parts.length === 0
    ? 'no question is held out, so there is nothing to evaluate'
    : `version ${version}: ${parts.join('; ')}`;
}

export function labelFreeWords({
  asBase,
  asTrusted,
  trusted,
  answered,
  voteShare,
  entropy,
  responseTokens,
}: LabelFree): string {
  return [
    ...(asBase === null ? [] : [`${percent(asBase)} answered as by the base`]),
    ...(asTrusted === null ? [] : [`${percent(asTrusted)} as by the trusted version ${trusted}`]),
    `vote share ${voteShare.toFixed(2)}`,
    `${percent(answered)} with an answer`,
    `entropy ${entropy.toFixed(3)}`,
    `length ${responseTokens.toFixed(1)}`,
  ].join(', ');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
