import fc from 'fast-check';
import { lastValueFrom, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { Random } from '../../src/data/rng.ts';
import { pullMap } from '../../streams/pull-map.ts';
import { until } from '../support/until.ts';

/** Counts what is pulled and whether it was returned. */
function source(count: number) {
  const seen = { pulled: 0, returned: 0 };
  async function* items() {
    try {
      for (let i = 0; i < count; i += 1) {
        seen.pulled += 1;
        yield i;
      }
    } finally {
      seen.returned += 1;
    }
  }
  return { seen, items: items() };
}

const turns = async (n: number) => {
  for (let i = 0; i < n; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

test('every item is worked on once, by at most `lanes` at a time, and nothing is pulled ahead', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(30),
      fc.integer({ min: 1, max: 5 }),
      fc.boolean(),
      fc.nat(),
      async (count, lanes, ordered, seed) => {
        const random = new Random(seed);
        const { seen, items } = source(count);
        let inHand = 0;
        let done = 0;
        const work = async (item: number) => {
          inHand += 1;
          expect(inHand).toBeLessThanOrEqual(lanes);
          expect(seen.pulled).toBeLessThanOrEqual(done + lanes);
          await turns(random.int(0, 3));
          inHand -= 1;
          done += 1;
          return item;
        };
        const out = await lastValueFrom(pullMap(items, lanes, work, { ordered }).pipe(toArray()));
        expect(ordered ? out : out.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
        expect(seen.returned).toBe(count === 0 && seen.pulled === 0 ? seen.returned : 1);
      },
    ),
    { numRuns: 40, seed: 3 },
  );
});

test('ordered lanes do not run ahead of a slow item', async () => {
  const { seen, items } = source(20);
  let free = () => {};
  const first = new Promise<void>((resolve) => (free = resolve));
  const out: number[] = [];
  pullMap(items, 3, async (item) => (item === 0 ? first.then(() => item) : item), { ordered: true }).subscribe((item) =>
    out.push(item),
  );
  await turns(10);
  expect(out).toEqual([]);
  expect(seen.pulled).toBe(3);
  free();
  await until(() => out.length === 20);
  expect(out).toEqual(Array.from({ length: 20 }, (_, i) => i));
});

test('the first failure errors the stream, aborts the other lanes and returns the source', async () => {
  const { seen, items } = source(10);
  const aborted: number[] = [];
  const work = (item: number, _lane: number, signal: AbortSignal) =>
    item === 1
      ? turns(3).then(() => Promise.reject(new Error('item 1 is bad')))
      : new Promise<number>((resolve) => signal.addEventListener('abort', () => (aborted.push(item), resolve(item))));
  await expect(lastValueFrom(pullMap(items, 3, work))).rejects.toThrow('item 1 is bad');
  await turns(2);
  expect(aborted).toEqual([0, 2]);
  expect(seen.returned).toBe(1);
});

test('unsubscribing aborts what is in hand and returns the source', async () => {
  const { seen, items } = source(10);
  let signals: AbortSignal[] = [];
  const subscription = pullMap(
    items,
    2,
    (_item, _lane, signal) => ((signals = [...signals, signal]), new Promise<never>(() => {})),
  ).subscribe();
  await until(() => signals.length === 2);
  subscription.unsubscribe();
  await turns(2);
  expect(signals.every(({ aborted }) => aborted)).toBe(true);
  expect(seen).toEqual({ pulled: 2, returned: 1 });
});
