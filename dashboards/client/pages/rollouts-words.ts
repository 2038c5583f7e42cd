/** Words for the loop's terms. */
import type { GroupCard } from '../../../src/protocol/frames.ts';
import type { Tone } from '../components/badge.tsx';

export type Reason = NonNullable<GroupCard['dropped']>;
export type QuestionOrigin = GroupCard['question']['origin'];

/** Short name of each reason, and its explanation. */
export const REASONS: Readonly<Record<Reason, readonly [string, string]>> = {
  'all-agree': [
    'all agree',
    'Every response gave the same answer, so all advantages are 0 and there is nothing to learn.',
  ],
  'equal-rewards': [
    'equal rewards',
    'Every response got the same reward, so all advantages are 0 and there is nothing to learn.',
  ],
  'no-box': ['no answer', 'More responses gave no boxed answer than voted for the winner.'],
  'no-vote': ['no vote left', 'Checks took the vote of every response that has an answer.'],
  'share-floor': [
    'vote too split',
    'The winner’s share of the votes is below the floor: too little agreement to trust.',
  ],
  'too-long': ['too long', 'The responses were longer than the learner takes.'],
  refused: ['refused', 'The policy cannot answer this question: it is too long, or its picture cannot be read.'],
  filtered: ['filtered', 'A plug-in’s filter dropped it.'],
  gone: [
    'question gone',
    'Between two starts its question was changed or taken out of the data, or the prompt changed.',
  ],
};

export const ORIGINS: Readonly<Record<QuestionOrigin, string>> = {
  dataset: 'data set',
  'in-context': 'written like another',
  direct: 'written from a picture',
  plugin: 'plug-in',
  writing: 'prompt to write questions',
};

export function verdictOf({ kept, dropped, why: words }: Pick<GroupCard, 'kept' | 'dropped' | 'why'>): {
  readonly tone: Tone;
  readonly short: string;
  readonly why: string;
} {
  if (kept)
    return { tone: 'ok', short: 'Kept', why: 'The responses differ in reward, so there is something to learn.' };
  const [name, why] = dropped === null ? ['', 'No reason was stored.'] : REASONS[dropped];
  return {
    tone: 'warn',
    short: name === '' ? 'Dropped' : `Dropped: ${name}`,
    why: words === undefined ? why : `${why} ${words}`,
  };
}

/** Votes lost: equations 2, whole 1. */
export function lostWords(lost: NonNullable<GroupCard['lost']>): string {
  const parts = Object.entries(lost).map(([check, count]) => `${check} ${count}`);
  return `Votes lost: ${parts.join(', ')}.`;
}

/** +0.32, −2.85, 0 */
export function signed(value: number | undefined, digits = 2): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return '0';
  return `${value < 0 ? '−' : '+'}${text}`;
}
