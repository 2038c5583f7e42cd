import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areaChart, resample, sparkline } from '../../../src/cli/view/chart.ts';

const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 400 });

describe('areaChart', () => {
  it('draws eighths from the bottom up', () => {
    const { rows, low, high } = areaChart([0.5, 0.75, 1], 3, 2);
    expect([low, high]).toEqual([0.4, 1]);
    expect(rows).toEqual([' ▁█', '▃██']);
  });

  it('is as tall as asked, at most as wide, and holds every value within its edges', () => {
    fc.assert(
      fc.property(shares, fc.integer({ min: 1, max: 150 }), fc.integer({ min: 1, max: 8 }), (values, width, height) => {
        const { rows, low, high } = areaChart(values, width, height);
        expect(rows).toHaveLength(height);
        expect(new Set(rows.map((row) => row.length)).size).toBe(1);
        expect(rows[0]!.length).toBeLessThanOrEqual(width);
        expect(low).toBeLessThanOrEqual(Math.min(...values));
        expect(high).toBeGreaterThanOrEqual(Math.max(...values));
        expect(rows.at(-1)).not.toContain(' ');
      }),
    );
  });
});

describe('sparkline', () => {
  it('rises where the values rise', () => {
    fc.assert(
      fc.property(shares, (values) => {
        const line = sparkline(
          values.toSorted((a, b) => a - b),
          60,
        );
        expect([...line].toSorted((a, b) => a.codePointAt(0)! - b.codePointAt(0)!).join('')).toBe(line);
      }),
    );
  });

  it('is empty for no values', () => {
    expect(sparkline([], 10)).toBe('');
  });
});

describe('resample', () => {
  it('keeps the last value and the order', () => {
    expect(resample([1, 2, 3, 4, 5, 6], 3)).toEqual([2, 4, 6]);
    expect(resample([1, 2], 3)).toEqual([1, 2]);
  });
});
