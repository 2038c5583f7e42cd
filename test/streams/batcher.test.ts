import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../../src/data/rng.ts';
import { Batcher, type Window } from '../../streams/batcher.ts';
import { Latest } from '../../streams/latest.ts';
import { Queue } from '../../streams/queue.ts';
import { judgedGroup } from '../support/judged.ts';

const sequences = (windows: readonly Window[]) =>
  windows.map(({ groups }) => groups.map(({ group }) => group.sequence));

test('windows depend on the admission order and on which groups are kept, not on which is judged first', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 3 }),
      fc.nat(),
      (kept, batchGroups, times, seed) => {
        const cut = (order: readonly number[]) => {
          const batcher = new Batcher({ batchGroups, maxJudged: batchGroups * times, next: 0 });
          return order.flatMap((sequence) =>
            batcher.add(sequence, kept[sequence] === true ? judgedGroup(sequence) : undefined),
          );
        };
        const inOrder = kept.map((_, i) => i);
        const windows = cut(inOrder);
        expect(cut(new Random(seed).shuffle(inOrder))).toEqual(windows);
        for (const { groups, judged } of windows) {
          expect(groups.length <= batchGroups && judged <= batchGroups * times).toBe(true);
          expect(groups.length === batchGroups || judged === batchGroups * times).toBe(true);
        }
        const through = windows.at(-1)?.through ?? -1;
        expect(sequences(windows).flat()).toEqual(inOrder.filter((i) => kept[i] === true && i <= through));
      },
    ),
    { seed: 11 },
  );
});

test('a window in which nothing was kept closes empty', () => {
  const batcher = new Batcher({ batchGroups: 2, maxJudged: 4, next: 10 });
  expect([10, 11, 12].flatMap((sequence) => batcher.add(sequence, undefined))).toEqual([]);
  expect(batcher.add(13, undefined)).toEqual([{ groups: [], judged: 4, through: 13 }]);
  expect(batcher.shortestClose).toBe(2);
});

test('a group that is judged twice is refused, whether it waits or has gone', () => {
  const batcher = new Batcher({ batchGroups: 2, maxJudged: 4, next: 0 });
  batcher.add(0, judgedGroup(0));
  batcher.add(2, judgedGroup(2));
  expect(() => batcher.add(0, undefined)).toThrow('judged twice');
  expect(() => batcher.add(2, undefined)).toThrow('judged twice');
});

test('a queue refuses what is past its bound and cuts runs', async () => {
  const queue = new Queue<number>('jobs', 4);
  queue.push(1, 2, 4, 5);
  expect(() => queue.push(6)).toThrow('queue "jobs" holds 4 of 4 items');
  expect(await queue.take(3, (before, item) => item === before + 1)).toEqual([1, 2]);
  expect(await queue.take(3)).toEqual([4, 5]);
  const waiting = queue.take(1);
  queue.push(7);
  expect(await waiting).toEqual([7]);
  queue.close();
  expect(await queue.take(1)).toEqual([]);
});

test('of the untaken items, the latest wins', async () => {
  const latest = new Latest<string>();
  const iterator = latest[Symbol.asyncIterator]();
  expect(latest.put('a')).toBeUndefined();
  expect(latest.put('b')).toBe('a');
  expect(await iterator.next()).toEqual({ done: false, value: 'b' });
  const next = iterator.next();
  latest.put('c');
  expect(await next).toEqual({ done: false, value: 'c' });
  latest.put('d');
  expect(latest.close()).toBe('d');
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
});
