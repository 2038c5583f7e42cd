import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BestKeeper } from '../../src/daemon/best-keeper.ts';

/** A keeper, with the versions it has written and the holds it has on each. */
function setUp(loop: { steps: number | null; stopWhen: string | null }, reports: boolean) {
  const written: number[] = [];
  const holds = new Map<number, number>();
  const add = (n: number, by: number) => void holds.set(n, (holds.get(n) ?? 0) + by);
  const keeper = new BestKeeper({
    place: { write: (work) => work() },
    saving: { best: async (n) => void written.push(n) },
    policy: { retain: (n) => add(n, 1), release: (n) => add(n, -1) },
    loop,
    reports,
  });
  const held = () => [...holds].filter(([, count]) => count !== 0);
  return { keeper, written, held };
}

test('each best version is written; where the end reports it, the newest of them alone is held, once', async () => {
  const loop = fc.record({ steps: fc.option(fc.nat(9)), stopWhen: fc.option(fc.constant('version > 3')) });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(5)), loop, fc.boolean(), async (versions, limits, reports) => {
      const { keeper, written, held } = setUp(limits, reports);
      for (const n of versions) await keeper.keep(n);
      const isReported = limits.steps !== null || limits.stopWhen !== null || reports;
      const last = isReported ? versions.at(-1) : undefined;
      expect(written).toEqual(versions);
      expect(keeper.retained).toBe(last);
      expect(held()).toEqual(last === undefined ? [] : [[last, 1]]);
    }),
  );
});
