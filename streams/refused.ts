/**
 * A question that cannot be asked is left out; the terminal, the log, the events and the report each name it once, with
 * the reason.
 */
import type { RefusedQuestion } from '../src/protocol/messages.ts';
import type { Store } from '../src/store/store.ts';
import type { Loop } from './loop.ts';

/** Key of the first refused questions in the store, for the report. */
const REFUSED = 'questions.refused';
const MOST = 100;

export function refusedQuestions(store: Pick<Store, 'meta'>): readonly RefusedQuestion[] {
  return (store.meta(REFUSED) as readonly RefusedQuestion[] | undefined) ?? [];
}

export function refuse(
  { parts: { store, where }, effects }: Pick<Loop, 'parts' | 'effects'>,
  part: 'training' | 'held-out' | 'canary',
  { question, reason }: RefusedQuestion,
): void {
  const known = refusedQuestions(store);
  const place = where(question);
  const full = place === undefined ? reason : `${place}: ${reason}`;
  if (known.some((each) => each.question === question && each.reason === full)) return;
  store.transaction(() => {
    store.event('question.refused', { question, reason: full, part });
    if (known.length < MOST) store.setMeta(REFUSED, [...known, { question, reason: full }]);
  });
  effects.say(`the ${part} question ${question} is left out: ${full}`);
}
