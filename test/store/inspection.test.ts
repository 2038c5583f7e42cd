import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GroupFilter } from '../../src/protocol/frames.ts';
import type { DropReason, HeldOutAnswer, JudgedGroup, Origin, Question } from '../../src/protocol/messages.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store, StoredGroup } from '../../src/store/store.ts';
import { temporaryFolder } from '../support/rig.ts';
import { metrics, sample } from './messages.ts';

const folder = temporaryFolder();
let files = 0;
let path: string;
let store: Store;
let now = 1_000;

beforeEach(() => {
  path = `${folder}/${files++}.db`;
  store = openStore(path, { now: () => now++ });
});

afterEach(() => store.close());

interface Made {
  readonly question: number;
  readonly version: number;
  readonly votes: number;
  readonly dropped: DropReason | undefined;
}

const ORIGINS: readonly Origin[] = ['dataset', 'in-context', 'direct'];
const KINDS = ['count', 'area', undefined];
const TEXTS = ['How many DISCS?', 'Wie GROSS ist Ärger 100%?', 'How_many squares?'];

function questionOf(i: number): Question {
  const kind = KINDS[i % 3];
  const origin = ORIGINS[Math.floor(i / 3) % 3]!;
  const base = {
    id: `q${i}`,
    text: `${TEXTS[i % 3]!} ${i}`,
    pictures: [],
    origin,
    ...(kind === undefined ? {} : { kind }),
  };
  return origin === 'dataset' ? base : { ...base, parentId: `q${i % 3}` };
}

function judgedOf({ question, version, votes, dropped }: Made, sequence: number): JudgedGroup {
  const group = {
    id: `g${sequence}`,
    sequence,
    question: questionOf(question),
    policyVersion: version,
    samples: [sample(sequence)],
  };
  const verdict = {
    groupId: group.id,
    answers: ['1'],
    classes: [0],
    winner: 0,
    share: votes / 5,
    rewards: [1],
    advantages: [0],
  };
  return { group, verdict: dropped === undefined ? { ...verdict, kept: true } : { ...verdict, kept: false, dropped } };
}

function fill(into: Store, made: readonly Made[]): readonly JudgedGroup[] {
  const from = into.nextSequence;
  const all = made.map((it, i) => judgedOf(it, from + i));
  into.transaction(() => {
    into.admit(all.map(({ group }) => ({ sequence: group.sequence, question: group.question })));
    into.saveGroups(all.map(({ group }) => group));
    into.saveVerdicts(all.map(({ verdict }) => verdict));
  });
  return all;
}

const madeGroup: fc.Arbitrary<Made> = fc.record({
  question: fc.nat(11),
  version: fc.nat(3),
  votes: fc.nat(5),
  dropped: fc.constantFrom(undefined, 'all-agree' as const, 'share-floor' as const),
});

const filters: fc.Arbitrary<GroupFilter> = fc.record(
  {
    kind: fc.constantFrom('count', 'area', 'none'),
    origin: fc.constantFrom<Origin>('dataset', 'in-context', 'plugin'),
    verdict: fc.constantFrom('kept' as const, 'dropped' as const, 'all-agree' as const),
    minShare: fc.nat(5).map((votes) => votes / 5),
    maxShare: fc.nat(5).map((votes) => votes / 5),
    text: fc.constantFrom('', 'discs', 'HOW', 'ärger', '%', '_', "'"),
    questionId: fc.nat(12).map((i) => `q${i}`),
    version: fc.nat(3),
  },
  { requiredKeys: [] },
);

function matches({ group, verdict }: JudgedGroup, filter: GroupFilter): boolean {
  const { question } = group;
  return (
    (filter.kind === undefined || question.kind === filter.kind) &&
    (filter.origin === undefined || question.origin === filter.origin) &&
    (filter.verdict === undefined ||
      filter.verdict === (verdict.kept ? 'kept' : filter.verdict === 'dropped' ? 'dropped' : verdict.dropped)) &&
    verdict.share >= (filter.minShare ?? 0) &&
    verdict.share <= (filter.maxShare ?? 1) &&
    question.text.toLowerCase().includes((filter.text ?? '').toLowerCase()) &&
    (filter.questionId === undefined || question.id === filter.questionId) &&
    (filter.version === undefined || group.policyVersion === filter.version)
  );
}

const withoutTime = ({ group, verdict }: StoredGroup): JudgedGroup => ({ group, verdict });

/** Every page, joined. */
function pages<T>(read: (before?: number) => { readonly rows: readonly T[]; readonly next: number | null }): T[] {
  const all: T[] = [];
  for (let page = read(); ; page = read(page.next)) {
    all.push(...page.rows);
    if (page.next === null) return all;
  }
}

describe('judged groups', () => {
  test('a filter finds what a look at every group finds, and paging visits each once, newest first', () => {
    const all = fill(store, fc.sample(madeGroup, { numRuns: 150, seed: 1 })).toReversed();
    fc.assert(
      fc.property(filters, fc.integer({ min: 1, max: 40 }), (filter, limit) => {
        const found = pages((before) => {
          const { groups, next } = store.findGroups(filter, { limit, ...(before === undefined ? {} : { before }) });
          expect(groups.length).toBeLessThanOrEqual(limit);
          return { rows: groups, next };
        });
        expect(found.map(withoutTime)).toEqual(all.filter((judged) => matches(judged, filter)));
      }),
      { numRuns: 60 },
    );
  });

  test('a group is whole, with its time and the version that was made from it', () => {
    const [first, second] = fill(store, [
      { question: 0, version: 0, votes: 3, dropped: undefined },
      { question: 1, version: 0, votes: 4, dropped: undefined },
    ]);
    store.saveBatch({ id: 0, parent: 0, groupIds: ['g0'] });
    expect(store.group('g0')).toMatchObject({ ...first, learntBy: null });
    store.saveVersion({ n: 1, parent: 0, batchId: 0, metrics });
    expect(store.group('g0')).toMatchObject({ ...first, learntBy: 1 });
    expect(store.group('g1')).toMatchObject({ ...second, learntBy: null });
    expect(store.group('g0')!.at).toBeGreaterThanOrEqual(1_000);
    expect(store.group('g2')).toBeUndefined();
  });

  test('a group that is not judged yet is not there', () => {
    const { group } = judgedOf({ question: 0, version: 0, votes: 3, dropped: undefined }, 0);
    store.admit([{ sequence: 0, question: group.question }]);
    store.saveGroups([group]);
    expect(store.group('g0')).toBeUndefined();
    expect(store.findGroups({}, { limit: 9 })).toEqual({ groups: [], next: null });
  });

  test('the groups of a question are in order, thinned evenly, first and last kept', () => {
    const made = Array.from({ length: 21 }, (_, i) => ({ question: i % 2, version: i, votes: 3, dropped: undefined }));
    const of = fill(store, made).filter(({ group }) => group.question.id === 'q0');
    const versions = (limit: number) => store.groupsOfQuestion('q0', limit).map(({ group }) => group.policyVersion);
    expect(store.groupsOfQuestion('q0', 50).map(withoutTime)).toEqual(of);
    expect(versions(3)).toEqual([0, 10, 20]);
    expect(versions(6)).toEqual([0, 4, 8, 12, 16, 20]);
    expect(versions(1)).toEqual([0]);
    expect(store.groupsOfQuestion('nobody', 3)).toEqual([]);
  });
});

describe('questions', () => {
  test('are counted by origin and kind, their shares in bands', () => {
    fill(
      store,
      Array.from({ length: 12 }, (_, i) => ({
        question: i % 6,
        version: 0,
        votes: i % 2 === 0 ? 5 : 3,
        dropped: undefined,
      })),
    );
    const stats = store.questionStats();
    expect(stats.byOrigin).toEqual({ dataset: 3, 'in-context': 3 });
    expect(stats.byKind).toEqual({ count: 2, area: 2 });
    expect(stats.shares.dataset).toEqual([0, 0, 0, 0, 0, 0, 2, 0, 0, 4]);
    expect(stats.shares['in-context']).toEqual([0, 0, 0, 0, 0, 0, 4, 0, 0, 2]);
    expect(stats.diversity.dataset).toMatchObject({ distinct: 1 });
    expect(stats.diversity.dataset!.distance).toBeGreaterThan(0.5);
  });

  test('that the daemon wrote come newest first, each once, with parent and votes', () => {
    fill(
      store,
      [0, 1, 2, 3, 4, 5, 6, 3].map((question, i) => ({
        question,
        version: 0,
        votes: i === 7 ? 1 : 3,
        dropped: undefined,
      })),
    );
    const rows = pages((before) => {
      const { questions, next } = store.syntheticQuestions({ limit: 2, ...(before === undefined ? {} : { before }) });
      return { rows: questions, next };
    });
    expect(rows.map(({ question }) => question.id)).toEqual(['q6', 'q5', 'q4', 'q3']);
    expect(rows[3]).toEqual({ question: questionOf(3), parent: questionOf(0), groups: 2, meanShare: 0.4 });
  });

  test('one is found by its id, admitted or held out', () => {
    fill(store, [{ question: 4, version: 0, votes: 3, dropped: undefined }]);
    store.saveAnswers(0, [{ question: { ...questionOf(0), id: 'h' }, truth: '1', answer: null, right: false }]);
    expect(store.question('q4')).toEqual(questionOf(4));
    expect(store.question('h')).toMatchObject({ id: 'h' });
    expect(store.question('nobody')).toBeUndefined();
  });
});

describe('versions', () => {
  const answersOf = (right: boolean): HeldOutAnswer[] =>
    ['h1', 'h2'].map((id) => ({ question: { ...questionOf(0), id }, truth: '7', answer: right ? '7' : null, right }));

  function version(n: number): void {
    const [judged] = fill(store, [{ question: n, version: n, votes: 3, dropped: undefined }]);
    store.saveBatch({ id: n, parent: n, groupIds: [judged!.group.id] });
    store.saveVersion({ n: n + 1, parent: n, batchId: n, metrics });
  }

  test('come newest first with what they are worth, whether saved and comparable', () => {
    const full = { n: 2, k: 2, greedy: 0.6, pass1: 0.5, majK: 0.6, passK: 0.7, byKind: {} };
    store.saveVersion({ n: 0, parent: null, batchId: null, metrics: null });
    for (let n = 0; n < 6; n++) version(n);
    store.saveEvaluation({ version: 0, greedy: 0.5, n: 2 });
    store.saveEvaluation({ version: 4, greedy: 0.6, n: 2 });
    store.saveEvaluation({ version: 4, greedy: 0.6, n: 2, full });
    store.saveAnswers(4, answersOf(true));
    const saved = new Set([3, 6]);
    const find = (only?: 'evaluated' | 'saved') =>
      pages((before) => {
        const { versions, next } = store.findVersions({
          limit: 2,
          saved,
          ...(before === undefined ? {} : { before }),
          ...(only ? { only } : {}),
        });
        return { rows: versions, next };
      });
    expect(find().map(({ n }) => n)).toEqual([6, 5, 4, 3, 2, 1, 0]);
    expect(find('saved').map(({ n }) => n)).toEqual([6, 3]);
    const [newer, older] = find('evaluated');
    expect(newer).toMatchObject({ n: 4, parent: 3, metrics, greedy: 0.6, full, saved: false, comparable: true });
    expect(older).toMatchObject({
      n: 0,
      parent: null,
      metrics: null,
      greedy: 0.5,
      full: null,
      saved: false,
      comparable: false,
    });
  });

  test('answers are those of the newest evaluation of the version', () => {
    store.saveAnswers(3, answersOf(false));
    store.saveAnswers(3, answersOf(true).slice(0, 1));
    expect(store.answers(3)).toEqual([answersOf(true)[0], answersOf(false)[1]]);
    expect(store.answers(4)).toBeUndefined();
  });

  test('answers of old versions go; those of version 0 and the best stay', () => {
    store.close();
    store = openStore(path, { retention: { maxAnswerVersions: 2 } });
    for (const n of [0, 5, 10, 15, 20]) {
      store.saveEvaluation({ version: n, greedy: n === 5 ? 0.9 : 0.1, n: 2 });
      store.saveAnswers(n, [
        ...answersOf(true),
        { ...answersOf(true)[0]!, question: { ...questionOf(0), id: `only${n}` } },
      ]);
    }
    store.enforceRetention();
    expect([0, 5, 10, 15, 20].filter((n) => store.answers(n) !== undefined)).toEqual([0, 5, 15, 20]);
    expect([0, 5, 10].map((n) => store.question(`only${n}`)?.id)).toEqual(['only0', 'only5', undefined]);
  });
});

describe('history', () => {
  test('follows every write, and none that was rolled back', () => {
    store.metric('loss', 1, 5);
    store.metric('at', 1, 100);
    expect(store.history({ maxPoints: 9 })).toEqual({ steps: [1], at: [100], columns: { loss: [5] } });
    store.metric('loss', 2, 7);
    store.metric('loss', 1, 6);
    store.metric('kl', 2, Number.NaN);
    expect(() =>
      store.transaction(() => {
        store.metric('loss', 3, 1);
        throw new Error('halfway');
      }),
    ).toThrow('halfway');
    expect(store.history({ maxPoints: 9 })).toEqual({ steps: [1, 2], at: [100, 100], columns: { loss: [6, 7] } });
    expect(store.metricRow(1)).toEqual({ loss: 6, at: 100 });
    expect(store.metricRow(3)).toEqual({});
  });

  test('is the same warmed, with what was written meanwhile, and after retention', async () => {
    store.close();
    store = openStore(path, { retention: { maxMetricPoints: 100 } });
    for (let step = 0; step < 110; step++)
      store.transaction(() => ['a', 'b', 'c'].forEach((name) => store.metric(name, step, step)));
    const warm = store.warmHistory();
    store.metric('c', 110, -1);
    store.metric('a', 109, -2);
    await warm;
    const { steps, columns } = store.history({ maxPoints: 1_000 });
    expect(steps).toHaveLength(111);
    expect([columns.a![109], columns.b![110], columns.c![110]]).toEqual([-2, null, -1]);
    store.enforceRetention();
    expect(store.history({ maxPoints: 1_000 }).columns.a!.filter((value) => value !== null)).toHaveLength(
      store.series('a', 1_000).length,
    );
    expect(store.series('a', 1_000).length).toBeLessThanOrEqual(100);
  });
});

test('events page backwards, by kind when asked', () => {
  for (let i = 0; i < 7; i++) store.event(i % 2 === 0 ? 'even' : 'odd', i);
  const of = (kind?: string) =>
    pages((before) => {
      const { events, next } = store.eventsBefore({
        limit: 2,
        ...(before === undefined ? {} : { before }),
        ...(kind === undefined ? {} : { kind }),
      });
      return { rows: events, next };
    }).map(({ data }) => data);
  expect(of()).toEqual([6, 5, 4, 3, 2, 1, 0]);
  expect(of('odd')).toEqual([5, 3, 1]);
  expect(of('none')).toEqual([]);
});
