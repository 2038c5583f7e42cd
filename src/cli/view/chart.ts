/** Draws charts with block characters. */

const EIGHTHS = ['', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const SHADES = [' ', '░', '▒', '▓', '█'] as const;

export interface Chart {
  /** Top to bottom, each `width` columns. */
  readonly rows: readonly string[];
  /** Values at the bottom and the top edge. */
  readonly low: number;
  readonly high: number;
}

/** Picks `columns` evenly spaced values, always including the last; fewer values are returned unchanged. */
export function resample<T>(values: readonly T[], columns: number): T[] {
  if (values.length <= columns) return [...values];
  return Array.from({ length: columns }, (_, i) => values[Math.round(((i + 1) * values.length) / columns) - 1]!);
}

/**
 * Draws one column per value, rising from `low`, `height` rows tall; every value shows at least the thinnest block.
 * Few values are drawn several columns wide, so that the chart keeps its width.
 */
export function areaChart(values: readonly number[], width: number, height: number): Chart {
  const [low, high] = bounds(values);
  const shown = stretch(resample(values, width), width);
  const levels = shown.map((value) => Math.max(1, Math.round(((value - low) / (high - low)) * height * 8)));
  const rows = Array.from({ length: height }, (_, row) => {
    const floor = (height - 1 - row) * 8;
    return levels.map((level) => EIGHTHS[Math.min(8, Math.max(0, level - floor))] || ' ').join('');
  });
  return { rows, low, high };
}

/** A chart of one row with the last `width` values. */
export function sparkline(values: readonly number[], width: number): string {
  return values.length === 0 ? '' : areaChart(values, width, 1).rows[0]!;
}

/** One column for each share in [0, 1], from a thin line at 0 to a full block at 1. */
export function bars(shares: readonly number[]): string {
  return shares.map((share) => EIGHTHS[Math.max(1, Math.min(8, Math.round(share * 8)))]).join('');
}

/** Shares in [0, 1] over time, as shades from a blank to a full block; null is a blank. At most `width` columns. */
export function shades(shares: readonly (number | null)[], width: number): string {
  const shown = stretch(resample(shares, width), width);
  return shown.map((share) => SHADES[Math.min(4, Math.floor((share ?? 0) * 5))]).join('');
}

/** Limits of the axis: whole tenths around the values, at least two tenths apart, within [0, 1]. */
function bounds(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  const low = Math.max(0, Math.floor(Math.min(...values) * 10 - 0.5) / 10);
  const high = Math.min(1, Math.ceil(Math.max(...values) * 10 + 1e-9) / 10);
  return high - low < 0.2 ? [Math.max(0, low - 0.1), Math.min(1, Math.max(high, low + 0.2))] : [low, high];
}

function stretch<T>(values: readonly T[], width: number): T[] {
  const times = Math.max(1, Math.min(4, Math.floor(width / Math.max(1, values.length))));
  return values.flatMap((value) => Array.from({ length: times }, () => value));
}
