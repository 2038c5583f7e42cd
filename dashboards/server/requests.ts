/** Answers of the server: each method of the frames, out of the store. Synchronous and short; what they cost is bounded by inbound.ts's limits. */
import { InputError } from '../../src/protocol/errors.ts';
import type { Compared, Method, Requests } from '../../src/protocol/frames.ts';
import type { HeldOutAnswer } from '../../src/protocol/messages.ts';
import { interpret, samePlain } from '../../src/learn/equivalence/index.ts';
import { groupCard, groupDetail, questionCard } from './cards.ts';
import type { DashboardSource } from './source.ts';

type Answers = { readonly [M in Method]: (params: Requests[M]['params'], source: DashboardSource) => Requests[M]['value'] };

const ANSWERS: Answers = {
  history: (params, { store }) => store.history(params),
  groups: ({ filter, ...rows }, { store }) => {
    const { groups, next } = store.findGroups(filter, rows);
    return { groups: groups.map(groupCard), next };
  },
  group: ({ id }, source) => groupDetail(found(source.store.group(id), `group ${id}`), source),
  question: ({ id, limit }, { store }) => {
    const question = found(store.question(id), `question ${id}`);
    const parent = question.parentId === undefined ? undefined : store.question(question.parentId);
    return {
      question: questionCard(question),
      parent: parent ? questionCard(parent) : null,
      groups: store.groupsOfQuestion(id, limit).map(groupCard),
    };
  },
  questions: (_, { store }) => store.questionStats(),
  synthetic: (rows, { store }) => {
    const { questions, next } = store.syntheticQuestions(rows);
    const cards = questions.map(({ question, parent, groups, meanShare }) => {
      return { question: questionCard(question), parent: parent && questionCard(parent), groups, meanShare };
    });
    return { questions: cards, next };
  },
  rejected: ({ limit }, { store }) => ({
    questions: store.rejectedQuestions(limit).map(({ question, reason, at }) => ({ question: questionCard(question), reason, at })),
  }),
  versions: (params, source) => source.store.findVersions({ ...params, saved: source.savedVersions() }),
  compare: ({ a, b }, { store }) => ({ a, b, questions: compared(answersOf(a, store), answersOf(b, store)) }),
  events: (params, { store }) => store.eventsBefore(params),
  actors: (_, source) => source.actors(),
  settings: (_, source) => source.settings(),
  plugins: (_, source) => source.plugins(),
  panels: (_, source) => source.panels(),
};

/** @throws InputError for what is not (or no longer) there. */
export function answer<M extends Method>(method: M, params: Requests[M]['params'], source: DashboardSource): Requests[M]['value'] {
  return ANSWERS[method](params, source);
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new InputError(`${what} is not stored: it never was, or it was old enough to go`);
  return value;
}

function answersOf(version: number, store: DashboardSource['store']): readonly HeldOutAnswer[] {
  const answers = store.answers(version);
  if (answers) return answers;
  throw new InputError(`the answers of version ${version} are not stored: choose a version that was evaluated`);
}

/** Questions that both were asked: those with different verdicts first, then those with different answers; else in the order of `a`. */
function compared(a: readonly HeldOutAnswer[], b: readonly HeldOutAnswer[]): readonly Compared[] {
  const others = new Map(b.map((other) => [other.question.id, other]));
  const both = a.flatMap((one) => {
    const other = others.get(one.question.id);
    if (!other) return [];
    return [{ question: questionCard(one.question), truth: one.truth, a: verdict(one), b: verdict(other), same: isSame(one.answer, other.answer) }];
  });
  const rank = ({ a: { right }, b, same }: Compared) => (right !== b.right ? 0 : same ? 2 : 1);
  return both.toSorted((one, other) => rank(one) - rank(other));
}

/** What takes algebra to compare would hold the loop up: such answers are the same where they are written alike. */
function isSame(a: string | null, b: string | null): boolean {
  if (a === null || b === null || a === b) return a === b;
  return samePlain(interpret(a), interpret(b)) ?? false;
}

function verdict({ answer, right }: HeldOutAnswer) {
  return { answer, right };
}
