/** The two time axes: learner steps and clock time. */
import { number } from '../format.ts';
import type { Axis, Range } from './board.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const CLOCK = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 5, 10, 30, 100, 365].map((n) => n * DAY),
];
const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
];

const PARTS_OF_ONE = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];

/** Positions of the axis's marks: multiples of the smallest increment that leaves `space` pixels between them. */
export function marks(axis: Axis, { min, max }: Range, width: number, space: number): number[] {
  const atLeast = ((max - min) * space) / Math.max(1, width);
  // Learner steps are whole numbers; only the axis of a plug-in's chart can be shorter than 1.
  const steps = max - min < 1 ? PARTS_OF_ONE : STEPS;
  const increments = axis === 'steps' ? steps : CLOCK;
  const increment = increments.find((candidate) => candidate >= atLeast) ?? increments.at(-1)!;
  // Marks fall on whole hours and days of local time, not of UTC.
  const offset = axis === 'steps' ? 0 : new Date(min).getTimezoneOffset() * MINUTE;
  const found: number[] = [];
  for (let x = Math.ceil((min - offset) / increment) * increment + offset; x <= max; x += increment) found.push(x);
  return found;
}

export function markText(axis: Axis, x: number, range: Range): string {
  if (axis === 'steps') return number(x);
  const date = new Date(x);
  const length = range.max - range.min;
  if (length > 2 * DAY) return date.toLocaleDateString('en-CA').slice(5);
  const clock = date.toLocaleTimeString('en-GB');
  return length > 10 * MINUTE ? clock.slice(0, 5) : clock;
}
