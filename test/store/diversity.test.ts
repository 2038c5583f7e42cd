import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diversityOf } from '../../src/store/diversity.ts';

test('equal texts have no distance, texts without a common word pair the whole', () => {
  expect(diversityOf(['how many discs', 'how many discs'])).toEqual({ distinct: 0.5, distance: 0 });
  expect(diversityOf(['how many discs', 'many how discs'])).toEqual({ distinct: 1, distance: 1 });
  expect(diversityOf(['a b c', 'b c d'])).toEqual({ distinct: 1, distance: 1 - 1 / 3 });
});

test('few texts say what can be said', () => {
  expect(diversityOf([])).toEqual({ distinct: 0, distance: null });
  expect(diversityOf(['one'])).toEqual({ distinct: 1, distance: null });
  expect(diversityOf(['one', 'one', '?'])).toEqual({ distinct: 2 / 3, distance: 2 / 3 });
});

test('for few texts it is the mean over all pairs', () => {
  const word = fc.constantFrom('how', 'many', 'red', 'discs', 'π');
  const text = fc.array(word, { minLength: 2, maxLength: 6 }).map((words) => words.join(' '));
  fc.assert(
    fc.property(fc.array(text, { minLength: 2, maxLength: 17 }), (texts) => {
      const sets = texts.map(
        (it) =>
          new Set(it.split(' ').flatMap((first, i, all) => (i + 1 < all.length ? [`${first} ${all[i + 1]!}`] : []))),
      );
      const share = (a: ReadonlySet<string>, b: ReadonlySet<string>) => {
        const common = [...a].filter((pair) => b.has(pair)).length;
        return 1 - common / (a.size + b.size - common);
      };
      const distances = sets.flatMap((a, i) => sets.slice(i + 1).map((b) => share(a, b)));
      const mean = distances.reduce((sum, it) => sum + it, 0) / distances.length;
      expect(diversityOf(texts).distance).toBeCloseTo(mean, 9);
    }),
  );
});

test('for many texts it is near the mean over all pairs', () => {
  const texts = Array.from({ length: 400 }, (_, i) =>
    i % 4 === 0 ? `how many red discs ${i}` : `what is the area of square ${i}`,
  );
  // Two questions of a kind have all but the last pair in common: 3 of 5, and 5 of 7, pairs.
  const same = (0.25 * 0.25 * 2) / 5 + (0.75 * 0.75 * 2) / 7;
  expect(diversityOf(texts).distance).toBeCloseTo(same + 2 * 0.25 * 0.75, 1);
});
