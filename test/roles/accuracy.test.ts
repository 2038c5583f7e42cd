import { expect, it } from 'vitest';
import { accuracy, followedLevels, type Marks } from '../../src/roles/accuracy.ts';

const marks = (levels: number): Marks[] =>
  Array.from({ length: 2 * levels }, (_, i) => ({
    kind: 'all',
    level: 1 + (i % levels),
    answer: '1',
    right: Number(i < levels),
    passK: 1,
    majority: true,
  }));

it('levels are followed over versions where there are few of them; a full accuracy has them all', () => {
  expect(Object.entries(followedLevels(marks(32)).levels!)).toEqual(
    Array.from({ length: 32 }, (_, i) => [String(i + 1), 0.5]),
  );
  expect(followedLevels(marks(33))).toEqual({});
  expect(Object.keys(accuracy(marks(33), [], 2).levels!)).toHaveLength(33);
  expect(followedLevels(marks(3).map((each) => ({ ...each, level: undefined })))).toEqual({});
});
