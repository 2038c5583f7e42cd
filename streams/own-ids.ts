/**
 * An id stands for one question. If a plug-in uses the id of another question (a generator that restarts its numbers),
 * the question gets a new id derived from its content.
 */
import { lookOf, sha256 } from '../src/data/content.ts';
import type { Question } from '../src/protocol/messages.ts';
import type { Store } from '../src/store/store.ts';

/** Hex digits of the content's digest, at the end of such an id. */
const DIGITS = 12;

/** @returns the questions in their order, with new ids where needed. */
export function underOwnIds(store: Pick<Store, 'admitted'>, questions: readonly Question[]): readonly Question[] {
  const asked = new Map<string, string>();
  return questions.map((question) => {
    const look = lookOf(question);
    const stored = store.admitted(question.id);
    const known = asked.get(question.id) ?? (stored && lookOf(stored)) ?? look;
    const own = known === look ? question : { ...question, id: `${question.id}~${sha256(look).slice(0, DIGITS)}` };
    asked.set(own.id, look);
    return own;
  });
}
