import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Columns } from '../../src/store/columns.ts';

/** Metric name -> step -> value. */
type Metrics = ReadonlyMap<string, ReadonlyMap<number, number>>;

const metrics: fc.Arbitrary<Metrics> = fc
  .array(
    fc.tuple(
      fc.constantFrom('a', 'b', 'c'),
      fc.nat(600),
      fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((value) => value + 0),
    ),
    { maxLength: 400 },
  )
  .map((writes) => {
    const all = new Map<string, Map<number, number>>();
    for (const [name, step, value] of writes)
      all.set(name, (all.get(name) ?? new Map<number, number>()).set(step, value));
    return all;
  });

function columnsOf(all: Metrics): Columns {
  const columns = new Columns();
  for (const [name, values] of all) {
    const steps = [...values.keys()].toSorted((a, b) => a - b);
    columns.setColumn(
      name,
      steps,
      steps.map((step) => values.get(step)!),
    );
  }
  return columns;
}

/** The same values, written step by step in any order. */
function writtenOf(all: Metrics, order: readonly number[]): Columns {
  const columns = new Columns();
  for (const step of order) {
    const entries = [...all].flatMap(([name, values]) =>
      values.has(step) ? [[name, values.get(step)!] as const] : [],
    );
    columns.setStep(step, Object.fromEntries(entries));
  }
  return columns;
}

const stepsOf = (all: Metrics) =>
  [...new Set([...all.values()].flatMap((values) => [...values.keys()]))].toSorted((a, b) => a - b);

test('where there is room, every value is at its step, and nothing else', () => {
  fc.assert(
    fc.property(metrics, fc.nat(600), fc.nat(600), (all, from, to) => {
      const steps = stepsOf(all).filter((step) => step >= from && step <= to);
      const history = columnsOf(all).history(from, to, 1_000);
      expect(history.steps).toEqual(steps);
      for (const [name, values] of all) {
        const expected = steps.map((step) => values.get(step) ?? null);
        expect(history.columns[name] ?? steps.map(() => null)).toEqual(expected);
      }
    }),
  );
});

test('values that are written step by step, in any order, are those that are read at once', () => {
  fc.assert(
    fc.property(
      metrics.chain((all) =>
        fc.tuple(fc.constant(all), fc.shuffledSubarray(stepsOf(all), { minLength: stepsOf(all).length })),
      ),
      fc.integer({ min: 1, max: 50 }),
      ([all, order], points) => {
        expect(writtenOf(all, order).history(-Infinity, Infinity, points)).toEqual(
          columnsOf(all).history(-Infinity, Infinity, points),
        );
      },
    ),
  );
});

test('buckets keep the mean and the range', () => {
  const steps = fc.integer({ min: 1, max: 400 }).map((n) => Array.from({ length: n }, (_, i) => i * 3));
  fc.assert(
    fc.property(
      steps,
      fc.infiniteStream(fc.double({ min: -1e3, max: 1e3, noNaN: true })),
      fc.integer({ min: 1, max: 60 }),
      (all, stream, points) => {
        const values = all.map(() => stream.next().value as number);
        const columns = new Columns();
        columns.setColumn('loss', all, values);
        const history = columns.history(-Infinity, Infinity, points);
        const means = history.columns.loss!.map((mean) => mean!);
        expect(history.steps).toHaveLength(Math.min(points, all.length));
        expect(history.steps.at(-1)).toBe(all.at(-1));
        const sizes = history.steps.map(
          (step, i) => all.indexOf(step) - (i === 0 ? -1 : all.indexOf(history.steps[i - 1]!)),
        );
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        const total = means.reduce((sum, mean, i) => sum + mean * sizes[i]!, 0);
        expect(total / all.length).toBeCloseTo(values.reduce((sum, value) => sum + value, 0) / all.length, 6);
        expect(Math.max(...means)).toBeLessThanOrEqual(Math.max(...values) + 1e-9);
        expect(Math.min(...means)).toBeGreaterThanOrEqual(Math.min(...values) - 1e-9);
      },
    ),
  );
});

test('the time of a step is its own, else that of the nearest before it, else after it', () => {
  const columns = new Columns();
  columns.setColumn('greedy', [0, 5, 6, 9], [1, 1, 1, 1]);
  columns.setColumn('at', [5, 9], [500, 900]);
  expect(columns.history(-Infinity, Infinity, 10)).toEqual({
    steps: [0, 5, 6, 9],
    at: [500, 500, 500, 900],
    columns: { greedy: [1, 1, 1, 1] },
  });
  expect(columns.history(6, 6, 10).at).toEqual([500]);
  expect(columns.history(7, 8, 10)).toEqual({ steps: [], at: [], columns: {} });
});
