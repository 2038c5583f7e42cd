/**
 * Windows in which no group was kept: reports the reasons and a fix, from the groups judged since the last window with
 * a kept group. It reports ever less often: at the 1st, 2nd, 4th, 8th such window in a row.
 */
import type { DropReason, JudgedGroup } from '../src/protocol/messages.ts';
import type { LoopConfig } from './loop.ts';

const REASONS: Readonly<Record<DropReason, string>> = {
  'no-box': 'mostly without a boxed answer',
  'no-vote': 'every vote lost to a check',
  'all-agree': 'all answers agree',
  'equal-rewards': 'every response earned the same',
  'share-floor': 'vote too split',
  'too-long': 'too long',
  refused: 'cannot be asked',
  filtered: 'dropped by a plug-in',
  gone: 'question gone or changed',
};

export interface EmptyTally {
  /** Windows in a row, and groups dropped meanwhile. */
  readonly windows: number;
  readonly judged: number;
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
  /**
   * Counts of responses: all, those that reached the token limit without an answer, and those that ended without one.
   */
  readonly responses: number;
  readonly cutOff: number;
  readonly unboxed: number;
  /** The newest reason of a plug-in's filter. */
  readonly why?: string;
}

const NONE: EmptyTally = { windows: 0, judged: 0, dropped: {}, responses: 0, cutOff: 0, unboxed: 0 };

type Settings = Pick<LoopConfig, 'sampling' | 'filters'>;

export class EmptyWindows {
  #tally = NONE;

  judged(judged: readonly JudgedGroup[]): void {
    for (const each of judged) this.#tally = counted(this.#tally, each);
  }

  /** A window with groups: what was dropped before it is no cause for words any more. */
  filled(): void {
    this.#tally = NONE;
  }

  /** Counts one more empty window. @returns the tally when a report is due. */
  emptied(): EmptyTally | undefined {
    const windows = this.#tally.windows + 1;
    this.#tally = { ...this.#tally, windows };
    return Number.isInteger(Math.log2(windows)) ? this.#tally : undefined;
  }
}

function counted(tally: EmptyTally, { group, verdict }: JudgedGroup): EmptyTally {
  const { kept, dropped: reason, answers, why } = verdict;
  if (kept) return tally; // judged already for the next window
  const silent = group.samples.filter((_, i) => answers[i] === null);
  const cutOff = silent.filter(({ finish }) => finish === 'length').length;
  return {
    ...tally,
    judged: tally.judged + 1,
    dropped: reason === undefined ? tally.dropped : { ...tally.dropped, [reason]: (tally.dropped[reason] ?? 0) + 1 },
    responses: tally.responses + group.samples.length,
    cutOff: tally.cutOff + cutOff,
    unboxed: tally.unboxed + silent.length - cutOff,
    ...(why !== undefined && { why }),
  };
}

/** One paragraph. @param judged groups of the last window, possibly from before a restart. */
export function emptyWords(tally: EmptyTally, settings: Settings, judged = tally.judged): string {
  const reasons = Object.entries(tally.dropped).toSorted(([, a], [, b]) => b - a) as [DropReason, number][];
  const counts = reasons.map(([reason, count]) => `${REASONS[reason]} ${count}`).join(', ');
  const first = reasons[0];
  const none = `none of ${Math.max(tally.judged, judged)} groups was kept: no learner step${counts && ` (${counts})`}`;
  return first === undefined ? none : `${none}. ${advice(first[0], tally, settings)}`;
}

function advice(
  reason: DropReason,
  { responses, cutOff, unboxed, why }: EmptyTally,
  { sampling, filters }: Settings,
): string {
  const percent = (count: number): string => `${Math.round((100 * count) / Math.max(1, responses))} % of the responses`;
  switch (reason) {
    case 'no-box':
      return cutOff >= unboxed
        ? `${percent(cutOff)} were cut off at ${sampling.maxNewTokens} tokens without a boxed answer: raise sampling.maxNewTokens`
        : `${percent(unboxed)} ended without a boxed answer: ask for \\boxed{} in promptTemplate, as the preset \`vlm\` does`;
    case 'no-vote':
      return `Checks took every vote: ask easier questions, or look on the page "Rollouts" at what the checks deny`;
    case 'share-floor':
      return `The votes agree too little for filters.shareFloor ${filters.shareFloor}: ask easier questions, or lower it`;
    case 'all-agree':
      return 'Where all answers agree there is nothing to learn: ask harder questions, or raise sampling.temperature or sampling.samples';
    case 'equal-rewards':
      return 'Responses that earn the same teach nothing: look at what the reward gives for them, or raise sampling.temperature';
    case 'filtered':
      return `A plug-in's filter dropped most of them${why === undefined ? '' : `, as last ${why}`}: look at its bounds`;
    case 'refused':
    case 'too-long':
      return 'The notes name each question that cannot be asked, and why';
    case 'gone':
      return 'Their questions are no longer in the data: new ones are asked next';
  }
}
