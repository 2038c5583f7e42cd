import fc from 'fast-check';
import { expect, it } from 'vitest';
import { withPoint } from '../../streams/thin.ts';

it('a history stays in order and short, with its first and its newest point, one of each version', () => {
  const versions = fc.array(fc.nat(60), { minLength: 1, maxLength: 120 });
  fc.assert(
    fc.property(versions, fc.integer({ min: 3, max: 20 }), (all, longest) => {
      let history: readonly { readonly version: number; readonly at: number }[] = [];
      for (const [at, version] of all.entries()) {
        history = withPoint(history, { version, at }, longest);
        const kept = history.map((point) => point.version);
        expect(kept).toEqual([...new Set(kept)].toSorted((a, b) => a - b));
        expect(history.length).toBeLessThanOrEqual(longest);
        const seen = all.slice(0, at + 1);
        expect([kept[0], kept.at(-1)]).toEqual([Math.min(...seen), Math.max(...seen)]);
        expect(history.find((point) => point.version === version)?.at ?? at).toBe(at);
      }
    }),
  );
});
