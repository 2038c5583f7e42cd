import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { group, judged, metrics, question, verdict } from './messages.ts';

let folder: string;
let path: string;
let store: Store;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorum-store-'));
  path = join(folder, 'quorum.db');
  store = openStore(path);
});

afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

function reopen(): void {
  store.close();
  store = openStore(path);
}

/** Admits, samples and keeps the groups `from ..< to`. */
function keep(from: number, to: number, policyVersion = 0): void {
  for (let sequence = from; sequence < to; sequence++) {
    const { question } = group(sequence);
    store.admit([{ sequence, question }]);
    store.saveGroups([group(sequence, policyVersion)]);
    store.saveVerdicts([verdict(sequence)]);
  }
}

function learn(id: number, sequences: readonly number[]): void {
  store.saveBatch({ id, parent: id, groupIds: sequences.map((sequence) => `g${sequence}`) });
  store.saveVersion({ n: id + 1, parent: id, batchId: id, metrics });
}

describe('what a restart finds', () => {
  test('each piece of work is in exactly the list of its stage, in order, whole', () => {
    store.admit([0, 1, 2, 3, 4, 5].map((sequence) => ({ sequence, question: group(sequence).question })));
    store.saveGroups([4, 3, 2, 1].map((sequence) => group(sequence)));
    store.saveVerdicts([3, 2, 1].map((sequence) => verdict(sequence, sequence !== 2)));
    store.saveBatch({ id: 0, parent: 0, groupIds: ['g1'] });
    reopen();
    const { unsampled, unjudged, unbatched, unlearnt } = store.unfinished();
    expect(unsampled).toEqual([0, 5].map((sequence) => ({ sequence, question: group(sequence).question })));
    expect(unjudged).toEqual([group(4)]);
    expect(unbatched).toEqual([judged(3)]);
    expect(unlearnt).toEqual([{ id: 0, parent: 0, groups: [judged(1)] }]);
    expect(store.nextSequence).toBe(6);
    expect(store.nextBatchId).toBe(1);
  });

  test('what checks found is with the group, judged or not, and counted', () => {
    const checks = [
      {
        check: 'sums',
        findings: [
          { vote: true as const },
          { vote: false as const, why: 'wrong', step: '1+1=3' },
          { vote: null, why: 'none' },
        ],
      },
    ];
    store.admit([0, 1].map((sequence) => ({ sequence, question: group(sequence).question })));
    store.saveGroups([group(0), group(1)]);
    store.saveChecks([
      { ...group(0), checks },
      { ...group(1), checks },
    ]);
    const lost = { by: { sums: 1 }, classes: [0, 0, 0] };
    store.saveVerdicts([{ ...verdict(0), lost }]);
    reopen();
    expect(store.unfinished().unjudged).toEqual([{ ...group(1), checks }]);
    expect(store.group('g0')).toMatchObject({ group: { checks }, verdict: { lost } });
    expect(store.counts().checks).toEqual({ sums: { held: 2, denied: 2, abstained: 2, lost: 1 } });
    expect(() => store.saveChecks([{ ...group(7), checks }])).toThrow('there is no group g7');
  });

  test('a learnt batch is not unfinished, but replayed from a checkpoint before it', () => {
    keep(0, 4);
    learn(0, [1, 0]);
    learn(1, [2, 3]);
    reopen();
    expect(store.unfinished()).toEqual({ unsampled: [], unjudged: [], unbatched: [], unlearnt: [] });
    expect(store.batchesSince(2)).toEqual([]);
    expect(store.batchesSince(1)).toEqual([{ id: 1, parent: 1, groups: [judged(2), judged(3)] }]);
    expect(store.batchesSince(0)[0]).toEqual({ id: 0, parent: 0, groups: [judged(1), judged(0)] });
    expect(store.latestVersion()).toMatchObject({ n: 2, parent: 1, batchId: 1, metrics });
  });

  test('saving what a replay saves again changes nothing', () => {
    keep(0, 2);
    learn(0, [0, 1]);
    const before = [store.counts(), store.versions(9), store.batchesSince(0)];
    learn(0, [0, 1]);
    expect([store.counts(), store.versions(9), store.batchesSince(0)]).toEqual(before);
  });

  test('the same question may be admitted twice', () => {
    store.admit([0, 1].map((sequence) => ({ sequence, question: question('q') })));
    expect(store.unfinished().unsampled.map(({ question: { id } }) => id)).toEqual(['q', 'q']);
  });
});

describe('what the store refuses, leaving nothing behind', () => {
  beforeEach(() => keep(0, 3));

  test('a group that is learnt from twice, in one batch or two', () => {
    learn(0, [0]);
    expect(() => learn(1, [1, 0])).toThrow('batch 1 names group g0, which is in batch 0 already');
    expect(() => learn(1, [1, 1])).toThrow('batch 1 names group g1, which is in batch 1 already');
    expect(store.nextBatchId).toBe(1);
    expect(store.unfinished().unbatched).toHaveLength(2);
  });

  test('a batch with a dropped, an unjudged or an unknown group', () => {
    store.admit([3, 4].map((sequence) => ({ sequence, question: group(sequence).question })));
    store.saveGroups([group(3), group(4)]);
    store.saveVerdicts([verdict(3, false)]);
    expect(() => learn(0, [3])).toThrow('g3, which was dropped');
    expect(() => learn(0, [4])).toThrow('g4, which has no verdict');
    expect(() => learn(0, [9])).toThrow('g9, which does not exist');
    expect(() => learn(0, [])).toThrow('batch 0 has no groups');
    expect(() => learn(7, [0])).toThrow('batch 7 is out of order: the next is 0');
  });

  test('another batch under an id that is taken', () => {
    learn(0, [0]);
    expect(() => store.saveBatch({ id: 0, parent: 0, groupIds: ['g1'] })).toThrow('batch 0 exists already');
    expect(() => store.saveBatch({ id: 0, parent: 5, groupIds: ['g0'] })).toThrow('batch 0 exists already');
  });

  test('a version whose batch is unknown, has another parent, or differs from the saved one', () => {
    expect(() => store.saveVersion({ n: 1, parent: 0, batchId: 0, metrics })).toThrow(
      'names batch 0, which was not saved',
    );
    learn(0, [0]);
    store.saveBatch({ id: 1, parent: 1, groupIds: ['g1'] });
    expect(() => store.saveVersion({ n: 2, parent: 0, batchId: 1, metrics })).toThrow('its batch 1 starts from 1');
    expect(() => store.saveVersion({ n: 1, parent: 0, batchId: 1, metrics })).toThrow('version 1 exists already');
  });

  test('an admission out of order, and a group without its admission or with a second one', () => {
    expect(() => store.admit([{ sequence: 7, question: question('q') }])).toThrow(
      'admission 7 is out of order: the next is 3',
    );
    expect(() => store.saveGroups([group(3)])).toThrow('which was not admitted as 3');
    expect(() => store.saveGroups([{ ...group(2), question: question('other') }])).toThrow(
      'which was not admitted as 2',
    );
    expect(() => store.saveGroups([group(2)])).toThrow('admission 2 has a group already');
  });

  test('all of a list, when one of it is wrong', () => {
    store.admit([{ sequence: 3, question: group(3).question }]);
    expect(() => store.saveGroups([group(3), group(99)])).toThrow();
    expect(store.unfinished().unjudged).toEqual([]);
    expect(store.counts().sampled).toBe(3);
  });
});

describe('transactions', () => {
  test('together is all or none, and what it throws is what the caller gets', () => {
    const work = () =>
      store.transaction(() => {
        store.admit([{ sequence: 0, question: question('q') }]);
        store.metric('share', 0, 1);
        throw new Error('halfway');
      });
    expect(work).toThrow('halfway');
    expect(store.nextSequence).toBe(0);
    expect(store.series('share')).toEqual([]);
    store.metric('share', 1, 0.5);
    expect(store.series('share')).toEqual([{ step: 1, value: 0.5 }]);
  });
});

describe('reports', () => {
  test('counts follow the groups through the stages', () => {
    keep(0, 3);
    store.admit([{ sequence: 3, question: question('q3') }]);
    store.saveGroups([group(3)]);
    store.saveVerdicts([verdict(3, false)]);
    learn(0, [0, 1]);
    expect(store.counts()).toEqual({
      admitted: 4,
      sampled: 4,
      judged: 4,
      kept: 3,
      checks: {},
      dropped: { 'all-agree': 1 },
      learnt: 2,
      setAside: 0,
      batches: 1,
      versions: 1,
    });
  });

  test('the best evaluation is the highest, a full one before a quick one, then the earlier', () => {
    const full = { n: 10, k: 2, greedy: 0.8, pass1: 0.7, majK: 0.8, passK: 0.9, byKind: { area: { n: 3, greedy: 1 } } };
    store.saveEvaluation({ version: 5, greedy: 0.8, n: 10 });
    store.saveEvaluation({ version: 10, greedy: 0.8, n: 10, full });
    store.saveEvaluation({ version: 15, greedy: 0.8, n: 10, full });
    store.saveEvaluation({ version: 20, greedy: 0.7, n: 10 });
    reopen();
    expect(store.bestEvaluation()).toMatchObject({ version: 10, full });
    expect(store.evaluations().map(({ version }) => version)).toEqual([5, 10, 15, 20]);
  });

  test('a long series is averaged into buckets; gaps and repeated steps do not disturb it', () => {
    for (let step = 0; step < 1_000; step++) store.metric('share', step, step);
    store.metric('share', 0, 0);
    store.metric('share', 1_000, Number.NaN);
    const points = store.series('share', 10);
    expect(points).toHaveLength(10);
    expect(points[0]).toEqual({ step: 99, value: 49.5 });
    expect(points[9]).toEqual({ step: 999, value: 949.5 });
    expect(store.series('share', 5_000)).toHaveLength(1_000);
    expect(store.metricNames()).toEqual(['share']);
  });

  test('events come newest first, by type when asked', () => {
    store.event('start', { seed: 1 });
    store.event('restart', 'sampler');
    store.event('start');
    expect(store.events(9).map(({ type, data }) => [type, data])).toEqual([
      ['start', null],
      ['restart', 'sampler'],
      ['start', { seed: 1 }],
    ]);
    expect(store.events(1, 'restart')).toMatchObject([{ data: 'sampler' }]);
  });

  test('judged groups page backwards', () => {
    keep(0, 5);
    expect(store.judgedGroups(2)).toEqual([judged(4), judged(3)]);
    expect(store.judgedGroups(2, 3)).toEqual([judged(2), judged(1)]);
  });

  test('meta holds JSON values', () => {
    expect(store.meta('seed')).toBeUndefined();
    store.setMeta('seed', { a: [1, null] });
    reopen();
    expect(store.meta('seed')).toEqual({ a: [1, null] });
  });
});

describe('retention', () => {
  const day = 86_400_000;
  let now = 0;

  function bounded(retention: Parameters<typeof openStore>[1] & object): void {
    store.close();
    store = openStore(path, { now: () => now, ...retention });
  }

  test('old settled groups go; replay, unfinished work and counts stay', () => {
    bounded({ retention: { maxGroups: 2 } });
    keep(0, 8);
    learn(0, [0, 1]);
    learn(1, [2, 3]);
    learn(2, [4, 5]);
    const { counts, unfinished } = { counts: store.counts(), unfinished: store.unfinished() };
    expect(store.enforceRetention()).toBe(0);
    store.setReplayFloor(2);
    expect(store.enforceRetention()).toBe(4);
    expect(store.enforceRetention()).toBe(0);
    reopen();
    expect(store.batchesSince(2)).toEqual([{ id: 2, parent: 2, groups: [judged(4), judged(5)] }]);
    expect(store.unfinished()).toEqual(unfinished);
    expect(unfinished.unbatched).toEqual([judged(6), judged(7)]);
    expect(store.counts()).toEqual(counts);
    expect([store.nextSequence, store.nextBatchId]).toEqual([8, 3]);
  });

  test('dropped groups and events go by age', () => {
    bounded({ retention: { maxDays: 1 } });
    store.admit([0, 1].map((sequence) => ({ sequence, question: question(`q${sequence}`) })));
    store.saveGroups([group(0)]);
    store.saveVerdicts([verdict(0, false)]);
    store.event('old');
    now += 2 * day;
    store.saveGroups([group(1)]);
    store.saveVerdicts([verdict(1, false)]);
    store.event('new');
    expect(store.enforceRetention()).toBe(1);
    expect(store.judgedGroups(9).map((it) => it.group.id)).toEqual(['g1']);
    expect(store.events(9).map(({ type }) => type)).toEqual(['new']);
  });

  test('events, metrics and versions stay within their bounds while running, without being asked', () => {
    bounded({ retention: { maxEvents: 100, maxMetricPoints: 100, maxGroups: 1, maxVersions: 3 } });
    store.saveEvaluation({ version: 1, greedy: 0.9, n: 10 });
    store.saveEvaluation({ version: 2, greedy: 0.1, n: 10 });
    for (let id = 0; id < 10; id++) {
      keep(id, id + 1);
      learn(id, [id]);
      store.setReplayFloor(id);
    }
    for (let step = 0; step < 2_000; step++) {
      store.event('tick', step);
      store.metric('share', step, step);
    }
    expect(store.events(10_000).length).toBeLessThanOrEqual(100 + 500);
    const series = store.series('share', 10_000);
    expect(series.length).toBeLessThanOrEqual(100 + 500);
    expect(series[0]).toEqual({ step: 0, value: 0 });
    expect(series.at(-1)).toEqual({ step: 1_999, value: 1_999 });
    expect(store.versions(99).map(({ n }) => n)).toEqual([10, 9, 8]);
    expect(store.evaluations().map(({ version }) => version)).toEqual([1]);
  });
});
