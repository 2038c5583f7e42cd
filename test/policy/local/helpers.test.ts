/** A learner whose passes helpers compute in part; helpers.long.test.ts has more of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openForGradients } from '../../../src/policy/local/open.ts';
import { configOf, helpersOf, learnt, makeBatches, type Fate } from '../../support/shared-passes.ts';

makeBatches();

describe('a learner with helpers', { timeout: 240_000 }, () => {
  it('takes the steps that it takes alone, to the bit, whatever they compute and lose', async () => {
    const alone = await learnt(configOf(1));
    await using gradients = await openForGradients(configOf(1));
    const fates = fc.array(fc.constantFrom<Fate>('own', 'given', 'lost'), { minLength: 3, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fates, async (drawn) => {
        const { helpers, seen } = helpersOf(
          gradients,
          (pass) => ['given' as const, ...drawn][pass % (drawn.length + 1)]!,
        );
        expect(await learnt(configOf(1), helpers)).toEqual(alone);
        expect(seen.given).toBeGreaterThan(0);
      }),
      { numRuns: 2 },
    );
  });

  it('finds wrong gradients, takes the step again, and the fourth time alone', async () => {
    const alone = await learnt(configOf(1));
    await using gradients = await openForGradients(configOf(1));
    const { helpers, seen, rejected } = helpersOf(gradients, (pass) => (pass % 2 === 0 ? 'given' : 'wrong'));
    expect(await learnt(configOf(1), helpers)).toEqual(alone);
    expect(seen.wrong).toBe(6); // three tries of each of two steps
    expect(rejected).toEqual(
      Array.from({ length: 6 }, () => expect.stringMatching(/^its gradient .* differs .* by 2\.0 /)),
    );
  });
});
