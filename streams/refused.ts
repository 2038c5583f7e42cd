/** A question that cannot be asked is left out; the terminal, the log, the events and the report say once which and why. */
import type { RefusedQuestion } from '../src/protocol/messages.ts';
import type { Loop } from './loop.ts';

/** Where the store keeps the first of them, for the report. */
const REFUSED = 'questions.refused';
const MOST = 100;

export function refusedQuestions(store: Pick<Loop['store'], 'meta'>): readonly RefusedQuestion[] {
  return (store.meta(REFUSED) as readonly RefusedQuestion[] | undefined) ?? [];
}

export function refuse(loop: Loop, part: 'training' | 'held-out' | 'canary', { question, reason }: RefusedQuestion): void {
  const known = refusedQuestions(loop.store);
  const where = loop.where?.(question);
  const full = where === undefined ? reason : `${where}: ${reason}`;
  if (known.some((each) => each.question === question && each.reason === full)) return;
  loop.store.together(() => {
    loop.store.event('question.refused', { question, reason: full, part });
    if (known.length < MOST) loop.store.setMeta(REFUSED, [...known, { question, reason: full }]);
  });
  const text = `the ${part} question ${question} is left out: ${full}`;
  if (loop.say) loop.say(text);
  else loop.telemetry.note(text);
}
