import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { EncodedPrompt } from '../../../src/compute/models/family.ts';
import { filled, inPasses } from '../../../src/compute/training/passes.ts';

const prompt = {} as EncodedPrompt;
const groups = fc.array(fc.array(fc.nat(40), { minLength: 2, maxLength: 2 }), { minLength: 1, maxLength: 20 });

it('puts every group in exactly one pass, none over its size, the shorter before the longer', () => {
  fc.assert(
    fc.property(groups, fc.integer({ min: 1, max: 6 }), (lengths, size) => {
      const list = lengths.map((responses) => ({ prompt, responses }));
      const passes = inPasses(list, size, (length) => length);
      expect(passes.flat().toSorted((a, b) => a - b)).toEqual(list.map((_, at) => at));
      expect(passes.every((pass, i) => pass.length === size || (i === passes.length - 1 && pass.length > 0))).toBe(
        true,
      );
      const longest = passes.flat().map((at) => Math.max(...lengths[at]!));
      expect(longest).toEqual(longest.toSorted((a, b) => a - b));
    }),
  );
});

it('fills a short pass up with groups of empty responses and leaves the groups themselves alone', () => {
  const list = [{ prompt, responses: [[1, 2], [3]] }];
  expect(filled(list, 3, [])).toEqual([list[0], { prompt, responses: [[], []] }, { prompt, responses: [[], []] }]);
  expect(filled(list, 1, [])).toEqual(list);
});
