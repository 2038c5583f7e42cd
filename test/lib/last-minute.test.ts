import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LastMinute } from '../../src/lib/last-minute.ts';

test('the sum equals that over a list of all that was added', () => {
  const additions = fc.array(fc.record({ after: fc.nat(70_000), amount: fc.nat(9) }), { maxLength: 60 });
  fc.assert(
    fc.property(fc.nat(1e9), additions, fc.nat(90_000), (start, list, rest) => {
      const sums = new LastMinute();
      let now = start;
      const all = list.map(({ after, amount }) => {
        sums.add((now += after), amount);
        return { at: now, amount };
      });
      now += rest;
      const from = now - (now % 1_000) - 59_000;
      const recent = all.filter(({ at }) => at >= from);
      expect(sums.sum(now)).toBe(recent.reduce((sum, { amount }) => sum + amount, 0));
    }),
  );
});
