/**
 * The methods that a browser may call, one row each: the schema of the parameters, and the answer from the store.
 * Answers are synchronous and short; the limits of the parameters bound their cost. To add a method, add its type in
 * src/protocol/frames.ts, its row here, and the page that calls it.
 */
import { z } from 'zod';
import { InputError } from '../../src/protocol/errors.ts';
import type { Compared, Method, Requests } from '../../src/protocol/frames.ts';
import type { HeldOutAnswer } from '../../src/protocol/messages.ts';
import { interpret, samePlain } from '../../src/learn/equivalence/index.ts';
import { groupCard, groupDetail, questionCard } from './cards.ts';
import { filter, id, LONGEST_ID, MOST_POINTS, natural, nothing, rows } from './fields.ts';
import type { DashboardSource } from './source.ts';

interface Row<M extends Method> {
  readonly params: z.ZodType<Requests[M]['params']>;
  readonly answer: (params: Requests[M]['params'], source: DashboardSource) => Requests[M]['value'];
}

const ROWS: { readonly [M in Method]: Row<M> } = {
  history: {
    params: z.strictObject({
      from: natural().exactOptional(),
      to: natural().exactOptional(),
      maxPoints: z.int().min(1).max(MOST_POINTS),
    }),
    answer: (params, { store }) => store.history(params),
  },
  groups: {
    params: z.strictObject({ filter, ...rows }),
    answer: ({ filter, ...rows }, { store }) => {
      const { groups, next } = store.findGroups(filter, rows);
      return { groups: groups.map(groupCard), next };
    },
  },
  group: {
    params: z.strictObject({ id: id() }),
    answer: ({ id }, source) => groupDetail(found(source.store.group(id), `group ${id}`), source),
  },
  question: {
    params: z.strictObject({ id: id(), limit: rows.limit }),
    answer: ({ id, limit }, { store }) => {
      const question = found(store.question(id), `question ${id}`);
      const parent = question.parentId === undefined ? undefined : store.question(question.parentId);
      return {
        question: questionCard(question),
        parent: parent ? questionCard(parent) : null,
        groups: store.groupsOfQuestion(id, limit).map(groupCard),
      };
    },
  },
  questions: {
    params: nothing,
    answer: (_, { store }) => store.questionStats(),
  },
  synthetic: {
    params: z.strictObject(rows),
    answer: (rows, { store }) => {
      const { questions, next } = store.syntheticQuestions(rows);
      const cards = questions.map(({ question, parent, groups, meanShare }) => {
        return { question: questionCard(question), parent: parent && questionCard(parent), groups, meanShare };
      });
      return { questions: cards, next };
    },
  },
  rejected: {
    params: z.strictObject({ limit: rows.limit }),
    answer: ({ limit }, { store }) => ({
      questions: store
        .rejectedQuestions(limit)
        .map(({ question, reason, at }) => ({ question: questionCard(question), reason, at })),
    }),
  },
  versions: {
    params: z.strictObject({ ...rows, only: z.enum(['evaluated', 'saved']).exactOptional() }),
    answer: (params, source) => source.store.findVersions({ ...params, saved: source.savedVersions() }),
  },
  compare: {
    params: z.strictObject({ a: natural(), b: natural() }),
    answer: ({ a, b }, { store }) => ({ a, b, questions: compared(answersOf(a, store), answersOf(b, store)) }),
  },
  events: {
    params: z.strictObject({ ...rows, kind: z.string().max(LONGEST_ID).exactOptional() }),
    answer: (params, { store }) => store.eventsBefore(params),
  },
  actors: {
    params: nothing,
    answer: (_, source) => source.actors(),
  },
  settings: {
    params: nothing,
    answer: (_, source) => source.settings(),
  },
  plugins: {
    params: nothing,
    answer: (_, source) => source.plugins(),
  },
  panels: {
    params: nothing,
    answer: (_, source) => source.panels(),
  },
};

export const METHODS = Object.keys(ROWS) as Method[];

export function paramsOf(method: Method): z.ZodType<Requests[Method]['params']> {
  return ROWS[method].params;
}

/** @throws InputError for a record that is not, or no longer, stored. */
export function answer<M extends Method>(
  method: M,
  params: Requests[M]['params'],
  source: DashboardSource,
): Requests[M]['value'] {
  return ROWS[method].answer(params, source);
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

/**
 * Questions that both versions answered: those with different verdicts first, then those with different answers,
 * otherwise in the order of `a`.
 */
function compared(a: readonly HeldOutAnswer[], b: readonly HeldOutAnswer[]): readonly Compared[] {
  const others = new Map(b.map((other) => [other.question.id, other]));
  const both = a.flatMap((one) => {
    const other = others.get(one.question.id);
    if (!other) return [];
    return [
      {
        question: questionCard(one.question),
        truth: one.truth,
        a: verdict(one),
        b: verdict(other),
        same: isSame(one.answer, other.answer),
      },
    ];
  });
  const rank = ({ a: { right }, b, same }: Compared) => (right !== b.right ? 0 : same ? 2 : 1);
  return both.toSorted((one, other) => rank(one) - rank(other));
}

/** Answers that only algebra could compare count as equal if written alike: algebra would block the loop. */
function isSame(a: string | null, b: string | null): boolean {
  if (a === null || b === null || a === b) return a === b;
  return samePlain(interpret(a), interpret(b)) ?? false;
}

function verdict({ answer, right }: HeldOutAnswer) {
  return { answer, right };
}
