/** Decides whether a noisy series that should stay level grows, as it does with a leak. */
import { median } from '../src/lib/median.ts';

/** Number of windows into which the series is cut; the slope is fitted through one value per window. */
const WINDOWS = 12;

export interface Trend {
  /** Values of the fitted line at the beginning and at the end. */
  readonly from: number;
  readonly to: number;
  /**
   * Kendall's tau, in [-1, 1]: the share of pairs of windows in which the later is higher, minus the share in which it
   * is lower.
   */
  readonly tau: number;
}

/**
 * Theil and Sen's line through the windows of a series: the median of the slopes of all pairs, which a fifth of
 * outliers does not bend.
 * @param of gives a window's value; use the minimum for memory that a collector empties now and then.
 */
export function trend(values: readonly number[], of: (window: readonly number[]) => number = median): Trend {
  const count = Math.min(WINDOWS, values.length);
  if (count === 0) throw new RangeError('no values to fit a trend to');
  const windows = Array.from({ length: count }, (_, i) =>
    of(values.slice(Math.floor((i * values.length) / count), Math.floor(((i + 1) * values.length) / count))),
  );
  const pairs = windows.flatMap((later, j) =>
    windows.slice(0, j).map((earlier, i) => ({ rise: later - earlier, apart: j - i })),
  );
  if (pairs.length === 0) return { from: windows[0]!, to: windows[0]!, tau: 0 };
  const slope = median(pairs.map(({ rise, apart }) => rise / apart));
  const level = median(windows.map((value, i) => value - slope * i));
  const tau = pairs.reduce((sum, { rise }) => sum + Math.sign(rise), 0) / pairs.length;
  return { from: level, to: level + slope * (count - 1), tau };
}

/**
 * True for growth that is neither noise (the windows rise together) nor small (it exceeds `share` of the initial value
 * and `floor`).
 */
export function grows({ from, to, tau }: Trend, share: number, floor: number): boolean {
  return tau > 0.5 && to - from > Math.max(share * Math.abs(from), floor);
}
