/**
 * Databases that older versions wrote. Each is read as if this one had written it; `schema-1.db.gz` was written by the
 * code of that schema.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Database } from '../../src/store/database.ts';
import { SEARCH } from '../../src/store/judged-groups.ts';
import { SCHEMA_VERSION } from '../../src/store/migrations.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { temporaryFolder } from '../support/rig.ts';
import { group, judged, metrics, verdict } from './messages.ts';

const path = join(temporaryFolder(), 'quorum.db');
const FIXTURE = new URL('../fixtures/store/schema-1.db.gz', import.meta.url);

describe('a database of schema 1', () => {
  let store: Store;

  beforeEach(() => {
    writeFileSync(path, gunzipSync(readFileSync(FIXTURE)));
    store = openStore(path);
  });
  afterEach(() => store.close());

  test('is migrated, with nothing lost', () => {
    expect(store.counts()).toMatchObject({
      admitted: 13,
      sampled: 12,
      judged: 11,
      kept: 8,
      learnt: 2,
      batches: 1,
      versions: 2,
    });
    const { unsampled, unjudged, unbatched } = store.unfinished();
    expect(unsampled.map(({ question }) => question.id)).toEqual(['written']);
    expect(unjudged).toEqual([group(11, 1)]);
    expect(unbatched).toEqual([3, 4, 6, 7, 9, 10].map((sequence) => judged(sequence, sequence > 5 ? 1 : 0)));
    expect(store.batchesSince(0)).toEqual([{ id: 0, parent: 0, groups: [judged(0), judged(1)] }]);
    expect(store.latestVersion()).toMatchObject({ n: 1, metrics });
    store.close();
    const db = new Database(path);
    expect(db.row('PRAGMA user_version')).toEqual({ user_version: SCHEMA_VERSION });
    expect(db.rows('PRAGMA foreign_key_check')).toEqual([]);
    db.close();
  });

  test('is searched like a new one', () => {
    const found = (filter: Parameters<Store['findGroups']>[0]) =>
      store.findGroups(filter, { limit: 99 }).groups.map(({ group: { id } }) => id);
    expect(found({ verdict: 'all-agree' })).toEqual(['g8', 'g5', 'g2']);
    expect(found({ version: 1, verdict: 'kept' })).toEqual(['g10', 'g9', 'g7', 'g6']);
    expect(found({ text: 'PICTURE Q3', kind: 'count', origin: 'dataset', minShare: 0.6, maxShare: 0.7 })).toEqual([
      'g3',
    ]);
    expect(store.group('g8')).toMatchObject({ group: group(8, 1), verdict: verdict(8, false), learntBy: null });
    expect(store.groupsOfQuestion('q0', 9).map(({ group: { id } }) => id)).toEqual(['g0', 'g10']);
    const [written] = store.syntheticQuestions({ limit: 9 }).questions;
    expect(written).toMatchObject({ question: { id: 'written' }, parent: { id: 'q1' }, groups: 0, meanShare: null });
    expect(store.questionStats()).toMatchObject({ byOrigin: { dataset: 10, direct: 1 }, byKind: { count: 11 } });
  });

  test('has the times of its steps', () => {
    const [newest] = store.versions(1);
    expect(store.history({ maxPoints: 9 })).toEqual({
      steps: [0, 1],
      at: [1_000, newest!.savedAt],
      columns: { loss: [null, 0.25] },
    });
  });
});

test('a search reads no blobs, and every read of a page has its index', () => {
  openStore(path).close();
  const db = new Database(path);
  const plan = (sql: string) => db.rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).map(({ detail }) => detail);
  const filter = `kept = 1 AND dropped = 'x' AND share > 0 AND policy_version = 1 AND question_id = 'q' AND kind = 'k' AND origin = 'o'`;
  expect(plan(`${SEARCH} sequence < 9 AND ${filter} ORDER BY sequence DESC LIMIT 9`)).toEqual([
    expect.stringContaining('USING COVERING INDEX verdicts_by_facts (sequence<?)'),
  ]);
  expect(plan('SELECT origin, share, count(*) FROM verdicts GROUP BY origin, share')).toEqual([
    expect.stringContaining('USING COVERING INDEX verdicts_by_origin'),
  ]);
  expect(plan('SELECT origin, count(*) FROM questions GROUP BY origin')).toEqual([
    expect.stringContaining('COVERING INDEX questions_by_origin'),
  ]);
  expect(plan(`SELECT id FROM questions WHERE origin = 'direct' ORDER BY rowid DESC LIMIT 500`)).toEqual([
    expect.stringContaining('USING INDEX questions_by_origin (origin=?)'),
  ]);
  db.close();
});

test('a database of schema 5 keeps its evaluations with their numbers, and its answers; those without labels can be added', () => {
  const file = join(temporaryFolder(), 'quorum.db');
  writeFileSync(file, gunzipSync(readFileSync(new URL('../fixtures/store/schema-5.db.gz', import.meta.url))));
  using store = openStore(file);
  expect(store.evaluations().map(({ version, greedy }) => [version, greedy])).toEqual([
    [0, 0.5],
    [5, 0.75],
  ]);
  expect(store.exportEnd()).toEqual({ version: 0, evaluation: 3 }); // one was replaced
  expect(store.answers(0)!.map(({ question: { id }, answer, right, truth }) => [id, answer, right, truth])).toEqual([
    ['a', '1', true, '1'],
    ['b', null, false, '2'],
  ]);
  const [first] = store.answers(0)!;
  store.saveEvaluation({ version: 6, greedy: null, n: 0 });
  store.saveAnswers(6, [{ question: { ...first!.question, id: 'c' }, answer: '1', right: null, truth: null }]);
  expect(store.answers(6)).toMatchObject([{ answer: '1', right: null, truth: null }]);
  expect(store.bestEvaluation()).toMatchObject({ version: 5 });
  expect(store.exportEnd()).toEqual({ version: 0, evaluation: 4 });
});
