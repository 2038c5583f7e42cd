import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Columns } from '../../../dashboards/client/charts/columns.ts';
import { Thinner } from '../../../dashboards/client/charts/thinner.ts';
import type { MetricRow } from '../../../src/protocol/frames.ts';

const BUCKETS = 16;
const row = (step: number, values: MetricRow['values']): MetricRow => ({ step, at: 1000 * step, values });

function thinned(
  columns: Columns,
  thinner = new Thinner(columns),
  from = 0,
): { steps: readonly number[]; a: readonly (number | null)[] } {
  thinner.update(0, columns.length, BUCKETS, from);
  return { steps: [...thinner.steps], a: [...thinner.values('a')] };
}

describe('Thinner', () => {
  it('gives the same after each update as a new instance, also with late values', () => {
    const updates = fc.array(
      fc.record({ value: fc.double({ noNaN: true, min: -1e6, max: 1e6 }), late: fc.nat(200), skip: fc.boolean() }),
      {
        maxLength: 200,
      },
    );
    fc.assert(
      fc.property(updates, (all) => {
        const columns = new Columns();
        const thinner = new Thinner(columns);
        all.forEach(({ value, late, skip }, step) => {
          columns.add([row(step, skip ? { b: value } : { a: value })]);
          if (late <= step) columns.add([row(late, { a: value / 2 })]);
          expect(thinned(columns, thinner, columns.settle())).toEqual(thinned(columns));
        });
      }),
      { numRuns: 30 },
    );
  });

  it('loses no peak, keeps the order, and is never longer than the screen needs', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 3000 }),
        (values) => {
          const columns = new Columns();
          columns.add(values.map((value, step) => row(step, { a: value })));
          const { steps, a } = thinned(columns);
          const shown = a.filter((value) => value !== null);
          expect(Math.max(...shown)).toBe(Math.max(...values));
          expect(Math.min(...shown)).toBe(Math.min(...values));
          expect(steps).toEqual(steps.toSorted((x, y) => x - y));
          expect(a).toHaveLength(steps.length);
          expect(steps.length).toBeLessThanOrEqual(2 * BUCKETS);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('Columns', () => {
  it('fills in what an evaluation brings later, and finds the newest value at or before a step', () => {
    const columns = Columns.of({
      steps: [10, 20, 30],
      at: [1, 2, 3],
      columns: { a: [1, null, 3], greedy: [0.5, null, null] },
    });
    columns.add([row(31, { a: 4 }), row(20, { greedy: 0.6 }), row(25, { a: 9 })]);
    expect([columns.length, columns.steps[3]]).toEqual([4, 31]);
    expect([0, 1, 2, 3].map((i) => columns.valueBefore('greedy', i))).toEqual([0.5, 0.6, 0.6, 0.6]);
    expect(columns.valueBefore('a', 2)).toBe(9);
    expect(columns.valueBefore('nothing', 3)).toBeNull();
    expect([columns.nearest(0, 'steps'), columns.nearest(24, 'steps'), columns.nearest(99, 'steps')]).toEqual([
      0, 1, 3,
    ]);
  });
});
