import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collapseRow, collapseTable, onsetOf } from '../../src/experiment/collapse.ts';
import { memoryStore } from '../support/rig.ts';

describe('onsetOf', () => {
  it('is where the accuracy falls by five points for good', () => {
    const points = [
      [0, 0.6],
      [5, 0.9],
      [10, 0.84],
      [15, 0.92],
      [20, 0.86],
      [25, 0.8],
    ] as const;
    expect(onsetOf(points)).toBe(20);
    expect(onsetOf(points.slice(0, 4))).toBeNull();
    expect(onsetOf([])).toBeNull();
  });

  it('is null for a run that ends near its best, and else a version from which all are below it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }),
        (accuracies) => {
          const points = accuracies.map((accuracy, version) => [version, accuracy] as const);
          const onset = onsetOf(points);
          const best = Math.max(...accuracies);
          if (onset === null) expect(accuracies.at(-1)).toBeGreaterThan(best - 0.05);
          else expect(accuracies.slice(onset).every((accuracy) => accuracy <= best - 0.05)).toBe(true);
        },
      ),
    );
  });
});

describe('collapseRow', () => {
  it('reads from a store when it began, when it was seen, and what it cost', () => {
    const store = memoryStore();
    const told = (level: string, version: number, why: string) => store.event('guardian', { level, version, why });
    const evaluated = (version: number, greedy: number) => {
      store.saveVersion({ n: version, parent: version === 0 ? null : version - 1, batchId: null, metrics: null });
      store.saveEvaluation({ version, greedy, n: 100 });
    };
    told('watch', 5, 'before anything was done');
    for (const [version, greedy] of [
      [10, 0.9],
      [15, 0.95],
      [20, 0.7],
      [25, 0.5],
    ] as const)
      evaluated(version, greedy);
    told('watch', 12, 'a first sign');
    told('healthy', 14, '');
    told('watch', 19, 'a sign');
    told('act', 22, 'reasons');
    store.event('rollback', { from: 15, as: 26 });
    evaluated(26, 0.94);
    evaluated(31, 0.96);
    const row = collapseRow(store, 'rate x 10', 3, 10);
    expect(row).toEqual({
      name: 'rate x 10',
      seed: 3,
      steps: 31,
      onset: 20,
      watched: 19,
      acted: 22,
      why: 'reasons',
      best: 0.95,
      atWorst: 0.5,
      rolledBack: 0.94,
      again: null,
      atSecond: null,
      last: 0.96,
      rollbacks: 1,
      held: false,
    });
    expect(collapseTable([row]).split('\n').at(-1)).toBe(
      '| rate x 10 | 3 | 31 | 20 | 19 | 22 | 95.0 % | 50.0 % | 94.0 % | - | - | 96.0 % | 1 | reasons |',
    );

    evaluated(40, 0.8);
    store.event('rollback', { from: 26, as: 43 });
    told('hold', 43, 'one restart did not help');
    const held = collapseRow(store, 'rate x 10', 3, 10);
    expect(held).toEqual({ ...row, steps: 40, again: 17, atSecond: 0.8, last: 0.94, rollbacks: 2, held: true });
  });

  it('has nothing to say of a run in which nothing happened', () => {
    const store = memoryStore();
    expect(collapseRow(store, 'healthy', 0, 0)).toMatchObject({
      onset: null,
      watched: null,
      acted: null,
      rollbacks: 0,
      held: false,
    });
  });
});
