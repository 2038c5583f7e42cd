import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { remedy, type Mildness } from '../../src/guardian/remedy.ts';

const OPTIONS = { maxTries: 3, rateFactor: 0.3, floorRise: 0.1 };
const settings: fc.Arbitrary<Mildness> = fc.record({
  learningRate: fc.double({ min: 1e-8, max: 1e-2, noNaN: true }),
  temperature: fc.double({ min: 0.1, max: 5, noNaN: true }),
  shareFloor: fc.double({ min: 0, max: 1, noNaN: true }),
});

describe('remedy', () => {
  it('is milder than what was trusted and than what there is, never the reverse', () => {
    fc.assert(
      fc.property(fc.nat(5), settings, settings, (tries, before, now) => {
        const found = remedy(tries, 7, before, now, OPTIONS);
        if (found.type === 'hold') return;
        expect(found.to).toBe(7);
        expect(found.settings.learningRate).toBeLessThan(Math.min(before.learningRate, now.learningRate));
        expect(found.settings.shareFloor).toBeGreaterThanOrEqual(now.shareFloor);
        expect(found.settings.temperature).toBe(before.temperature);
      }),
    );
  });

  it('gives up after the number of tries, whatever they changed, and goes back all the same', () => {
    fc.assert(
      fc.property(settings, (first) => {
        let now = first;
        const seen: string[] = [];
        for (let tries = 0; tries < 10; tries++) {
          const found = remedy(tries, 7, first, now, OPTIONS);
          seen.push(found.type);
          if (found.type === 'restart') now = found.settings;
          else expect(found).toMatchObject({ to: 7, why: expect.stringContaining('did not help') as string });
        }
        expect(seen).toEqual([...Array<string>(3).fill('restart'), ...Array<string>(7).fill('hold')]);
      }),
    );
  });

  it('holds where there is nothing to go back to', () => {
    const mild = { learningRate: 1e-5, temperature: 1, shareFloor: 0.6 };
    expect(remedy(0, null, mild, mild, OPTIONS)).toMatchObject({ type: 'hold', to: null });
  });
});
