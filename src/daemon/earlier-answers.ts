/** Finds the held-out answers of the base and of the last trusted version, for the evaluator to compare with. */
import type { Answers, EarlierAnswers } from '../roles/label-free.ts';
import { readState } from '../guardian/state.ts';
import { rollbacks } from '../../streams/rollback.ts';
import type { Store } from '../store/store.ts';

/** Evaluated versions that are searched for one with stored answers. */
const LOOKED_THROUGH = 50;

export function earlierAnswers(store: Pick<Store, 'answers' | 'findVersions' | 'meta'>): EarlierAnswers {
  const base = store.answers(0);
  const trusted = trustedAndAnswered(store);
  return {
    base: base && answersOf(base),
    trusted: trusted === undefined ? undefined : { version: trusted, answers: answersOf(store.answers(trusted) ?? []) },
  };
}

/**
 * The newest version with stored answers that is no newer than the trusted version and that no roll-back abandoned.
 */
function trustedAndAnswered(store: Pick<Store, 'findVersions' | 'meta'>): number | undefined {
  const trusted = readState(store).trusted?.version;
  if (trusted === undefined) return undefined;
  const from = Math.max(0, ...rollbacks(store).flatMap(({ as }) => (as <= trusted ? [as] : [])));
  const { versions } = store.findVersions({
    before: trusted + 1,
    limit: LOOKED_THROUGH,
    only: 'evaluated',
    saved: new Set(),
  });
  return versions.find(({ n, comparable }) => comparable && n >= from)?.n;
}

function answersOf(answers: NonNullable<ReturnType<Store['answers']>>): Answers {
  return new Map(answers.map(({ question, answer }) => [question.id, answer]));
}
