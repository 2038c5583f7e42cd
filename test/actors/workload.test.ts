import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Workload } from '../../actors/workload.ts';

const MINUTE = 60_000;

test('a young actor is measured over its life', () => {
  let now = 1_700_000_000_123;
  const workload = new Workload(() => now);
  expect(workload.read()).toEqual({ items: 0, itemsPerSecond: 0, busy: 0 });
  workload.begin();
  now += 3_000;
  workload.end(true);
  now += 1_000;
  expect(workload.read()).toEqual({ items: 1, itemsPerSecond: 0.25, busy: 0.75 });
});

test('work older than a minute counts only in the items', () => {
  let now = 0;
  const workload = new Workload(() => now);
  workload.begin();
  now += 10 * MINUTE;
  expect(workload.read().busy).toBe(1);
  workload.end(true);
  now += MINUTE + 1;
  expect(workload.read()).toEqual({ items: 1, itemsPerSecond: 0, busy: 0 });
});

test('a clock that is set back neither fails nor gives a share beyond 1', () => {
  let now = MINUTE;
  const workload = new Workload(() => now);
  workload.begin();
  now += 5_000;
  expect(workload.read().busy).toBe(1);
  now -= 30_000;
  workload.end(true);
  now += 31_000;
  const { busy } = workload.read();
  expect(busy).toBeGreaterThan(0);
  expect(busy).toBeLessThan(1);
});

test('rates equal those computed from a list of all events', () => {
  const turns = fc.array(fc.record({ idle: fc.nat(40_000), work: fc.nat(40_000), finished: fc.boolean() }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(fc.nat(1e9), turns, fc.nat(90_000), (start, list, rest) => {
      let now = start;
      const workload = new Workload(() => now);
      const done: { from: number; to: number; finished: boolean }[] = [];
      for (const { idle, work, finished } of list) {
        now += idle;
        workload.begin();
        now += work;
        workload.end(finished);
        done.push({ from: now - work, to: now, finished });
      }
      now += rest;
      const from = Math.max(start, now - (now % 1000) - 59_000);
      const window = Math.max(1, now - from);
      const worked = done.reduce((sum, item) => sum + Math.max(0, item.to - Math.max(item.from, from)), 0);
      const recent = done.filter(({ finished, to }) => finished && to >= from).length;
      const { items, itemsPerSecond, busy } = workload.read();
      expect(items).toBe(done.filter(({ finished }) => finished).length);
      expect(busy).toBeCloseTo(worked / window, 9);
      if (now > from) expect(itemsPerSecond).toBeCloseTo((recent * 1000) / window, 9);
    }),
  );
});
